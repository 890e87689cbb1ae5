"""A run as it is queued: what its template is now, so that a template that changes later changes no run."""

from datetime import datetime

from kaireon.platform.ids import new_id
from reports.decisions.runs import template_not_found
from reports.decisions.vocabulary import RunStatus, Stage, TriggeredBy
from reports.models import ReportOccurrence, ReportRun, ReportSchedule, ReportTemplate
from reports.selectors.templates import definition_of
from reports.services.isolating import in_one_line


def new_run(
    template: ReportTemplate, *, triggered_by: TriggeredBy, now: datetime, requested_by: str = "", zone: str = "UTC"
) -> ReportRun:
    """Return an unsaved run of a template, for its own destinations."""
    return ReportRun(
        id=new_id(), tenant_id=template.tenant_id, template=template, definition=definition_of(template).to_json(),
        zone=zone, destination_ids=list(dict.fromkeys(template.destination_ids)), triggered_by=triggered_by,
        requested_by=requested_by, created_at=now, started_at=now, data_until=now,
    )  # fmt: skip


def scheduled_run(
    schedule: ReportSchedule, template: ReportTemplate | None, occurrence: ReportOccurrence, now: datetime
) -> ReportRun:
    """Return an unsaved run for an occurrence; one that has failed already, and says why, when it cannot be made."""
    run = _readable(schedule, template, now)
    run.schedule, run.zone, run.skip_if_empty = schedule, schedule.timezone, schedule.skip_if_empty
    run.occurrence_at = run.data_until = occurrence.occurrence_at
    run.destination_ids = list(dict.fromkeys(schedule.destination_ids))
    return run


def _readable(schedule: ReportSchedule, template: ReportTemplate | None, now: datetime) -> ReportRun:
    reason = template_not_found(schedule.template_id)
    if template is not None:
        try:
            return new_run(template, triggered_by=TriggeredBy.CRON, now=now)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            # An older release or a restored backup left it; what people save is checked.
            reason = f"The template cannot be read: {in_one_line(error)}"
    return ReportRun(
        id=new_id(), tenant_id=schedule.tenant_id, template=template, definition={"name": schedule.name},
        created_at=now, started_at=now, triggered_by=TriggeredBy.CRON, status=RunStatus.FAILED, stage=Stage.DONE,
        finished_at=now, error=reason,
    )  # fmt: skip
