"""`rowCount`."""

from flows.engines.rows import Rows
from flows.engines.work import Work
from flows.ir.validation import RowCount


def wrong_count(validator: RowCount, rows: Rows, work: Work) -> str | None:
    """Tell when there are fewer rows than the least, or more than the most."""
    count = work.figures(rows, n=rows.table.count())["n"]
    if validator.min is not None and count < validator.min:
        return f"{count:,} rows, and there must be at least {validator.min:,}"
    if validator.max is not None and count > validator.max:
        return f"{count:,} rows, and there may be at most {validator.max:,}"
    return None
