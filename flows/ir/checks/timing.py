"""Whether a schedule means something: cron text, zones, recurrence rules, instants."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from dateutil.rrule import rrulestr

from flows.ir.checks.found import Check, Found, zone
from flows.ir.timing import CronSchedule, IntervalSchedule, RruleSchedule
from kaireon.platform.cadence import CadenceError, parse_cron

FREQUENCIES: Final = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY")
PARTS: Final = (
    "FREQ", "INTERVAL", "COUNT", "UNTIL", "BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYDAY", "BYHOUR",
    "BYMINUTE", "BYSETPOS", "WKST",
)  # fmt: skip
_PART: Final = re.compile(r"([A-Z]+)=([A-Z0-9,+-]+)", re.ASCII)
_LONGEST_MONTH: Final = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
_SOME_DAY: Final = datetime(2026, 1, 1, tzinfo=UTC)


def rule_refusal(text: str) -> str:
    """Say why a text is no recurrence rule (RFC 5545) that can be followed to the minute; empty when it is one."""
    parts: dict[str, str] = {}
    for part in text.removeprefix("RRULE:").split(";"):
        found = _PART.fullmatch(part)
        if found is None or found[1] not in PARTS or found[1] in parts:
            return f"{part[:60]!r} is not understood; parts are {', '.join(PARTS)}, each once, joined by ;"
        parts[found[1]] = found[2]
    if parts.get("FREQ") not in FREQUENCIES:
        return f"needs FREQ, one of {', '.join(FREQUENCIES)}"
    if "COUNT" in parts and "UNTIL" in parts:
        return "has COUNT or UNTIL, not both"
    if _names_no_day(parts):
        return "names a day that no month of the rule has"
    return _reading_refusal(text)


def _names_no_day(parts: Mapping[str, str]) -> bool:
    days = [int(day) for day in parts.get("BYMONTHDAY", "").split(",") if day.isdecimal()]
    months = [int(month) for month in parts.get("BYMONTH", "").split(",") if month.isdecimal()]
    longest = max((_LONGEST_MONTH.get(month, 31) for month in months), default=31)
    return bool(days) and "-" not in parts["BYMONTHDAY"] and min(days) > longest


def _reading_refusal(text: str) -> str:
    try:
        rrulestr(text, dtstart=_SOME_DAY)
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        return f"cannot be read: {str(error)[:120]}"
    return ""


def _cron(schedule: CronSchedule) -> Found:
    try:
        parse_cron(schedule.expression)
    except CadenceError as error:
        yield ("expression",), error.message
    yield from zone(schedule.timezone, "timezone")


def _interval(schedule: IntervalSchedule) -> Found:
    yield from _instant(schedule.anchor, "anchor", needs_zone=True)


def _rrule(schedule: RruleSchedule) -> Found:
    if refusal := rule_refusal(schedule.rule):
        yield ("rule",), refusal
    yield from _instant(schedule.dtstart, "dtstart", needs_zone=False)
    yield from zone(schedule.timezone, "timezone")


def _instant(text: str | None, key: str, *, needs_zone: bool) -> Found:
    """Yield a time that is none; one without an offset means the schedule's zone, where it has one."""
    if text is None:
        return
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        yield (key,), "is no time such as 2026-01-31T08:00:00Z"
        return
    if needs_zone and moment.tzinfo is None:
        yield (key,), "needs an offset or Z, such as 2026-01-31T08:00:00Z"


CHECKS: Final[Mapping[type, Check]] = {CronSchedule: _cron, IntervalSchedule: _interval, RruleSchedule: _rrule}
