"""Which column an Avro type becomes."""

from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa

_SIMPLE: Final[dict[str, pa.DataType]] = {
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "bytes": pa.binary(),
    "string": pa.string(),
    "enum": pa.string(),
    "fixed": pa.binary(),
}
_LOGICAL: Final[dict[str, pa.DataType]] = {
    "date": pa.date32(),
    "time-millis": pa.time64("us"),
    "time-micros": pa.time64("us"),
    "timestamp-millis": pa.timestamp("us", "UTC"),
    "timestamp-micros": pa.timestamp("us", "UTC"),
    "local-timestamp-millis": pa.timestamp("us"),
    "local-timestamp-micros": pa.timestamp("us"),
    "uuid": pa.string(),
}
_WIDEST_DECIMAL: Final = 38


def arrow_types(schema: Mapping[str, Any]) -> dict[str, pa.DataType]:
    """Return the columns of a record's schema; what is nested, or of several types, is text that holds JSON."""
    return {str(field["name"]): _type_of(field["type"]) for field in schema["fields"]}


def _type_of(kind: Any) -> pa.DataType:
    if isinstance(kind, list):
        rest = [branch for branch in kind if branch != "null"]
        return _type_of(rest[0]) if len(rest) == 1 else pa.string()
    if isinstance(kind, str):
        return _SIMPLE.get(kind, pa.string())
    logical = kind.get("logicalType")
    if logical == "decimal":
        return _decimal(kind)
    if logical in _LOGICAL:
        return _LOGICAL[str(logical)]
    inner = kind.get("type")
    return _type_of(inner) if not isinstance(inner, str) else _SIMPLE.get(inner, pa.string())


def _decimal(kind: Mapping[str, Any]) -> pa.DataType:
    precision, scale = kind.get("precision"), kind.get("scale", 0)
    is_fit = isinstance(precision, int) and isinstance(scale, int) and 0 <= scale <= precision <= _WIDEST_DECIMAL
    return pa.decimal128(precision, scale) if is_fit and precision else pa.string()
