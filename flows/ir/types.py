"""The names of types: ours, as the IR writes them, and DuckDB's, as columns carry them."""

from collections.abc import Iterable, Mapping
from typing import Final

from flows.ir.base import Scalar
from flows.ir.ops import Cast, MapValues, TypeName

UNKNOWN: Final = ""
DEFAULT_PRECISION: Final = 18
DEFAULT_SCALE: Final = 3
DUCKDB_TYPES: Final[Mapping[TypeName, str]] = {
    "string": "VARCHAR", "integer": "INTEGER", "bigint": "BIGINT", "double": "DOUBLE", "decimal": "DECIMAL(18,3)",
    "boolean": "BOOLEAN", "date": "DATE", "timestamp": "TIMESTAMP", "time": "TIME", "uuid": "UUID", "json": "JSON",
}  # fmt: skip


def type_of_cast(cast: Cast) -> str:
    """Return what a cast gives: a decimal with its size; with a time zone an instant, else a time on the wall."""
    if cast.to == "decimal":
        precision = DEFAULT_PRECISION if cast.precision is None else cast.precision
        scale = min(DEFAULT_SCALE, precision) if cast.scale is None else cast.scale
        return f"DECIMAL({precision},{scale})"
    if cast.to == "timestamp" and cast.timezone is not None:
        return "TIMESTAMP WITH TIME ZONE"
    return DUCKDB_TYPES[cast.to]


def type_of_values(values: Iterable[Scalar]) -> str:
    """Return the type that holds all of these; nulls fit everywhere, and what is mixed becomes text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return "BOOLEAN"
    if kinds == {int}:
        return "BIGINT"
    return "DOUBLE" if kinds and kinds <= {int, float} else "VARCHAR"


def type_of_mapping(op: MapValues, column: str) -> str:
    """Return what map_values gives: the values' type; where unlisted values stay, the column's if both agree."""
    if op.has_default:
        return type_of_values([*op.mapping.values(), op.default])
    if all(value is None for value in op.mapping.values()):
        return column
    return column if type_of_values(op.mapping.values()) == column else "VARCHAR"
