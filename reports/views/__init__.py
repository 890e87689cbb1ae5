"""Pages of reporting: the list, the editor with its live preview, schedules, and one run."""

from reports.views.acting import delete, resend, run_now
from reports.views.editing import compose, edit_report, new_report, preview, saved_preview
from reports.views.reading import history, report_list, row
from reports.views.runs import run_page
from reports.views.scheduling import (
    add_schedule,
    cadence,
    delete_schedule,
    edit_schedule,
    pause_schedule,
    resume_schedule,
)

__all__ = [
    "add_schedule", "cadence", "compose", "delete", "delete_schedule", "edit_report", "edit_schedule", "history",
    "new_report", "pause_schedule", "preview", "report_list", "resend", "resume_schedule", "row", "run_now", "run_page",
    "saved_preview",
]  # fmt: skip
