"""`merge`: columns joined into one text."""

from flows.engines.rows import Rows
from flows.engines.work import Work
from flows.ir.ops import Merge


def compile_merge(op: Merge, rows: Rows, work: Work) -> Rows:
    """Compile the operation: nulls are left out; of nothing but nulls comes null."""
    for name in op.fields:
        work.column(rows, name)
    work.free(rows, op.into)
    rows = work.where(rows)
    dialect = work.backend.dialect
    return rows.compute({op.into: dialect.joined([dialect.text(rows[name]) for name in op.fields], op.separator)})
