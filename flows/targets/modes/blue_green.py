"""blue_green: the rows go to `<table>_new`, which then takes the table's place; readers see the old one until then.

Everything is in the run's transaction: a failure leaves the table untouched, with its rows, names and rights.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flows.decisions.naming import TableName, quoted
from flows.formats.base import Column
from flows.ir.targets import TargetNode
from flows.targets.base import LoadContext, Loaded, TargetRefused
from flows.targets.cloning import belongings_of, identities_of, refuse_obstacles
from flows.targets.hooks.running import run_hook
from flows.targets.marking import ensure_lineage
from flows.targets.modes.base import Job, copy_feed, peeked
from flows.targets.modes.truncate import refuse_empty
from flows.targets.shapes import TableShape, find_shape
from flows.targets.staging import run

# Indexes and keys come after the rows, under their own names, once the old table has let go of them.
LIKE = "INCLUDING ALL EXCLUDING INDEXES"


def check(
    cursor: Any, target: TargetNode, shape: TableShape, columns: Sequence[Column], context: LoadContext
) -> None:  # fmt: skip
    """Refuse a table that others hang on, and one beside which the names of the swap are taken."""
    refuse_obstacles(cursor, shape)
    for other in _beside(shape.table):
        if find_shape(cursor, other) is not None:
            raise TargetRefused(f"blue_green needs the name {other.shown}, and a table has it already.")


def load(job: Job) -> Loaded:
    """Fill the new table, run the post-hook, and let it take the old one's place."""
    has_rows, reader = peeked(job.feed.batches())
    refuse_empty(job, has_rows=has_rows)
    new, old = _beside(job.shape.table)
    # Another table than before may have the name by now: the one that somebody else swapped in meanwhile.
    job = job.into(_standing(job, job.shape.table))
    shape = ensure_lineage(job.cursor, job.shape) if job.context.lineage else job.shape
    run(job, f"CREATE TABLE {new.sql} (LIKE {shape.table.sql} {LIKE})")
    for identity in identities_of(job.cursor, shape):
        following = f"RESTART WITH {identity.following:d}"
        run(job, f"ALTER TABLE {new.sql} ALTER COLUMN {quoted(identity.column)} {following}")
    rows = copy_feed(job.into(replace(shape, table=new)), reader)
    if job.target.post_hook is not None:
        run_hook(job.cursor, job.target.post_hook, job.context, table=new, node_id=job.target.id)
    _swap(job, shape, new, old)
    return Loaded(rows_written=rows, rows_skipped=0, strategy="blue/green swap")


def _swap(job: Job, shape: TableShape, new: TableName, old: TableName) -> None:
    belongings = belongings_of(job.cursor, shape)
    table = shape.table
    run(job, f"ALTER TABLE {table.sql} RENAME TO {quoted(old.name)}")
    run(job, f"ALTER TABLE {new.sql} RENAME TO {quoted(table.name)}")
    for sequence, column in belongings.sequences:
        run(job, f"ALTER SEQUENCE {sequence} OWNED BY {table.sql}.{quoted(column)}")
    run(job, f"DROP TABLE {old.sql}")
    for statement in belongings.statements:
        run(job, statement)
    found = {each.column: each.sequence for each in identities_of(job.cursor, _standing(job, table))}
    for identity in belongings.identities:
        run(job, f"ALTER SEQUENCE {found[identity.column].sql} RENAME TO {quoted(identity.sequence.name)}")


def _standing(job: Job, table: TableName) -> TableShape:
    found = find_shape(job.cursor, table)
    assert found is not None
    return found


def _beside(table: TableName) -> tuple[TableName, TableName]:
    return table.beside("_new"), table.beside("_old")
