"""`nullRate`."""

from flows.engines.rows import Rows
from flows.engines.work import Work
from flows.ir.validation import NullRate


def too_many_nulls(validator: NullRate, rows: Rows, work: Work) -> str | None:
    """Tell when a column is null in a greater part of the rows than it may be; of no rows no part is null."""
    value = work.column(rows, validator.field)
    found = work.figures(rows, n=rows.table.count(), values=value.count())
    nulls = found["n"] - found["values"]
    if not found["n"] or nulls / found["n"] <= validator.max:
        return None
    return f"{validator.field} is null in {nulls:,} of {found['n']:,} rows, and may be in {validator.max:.2%}"
