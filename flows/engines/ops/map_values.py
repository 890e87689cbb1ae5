"""`map_values`: values replaced by others."""

import ibis
import ibis.expr.types as ir

from flows.engines.rows import Rows
from flows.engines.values import KINDS, scalar_of
from flows.engines.work import Work
from flows.ir.base import Scalar
from flows.ir.ops import MapValues
from flows.ir.types import type_of_mapping


def compile_map_values(op: MapValues, rows: Rows, work: Work) -> Rows:
    """Compile the operation: values are told by their text; null is not listed, so it becomes the default."""
    work.column(rows, op.field)
    rows = work.where(rows)
    dialect = work.backend.dialect
    column = rows[op.field]
    kind = type_of_mapping(op, dialect.kind(rows, op.field))
    text = dialect.text(column)
    if kind not in KINDS:
        return _without(list(op.mapping), rows, op.field, text)
    stays = text if kind == "VARCHAR" else column.cast(KINDS[kind])
    rest = scalar_of(op.default, kind) if op.has_default else stays
    groups: dict[tuple[type, Scalar], list[str]] = {}
    for value, becomes in op.mapping.items():
        groups.setdefault((type(becomes), becomes), []).append(value)
    cases = [(text.isin(values), scalar_of(becomes[1], kind)) for becomes, values in groups.items()]
    return rows.compute({op.field: ibis.cases(*cases, else_=rest)})


def _without(values: list[str], rows: Rows, name: str, text: ir.StringValue) -> Rows:
    """Return the rows with null in place of values; the others stay as they are, in a type that the IR cannot write."""
    kinds = {name: rows.kinds[name]} if name in rows.kinds else {}
    return rows.compute({name: text.isin(values).ifelse(ibis.null(), rows[name])}, kinds=kinds)
