"""Rows set aside, into the tenant's quarantine table: made on first use, filled in the run's transaction."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from django.db.backends.base.base import BaseDatabaseWrapper

from flows.decisions.naming import NameRefused, TableName, literal, quarantine_table
from flows.engines.base import RejectFeed
from flows.formats.base import BadRow
from flows.targets.base import LoadContext, TargetRefused
from flows.targets.copying import CopyPlan, copy_rows
from flows.targets.shapes import TableColumn, TableShape, find_shape
from kaireon.platform.locks import lock_key, xact_lock

COLUMNS: Final = {
    "id": "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "run_id": "uuid NOT NULL", "node_id": "text NOT NULL",
    "rule_id": "text", "file": "text", "line": "bigint", "column_name": "text", "value": "text", "error": "text",
    "row": "jsonb", "created_at": "timestamptz NOT NULL",
}  # fmt: skip
# What a feed may bring; the run knows the rest.
BROUGHT: Final = ("rule_id", "file", "line", "column_name", "value", "error", "row")
KINDS: Final = {"run_id": "uuid", "line": "int8", "row": "jsonb", "created_at": "timestamptz"}
BAD_ROWS_A_BATCH: Final = 10_000
# jsonb cannot hold the character NUL, nor half of a surrogate pair.
UNHOLDABLE: Final = r"((?:^|[^\\])(?:\\\\)*)\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})"
BAD_ROW_SCHEMA: Final = pa.schema(
    [pa.field(name, pa.int64() if name == "line" else pa.string()) for name in BROUGHT]
)  # fmt: skip


def write_rejects(
    connection: BaseDatabaseWrapper, feed: RejectFeed, context: LoadContext, *, default_table: str
) -> int:  # fmt: skip
    """Write rows that a node set aside to its quarantine table, else the default one; return how many there were.

    Raises TargetRefused for a name that is none, and when something else stands at it.
    """
    return _write(connection, feed.table or default_table, feed.node_id, feed.batches(), context)


def write_bad_rows(
    connection: BaseDatabaseWrapper, rows: Sequence[BadRow], context: LoadContext, *, node_id: str, table: str,
    rule_id: str = "unreadable",
) -> int:  # fmt: skip
    """Write rows that a source could not read to a quarantine table, with file and line; return how many there were."""

    def batches() -> Iterator[pa.RecordBatch]:
        for start in range(0, len(rows), BAD_ROWS_A_BATCH):
            yield pa.RecordBatch.from_pylist(
                [_of_bad_row(row, rule_id) for row in rows[start : start + BAD_ROWS_A_BATCH]], schema=BAD_ROW_SCHEMA
            )

    reader = pa.RecordBatchReader.from_batches(BAD_ROW_SCHEMA, batches())
    return _write(connection, table, node_id, reader, context) if rows else 0


def _of_bad_row(row: BadRow, rule_id: str) -> dict[str, Any]:
    return {
        "rule_id": rule_id, "file": row.file, "line": row.line, "column_name": row.column or None,
        "value": row.value, "error": row.error, "row": json.dumps({"raw": row.raw}, ensure_ascii=False),
    }  # fmt: skip


def _write(
    connection: BaseDatabaseWrapper, name: str, node_id: str, reader: pa.RecordBatchReader, context: LoadContext
) -> int:  # fmt: skip
    try:
        table = quarantine_table(name, context.data_schema)
    except NameRefused as refusal:
        raise TargetRefused(str(refusal), node_id=node_id) from None
    with connection.cursor() as cursor:
        ensure_quarantine(cursor, table)
        names = [each for each in BROUGHT if each in reader.schema.names]
        known = ["run_id", "node_id", "created_at"]
        plan = CopyPlan(table=table, names=[*names, *known], columns=[_column(each) for each in [*names, *known]])
        return copy_rows(cursor, _with_run(reader, names, node_id, context), plan, on_progress=_untold)


def ensure_quarantine(cursor: Any, table: TableName) -> TableShape:
    """Return the quarantine table, made unless it is there; raise TargetRefused when other columns stand there."""
    shape = find_shape(cursor, table)
    if shape is None:
        xact_lock(lock_key("quarantine", table.schema, table.name))
        listed = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS.items())
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {table.sql} ({listed})")
        cursor.execute(f"COMMENT ON TABLE {table.sql} IS {literal('Rows that flows set aside')}")
        cursor.execute(f"CREATE INDEX IF NOT EXISTS {_index(table)} ON {table.sql} (run_id, node_id, id)")
        shape = find_shape(cursor, table)
    missing = [name for name in COLUMNS if shape is None or shape.column(name) is None]
    if shape is None or missing:
        raise TargetRefused(f"{table.shown} is no quarantine table: it has no {', '.join(missing)}. Name another.")
    return shape


def _index(table: TableName) -> str:
    return TableName(table.schema, table.name).beside("_run").sql.partition(".")[2]


def _column(name: str) -> TableColumn:
    kind = KINDS.get(name, "text")
    return TableColumn(name, kind, kind, is_required=False, is_computed=False)


def _with_run(
    reader: pa.RecordBatchReader, names: Sequence[str], node_id: str, context: LoadContext
) -> pa.RecordBatchReader:  # fmt: skip
    fixed = [
        pa.scalar(str(context.run_id)), pa.scalar(node_id), pa.scalar(context.now, pa.timestamp("us", "UTC")),
    ]  # fmt: skip
    fields = [pa.field(name, pa.int64() if name == "line" else pa.string()) for name in names]
    schema = pa.schema([
        *fields, pa.field("run_id", pa.string()), pa.field("node_id", pa.string()),
        pa.field("created_at", pa.timestamp("us", "UTC")),
    ])  # fmt: skip

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in reader:
            given = [_clean(name, batch.column(name)) for name in names]
            said = [pa.repeat(value, batch.num_rows) for value in fixed]
            yield pa.RecordBatch.from_arrays([*given, *said], schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _untold(rows: int) -> None:
    """Tell nobody: rejected rows are few beside those of the load."""


def _clean(name: str, values: pa.Array) -> pa.Array:
    """Return the values without what PostgreSQL cannot hold: a rejected row must not be what fails the run."""
    if name == "line":
        return values.cast(pa.int64())
    texts = pc.replace_substring(values.cast(pa.string()), "\x00", "\ufffd")
    # Twice: of two that touch, the first pass takes every other one.
    for _ in range(2 if name == "row" else 0):
        texts = pc.replace_substring_regex(texts, UNHOLDABLE, "\\1\ufffd")
    return texts
