"""`expression`: a column computed by one SQL scalar expression."""

from flows.engines.expressing import read_expression
from flows.engines.rows import Rows
from flows.engines.work import Work
from flows.ir.ops import ExpressionOp


def compile_expression(op: ExpressionOp, rows: Rows, work: Work) -> Rows:
    """Compile the operation; what a rejected row would give is never computed."""
    work.free(rows, op.field)
    rows = work.where(rows)
    value, kind = read_expression(op.expr, rows, work)
    if rows.rejections:
        value = rows.is_accepted.ifelse(value, None)
    computed = rows.compute({op.field: value}, kinds={} if kind is None else {op.field: kind})
    work.may_fail(computed, op.field)
    return computed
