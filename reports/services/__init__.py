"""What reporting does: keep templates and schedules, make runs of them, deliver what was made."""

from reports.services.announcing import schedule_health_key
from reports.services.exporting import export_definition
from reports.services.keeping import RunArtifacts
from reports.services.previewing import Preview, preview_definition
from reports.services.requesting import run_template
from reports.services.resending import resend_run
from reports.services.running import work_off_runs
from reports.services.schedules import (
    create_report,
    create_schedule,
    delete_schedule,
    pause_schedule,
    resume_schedule,
    update_schedule,
)
from reports.services.settling import settle_runs
from reports.services.templates import create_template, delete_template, update_template
from reports.services.ticking import ReportError, ReportTick, run_tick
from reports.services.usage import NarrationLedger

__all__ = [
    "NarrationLedger",
    "Preview",
    "ReportError",
    "ReportTick",
    "RunArtifacts",
    "create_report",
    "create_schedule",
    "create_template",
    "delete_schedule",
    "delete_template",
    "export_definition",
    "pause_schedule",
    "preview_definition",
    "resend_run",
    "resume_schedule",
    "run_template",
    "run_tick",
    "schedule_health_key",
    "settle_runs",
    "update_schedule",
    "update_template",
    "work_off_runs",
]
