"""A join node: two inputs side by side."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import ibis
import ibis.expr.types as ir

from flows.engines.matching import RIGHT, are_alike, beside
from flows.engines.rows import ORDER, Rows
from flows.engines.work import Work
from flows.ir.columns import joined_columns
from flows.ir.flowing import JoinNode

_HOW: Final = {"inner": "inner", "left": "left", "right": "right", "full": "outer", "semi": "semi", "anti": "anti"}


def compile_join(node: JoinNode, inputs: Sequence[Rows], work: Work) -> Rows:
    """Compile the node: rows in the order of the left side, then of the right; null matches nothing."""
    left, right = inputs
    for key in node.on:
        work.column(left, key.left)
        work.column(right, key.right)
    left, right = work.ordered(left), work.ordered(right)
    hidden, conditions = beside(left, right, node.on, work)
    joined = left.table.join(hidden, conditions, how=_HOW[node.how])
    if node.how in {"semi", "anti"}:
        return replace(left, table=joined.order_by(ORDER), is_kept=False, count=None)
    return _shaped(node, joined, left, right, work)


def _shaped(node: JoinNode, joined: ir.Table, left: Rows, right: Rows, work: Work) -> Rows:
    """Return the joined rows under the names that the IR gives them."""
    names = joined_columns(node, dict.fromkeys(left.columns, ""), dict.fromkeys(right.columns, ""))
    unlike = _unlike_keys(node, left, right, work)
    values = {name: _value(joined, side, column, node) for name, (side, column) in names.items() if name not in unlike}
    text = work.backend.dialect.text
    values |= {name: ibis.coalesce(text(joined[name]), text(joined[RIGHT + key])) for name, key in unlike.items()}
    values = {name: values[name] for name in names}
    lowered = {name.lower() for name in values}
    if len(lowered) < len(values):
        raise work.error("would give two columns that differ only in their case")
    kinds = {
        name: (right if side == "right" else left).kinds[column]
        for name, (side, column) in names.items()
        if name not in unlike and column in (right if side == "right" else left).kinds
    }
    shaped = joined.select(**values, **{ORDER: joined[ORDER], RIGHT + ORDER: joined[RIGHT + ORDER]})
    rows = replace(left, table=shaped, columns=tuple(values), is_kept=False, is_computed=True, kinds=kinds, count=None)
    return work.backend.arrange(rows, shaped[ORDER], shaped[RIGHT + ORDER])


def _unlike_keys(node: JoinNode, left: Rows, right: Rows, work: Work) -> dict[str, str]:
    """Return the keys that come once, from either side, and that met as text, so that they are text: left → right."""
    if node.how not in {"right", "full"}:
        return {}
    same = {key.left: key.right for key in node.on if key.left == key.right}
    return {name: key for name, key in same.items() if not are_alike(work, left, name, right, key)}


def _value(joined: ir.Table, side: str, column: str, node: JoinNode) -> ir.Value:
    if side == "key":
        right = next(key.right for key in node.on if key.left == column)
        return ibis.coalesce(joined[column], joined[RIGHT + right]) if node.how in {"right", "full"} else joined[column]
    return joined[RIGHT + column] if side == "right" else joined[column]
