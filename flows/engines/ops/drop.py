"""`drop`: columns left out."""

from flows.engines.rows import Rows
from flows.engines.work import Work
from flows.ir.ops import Drop


def compile_drop(op: Drop, rows: Rows, work: Work) -> Rows:
    """Compile the operation. Raises EngineError when no column is left."""
    for name in op.fields:
        work.column(rows, name)
    left = [name for name in rows.columns if name not in op.fields]
    if not left:
        raise work.error("leaves no column")
    return work.where(rows).shape({name: name for name in left})
