"""How a value reads in a sentence, and how much a figure has changed since the period before."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from reports.decisions.document import Cell, Figure, Unit

NO_VALUE: Final = "no value"
# Beyond these a share of the value before says nothing: what is told is the difference itself.
_MOST_RELATIVE: Final = Decimal(10)
_TOO_LONG: Final = Decimal(10) ** 15
_SLIGHT: Final = Decimal("0.01")
_GREATEST: Final = 308
# Two decimals would show what is smaller as zero.
_TINY: Final = Decimal("0.005")
_MOST_PLACES: Final = 40

Number = int | float | Decimal


@dataclass(frozen=True, slots=True)
class Change:
    """A change as it is shown: `direction` -1, 0 or 1; `by` without a sign, `signed` with one.

    `is_slight` is a change under one per cent of the value before, which may be called steady.
    """

    direction: int
    by: str
    signed: str
    is_slight: bool


def exact(value: Cell) -> Decimal | None:
    """Return a cell as a number, or None for what is none: texts, times, yes and no, NaN and infinities.

    What is beyond a double's range counts as infinite, or as zero.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite() or number.adjusted() > _GREATEST:
        return None
    return number if number.adjusted() > -_GREATEST else Decimal(0)


def format_value(value: Cell, unit: Unit, zone: str = "UTC") -> str:
    """Return a value as people read it; `zone` is the IANA name in which instants are shown."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return _instant(value, ZoneInfo(zone))
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        return value
    number = exact(value)
    return NO_VALUE if number is None else _format_number(number, unit)


def _instant(value: datetime, zone: ZoneInfo) -> str:
    """Write an instant to the minute with the zone's abbreviation; one without a zone is UTC."""
    aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    try:
        local = aware.astimezone(zone)
    except OverflowError:  # at the ends of the calendar it has no date there
        local = aware
    return f"{local.isoformat(sep=' ', timespec='minutes')[:16]} {local:%Z}"


def _format_number(number: Decimal, unit: Unit) -> str:
    if abs(number) >= _TOO_LONG:
        return f"{number:.3e}"
    match unit:
        case Unit.MONEY:
            return _grouped(number, 2)
        case Unit.RATIO:
            return f"{_grouped(number * 100, 1)} %"
        case Unit.MILLISECONDS:
            return f"{_grouped(number, 0 if abs(number) >= 10 else 1)} ms"
        case Unit.SECONDS:
            return _duration(number)
    return _plain_number(number)


def _plain_number(number: Decimal) -> str:
    if number == number.to_integral_value():
        return _grouped(number, 0)
    return f"{number.normalize():.2e}" if abs(number) < _TINY else _grouped(number, 2)


def _grouped(number: Decimal, places: int) -> str:
    text = f"{number:,.{places}f}"
    return text.removeprefix("-") if _reads_as_zero(text) else text


def _reads_as_zero(text: str) -> bool:
    return not any(digit in text for digit in "123456789")


def _duration(seconds: Decimal) -> str:
    if abs(seconds) < 60:
        return f"{_grouped(seconds, 1)} s"
    sign, whole = "-" if seconds < 0 else "", int(abs(seconds))
    if whole < 3600:
        return f"{sign}{whole // 60} m {whole % 60} s"
    return f"{sign}{whole // 3600:,} h {whole % 3600 // 60} m"


def change_of(figure: Figure, zone: str = "UTC") -> Change | None:
    """Return what a figure has changed by since the period before, or None when one of the two has no value.

    Two values that read the same are unchanged. A ratio changes by percentage points; anything else by a share of the
    value before, or by the difference itself where that was zero, of the other sign, or less than a tenth.
    """
    value, before = exact(figure.value), exact(figure.before)
    if value is None or before is None:
        return None
    if format_value(value, figure.unit, zone) == format_value(before, figure.unit, zone):
        return Change(direction=0, by="", signed="", is_slight=True)
    difference = abs(value - before)
    share = difference / abs(before) if before else None
    by = _by(figure.unit, difference, share if value * before >= 0 else None)
    direction = 1 if value > before else -1
    return Change(
        direction, by, f"{'+' if direction > 0 else '-'}{by}", is_slight=share is not None and share < _SLIGHT
    )


def _by(unit: Unit, difference: Decimal, share: Decimal | None) -> str:
    if unit is Unit.RATIO:
        return f"{_visible(difference * 100, 1)} percentage points"
    if share is not None and share <= _MOST_RELATIVE:
        return f"{_visible(share * 100, 1)} %"
    return format_value(difference, unit)


def _visible(number: Decimal, places: int) -> str:
    """Write a number with so many places, or with as many more as keep it from reading as zero."""
    if number >= _TOO_LONG:
        return f"{number:.3e}"
    while places < _MOST_PLACES and _reads_as_zero(f"{number:.{places}f}"):
        places += 1
    return _grouped(number, places)
