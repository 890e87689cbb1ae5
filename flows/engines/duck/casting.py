"""Casts in DuckDB's words. What its own casts take too easily (`12.5` as 13, an offset forgotten) is looked at first.

Looking costs: so the usual spellings pass by a glance, and only the others meet a regular expression.
"""

from typing import Final

from flows.engines import casting
from flows.ir.ops import Cast
from flows.ir.types import type_of_cast

_LOOK: Final = "regexp_full_match(x, '{pattern}')"
# Of each type, what tells a usual spelling, and the pattern of all others.
_LOOKS: Final = {
    "date": ("x LIKE '____-__-__' AND x >= '0001'", casting.DAY),
    "time": ("x LIKE '__:__:__' AND x < '24'", casting.TIME_OF_DAY),
    "uuid": ("FALSE", casting.UUID_TEXT),
}
TYPES_READ: Final = {"date": "DATE", "timestamp": "TIMESTAMP", "time": "TIME"}


def cast_sql(op: Cast, kind: str) -> str:
    """Return the scalar that turns `x` of a type into the type of a cast, null where it cannot be."""
    target, source = type_of_cast(op), casting.family(kind)
    if target == "VARCHAR":
        return "CAST(x AS VARCHAR)"
    if source == "text":
        return _from_text(op, target)
    if source in {"whole", "fraction", "boolean"} and casting.family(target) in {"whole", "fraction", "boolean"}:
        is_rounded = source == "fraction" and casting.family(target) == "whole"
        return f"TRY_CAST({'round(x)' if is_rounded else 'x'} AS {target})"
    if {source, casting.family(target)} <= {"date", "timestamp"} or source == casting.family(target):
        # An instant is in no zone: to make it one again changes nothing.
        is_wall = op.timezone is not None and kind != target
        return _local(op, "CAST(x AS TIMESTAMP)") if is_wall else f"CAST(x AS {target})"
    return _from_text(op, target)


def _from_text(op: Cast, target: str) -> str:
    if op.format is not None and op.to in {"date", "timestamp", "time"}:
        read = f"CAST(try_strptime(x, {_quoted(op.format)}) AS {TYPES_READ[op.to]})"
        return _local(op, read)
    usual, pattern = _LOOKS.get(op.to, ("", ""))
    value = f"TRY_CAST(x AS {target})"
    if op.to in {"integer", "bigint"}:
        return _first(value, "NOT regexp_matches(x, '[^0-9]')", casting.WHOLE_NUMBER)
    if op.to == "timestamp":
        return _moment(op)
    if op.to == "boolean":
        return "TRY_CAST(trim(x) AS BOOLEAN)"
    return _first(value, usual, pattern) if pattern else value


def _first(value: str, usual: str, pattern: str) -> str:
    look = _LOOK.replace("{pattern}", pattern)
    return f"CASE WHEN {usual} THEN {value} WHEN {look} THEN {value} END"


def _moment(op: Cast) -> str:
    usual = "x LIKE '____-__-__ __:__:__' AND x >= '0001'"
    local = _local(op, "TRY_CAST(x AS TIMESTAMP)")
    look, look_offset = (_LOOK.replace("{pattern}", text) for text in (casting.MOMENT, casting.MOMENT_WITH_OFFSET))
    zoned = r"regexp_replace(trim(x), ' ?([+-]\d{2}):?(\d{2})$', '\1:\2')"
    world = f"TRY_CAST({zoned} AS TIMESTAMPTZ)" + ("" if op.timezone else " AT TIME ZONE 'UTC'")
    return (
        f"CASE WHEN {usual} THEN {local} WHEN trim(x) < '0001' THEN NULL "
        f"WHEN {look} THEN {local} WHEN {look_offset} THEN {world} END"
    )


def _local(op: Cast, value: str) -> str:
    """Turn a time on the wall of the cast's zone into an instant."""
    if op.timezone is None or op.to != "timestamp":
        return value
    return f"timezone({_quoted(op.timezone)}, {value})"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
