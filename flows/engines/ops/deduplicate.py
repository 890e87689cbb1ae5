"""`deduplicate`: one row of each key."""

import ibis
import ibis.expr.types as ir

from flows.engines.rows import HIDDEN, ORDER, Rows
from flows.engines.work import Work
from flows.ir.ops import Deduplicate

_PLACE = HIDDEN + "place"


def compile_deduplicate(op: Deduplicate, rows: Rows, work: Work) -> Rows:
    """Compile the operation: nulls are one key; in `orderBy` a value wins over null; the files' order decides ties."""
    for name in (*op.keys, *(key.field for key in op.order_by)):
        work.column(rows, name)
    rows = work.ordered(rows)
    return work.leave_out(rows, _losers(op, rows))


def _losers(op: Deduplicate, rows: Rows) -> ir.Table:
    """Return the places of the rows that go."""
    table = rows.table
    if op.order_by:
        keys = [table[name] for name in op.keys]
        rank = ibis.row_number().over(ibis.window(group_by=keys, order_by=_sorting(op, table)))
        ranked = table.select(**{_PLACE: table[ORDER], "rank": rank})
        return ranked.filter(ranked["rank"] > 0).select(_PLACE)
    named = {f"key{number}": table[name] for number, name in enumerate(op.keys)}
    place = table[ORDER].min() if op.keep == "first" else table[ORDER].max()
    groups = table.group_by(**named).aggregate(rows=table.count(), winner=place)
    # Keys that stand once need no comparison, and they are most.
    several = groups.filter(groups["rows"] > 1).view()
    same = [table[name].identical_to(several[f"key{number}"]) for number, name in enumerate(op.keys)]
    joined = table.select(ORDER, *op.keys).inner_join(several, same)
    return joined.filter(joined[ORDER] != joined["winner"]).select(**{_PLACE: joined[ORDER]})


def _sorting(op: Deduplicate, table: ir.Table) -> list[ir.Value]:
    """Return the order in which the row that stays comes first."""
    is_first = op.keep == "first"
    keys = [(table[key.field], (key.direction == "asc") == is_first) for key in op.order_by]
    order = (table[ORDER], is_first)
    return [
        ibis.asc(value, nulls_first=False) if is_rising else ibis.desc(value, nulls_first=False)
        for value, is_rising in (*keys, order)
    ]
