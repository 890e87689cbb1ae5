"""Rows beside the table first: what upserts and watermarks compare before the table sees a row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import psycopg
import pyarrow as pa
from django.db import DatabaseError

from flows.decisions.naming import LINEAGE_COLUMN, TableName, fitted, literal, quoted
from flows.targets.copying import CopyPlan, copy_rows
from flows.targets.failures import refusal_of
from flows.targets.marking import ensure_lineage, lineage_ends
from flows.targets.modes.base import Job, columns_of
from flows.targets.shapes import TableColumn, TableShape

ORDER_COLUMN: Final = "_kaireon_order"
# Types that PostgreSQL cannot compare; their texts are.
UNCOMPARABLE: Final = frozenset({"json", "xml", "point", "polygon"})


@dataclass(frozen=True, slots=True)
class Staged:
    """A temporary table with the feed's rows, typed as the target's; gone with the transaction."""

    table: TableName
    target: TableShape
    columns: Sequence[TableColumn]
    rows: int
    job: Job

    def drop(self) -> None:
        """Give its space back before the commit does."""
        self.job.cursor.execute(f"DROP TABLE {self.table.sql}")

    def insert_values(self) -> dict[str, str]:
        """Return each column to insert into, quoted → what to select for it from the stage `s`; lineage is the last."""
        values = {(name := quoted(column.name)): f"s.{name}" for column in self.columns}
        if self.job.context.lineage:
            head, tail = (literal(part) for part in lineage_ends(self.job.context))
            values[quoted(LINEAGE_COLUMN)] = f"({head} || s.{quoted(ORDER_COLUMN)} || {tail})::jsonb"
        return values


def stage(job: Job, reader: pa.RecordBatchReader) -> Staged:
    """Copy the feed into a temporary table and return it. Raises TargetRefused naming the row that does not fit."""
    target = ensure_lineage(job.cursor, job.shape) if job.context.lineage else job.shape
    table = TableName("pg_temp", fitted("kaireon_stage_" + job.target.id, ""))
    columns = columns_of(target, job.names)
    order = TableColumn(ORDER_COLUMN, "bigint", "int8", is_required=False, is_computed=False)
    listed = ", ".join(f"{quoted(column.name)} {column.type}" for column in [*columns, order])
    job.cursor.execute(f"DROP TABLE IF EXISTS {table.sql}")
    job.cursor.execute(f"CREATE TEMPORARY TABLE {quoted(table.name)} ({listed}) ON COMMIT DROP")
    plan = CopyPlan(
        table=table, shown=job.shape.table.shown, names=job.names, columns=columns,
        maker=_numbers, made_column=order, made_type=pa.int64(),
    )  # fmt: skip
    rows = copy_rows(job.cursor, reader, plan, on_progress=job.context.on_progress)
    return Staged(table, target, columns, rows, job)


def _numbers(first: int, count: int) -> pa.Array:
    return pa.array(np.arange(first, first + count))


def run(job: Job, statement: str) -> int:
    """Execute a statement that writes to the table and return its row count; what it refuses is a TargetRefused."""
    try:
        job.cursor.execute(statement)
    except DatabaseError as error:
        if isinstance(error.__cause__, psycopg.Error):
            raise refusal_of(error.__cause__, job.shape.table.shown) from error
        raise
    return int(job.cursor.rowcount)


def same_sql(columns: Sequence[TableColumn], left: str, right: str) -> str:
    """Return the condition that the columns of two rows hold the same, nulls included."""
    return " AND ".join(
        f"{_compared(column, left)} IS NOT DISTINCT FROM {_compared(column, right)}" for column in columns
    )


def _compared(column: TableColumn, side: str) -> str:
    name = f"{side}.{quoted(column.name)}"
    return f"{name}::text" if column.kind in UNCOMPARABLE else name
