"""Set schedules right after a clock that was ahead: what it decided early must not silence what is still to come."""

import logging
import uuid
from datetime import datetime

from django.db import transaction

from kaireon.platform.cadence import CadenceError, read_cadence
from reports.decisions.occurrences import GRACE
from reports.decisions.vocabulary import OccurrenceOutcome, ScheduleState
from reports.models import ReportOccurrence, ReportSchedule

logger = logging.getLogger(__name__)

BATCH = 200


@transaction.atomic(durable=True)
def set_clocks_right(*, now: datetime, tenant_id: uuid.UUID | None = None) -> int:
    """Give the schedules that were decided ahead of time their next time from now on; return how many there were.

    Occurrences to come that had no run are free again; those that had one stay, so that nobody is told of one twice.
    """
    rows = ReportSchedule.objects.across_tenants().filter(
        enabled=True, state=ScheduleState.ACTIVE, last_occurrence_at__gt=now + GRACE, next_run_at__gt=now
    )
    rows = rows if tenant_id is None else rows.filter(tenant_id=tenant_id)
    ahead = list(rows.select_for_update(skip_locked=True).order_by("pk")[:BATCH])
    for schedule in ahead:
        _set_right(schedule, now)
    return len(ahead)


def _set_right(schedule: ReportSchedule, now: datetime) -> None:
    try:
        next_run_at = read_cadence(schedule.cron_expression, schedule.timezone).next(now)
    except CadenceError:
        # The tick that finds it due parks it, with the reason.
        next_run_at = now
    logger.warning(
        "report schedule was decided ahead of time",
        extra={"event": "reports.clock_ahead", "scheduleId": str(schedule.pk), "tenantId": str(schedule.tenant_id)},
    )
    early = ReportOccurrence.objects.for_tenant(schedule.tenant_id).filter(schedule=schedule, occurrence_at__gt=now)
    early.exclude(outcome__in=[OccurrenceOutcome.RUN, OccurrenceOutcome.SKIPPED_EMPTY]).delete()
    schedule.next_run_at, schedule.last_occurrence_at, schedule.updated_at = next_run_at, now, now
    # A run that seems to have begun later than now would stand as the last one, whatever became of those after it.
    schedule.last_run_at = min(schedule.last_run_at, now) if schedule.last_run_at else None
    schedule.save(update_fields=["next_run_at", "last_occurrence_at", "last_run_at", "updated_at"])
