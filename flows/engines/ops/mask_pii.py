"""`mask_pii`: what identifies a person, hidden."""

from collections.abc import Callable, Mapping
from typing import Final

import ibis
import ibis.expr.types as ir

from flows.engines.rows import Rows
from flows.engines.work import Work
from flows.ir.ops import MaskPii

HIDDEN_TEXT: Final = "***"


def compile_mask_pii(op: MaskPii, rows: Rows, work: Work) -> Rows:
    """Compile the operation; null stays null."""
    work.column(rows, op.field)
    rows = work.where(rows)
    text = work.backend.dialect.text(rows[op.field])
    return rows.compute({op.field: text.isnull().ifelse(ibis.null("string"), _STRATEGIES[op.strategy](text))})


def _full(text: ir.StringValue) -> ir.StringValue:
    return ibis.literal(HIDDEN_TEXT)


def _last4(text: ir.StringValue) -> ir.StringValue:
    """Four characters or fewer are hidden whole."""
    length = text.length()
    shown = ibis.literal("*").repeat(length - 4) + text.substr(length - 4, 4)
    return (length > 4).ifelse(shown, ibis.literal("*").repeat(length))


def _email(text: ir.StringValue) -> ir.StringValue:
    """What stands before the last @ is hidden; without one, all is."""
    domain = text.re_extract("@([^@]*)$", 1)
    return text.contains("@").ifelse(ibis.literal(f"{HIDDEN_TEXT}@") + domain, ibis.literal(HIDDEN_TEXT))


def _initial(text: ir.StringValue) -> ir.StringValue:
    return (text.length() > 0).ifelse(text.substr(0, 1) + ibis.literal(HIDDEN_TEXT), ibis.literal(HIDDEN_TEXT))


def _null(text: ir.StringValue) -> ir.StringValue:
    return ibis.null("string")


_STRATEGIES: Final[Mapping[str, Callable[[ir.StringValue], ir.StringValue]]] = {
    "full": _full, "last4": _last4, "email": _email, "initial": _initial, "null": _null,
}  # fmt: skip
