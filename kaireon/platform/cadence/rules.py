"""Recurrence text: the RRULE of RFC 5545, read into sets of numbers; what cannot be followed is refused by name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Final

from kaireon.platform.cadence.cron import CadenceError

PREFIX: Final = "RRULE:"
LONGEST: Final = 500
# Further ahead nobody plans; a COUNT is counted through once, in a few milliseconds.
MAX_INTERVAL: Final = 999_999
MAX_COUNT: Final = 10_000
# What costs more than a few milliseconds to follow: times that BYSETPOS chooses among in a period, steps further apart
# than ten years, counts of small steps over more than ten.
MAX_CHOICE: Final = 400
MAX_YEARS: Final = 10
_YEAR_MINUTES: Final = 366 * 1_440
WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
PARTS: Final = (
    "FREQ", "INTERVAL", "COUNT", "UNTIL", "BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYDAY", "BYHOUR",
    "BYMINUTE", "BYSETPOS", "WKST",
)  # fmt: skip
_PART: Final = re.compile(r"([A-Z]+)=([A-Z0-9,+-]+)", re.ASCII)
_UNTIL: Final = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?\d{1,6}", re.ASCII)
_DAY: Final = re.compile(rf"([+-]?\d{{1,2}})?({'|'.join(WEEKDAYS)})", re.ASCII)


class Frequency(IntEnum):
    """How large a period is; every INTERVAL-th of them counts. Seconds are too small for a schedule."""

    YEARLY = 0
    MONTHLY = 1
    WEEKLY = 2
    DAILY = 3
    HOURLY = 4
    MINUTELY = 5


_MINUTES: Final = {
    Frequency.YEARLY: 365 * 1_440, Frequency.MONTHLY: 28 * 1_440, Frequency.WEEKLY: 7 * 1_440, Frequency.DAILY: 1_440,
    Frequency.HOURLY: 60, Frequency.MINUTELY: 1,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule names; None, or nothing, where it leaves a part out. Weekdays count from Monday, 0.

    A weekday without an ordinal has 0. `until` is UTC.
    """

    frequency: Frequency
    interval: int
    count: int | None
    until: datetime | None
    months: frozenset[int]
    month_days: frozenset[int]
    year_days: frozenset[int]
    week_numbers: frozenset[int]
    weekdays: frozenset[tuple[int, int]]
    hours: tuple[int, ...]
    minutes: tuple[int, ...]
    positions: tuple[int, ...]
    week_start: int

    @property
    def names_days(self) -> bool:
        """Tell whether any part but BYMONTH names days; otherwise the start does."""
        return bool(self.month_days or self.year_days or self.week_numbers or self.weekdays)


def parse_rule(text: str) -> Rule:
    """Read a rule, with `RRULE:` before it or not.

    Raises CadenceError of the field `rule` for anything that is unknown, doubled, out of bounds, finer than a minute,
    or that the RFC forbids and libraries silently drop.
    """
    parts = _split(text)
    if "COUNT" in parts and "UNTIL" in parts:
        raise _error("has COUNT or UNTIL, not both")
    frequency = _frequency(parts)
    weekdays = frozenset(_weekday(day) for day in _listed(parts, "BYDAY"))
    if frequency > Frequency.MONTHLY and any(ordinal for _, ordinal in weekdays):
        raise _error("BYDAY counts weekdays, as 1MO does, with FREQ=MONTHLY or FREQ=YEARLY alone")
    if frequency > Frequency.YEARLY and "BYWEEKNO" in parts:
        raise _error("BYWEEKNO goes with FREQ=YEARLY alone")
    rule = Rule(
        frequency=frequency,
        interval=_single(parts, "INTERVAL", 1, MAX_INTERVAL) or 1,
        count=_single(parts, "COUNT", 1, MAX_COUNT),
        until=_until(parts),
        months=_numbers(parts, "BYMONTH", 1, 12),
        month_days=_numbers(parts, "BYMONTHDAY", 1, 31, is_signed=True),
        year_days=_numbers(parts, "BYYEARDAY", 1, 366, is_signed=True),
        week_numbers=_numbers(parts, "BYWEEKNO", 1, 53, is_signed=True),
        weekdays=weekdays,
        hours=tuple(sorted(_numbers(parts, "BYHOUR", 0, 23))),
        minutes=tuple(sorted(_numbers(parts, "BYMINUTE", 0, 59))),
        positions=tuple(sorted(_numbers(parts, "BYSETPOS", 1, 366, is_signed=True))),
        week_start=_week_start(parts),
    )
    _require_bounded(rule)
    return rule


