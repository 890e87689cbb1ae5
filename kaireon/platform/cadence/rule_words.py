"""A recurrence rule as an English sentence, such as `Every 2 weeks on Monday and Friday at 09:00`."""

from collections.abc import Callable, Collection, Iterable
from typing import Final

from kaireon.platform.cadence.cron import CadenceError
from kaireon.platform.cadence.rules import Rule, parse_rule

_UNITS: Final = ("year", "month", "week", "day", "hour", "minute")
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_MOST: Final = 7
_ENDINGS: Final = {1: "st", 2: "nd", 3: "rd"}


def say_rule(text: str) -> str:
    """Return the rule in words; the rule itself where there are none, or where it cannot be read."""
    try:
        rule = parse_rule(text)
    except CadenceError:
        return text
    has_no_words = rule.positions or rule.year_days or rule.week_numbers or len(rule.hours) > _MOST
    return text if has_no_words or len(rule.minutes) > _MOST else " ".join(part(rule) for part in _PARTS if part(rule))


def _every(rule: Rule) -> str:
    unit = _UNITS[rule.frequency]
    return f"Every {unit}" if rule.interval == 1 else f"Every {rule.interval:,} {unit}s"


def _on(rule: Rule) -> str:
    weekdays = [_weekday(*each) for each in sorted(rule.weekdays, key=lambda each: (each[0], each[1]))]
    days = ["the last day" if day == -1 else _counted(day, "day") for day in sorted(rule.month_days)]
    found = [
        *([f"on {_listed(days)}"] if days else []),
        *([f"{'where it is' if days else 'on'} {_listed(weekdays)}"] if weekdays else []),
        *([f"in {_listed(_MONTHS[month - 1] for month in sorted(rule.months))}"] if rule.months else []),
    ]
    return " ".join(found)


def _at(rule: Rule) -> str:
    if rule.hours and rule.minutes and len(rule.hours) * len(rule.minutes) <= _MOST:
        return f"at {_listed(f'{hour:02}:{minute:02}' for hour in rule.hours for minute in rule.minutes)}"
    hours = f"in the hours {_listed(str(hour) for hour in rule.hours)}" if rule.hours else ""
    minutes = f"at the minutes {_listed(str(minute) for minute in rule.minutes)}" if rule.minutes else ""
    return f"{minutes} {hours}".strip()


def _ends(rule: Rule) -> str:
    if rule.count is not None:
        return "once" if rule.count == 1 else f"{rule.count:,} times"
    return "" if rule.until is None else f"until {rule.until:%Y-%m-%d %H:%M} UTC"


def _weekday(day: int, ordinal: int) -> str:
    return _DAYS[day] if ordinal == 0 else f"the last {_DAYS[day]}" if ordinal == -1 else _counted(ordinal, _DAYS[day])


def _counted(number: int, what: str) -> str:
    size = abs(number)
    ending = "th" if 10 < size % 100 < 14 else _ENDINGS.get(size % 10, "th")
    return f"the {size}{ending} {what}" if number > 0 else f"the {size}{ending} {what} from the end"


def _listed(names: Iterable[str]) -> str:
    every: Collection[str] = list(names)
    *before, last = every
    return f"{', '.join(before)} and {last}" if before else last


_PARTS: Final[tuple[Callable[[Rule], str], ...]] = (_every, _on, _at, _ends)
