"""Values of the IR as values of the engine."""

from typing import Final

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from flows.ir.base import Scalar

KINDS: Final = {"BOOLEAN": dt.boolean, "BIGINT": dt.int64, "DOUBLE": dt.float64, "VARCHAR": dt.string}


def scalar_of(value: Scalar, kind: str) -> ir.Value:
    """Return a value of the IR in a type: text, a whole number, a double, or true and false.

    It is cast from its text: engines take a bare `1` for an INTEGER and `1.5` for a DECIMAL, whatever Ibis calls them.
    """
    if value is None:
        return ibis.null(KINDS[kind])
    return ibis.literal(text_of(value)).cast(KINDS[kind])


def text_of(value: Scalar) -> str:
    """Return a value as the engines write it: `true`, `1`, `1.5`."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def is_true(value: ir.BooleanValue) -> ir.BooleanValue:
    """Return whether a condition is true: null is not."""
    return ibis.coalesce(value, ibis.literal(value=False))
