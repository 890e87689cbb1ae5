"""What text must be to become a value, in patterns that both engines share, and which casts go through text."""

from typing import Final

from flows.ir.ops import Cast
from flows.ir.types import type_of_cast

# What the text of a value must be, spaces around it aside; in the words that RE2 and Java's patterns share.
WHOLE_NUMBER: Final = r"\s*[+-]?[0-9]+(_[0-9]+)*(\.0*)?\s*"
DAY: Final = r"\s*(000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})-[0-9]{1,2}-[0-9]{1,2}\s*"
MOMENT: Final = r"\s*[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([ T]([01]?[0-9]|2[0-3]):[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?)?\s*"
MOMENT_WITH_OFFSET: Final = (
    r"\s*[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[ T]([01]?[0-9]|2[0-3]):[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?"
    r" ?(Z|[+-][0-9]{2}(:?[0-9]{2})?)\s*"
)
TIME_OF_DAY: Final = r"\s*([01]?[0-9]|2[0-3]):[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?\s*"
UUID_TEXT: Final = r"\{?[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}\}?"
_WHOLE: Final = frozenset(
    ["TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"]
)
_FRACTIONS: Final = frozenset({"FLOAT", "DOUBLE", "DECIMAL"})


def family(kind: str) -> str:
    """Return what a type in DuckDB's words is: text, whole, fraction, or its own name in small letters."""
    name = kind.partition("(")[0].strip().upper()
    if name in _WHOLE:
        return "whole"
    if name.startswith("TIMESTAMP"):
        return "timestamp"
    return "fraction" if name in _FRACTIONS else "text" if name == "VARCHAR" else name.lower()


def goes_through_text(op: Cast, kind: str) -> bool:
    """Tell whether a cast reads the text of a value that is none: a date as a number, a UUID as a date."""
    source, target = family(kind), family(type_of_cast(op))
    numbers = {"whole", "fraction", "boolean"}
    is_direct = {source, target} <= numbers or {source, target} <= {"date", "timestamp"} or source == target
    return source != "text" and target != "text" and not is_direct
