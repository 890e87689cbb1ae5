"""What each of the nineteen operations makes of the columns."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from flows.ir import ops
from flows.ir.columns.tracing import Columns, Known, Trace
from flows.ir.expressions import type_of
from flows.ir.types import UNKNOWN, type_of_cast, type_of_mapping, type_of_values

EXTERNAL_TYPES: Final[Mapping[str, str]] = {
    "summarize": "VARCHAR", "vector_embed": "DOUBLE[]", "geo_resolve": "JSON", "sentiment_score": "DOUBLE",
    "language_detect": "VARCHAR",
}  # fmt: skip
_COUNTS: Final = frozenset({"count", "count_distinct"})


def columns_after(op: ops.Op, columns: Known, trace: Trace) -> Known:
    """Return the columns after an operation; what it names in vain goes to the trace, below the operation."""
    return _STEPS[type(op)](op, columns, trace)


def _with(columns: Known, added: Columns) -> Known:
    """Add columns at the end; one that is there keeps its place and changes its type."""
    return None if columns is None else {**columns, **added}


def _cast(op: ops.Cast, columns: Known, trace: Trace) -> Known:
    trace.need(columns, op.field, "field")
    return _with(columns, {op.field: type_of_cast(op)})


def _expression(op: ops.ExpressionOp, columns: Known, trace: Trace) -> Known:
    tree = trace.read(op.expr, columns, "expr")
    return _with(columns, {op.field: UNKNOWN if tree is None or columns is None else type_of(tree, columns)})


def _rename(op: ops.Rename, columns: Known, trace: Trace) -> Known:
    trace.need(columns, op.from_, "from")
    if columns is None:
        return None
    if op.to in columns and op.to != op.from_:
        trace.report(("to",), f"there is a column {op.to} already; drop it first")
    others = {name: kind for name, kind in columns.items() if name != op.to or name == op.from_}
    renamed = {op.to if name == op.from_ else name: kind for name, kind in others.items()}
    return renamed if op.to in renamed else {**renamed, op.to: UNKNOWN}


def _drop(op: ops.Drop, columns: Known, trace: Trace) -> Known:
    trace.need_all(columns, op.fields, "fields")
    if columns is None:
        return None
    left = {name: kind for name, kind in columns.items() if name not in set(op.fields)}
    if not left:
        trace.report(("fields",), "leaves no column; keep at least one")
    return left


def _add_field(op: ops.AddField, columns: Known, trace: Trace) -> Known:
    return _with(columns, {op.field: type_of_values([op.value])})


def _to_text(op: ops.Hash | ops.MaskPii, columns: Known, trace: Trace) -> Known:
    trace.need(columns, op.field, "field")
    return _with(columns, {op.field: "VARCHAR"})


def _map_values(op: ops.MapValues, columns: Known, trace: Trace) -> Known:
    trace.need(columns, op.field, "field")
    return None if columns is None else {**columns, op.field: type_of_mapping(op, columns.get(op.field, UNKNOWN))}


def _split(op: ops.Split, columns: Known, trace: Trace) -> Known:
    trace.need(columns, op.field, "field")
    return _with(columns, dict.fromkeys(op.into, "VARCHAR"))


def _merge(op: ops.Merge, columns: Known, trace: Trace) -> Known:
    trace.need_all(columns, op.fields, "fields")
    return _with(columns, {op.into: "VARCHAR"})


def _filter(op: ops.Filter, columns: Known, trace: Trace) -> Known:
    trace.read(op.expr, columns, "expr")
    return columns


def _deduplicate(op: ops.Deduplicate, columns: Known, trace: Trace) -> Known:
    trace.need_all(columns, op.keys, "keys")
    for number, key in enumerate(op.order_by):
        trace.need(columns, key.field, "orderBy", number, "field")
    return columns


def _aggregate(op: ops.Aggregate, columns: Known, trace: Trace) -> Known:
    """Groups make the columns known, whatever was there before."""
    trace.need_all(columns, op.group_by, "groupBy")
    known = columns or {}
    made = {name: known.get(name, UNKNOWN) for name in op.group_by}
    for number, measure in enumerate(op.measures):
        if measure.field is not None:
            trace.need(columns, measure.field, "measures", number, "field")
        made[measure.as_] = _type_of_measure(measure, known)
    return made


def _type_of_measure(measure: ops.Measure, columns: Columns) -> str:
    if measure.fn in _COUNTS:
        return "BIGINT"
    if measure.fn == "avg":
        return "DOUBLE"
    kind = columns.get(measure.field or "", UNKNOWN)
    return kind if measure.fn in {"min", "max"} or kind == "DOUBLE" else UNKNOWN


def _lookup_join(op: ops.LookupJoin, columns: Known, trace: Trace) -> Known:
    for number, key in enumerate(op.on):
        trace.need(columns, key.left, "on", number, "left")
    for number, name in enumerate(op.fields):
        if columns is not None and name in columns:
            trace.report(("fields", number), f"there is a column {name} already; rename or drop it first")
    return _with(columns, dict.fromkeys(op.fields, UNKNOWN))


def _external(op: ops.ExternalOp, columns: Known, trace: Trace) -> Known:
    trace.need(columns, op.field, "field")
    return _with(columns, {op.into: EXTERNAL_TYPES[getattr(op, "op", "")]})


_STEPS: Final[Mapping[type[ops.Op], Callable[[Any, Known, Trace], Known]]] = {
    ops.Cast: _cast, ops.ExpressionOp: _expression, ops.Rename: _rename, ops.Drop: _drop, ops.AddField: _add_field,
    ops.Hash: _to_text, ops.MaskPii: _to_text, ops.MapValues: _map_values, ops.Split: _split, ops.Merge: _merge,
    ops.Filter: _filter, ops.Deduplicate: _deduplicate, ops.Aggregate: _aggregate, ops.LookupJoin: _lookup_join,
    ops.Summarize: _external, ops.VectorEmbed: _external, ops.GeoResolve: _external, ops.SentimentScore: _external,
    ops.LanguageDetect: _external,
}  # fmt: skip
