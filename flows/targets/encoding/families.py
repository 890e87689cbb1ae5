"""Which values fit which columns: the engine's types in families, and the columns that each may go to."""

import re
from collections.abc import Callable
from typing import Final

import pyarrow as pa

INTS: Final = frozenset({"int2", "int4", "int8"})
FLOATS: Final = frozenset({"float4", "float8"})
TEXTS: Final = frozenset({"text", "varchar", "bpchar"})
JSONS: Final = frozenset({"json", "jsonb"})
TIMES: Final = frozenset({"timestamp", "timestamptz"})
SCALARS: Final = TEXTS | JSONS

# Straight into binary COPY, after a cast that loses nothing or names the row.
DIRECT: Final = {
    "text": SCALARS | {"uuid"},
    "bool": SCALARS | {"bool"},
    "int": SCALARS | INTS | FLOATS | {"numeric"},
    "decimal": SCALARS | INTS | FLOATS | {"numeric"},
    "float": SCALARS | INTS | FLOATS,
    "date": TEXTS | TIMES | {"date"},
    "timestamp": TEXTS | TIMES | {"date"},
    "time": TEXTS | {"time"},
    "binary": frozenset({"bytea"}),
    "nested": SCALARS,
    "null": SCALARS | INTS | FLOATS | TIMES | {"bool", "numeric", "date", "time", "uuid", "bytea"},
}
# By way of text, which PostgreSQL reads by its own rules.
ANYTHING: Final = frozenset({"*"})
BY_TEXT: Final = {"text": ANYTHING, "null": ANYTHING, "float": frozenset({"numeric"}), "time": frozenset({"timetz"})}

ENGINE_TYPES: Final = (
    (r".*\[\d*\]", "nested"),
    (r"(STRUCT|MAP|UNION|LIST).*", "nested"),
    (r"(VARCHAR|TEXT|CHAR|STRING|UUID|JSON|ENUM).*", "text"),
    (r"BOOL.*", "bool"),
    (r"U?(TINYINT|SMALLINT|INTEGER|INT|BIGINT)", "int"),
    (r"(DECIMAL|NUMERIC|U?HUGEINT).*", "decimal"),
    (r"(FLOAT|DOUBLE|REAL).*", "float"),
    (r"DATE", "date"),
    (r"(TIMESTAMP|DATETIME).*", "timestamp"),
    (r"TIME.*", "time"),
    (r"(BLOB|BYTEA|BINARY)", "binary"),
    (r'"?NULL"?', "null"),
)  # fmt: skip


def family_of_type(engine_type: str) -> str:
    """Return the family of an engine's type as text (`DECIMAL(18,2)` → `decimal`); `other` when it has none."""
    text = engine_type.strip().upper()
    return next((family for pattern, family in ENGINE_TYPES if re.fullmatch(pattern, text, re.DOTALL)), "other")


ARROW_TYPES: Final[tuple[tuple[Callable[[pa.DataType], bool], str], ...]] = (
    (pa.types.is_null, "null"),
    (lambda t: pa.types.is_string(t) or pa.types.is_large_string(t) or pa.types.is_string_view(t), "text"),
    (pa.types.is_boolean, "bool"),
    (pa.types.is_integer, "int"),
    (pa.types.is_decimal, "decimal"),
    (pa.types.is_floating, "float"),
    (pa.types.is_date, "date"),
    (pa.types.is_timestamp, "timestamp"),
    (pa.types.is_time, "time"),
    (lambda t: pa.types.is_binary(t) or pa.types.is_large_binary(t) or pa.types.is_fixed_size_binary(t), "binary"),
    (pa.types.is_nested, "nested"),
)


def family_of_arrow(kind: pa.DataType) -> str:
    """Return the family of an Arrow type that is neither a dictionary nor an extension; `other` when it has none."""
    return next((family for belongs, family in ARROW_TYPES if belongs(kind)), "other")


def is_direct(family: str, kind: str) -> bool:
    """Tell whether values of the family go to a column of this kind in binary."""
    return kind in DIRECT.get(family, frozenset())


def fits(family: str, kind: str) -> bool:
    """Tell whether values of the family may go to a column of this kind at all."""
    by_text = BY_TEXT.get(family, frozenset())
    return is_direct(family, kind) or kind in by_text or by_text is ANYTHING
