"""`lookup_join`: columns of one of the tenant's own tables."""

import ibis

from flows.engines.matching import match
from flows.engines.rows import HIDDEN, ORDER, Rows
from flows.engines.work import Work
from flows.ir.ops import LookupJoin


def compile_lookup_join(op: LookupJoin, rows: Rows, work: Work) -> Rows:
    """Compile the operation: the first match counts, none gives null; null matches nothing."""
    for key in op.on:
        work.column(rows, key.left)
    for name in op.fields:
        if name in rows.columns:
            raise work.error(f"there is a column {name!r} already")
        work.free(rows, name)
    names = list(dict.fromkeys((*(key.right for key in op.on), *op.fields)))
    found = work.backend.load(work.lookup(op.table, names))
    rows, found = work.ordered(rows), _first_of_each(found, [key.right for key in op.on])
    return match(rows, found, op.on, {name: name for name in op.fields}, work)


def _first_of_each(found: Rows, keys: list[str]) -> Rows:
    table = found.table
    rank = ibis.row_number().over(ibis.window(group_by=[table[key] for key in keys], order_by=table[ORDER]))
    ranked = table.mutate(**{HIDDEN + "rank": rank})
    return found.over(ranked.filter(ranked[HIDDEN + "rank"] == 0).drop(HIDDEN + "rank"))
