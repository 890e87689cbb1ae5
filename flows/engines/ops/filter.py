"""`filter`: the rows for which an expression is true."""

from flows.engines.expressing import read_condition
from flows.engines.rows import Rows
from flows.engines.work import Work
from flows.ir.ops import Filter


def compile_filter(op: Filter, rows: Rows, work: Work) -> Rows:
    """Compile the operation; null is not true."""
    kept = work.where(rows, lambda before: read_condition(op.expr, before, work))
    work.may_fail(kept, None)
    return kept
