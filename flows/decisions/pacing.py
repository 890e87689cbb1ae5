"""How often a schedule fires at most, against the tenant's guardrail, and whether it fires at all."""

from datetime import datetime, timedelta
from typing import Final

from flows.ir.timing import CronSchedule, IntervalSchedule, RruleSchedule, Schedule
from kaireon.platform.cadence import CadenceError, Recurrence, load_zone, never_due, read_cadence, read_recurrence

# What a schedule that was just saved still fires for (the triggers area looks so far back).
LOOK_BACK: Final = timedelta(hours=24)
_SOME_DAY: Final = datetime(2026, 1, 1)  # noqa: DTZ001 - in the schedule's zone


def schedule_problem(
    schedule: Schedule | None, *, now: datetime | None = None, created_at: datetime | None = None
) -> tuple[str, str] | None:
    """Return the field of a schedule that cannot be, and why; None when all is well.

    With `now` a rule that has ended is a problem too, unless the schedule is off. `created_at` is when a rule without
    `dtstart` begins: with its pipeline, which is about to be made where it is None.
    """
    try:
        if isinstance(schedule, CronSchedule):
            read_cadence(schedule.expression, schedule.timezone)
        elif isinstance(schedule, RruleSchedule) and schedule.enabled and now is not None:
            refusal = _ended(schedule, now, created_at or now)
            return ("rule", refusal) if refusal else None
    except CadenceError as error:
        return ("expression" if error.field == "cronExpression" else error.field), error.message
    return None


def shortest_gap(schedule: Schedule | None, *, begins_at: datetime | None = None) -> timedelta | None:
    """Return the least time between two runs of a schedule that can be read, or None where it is no matter.

    `begins_at` is when a rule without `dtstart` begins. Raises CadenceError for one that cannot be read.
    """
    if schedule is None or not schedule.enabled:
        return None
    if isinstance(schedule, IntervalSchedule):
        return timedelta(minutes=schedule.minutes)
    if isinstance(schedule, CronSchedule):
        return read_cadence(schedule.expression, schedule.timezone).shortest_gap()
    return _read(schedule, begins_at).shortest_gap()


def _ended(schedule: RruleSchedule, now: datetime, created_at: datetime) -> str:
    recurrence = _read(schedule, created_at)
    if recurrence.until is not None and recurrence.until <= now:
        return f"has ended: its UNTIL, {recurrence.until:%Y-%m-%d %H:%M} UTC, has passed"
    if never := never_due(schedule.rule, dtstart=recurrence.expansion.start, zone=recurrence.zone):
        return never
    if recurrence.next(now - LOOK_BACK) is None:
        return "has ended: its COUNT has been reached"
    return ""


def _read(schedule: RruleSchedule, begins_at: datetime | None) -> Recurrence:
    zone = load_zone(schedule.timezone)
    if schedule.dtstart is not None:
        return read_recurrence(schedule.rule, dtstart=datetime.fromisoformat(schedule.dtstart), zone=zone)
    return read_recurrence(schedule.rule, dtstart=begins_at or _SOME_DAY, zone=zone)