def _require_bounded(rule: Rule) -> None:
    """Refuse what could be read and would take long to follow."""
    if rule.interval * _MINUTES[rule.frequency] > MAX_YEARS * _YEAR_MINUTES:
        raise _error(f"has an INTERVAL of more than {MAX_YEARS} years")
    is_fine = rule.frequency > Frequency.DAILY
    if is_fine and (rule.count or 0) * rule.interval * _MINUTES[rule.frequency] > MAX_YEARS * _YEAR_MINUTES:
        raise _error(f"has a COUNT that reaches further than {MAX_YEARS} years; give an UNTIL instead")
    if rule.positions:
        _require_few(rule)


def _require_few(rule: Rule) -> None:
    """Refuse a BYSETPOS that chooses among very many times, or a place that no period has."""
    days, weeks = {Frequency.YEARLY: (366, 53), Frequency.MONTHLY: (31, 5), Frequency.WEEKLY: (7, 1)}.get(
        rule.frequency, (1, 1)
    )
    named = min(days, len(rule.weekdays) * weeks) if rule.weekdays else days
    if rule.frequency <= Frequency.DAILY:
        choice = named * max(len(rule.hours), 1) * max(len(rule.minutes), 1)
    else:
        choice = max(len(rule.minutes), 1) if rule.frequency is Frequency.HOURLY else 1
    if choice > MAX_CHOICE:
        raise _error(f"has a BYSETPOS that chooses among more than {MAX_CHOICE} times; name fewer days, hours, minutes")
    if min(abs(place) for place in rule.positions) > choice:
        raise _error(f"is never due: no period has as many times as BYSETPOS asks for, {choice} at most")


def _split(text: str) -> dict[str, str]:
    if len(text) > LONGEST:
        raise _error(f"is longer than {LONGEST} characters")
    parts: dict[str, str] = {}
    for part in text.removeprefix(PREFIX).split(";"):
        found = _PART.fullmatch(part)
        if found is None or found[1] not in PARTS or found[1] in parts:
            raise _error(f"{part[:60]!r} is not understood; parts are {', '.join(PARTS)}, each once, joined by ;")
        parts[found[1]] = found[2]
    return parts


def _frequency(parts: Mapping[str, str]) -> Frequency:
    name = parts.get("FREQ", "")
    if name not in Frequency.__members__:
        finer = "; a schedule is followed to the minute" if name == "SECONDLY" else ""
        raise _error(f"needs FREQ, one of {', '.join(Frequency.__members__)}{finer}")
    return Frequency[name]


def _single(parts: Mapping[str, str], name: str, low: int, high: int) -> int | None:
    text = parts.get(name)
    if text is None:
        return None
    if not text.isdigit() or len(text) > 12 or not low <= int(text) <= high:
        more = "; for more, give an UNTIL" if name == "COUNT" and text.isdigit() and text.strip("0") else ""
        raise _error(f"cannot be read: {name} must be a number from {low} to {high:,}{more}")
    return int(text)


def _listed(parts: Mapping[str, str], name: str) -> list[str]:
    return parts[name].split(",") if name in parts else []


def _numbers(parts: Mapping[str, str], name: str, low: int, high: int, *, is_signed: bool = False) -> frozenset[int]:
    found = set()
    for text in _listed(parts, name):
        number = int(text) if _NUMBER.fullmatch(text) else None
        if number is None or not low <= (abs(number) if is_signed else number) <= high:
            sign = f", or from -{high} to -{low}" if is_signed else ""
            raise _error(f"cannot be read: {name} has {text[:20]!r}, which is not from {low} to {high}{sign}")
        found.add(number)
    return frozenset(found)


def _weekday(text: str) -> tuple[int, int]:
    found = _DAY.fullmatch(text)
    ordinal = int(found[1]) if found and found[1] else 0
    if found is None or (found[1] and not 1 <= abs(ordinal) <= 53):
        raise _error(f"cannot be read: BYDAY has {text[:20]!r}; days are {', '.join(WEEKDAYS)}, or counted, as -1FR")
    return WEEKDAYS.index(found[2]), ordinal


def _week_start(parts: Mapping[str, str]) -> int:
    text = parts.get("WKST", "MO")
    if text not in WEEKDAYS:
        raise _error(f"cannot be read: WKST must be one of {', '.join(WEEKDAYS)}")
    return WEEKDAYS.index(text)


def _until(parts: Mapping[str, str]) -> datetime | None:
    text = parts.get("UNTIL")
    if text is None:
        return None
    try:
        if not _UNTIL.fullmatch(text):
            raise ValueError
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise _error("cannot be read: UNTIL must be a time in UTC such as 20270131T080000Z") from None


def _error(what: str) -> CadenceError:
    return CadenceError("rule", what)
