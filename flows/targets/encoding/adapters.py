"""One column of a feed made into the Arrow type whose binary form the table's column reads."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from flows.targets.encoding.families import FLOATS, INTS, JSONS, TEXTS, TIMES, family_of_arrow
from flows.targets.encoding.texts import text_of

Adapter = Callable[[pa.Array], pa.Array]

INT_TYPES: Final = {"int2": pa.int16(), "int4": pa.int32(), "int8": pa.int64()}
FLOAT_TYPES: Final = {"float4": pa.float32(), "float8": pa.float64()}
# What Arrow can hold and PostgreSQL's binary form cannot: its years end there, and infinity has a number of its own.
LAST_MOMENT: Final = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
FIRST_DAY, LAST_DAY = date(1, 1, 1), date(9999, 12, 31)


class ValueRefused(ValueError):
    """Some value of the array does not fit the column; the message says what a value must be."""


def adapter_for(kind: str, given: pa.DataType) -> Adapter:
    """Return what makes an array of a type fit a column of a kind (`numeric`, `timestamptz`); both fit already."""
    family = family_of_arrow(given)
    if family == "null":
        return _nulls(kind)
    if kind in TEXTS or kind in JSONS:
        return (lambda values: values.cast(pa.string())) if family == "text" else text_of
    if kind in INTS or kind in FLOATS:
        return _number(kind, family)
    if kind in TIMES:
        return _moment(kind)
    return {"numeric": _decimal, "uuid": uuid_bytes, "date": _date, "time": _time}.get(kind, _same)


def plain(values: pa.Array) -> pa.Array:
    """Return the values without what only wraps them: a dictionary, an extension type."""
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values


def plain_type(given: pa.DataType) -> pa.DataType:
    """Return the type of `plain` values."""
    if isinstance(given, pa.BaseExtensionType):
        given = given.storage_type
    return given.value_type if pa.types.is_dictionary(given) else given


def empty_as_null(values: pa.Array) -> pa.Array:
    """Return strings with NULL in place of the empty ones."""
    is_empty = pc.equal(pc.binary_length(values), 0)
    return pc.if_else(is_empty, pa.scalar(None, values.type), values) if pc.any(is_empty).as_py() else values


def uuid_bytes(values: pa.Array) -> pa.Array:
    """Return texts of UUIDs, in any of PostgreSQL's spellings, as 16 bytes each; raise ValueError when one is none."""
    if not pa.types.is_string(values.type):
        return values
    digits = pc.replace_substring_regex(values, r"[-{}]", "")
    if not pc.all(pc.equal(pc.binary_length(digits), 32), min_count=0).as_py():
        raise ValueRefused("a UUID has 32 hexadecimal digits")
    filled = pc.fill_null(digits, "0" * 32)
    packed = bytes.fromhex("".join(filled.to_pylist()))
    raw = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(values), [None, pa.py_buffer(packed)])
    if values.null_count:
        raw = pc.if_else(values.is_valid(), raw, pa.scalar(None, pa.binary(16)))
    return raw.cast(pa.binary())


def _number(kind: str, family: str) -> Adapter:
    wanted = (INT_TYPES | FLOAT_TYPES)[kind]
    # A whole number beyond 2^53 is rounded in a double, as PostgreSQL does; anything into an integer must be exact.
    is_safe = kind in INTS
    return lambda values: values.cast(wanted, safe=is_safe)


def _decimal(values: pa.Array) -> pa.Array:
    kind = values.type
    if pa.types.is_integer(kind):
        return values.cast(pa.decimal128(20, 0))
    return values.cast(pa.decimal128(38, kind.scale)) if kind.bit_width < 128 else values


def _moment(kind: str) -> Adapter:
    def adapted(values: pa.Array) -> pa.Array:
        if pa.types.is_date(values.type):
            values = values.cast(pa.timestamp("us"))
        moments = values.cast(pa.timestamp("us", values.type.tz), safe=False).cast(pa.timestamp("us"))
        bounds = pc.min_max(moments.cast(pa.int64())).as_py()
        _check_within(bounds, _micros(datetime(1, 1, 1, tzinfo=UTC)), _micros(LAST_MOMENT))
        return moments.cast(pa.timestamp("us", "UTC")) if kind == "timestamptz" else moments

    return adapted


def _date(values: pa.Array) -> pa.Array:
    days = values.cast(pa.date32(), safe=False)
    epoch = date(1970, 1, 1)
    bounds = pc.min_max(days.cast(pa.int32())).as_py()
    _check_within(bounds, (FIRST_DAY - epoch).days, (LAST_DAY - epoch).days)
    return days


def _check_within(bounds: dict[str, int | None], least: int, most: int) -> None:
    low, high = bounds["min"], bounds["max"]
    if low is not None and high is not None and (low < least or high > most):
        raise ValueRefused("a date lies between the years 1 and 9999")


def _micros(moment: datetime) -> int:
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _time(values: pa.Array) -> pa.Array:
    return values.cast(pa.time64("us"), safe=False)


def _same(values: pa.Array) -> pa.Array:
    return values


def _nulls(kind: str) -> Adapter:
    wanted = {
        **INT_TYPES, **FLOAT_TYPES, "bool": pa.bool_(), "numeric": pa.decimal128(38, 0), "date": pa.date32(),
        "time": pa.time64("us"), "timestamp": pa.timestamp("us"), "timestamptz": pa.timestamp("us", "UTC"),
        "uuid": pa.binary(), "bytea": pa.binary(),
    }.get(kind, pa.string())  # fmt: skip
    return lambda values: pa.nulls(len(values), wanted)
