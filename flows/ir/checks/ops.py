"""Whether operations mean something: expressions, casts, lists without repetition."""

import re
from collections.abc import Mapping
from typing import Final

from flows.ir import ops
from flows.ir.checks.found import Check, Found, twice, zone
from flows.ir.expressions import ExpressionRefused, parse_expression
from flows.ir.flowing import BranchCase, BranchNode, JoinNode, TransformNode

_TIMES: Final = ("date", "timestamp", "time")
_DIRECTIVE: Final = re.compile(r"%(-?.|$)", re.DOTALL)
# What DuckDB's strptime reads, and Spark's reader too.
DIRECTIVES: Final = "YymbBdHIMSpfjzaA%"


def _expression(text: str, *at: str | int) -> Found:
    try:
        parse_expression(text, columns=None)
    except ExpressionRefused as error:
        yield at, error.message


def _cast(op: ops.Cast) -> Found:
    is_decimal = op.to == "decimal"
    for key, value in (("precision", op.precision), ("scale", op.scale)):
        if value is not None and not is_decimal:
            yield (key,), f"only a decimal has a {key}"
    if is_decimal and op.scale is not None and op.scale > (18 if op.precision is None else op.precision):
        yield ("scale",), "must not be greater than the precision (18 when none is given)"
    if op.format is not None:
        yield from _format(op.format, op.to)
    if op.timezone is not None and op.to != "timestamp":
        yield ("timezone",), "only a timestamp has a time zone"
    yield from zone(op.timezone, "timezone")


def _format(text: str, to: str) -> Found:
    if to not in _TIMES:
        yield ("format",), "only a date, a time or a timestamp is read by a format"
    unknown = [found[0] for found in _DIRECTIVE.finditer(text) if found[1][-1:] not in DIRECTIVES or not found[1]]
    if unknown:
        yield ("format",), f"{unknown[0]} is not known; there are {' '.join(f'%{one}' for one in DIRECTIVES)}"
    elif "%" not in text:
        yield ("format",), "reads nothing: give one such as %Y-%m-%d"


def _computed(op: ops.ExpressionOp | ops.Filter) -> Found:
    yield from _expression(op.expr, "expr")


def _case(case: BranchCase) -> Found:
    yield from _expression(case.when, "when")


def _rename(op: ops.Rename) -> Found:
    if op.from_ == op.to:
        yield ("to",), "is the name that the column has"


def _drop(op: ops.Drop) -> Found:
    yield from twice(op.fields, at=("fields",))


def _split(op: ops.Split) -> Found:
    yield from twice(op.into, at=("into",))


def _deduplicate(op: ops.Deduplicate) -> Found:
    yield from twice(op.keys, at=("keys",))
    yield from twice([key.field for key in op.order_by], at=("orderBy",), key="field")


def _aggregate(op: ops.Aggregate) -> Found:
    yield from twice(op.group_by, at=("groupBy",))
    yield from twice([measure.as_ for measure in op.measures], at=("measures",), key="as")
    for number, measure in enumerate(op.measures):
        if measure.as_ in op.group_by:
            yield ("measures", number, "as"), f"{measure.as_} is a column of the groups already"
        if measure.field is None and measure.fn != "count":
            yield ("measures", number, "field"), f"is missing: {measure.fn} is taken of a column"


def _lookup_join(op: ops.LookupJoin) -> Found:
    yield from twice(op.fields, at=("fields",))
    yield from twice([f"{key.left} = {key.right}" for key in op.on], at=("on",))


def _join(node: JoinNode) -> Found:
    yield from twice([f"{key.left} = {key.right}" for key in node.on], at=("on",))


def _transform(node: TransformNode) -> Found:
    named = [(number, op.id) for number, op in enumerate(node.ops) if op.id is not None]
    seen: set[str] = set()
    for number, name in named:
        if name in seen:
            yield ("ops", number, "id"), f"{name} stands there twice"
        seen.add(name)


def _branch(node: BranchNode) -> Found:
    yield from twice([case.id for case in node.cases], at=("cases",), key="id")


CHECKS: Final[Mapping[type, Check]] = {
    ops.Cast: _cast, ops.ExpressionOp: _computed, ops.Filter: _computed, ops.Rename: _rename, ops.Drop: _drop,
    ops.Split: _split, ops.Deduplicate: _deduplicate, ops.Aggregate: _aggregate, ops.LookupJoin: _lookup_join,
    BranchCase: _case, JoinNode: _join, TransformNode: _transform, BranchNode: _branch,
}  # fmt: skip
