"""A cron expression as an English sentence, by cron-descriptor, in the reading that our cron has of it."""

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import groupby
from typing import Final

from cron_descriptor import FormatError, MissingFieldError, Options, get_description

from kaireon.platform.cadence import CadenceError, Cron, parse_cron

# Forms of the clock's fields that the library reads as we do: one number, a list, a range, a step over either end.
_PLAIN: Final = re.compile(r"\*|\d+|\d+(,\d+)+|\d+-\d+|(\*|\d+|\d+-\d+)/\d+")
# A list of more numbers than these is no longer a sentence.
_MOST_NUMBERS: Final = 12


@lru_cache(maxsize=1024)
def say_cron(expression: str) -> str:
    """Return a sentence such as `At 09:00, Monday through Friday`, or the expression where there is none.

    Raises CadenceError for text that is no expression.
    """
    cron = parse_cron(expression)
    rewritten = _rewrite(expression, cron)
    if not rewritten:
        return expression
    options = Options(locale_code="en_US", use_24hour_time_format=True)
    try:
        return get_description(rewritten, options) or expression
    except (FormatError, MissingFieldError, ValueError, IndexError):
        return expression


def say_kept(expression: str) -> str:
    """Return the words of a schedule's expression, whatever it holds: a parked one may hold anything."""
    try:
        return say_cron(expression)
    except CadenceError:
        return expression


def _rewrite(expression: str, cron: Cron) -> str:
    """Spell out what the library reads otherwise: steps of months and weekdays, lists with steps in them."""
    minute, hour, day, _, _ = expression.split()
    minute = _clock(minute, cron.minutes)
    hour = _clock(hour, cron.hours)
    days = "*" if cron.is_every_day else _clock(day, sorted(cron.days))
    months = "*" if len(cron.months) == 12 else _runs(cron.months)
    # Sunday is 7 here, so that a weekend is a run.
    weekdays = "*" if cron.is_every_weekday else _runs(number or 7 for number in cron.weekdays)
    fields = [minute, hour, days, months, weekdays]
    return " ".join(fields) if all(fields) else ""


def _clock(field: str, numbers: Iterable[int]) -> str:
    if _PLAIN.fullmatch(field):
        return "*" if field == "*/1" else field
    listed = list(numbers)
    return _runs(listed) if len(listed) <= _MOST_NUMBERS else ""


def _runs(numbers: Iterable[int]) -> str:
    """Return numbers as cron text, three and more in a row as a range."""
    parts = []
    for _, run in groupby(enumerate(sorted(numbers)), key=lambda pair: pair[1] - pair[0]):
        values = [value for _, value in run]
        parts += [f"{values[0]}-{values[-1]}"] if len(values) > 2 else [str(value) for value in values]
    return ",".join(parts)
