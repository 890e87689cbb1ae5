"""What rows of the report pages show: a schedule in words with what holds it, a report with its runs, a run."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kaireon.platform.notifications.selectors import DestinationOverview, list_destinations
from kaireon.platform.tenancy.models import Tenant
from reports.decisions.cadence_words import say_cron
from reports.decisions.cadences import Standing, standing_of
from reports.decisions.vocabulary import RunStatus, ScheduleState
from reports.models import ReportRun, ReportSchedule
from reports.selectors.overview import ReportRow, is_late, may_fire

Names = Mapping[uuid.UUID, DestinationOverview]
REMEDIES = {
    ScheduleState.PARKED: "Open it and correct the cron expression or the timezone: saving frees it.",
    ScheduleState.PAUSED: "Resume it when the cause is gone.",
}


@dataclass(frozen=True, slots=True)
class ScheduleLine:
    """A schedule as lists show it; `remedy` is empty for one that goes out by itself."""

    schedule: ReportSchedule
    words: str
    standing: Standing
    remedy: str
    is_late: bool
    recipients: list[tuple[uuid.UUID, DestinationOverview | None]]

    @property
    def is_held(self) -> bool:
        """Tell whether it waits for a person."""
        return self.standing.state != ScheduleState.ACTIVE or not self.schedule.enabled


@dataclass(frozen=True, slots=True)
class ReportLine:
    """A report as the list shows it."""

    row: ReportRow
    schedules: list[ScheduleLine]
    next_line: ScheduleLine | None
    recipients: list[tuple[uuid.UUID, DestinationOverview | None]]
    run_state: str

    @property
    def is_running(self) -> bool:
        """Tell whether its newest run has not ended."""
        return self.row.last_run is not None and self.row.last_run.status == RunStatus.RUNNING


def names_of(tenant: Tenant) -> Names:
    """Return the tenant's destinations by id."""
    return {each.destination.pk: each for each in list_destinations(tenant.pk)}


def recipients_of(ids: Iterable[uuid.UUID], names: Names) -> list[tuple[uuid.UUID, DestinationOverview | None]]:
    """Return each destination that is named, None for one that was deleted."""
    return [(each, names.get(each)) for each in ids]


def schedule_line(schedule: ReportSchedule, names: Names, now: datetime) -> ScheduleLine:
    """Return what a row of a schedule shows."""
    standing = standing_of(
        state=schedule.state, reason=schedule.state_reason, next_run_at=schedule.next_run_at,
        expression=schedule.cron_expression, timezone=schedule.timezone,
    )  # fmt: skip
    is_parked = standing.state == ScheduleState.PARKED
    return ScheduleLine(
        schedule=schedule,
        words=schedule.cron_expression if is_parked else say_cron(schedule.cron_expression),
        standing=standing,
        remedy=REMEDIES.get(standing.state, ""),
        is_late=not is_parked and is_late(schedule, now),
        recipients=recipients_of(schedule.destination_ids, names),
    )


def report_line(row: ReportRow, names: Names, now: datetime) -> ReportLine:
    """Return what a row of a report shows."""
    lines = [schedule_line(each, names, now) for each in row.schedules]
    by_id = {line.schedule.pk: line for line in lines if not line.is_held}
    next_schedule = row.next_schedule
    return ReportLine(
        row=row,
        schedules=lines,
        next_line=by_id.get(next_schedule.pk) if next_schedule else None,
        recipients=recipients_of(row.recipient_ids, names),
        run_state=state_of(row.last_run),
    )


def state_of(run: ReportRun | None) -> str:
    """Return the word of the vocabulary for a run: the stage of one that is being made, else how it ended."""
    if run is None:
        return ""
    return str(run.stage) if run.status == RunStatus.RUNNING else str(run.status)


def delete_effect(schedules: Iterable[ReportSchedule]) -> dict[str, Any]:
    """Return what deleting a report takes along."""
    found = list(schedules)
    return {"schedules": len(found), "active": sum(may_fire(each) for each in found)}
