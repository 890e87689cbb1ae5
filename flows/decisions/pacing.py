"""How often a schedule fires at most, against the tenant's guardrail."""

from datetime import timedelta
from typing import Final

from flows.ir.timing import CronSchedule, IntervalSchedule, Schedule
from kaireon.platform.cadence import CadenceError, read_cadence

# What a rule of RFC 5545 can repeat at most, by its frequency.
RRULE_GAPS: Final = {"SECONDLY": timedelta(seconds=1), "MINUTELY": timedelta(minutes=1)}


def schedule_problem(schedule: Schedule | None) -> tuple[str, str] | None:
    """Return the field of a schedule that cannot be read, and why; None when all can."""
    if not isinstance(schedule, CronSchedule):
        return None
    try:
        read_cadence(schedule.expression, schedule.timezone)
    except CadenceError as error:
        return ("timezone" if error.field == "timezone" else "expression"), error.message
    return None


def shortest_gap(schedule: Schedule | None) -> timedelta | None:
    """Return the least time between two runs of a schedule that can be read, or None where it is no matter."""
    if schedule is None or not schedule.enabled:
        return None
    if isinstance(schedule, IntervalSchedule):
        return timedelta(minutes=schedule.minutes)
    if isinstance(schedule, CronSchedule):
        return read_cadence(schedule.expression, schedule.timezone).shortest_gap()
    parts = dict(part.partition("=")[::2] for part in schedule.rule.upper().removeprefix("RRULE:").split(";"))
    gap = RRULE_GAPS.get(parts.get("FREQ", ""))
    interval = parts.get("INTERVAL", "1")
    return gap * int(interval) if gap and interval.isdigit() else None
