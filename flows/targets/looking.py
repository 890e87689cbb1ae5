"""Rows of a tenant's own table as Arrow batches: copied out to a file first, so that the connection is free again."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv as pa_csv

from flows.decisions.naming import NameRefused, TableName, quoted, target_table
from flows.engines.base import EngineError
from flows.targets.shapes import TableColumn, find_shape

BLOCK_BYTES: Final = 4 * 1024 * 1024
ARROW: Final = {
    "bool": pa.bool_(), "int2": pa.int16(), "int4": pa.int32(), "int8": pa.int64(), "float4": pa.float32(),
    "float8": pa.float64(), "date": pa.date32(), "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", "UTC"), "time": pa.time64("us"),
}  # fmt: skip
# Moments in UTC and ISO, which Arrow reads whatever the session's zone is.
SPELLED: Final = {
    "timestamptz": "to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
    "bool": "CASE {0} WHEN true THEN 'true' WHEN false THEN 'false' END",
}


def look_up(cursor: Any, text: str, names: Sequence[str], data_schema: str) -> pa.RecordBatchReader:
    """Return columns of one of the tenant's tables; raise EngineError for a table or column that is not there.

    Numbers of PostgreSQL without a precision come with nine digits after the point; what Arrow lacks, as text.
    """
    table = _table(text, data_schema)
    shape = find_shape(cursor, table)
    if shape is None:
        raise EngineError(f"There is no table {table.shown} to look up in.")
    found = {column.name: column for column in shape.columns}
    unknown = [name for name in names if name not in found]
    if unknown:
        raise EngineError(f"{table.shown} has no column {', '.join(unknown)}.")
    columns = [found[name] for name in names]
    return _batches(cursor, table, columns)


def _table(text: str, data_schema: str) -> TableName:
    try:
        return target_table(text, data_schema)
    except NameRefused as refusal:
        raise EngineError(str(refusal)) from None


def _batches(cursor: Any, table: TableName, columns: Sequence[TableColumn]) -> pa.RecordBatchReader:
    schema = pa.schema([pa.field(column.name, _arrow(column)) for column in columns])
    folder = tempfile.TemporaryDirectory(prefix="kaireon-lookup-")
    path = Path(folder.name) / "rows.csv"
    listed = ", ".join(_spelled(column) for column in columns)
    selection = f"SELECT {listed} FROM {table.sql}"  # noqa: S608 - quoted names
    with path.open("wb") as file, cursor.copy(f"COPY ({selection}) TO STDOUT WITH (FORMAT csv)") as copy:
        for data in copy:
            file.write(data)
    if not path.stat().st_size:
        folder.cleanup()
        return pa.RecordBatchReader.from_batches(schema, iter(()))
    reader = pa_csv.open_csv(
        path,
        read_options=pa_csv.ReadOptions(column_names=schema.names, block_size=BLOCK_BYTES, use_threads=False),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(
            column_types=schema, strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=[""],
            true_values=["true"], false_values=["false"],
        ),
    )  # fmt: skip
    return pa.RecordBatchReader.from_batches(schema, _until_read(reader, folder))


def _until_read(
    reader: pa_csv.CSVStreamingReader, folder: "tempfile.TemporaryDirectory[str]"
) -> Iterator[pa.RecordBatch]:  # fmt: skip
    with folder, reader:
        yield from reader


def _arrow(column: TableColumn) -> pa.DataType:
    if column.kind != "numeric":
        return ARROW.get(column.kind, pa.string())
    sizes = column.type.partition("(")[2].rstrip(")").split(",")
    if len(sizes) == 2 and int(sizes[0]) <= 38 and 0 <= int(sizes[1]) <= int(sizes[0]):
        return pa.decimal128(int(sizes[0]), int(sizes[1]))
    return pa.decimal128(38, 9)


def _spelled(column: TableColumn) -> str:
    name = quoted(column.name)
    if column.kind == "numeric" and _arrow(column) == pa.decimal128(38, 9):
        return f"{name}::numeric(38, 9)"
    return SPELLED.get(column.kind, "{0}").format(name)
