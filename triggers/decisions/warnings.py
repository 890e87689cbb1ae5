"""What is worth knowing of a schedule before it is saved: clock changes, surprises of cron, rules that end."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any, Final
from zoneinfo import ZoneInfo

from kaireon.platform.cadence import Rule, parse_cron, parse_rule
from triggers.decisions.timetable import CRON, RRULE, Timetable

_DAY: Final = timedelta(days=1)
_YEAR_DAYS: Final = 366
# Of one changing day so many occurrences are looked at.
_LOOKED_AT: Final = 130
_LONGEST_FEBRUARY: Final = 28


def warnings_of(spec: Mapping[str, Any], timetable: Timetable, *, now: datetime, tick: timedelta) -> list[str]:
    """Return a sentence for each thing that may surprise; `tick` is how far apart two ticks are."""
    found: list[str] = []
    if timetable.kind == CRON:
        found += _cron_warnings(spec["expression"])
    if timetable.kind == RRULE:
        found += _rule_warnings(parse_rule(spec["rule"]), timetable, now)
    found += _gap_warnings(spec, timetable.shortest_gap(), tick)
    return [*found, *_clock_warnings(timetable, now)]


def _cron_warnings(expression: str) -> Iterator[str]:
    cron = parse_cron(expression)
    minute, hour, *_ = expression.split()
    for field, numbers, whole, anew in ((minute, cron.minutes, 60, "hour"), (hour, cron.hours, 24, "day")):
        if field.startswith("*/") and whole % int(field[2:]):
            yield f"{field} begins anew each {anew}: its last step is {whole - numbers[-1]}, not {field[2:]}."
    if not cron.is_every_day and not cron.is_every_weekday:
        yield "Day of month and day of week are both restricted: it is due on days that either names, as in cron."
    if cron.is_every_weekday and min(cron.days) > _LONGEST_FEBRUARY:
        yield f"It is not due in months without a day {min(cron.days)}."


def _rule_warnings(rule: Rule, timetable: Timetable, now: datetime) -> Iterator[str]:
    days = rule.month_days
    if days and min(days) > _LONGEST_FEBRUARY and not rule.weekdays:
        yield f"It is not due in months without a day {min(days)}."
    if timetable.next(now) is None:
        yield "Nothing more comes: the rule has ended."
    elif rule.until is not None:
        yield f"It ends: nothing comes after {rule.until:%Y-%m-%d %H:%M} UTC."
    elif rule.count is not None:
        left = len(list(islice(timetable.upcoming(now), rule.count)))
        yield f"It ends: {left:,} of {rule.count:,} are left."


def _gap_warnings(spec: Mapping[str, Any], gap: timedelta | None, tick: timedelta) -> Iterator[str]:
    if gap is None:
        return
    if gap < tick and spec.get("catchUp") != "all":
        yield f"Ticks are {_span(tick)} apart: of what is due between two of them, the latest stands for the others."
    jitter = timedelta(seconds=spec.get("jitterSeconds", 0))
    if jitter >= gap:
        yield f"Jitter of up to {_span(jitter)} may reach the next occurrence, {_span(gap)} later."


def _clock_warnings(timetable: Timetable, now: datetime) -> Iterator[str]:
    """Say what the clock changes of the coming year do, a sentence for each day that they touch."""
    day = now.astimezone(timetable.zone).date()
    for _ in range(_YEAR_DAYS):
        if _midnight(day, timetable.zone).utcoffset() != _midnight(day + _DAY, timetable.zone).utcoffset():
            begins = _midnight(day, timetable.zone) - timedelta(seconds=1)
            noted = (each for each in timetable.forecast(begins, _LOOKED_AT) if each.note and each.local.date() == day)
            yield from (f"{day}: due at {each.local:%H:%M}, {each.note}." for each in islice(noted, 1))
        day += _DAY


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _span(span: timedelta) -> str:
    minutes, seconds = divmod(int(span.total_seconds()), 60)
    return f"{minutes} min" if not seconds else f"{minutes * 60 + seconds} s"
