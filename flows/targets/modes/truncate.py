"""truncate: the table is emptied and filled anew in one transaction; nothing is emptied for an empty input."""

from collections.abc import Sequence
from typing import Any

from flows.formats.base import Column
from flows.ir.targets import TargetNode
from flows.targets.base import LoadContext, Loaded, TargetRefused
from flows.targets.modes.base import Job, copy_feed, peeked
from flows.targets.shapes import TableShape
from flows.targets.staging import run

REFERRING = """
SELECT string_agg(DISTINCT conrelid::regclass::text, ', ') FROM pg_catalog.pg_constraint
WHERE contype = 'f' AND confrelid = %s AND conrelid <> confrelid
"""


def check(
    cursor: Any, target: TargetNode, shape: TableShape, columns: Sequence[Column], context: LoadContext
) -> None:  # fmt: skip
    """Refuse a table that another refers to: PostgreSQL does not empty it alone."""
    cursor.execute(REFERRING, [shape.oid])
    others = cursor.fetchone()[0]
    if others:
        raise TargetRefused(f"{shape.table.shown} cannot be emptied: {others} refers to it by a foreign key.")


def load(job: Job) -> Loaded:
    """Empty the table and copy the rows in; raise TargetRefused for no rows unless `allowEmpty`."""
    has_rows, reader = peeked(job.feed.batches())
    refuse_empty(job, has_rows=has_rows)
    run(job, f"TRUNCATE TABLE {job.shape.table.sql}")
    return Loaded(rows_written=copy_feed(job, reader), rows_skipped=0, strategy="truncate and reload")


def refuse_empty(job: Job, *, has_rows: bool) -> None:
    """Raise TargetRefused when there is no row and the target does not allow that."""
    if not has_rows and not job.target.allow_empty:
        raise TargetRefused(
            f"The input has 0 rows; {job.shape.table.shown} stays as it is. Set allowEmpty to let it be emptied."
        )
