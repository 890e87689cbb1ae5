"""What the overview asks of reporting: which reports are due soon."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from kaireon.platform.tenancy.models import Tenant
from reports.decisions.vocabulary import ScheduleState
from reports.models import ReportSchedule

OUTLOOK_LIMIT = 50


@dataclass(frozen=True, slots=True)
class DueReport:
    """A report that goes out at a known time."""

    at: datetime
    template_id: uuid.UUID
    name: str
    text: str


def due_reports(tenant: Tenant, *, now: datetime, span: timedelta) -> list[DueReport]:
    """Return what goes out within the span, soonest first; what is due already stands at `now`. One query."""
    schedules = ReportSchedule.objects.for_tenant(tenant).filter(
        enabled=True, state=ScheduleState.ACTIVE, template__enabled=True, next_run_at__lte=now + span
    )
    found = schedules.select_related("template").order_by("next_run_at", "pk")[:OUTLOOK_LIMIT]
    return [_due(each, each.next_run_at, now) for each in found if each.next_run_at is not None]


def _due(schedule: ReportSchedule, at: datetime, now: datetime) -> DueReport:
    return DueReport(max(at, now), schedule.template_id, schedule.template.name, _text(schedule, is_due=at <= now))


def _text(schedule: ReportSchedule, *, is_due: bool) -> str:
    if is_due:
        return "is due and waits for a tick"
    count = len(schedule.destination_ids)
    # A schedule's destinations are its own; those of the report are for runs by hand.
    return (
        f"goes out to {count} destination{'' if count == 1 else 's'}" if count else "is made and kept, and sent nowhere"
    )
