"""upsert: rows with a key that is there change that row, others are added; equal rows are left alone.

A key that comes twice in one input is refused: which of the two is meant, a `deduplicate` op says.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
from django.db import IntegrityError, transaction

from flows.decisions.naming import quoted
from flows.formats.base import Column
from flows.ir.targets import TargetNode
from flows.targets.base import LoadContext, Loaded, TargetRefused
from flows.targets.checking import named_columns
from flows.targets.modes.base import Job
from flows.targets.shapes import TableShape
from flows.targets.staging import Staged, run, same_sql, stage

UNIQUES = """
SELECT array_agg(a.attname::text) FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
WHERE i.indrelid = %s AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
GROUP BY i.indexrelid
"""


def check(
    cursor: Any, target: TargetNode, shape: TableShape, columns: Sequence[Column], context: LoadContext
) -> None:  # fmt: skip
    """Refuse a key that is no unique key of the table, and one of all columns: nothing would be left to change."""
    keys, given = target.upsert_keys, [column.name for column in columns]
    if not keys:
        raise TargetRefused("loadMode upsert needs upsertKey.")
    named_columns(shape.table, shape, keys, "upsertKey")
    missing = [key for key in keys if key not in given]
    if missing:
        raise TargetRefused(f"upsertKey: the input has no column {', '.join(missing)}.")
    if set(keys) == set(given):
        raise TargetRefused("upsertKey names every column of the input: there is none left to update. Use append.")
    cursor.execute(UNIQUES, [shape.oid])
    if not any(set(found) == set(keys) for (found,) in cursor.fetchall()):
        raise TargetRefused(
            f"upsertKey: {shape.table.shown} has no unique key of {', '.join(keys)}: a primary key or unique index of "
            "just these columns, neither partial, deferrable nor on expressions. A new schema can have one; a table "
            "that is there gets one by CREATE UNIQUE INDEX."
        )


def load(job: Job) -> Loaded:
    """Stage the rows, refuse keys that are null or come twice, then insert or update what differs."""
    staged = stage(job, job.feed.batches())
    keys = job.target.upsert_keys
    _refuse_bad_keys(staged, keys)
    written = _merge(job, staged, keys)
    staged.drop()
    return Loaded(rows_written=written, rows_skipped=staged.rows - written, strategy=f"upsert by {', '.join(keys)}")


def _merge(job: Job, staged: Staged, keys: Sequence[str]) -> int:
    """Return how many rows were added or changed.

    MERGE takes half the time of ON CONFLICT, and fails where another application adds a key while it runs. Then, and
    only then, ON CONFLICT does it, which changes that row.
    """
    table, values = job.shape.table.sql, staged.insert_values()
    others = [column for column in staged.columns if column.name not in keys]
    joined = " AND ".join(f"t.{quoted(key)} = s.{quoted(key)}" for key in keys)
    same = same_sql(others, "t", "s")
    changed = [name for name in values if name not in {quoted(key) for key in keys}]
    listed, selected = ", ".join(values), ", ".join(values.values())
    setting = ", ".join(f"{name} = {values[name]}" for name in changed)
    merge = (
        f"MERGE INTO {table} t USING {staged.table.sql} s ON {joined} "  # noqa: S608 - quoted names
        f"WHEN MATCHED AND NOT ({same}) THEN UPDATE SET {setting} "
        f"WHEN NOT MATCHED THEN INSERT ({listed}) VALUES ({selected})"
    )
    insert = (
        f"INSERT INTO {table} ({listed}) SELECT {selected} FROM {staged.table.sql} s "  # noqa: S608 - quoted names
        f"WHERE NOT EXISTS (SELECT 1 FROM {table} t WHERE {joined} AND {same}) "
        f"ON CONFLICT ({', '.join(quoted(key) for key in keys)}) "
        f"DO UPDATE SET {', '.join(f'{name} = EXCLUDED.{name}' for name in changed)}"
    )
    try:
        with transaction.atomic():
            return run(job, merge)
    except TargetRefused as refusal:
        if not isinstance(refusal.__cause__, IntegrityError):
            raise
        return run(job, insert)


def _refuse_bad_keys(staged: Staged, keys: Sequence[str]) -> None:
    listed = ", ".join(quoted(key) for key in keys)
    cursor = staged.job.cursor
    nulls = " OR ".join(f"{quoted(key)} IS NULL" for key in keys)
    cursor.execute(f"SELECT min(_kaireon_order) FROM {staged.table.sql} WHERE {nulls}")  # noqa: S608 - quoted names
    row = cursor.fetchone()[0]
    if row is not None:
        raise TargetRefused(f"Row {row:,} has no value in its key ({', '.join(keys)}).")
    try:
        # Sorting for an index is five times as fast as counting by key, and the join below can use it.
        cursor.execute(f"CREATE UNIQUE INDEX ON {staged.table.sql} ({listed})")
        cursor.execute(f"ANALYZE {staged.table.sql} ({listed})")
    except IntegrityError as error:
        detail = error.__cause__.diag.message_detail if isinstance(error.__cause__, psycopg.Error) else None
        raise TargetRefused(
            f"A key comes more than once in the input: {(detail or 'which one is not known')[:300]} "
            "Add a deduplicate op that keeps one of its rows."
        ) from error
