"""Which instants a report covers: calendar days of a zone, the last of them so far, and the same stretch before.

The period before has the same shape: seven days of which the last is at ten in the morning are compared with the seven
days before them up to their ten in the morning. Instants are UTC, periods half-open.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

_ONE_DAY: Final = timedelta(days=1)
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Stretch(NamedTuple):
    """Time from `start` (included) to `end` (excluded)."""

    start: datetime
    end: datetime

    @property
    def days(self) -> float:
        """Return how many times twenty-four hours it has."""
        return (self.end - self.start) / _ONE_DAY


class Day(NamedTuple):
    """A calendar day of a zone, or as much of it as a period holds; a day of a clock change has 23 or 25 hours."""

    date: date
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Period:
    """What a section covers, and the stretch that it is compared with."""

    current: Stretch
    before: Stretch
    zone: str

    @property
    def days(self) -> list[Day]:
        """Return the calendar days of the current stretch, oldest first."""
        return days_of(self.current, self.zone)

    @property
    def days_before(self) -> list[Day]:
        """Return the calendar days of the stretch before, oldest first."""
        return days_of(self.before, self.zone)


def last_days(until: datetime, days: int, zone: str, *, baseline_days: int | None = None) -> Period:
    """Return the last `days` calendar days, of which the last one ends at `until`.

    The stretch before is as many days earlier, or, with `baseline_days`, the whole days right before it.
    """
    last = last_date(until, zone)
    start = midnight(last - (days - 1) * _ONE_DAY, zone)
    if baseline_days is not None:
        before = Stretch(midnight(last - (days - 1 + baseline_days) * _ONE_DAY, zone), start)
    else:
        before = Stretch(midnight(last - (2 * days - 1) * _ONE_DAY, zone), min(start, _days_earlier(until, days, zone)))
    return Period(Stretch(start, until.astimezone(UTC)), before, zone)


def last_hours(until: datetime, hours: int, zone: str) -> Period:
    """Return the last `hours` real hours, and as many before them."""
    end, width = until.astimezone(UTC), timedelta(hours=hours)
    return Period(Stretch(end - width, end), Stretch(end - 2 * width, end - width), zone)


def between_dates(first: date, last: date, zone: str) -> Stretch:
    """Return the calendar days from `first` to `last`, both included."""
    return Stretch(midnight(first, zone), midnight(last + _ONE_DAY, zone))


def last_date(until: datetime, zone: str) -> date:
    """Return the day in which a period that ends at `until` (excluded) has its last moment."""
    return (until.astimezone(UTC) - timedelta.resolution).astimezone(ZoneInfo(zone)).date()


def midnight(day: date, zone: str) -> datetime:
    """Return the first instant of a calendar day, also where the clock skips midnight or shows it twice."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def days_of(stretch: Stretch, zone: str) -> list[Day]:
    """Return the calendar days of a stretch, the first and the last as far as it holds them."""
    start, end = stretch
    if start >= end:
        return []
    first, last = start.astimezone(ZoneInfo(zone)).date(), last_date(end, zone)
    edges = [midnight(first + number * _ONE_DAY, zone) for number in range((last - first).days + 2)]
    return [
        Day(first + number * _ONE_DAY, max(start, opens), min(end, closes))
        for number, (opens, closes) in enumerate(pairwise(edges))
    ]


def describe_period(stretches: Iterable[Stretch], zone: str) -> str:
    """Return the days from the first to the last of the stretches: `14 to 20 Nov 2026`; empty without any."""
    known = list(stretches)
    if not known:
        return ""
    start, end = min(each.start for each in known), max(each.end for each in known)
    return describe_dates(start.astimezone(ZoneInfo(zone)).date(), last_date(end, zone))


def describe_dates(first: date, last: date) -> str:
    """Return two days in words, without saying a month or a year twice."""
    until = f"{last.day} {_MONTHS[last.month - 1]} {last.year}"
    if first >= last:
        return until
    if first.year != last.year:
        return f"{first.day} {_MONTHS[first.month - 1]} {first.year} to {until}"
    if first.month != last.month:
        return f"{first.day} {_MONTHS[first.month - 1]} to {until}"
    return f"{first.day} to {until}"


def _days_earlier(until: datetime, days: int, zone: str) -> datetime:
    """Return the same time of the clock so many days before.

    In a repeated hour that is the first pass, in a gap as far behind its start: the same day in either case.
    """
    local = until.astimezone(ZoneInfo(zone)).replace(fold=0)
    return (local - days * _ONE_DAY).astimezone(UTC)
