"""`rename`: another name for a column, in its place."""

from flows.engines.rows import Rows
from flows.engines.work import Work
from flows.ir.ops import Rename


def compile_rename(op: Rename, rows: Rows, work: Work) -> Rows:
    """Compile the operation. Raises EngineError when the new name is taken."""
    work.column(rows, op.from_)
    taken = {name.lower() for name in rows.columns if name != op.from_}
    if op.to.lower() in taken:
        raise work.error(f"there is a column {op.to!r} already")
    rows = work.where(rows)
    return rows.shape({op.to if name == op.from_ else name: name for name in rows.columns})
