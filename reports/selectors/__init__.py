"""Questions to reporting: templates and schedules, runs and their files."""

from reports.selectors.artifacts import artifact_bytes, artifact_of, find_artifact
from reports.selectors.runs import (
    RunDelivery,
    deliveries_of,
    deliveries_of_runs,
    find_run,
    list_runs,
    runs_of,
)
from reports.selectors.schedules import count_schedules, find_schedule, list_schedules, schedule_standing
from reports.selectors.templates import (
    definition_errors,
    definition_of,
    destination_errors,
    find_template,
    list_templates,
)

__all__ = [
    "RunDelivery",
    "artifact_bytes",
    "artifact_of",
    "count_schedules",
    "definition_errors",
    "definition_of",
    "deliveries_of",
    "deliveries_of_runs",
    "destination_errors",
    "find_artifact",
    "find_run",
    "find_schedule",
    "find_template",
    "list_runs",
    "list_schedules",
    "list_templates",
    "runs_of",
    "schedule_standing",
]
