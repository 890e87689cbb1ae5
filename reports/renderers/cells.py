"""How a cell reads in a PDF, an HTML page or Markdown; CSV keeps the values as they are.

Figures read as they do in the narrative (`reports.decisions.narrative.figures`), so that a text and its table agree.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from reports.decisions.document import Cell, Column, Unit
from reports.decisions.narrative.figures import exact, format_value

NOTHING: Final = "–"
# What no renderer may print: controls, characters that reorder text, halves of surrogate pairs, non-characters.
UNPRINTABLE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff]"
)
_SPACES: Final = re.compile("[ \t\r\n\v\f\x1c-\x1f\x85\u2028\u2029]+")
_WHOLE: Final = frozenset({Unit.COUNT, Unit.NUMBER})
_GREATEST_WHOLE: Final = 10**15

RIGHT_ALIGNED: Final = frozenset({Unit.COUNT, Unit.NUMBER, Unit.MONEY, Unit.RATIO, Unit.MILLISECONDS, Unit.SECONDS})

CellWriter = Callable[[Cell], str]


def clean(text: str) -> str:
    """Return a text on one line without what hides, reorders or cannot be encoded; half a surrogate pair shows as �."""
    if not UNPRINTABLE.search(text):
        return text
    return UNPRINTABLE.sub(_replacement, _SPACES.sub(" ", text))


def _replacement(found: re.Match[str]) -> str:
    return "\ufffd" if "\ud800" <= found[0] <= "\udfff" or found[0] == "\x00" else ""


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a text that are not empty, cleaned."""
    lines = (clean(line).strip() for line in re.split("[\r\n\v\f\x85\u2028\u2029]+", text))
    return [line for line in lines if line]


def is_right(column: Column) -> bool:
    """Tell whether a column's values stand on the right."""
    return column.unit in RIGHT_ALIGNED


def cell_writer(column: Column, zone: str) -> CellWriter:
    """Return what writes the column's cells for people; instants in `zone`, an IANA name, with its abbreviation."""
    unit, place = column.unit, ZoneInfo(zone)
    is_whole = unit in _WHOLE

    def write(value: Cell) -> str:
        if value is None:
            return NOTHING
        if isinstance(value, str):
            return clean(value)
        if is_whole and type(value) is int and -_GREATEST_WHOLE < value < _GREATEST_WHOLE:
            return f"{value:,}"
        return _written(value, unit, place)

    return write


def _written(value: Cell, unit: Unit, place: ZoneInfo) -> str:
    if isinstance(value, datetime):
        return moment(value, place)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        number = exact(value)
        if number is None:
            return NOTHING
        if _is_tiny(number, unit):
            return f"{number.normalize():.2e}"
    return format_value(value, unit)


def _is_tiny(number: Decimal, unit: Unit) -> bool:
    """Tell whether two decimals would show a number as zero that is not; money has no smaller part."""
    return unit in _WHOLE and 0 < abs(number) < Decimal("0.005")


def moment(value: datetime, place: tzinfo) -> str:
    """Return an instant as people read it in a zone, to the minute; one without a zone is UTC."""
    local = localised(value, place)
    return f"{local.isoformat(sep=' ', timespec='minutes')[:16]} {local:%Z}"


def localised(value: datetime, place: tzinfo) -> datetime:
    """Return an instant on the clocks of a zone; at the ends of the calendar, where they have no date, in its own."""
    aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    try:
        return aware.astimezone(place)
    except OverflowError:
        return aware
