"""`split`: a text cut at a separator into columns."""

from flows.engines.rows import Rows
from flows.engines.work import Work
from flows.ir.ops import Split


def compile_split(op: Split, rows: Rows, work: Work) -> Rows:
    """Compile the operation: the rest goes to the last column as it stands, what is missing is null."""
    work.column(rows, op.field)
    for name in op.into:
        work.free(rows, name)
    rows = work.where(rows)
    dialect = work.backend.dialect
    text = dialect.text(rows[op.field])
    return rows.compute(dict(zip(op.into, dialect.pieces(text, op.separator, len(op.into)), strict=True)))
