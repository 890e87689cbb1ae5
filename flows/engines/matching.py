"""Rows side by side with those they match."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import ibis.expr.types as ir

from flows.engines.casting import family
from flows.engines.rows import HIDDEN, ORDER, Rows
from flows.engines.work import Work
from flows.ir.ops import JoinKey

# Prefix of the right side's columns while both sides stand beside each other.
RIGHT = HIDDEN + "right_"


def match(rows: Rows, found: Rows, on: Sequence[JoinKey], into: Mapping[str, str], work: Work) -> Rows:
    """Return rows, in their order, with columns of what they match at most once: new name → the right side's name."""
    right, conditions = beside(rows, found, on, work)
    joined = rows.table.left_join(right, conditions)
    columns = {name: joined[name] for name in rows.table.columns}
    columns |= {new: joined[RIGHT + name] for new, name in into.items()}
    table = joined.select(**columns)
    kinds = dict(rows.kinds) | {new: found.kinds[name] for new, name in into.items() if name in found.kinds}
    return replace(
        rows, table=table.order_by(ORDER), columns=(*rows.columns, *into), is_kept=False, is_computed=True, kinds=kinds
    )


def beside(rows: Rows, found: Rows, on: Sequence[JoinKey], work: Work) -> tuple[ir.Table, list[ir.BooleanValue]]:
    """Return the right side under names that nothing else has, and the conditions; unlike types meet as text."""
    right = found.table.select(**{RIGHT + name: found.table[name] for name in found.table.columns}).view()
    conditions = []
    for key in on:
        left_value, right_value = rows.table[key.left], right[RIGHT + key.right]
        if not are_alike(work, rows, key.left, found, key.right):
            dialect = work.backend.dialect
            left_value, right_value = dialect.text(left_value), dialect.text(right_value)
        conditions.append(left_value == right_value)
    return right, conditions


def are_alike(work: Work, rows: Rows, left: str, found: Rows, right: str) -> bool:
    """Tell whether two columns are compared as they are; else they meet as text."""
    dialect = work.backend.dialect
    numbers = {"whole", "fraction"}
    families = {family(dialect.kind(rows, left)), family(dialect.kind(found, right))}
    return len(families) == 1 or families <= numbers
