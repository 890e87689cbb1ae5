"""Cron text: five fields, read into sets of numbers; whatever is not understood is refused by name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Final

FORM: Final = "Give five fields: minute hour day-of-month month day-of-week, such as 0 9 * * 1-5."
LONGEST: Final = 200
_DAYS_OF_MONTHS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_PART: Final = re.compile(r"(?P<range>\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>\w+))?", re.ASCII)

# A day field that restricts nothing. `*/2` does, and so do 1-31 and 0-6, as whoever counts them out may mean.
_STARS: Final = ("*", "*/1")


class CadenceError(ValueError):
    """A cadence cannot be read; `field` is `cronExpression` or `timezone`."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


@dataclass(frozen=True, slots=True)
class _Field:
    """One of the five: its name, its limits, and the names that stand for numbers."""

    name: str
    low: int
    high: int
    names: Mapping[str, int]

    def read(self, text: str) -> frozenset[int]:
        """Return the numbers that the text names; raise CadenceError naming the field."""
        return frozenset(number for part in text.split(",") for number in self._read_part(part))

    def _read_part(self, part: str) -> range:
        found = _PART.fullmatch(part)
        if not found:
            raise self._error(f"{part!r} is not understood")
        if found["range"] == "*":
            first, last = self.low, self.high
        else:
            first = self._number(found["first"])
            # As in cron, `5/10` is every tenth from 5 on.
            last = self._number(found["last"]) if found["last"] else self.high if found["step"] else first
        if last < first:
            raise self._error(f"{part} runs backwards; give {found['first']}-{self.high},{self.low}-{found['last']}")
        step = 1 if found["step"] is None else int(found["step"]) if found["step"].isdigit() else 0
        if not 1 <= step <= self.high:
            raise self._error(f"the step of {part} must be from 1 to {self.high}")
        return range(first, last + 1, step)

    def _number(self, text: str) -> int:
        if text.upper() in self.names:
            return self.names[text.upper()]
        if not text.isdigit() or len(text) > 2 or not self.low <= int(text) <= self.high:
            raise self._error(f"{text} is not from {self.low} to {self.high}")
        return int(text)

    def _error(self, what: str) -> CadenceError:
        return CadenceError("cronExpression", f"{self.name}: {what}. {FORM}")


_MINUTE: Final = _Field("minute", 0, 59, {})
_HOUR: Final = _Field("hour", 0, 23, {})
_DAY: Final = _Field("day-of-month", 1, 31, {})
_MONTH: Final = _Field("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, start=1)})
# 0 and 7 are Sunday.
_WEEKDAY: Final = _Field("day-of-week", 0, 7, {name: number for number, name in enumerate(_WEEKDAYS)})


@dataclass(frozen=True)
class Cron:
    """What five fields name. Weekdays count from Sunday, 0; an hour is fixed if its field does not start with `*`."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    is_every_day: bool
    is_every_weekday: bool
    has_fixed_hour: bool

    @cached_property
    def times(self) -> tuple[int, ...]:
        """The minutes of a day that are named, in order."""
        return tuple(hour * 60 + minute for hour in self.hours for minute in self.minutes)

    def names_day(self, day: date) -> bool:
        """Tell whether a local date is named: when both day fields are restricted, either is enough, as in cron."""
        if day.month not in self.months:
            return False
        is_day, is_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return is_day and is_weekday if self.is_every_day or self.is_every_weekday else is_day or is_weekday


def parse_cron(text: str) -> Cron:
    """Read five fields; names of months and weekdays are understood in any case.

    Raises CadenceError for anything else: six fields, `@daily`, the `? L W #` of other dialects, a day of no month.
    """
    fields = re.findall(r"[^ \t]+", text) if len(text) <= LONGEST else []
    if len(fields) != 5:
        raise CadenceError("cronExpression", f"{_count(fields, text)}. {FORM}")
    minute, hour, day, month, weekday = fields
    cron = Cron(
        minutes=tuple(sorted(_MINUTE.read(minute))),
        hours=tuple(sorted(_HOUR.read(hour))),
        days=_DAY.read(day),
        months=_MONTH.read(month),
        weekdays=frozenset(number % 7 for number in _WEEKDAY.read(weekday)),
        is_every_day=day in _STARS,
        is_every_weekday=weekday in _STARS,
        has_fixed_hour=not hour.startswith("*"),
    )
    if cron.is_every_weekday and not any(min(cron.days) <= _DAYS_OF_MONTHS[number - 1] for number in cron.months):
        raise CadenceError("cronExpression", f"day-of-month: no such day in month {month}. {FORM}")
    return cron


def _count(fields: list[str], text: str) -> str:
    if len(text) > LONGEST:
        return f"The expression is longer than {LONGEST} characters"
    if text.strip().startswith("@"):
        return "Nicknames are not understood"
    return f"The expression has {len(fields)} field{'' if len(fields) == 1 else 's'}"
