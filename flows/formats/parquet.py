"""Parquet, read by DuckDB as a lazy view; footers are looked at first, since they are believed while reading."""

from collections.abc import Sequence
from typing import Final
from uuid import uuid4

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from flows.formats.base import LocalFile, ReadTable, UnreadableFile
from flows.formats.jobs import ReadJob, literal, quoted
from flows.formats.preparing import unpacked_copy
from flows.formats.spool import described

_MAGIC: Final = b"PAR1"
_MOST_FOOTER: Final = 32 * 1024 * 1024
_MOST_GROUP: Final = 8 * 1024 * 1024 * 1024
_NESTED: Final = ("STRUCT(", "MAP(", "UNION(")


def read_parquet(files: Sequence[LocalFile], job: ReadJob) -> ReadTable:
    """Return the rows of all files in their own types, nested values as JSON. Raises UnreadableFile."""
    paths: list[str] = []
    names: list[str] = []
    rows = 0
    for file in files:
        local = unpacked_copy(file, job)
        found, count = _checked(local, job)
        if names and sorted(found) != sorted(names):
            odd = ", ".join(sorted(set(found) ^ set(names))[:10])
            raise UnreadableFile(f"{file.key}: its columns are not those of {files[0].key} ({odd}).", file=file.key)
        names = names or found
        rows += count
        path = job.work_folder / uuid4().hex
        path.symlink_to(local.path.absolute())
        paths.append(str(path))
        job.on_bytes(file.size)
    try:
        _make_view(paths, job)
        columns = described(job)
    except duckdb.Error as error:
        raise UnreadableFile(f"{files[0].key} cannot be read: {str(error).splitlines()[0][:300]}.") from None
    return ReadTable(
        relation=job.relation, columns=columns, rows=rows, bytes=sum(file.size for file in files),
        bad_rows=(), bad_row_count=0, notes=tuple(job.notes),
    )  # fmt: skip


def _checked(file: LocalFile, job: ReadJob) -> tuple[list[str], int]:
    """Return a file's columns and how many rows it has, once its footer has been found believable."""
    _check_footer(file)
    try:
        with pq.ParquetFile(
            file.path, thrift_string_size_limit=_MOST_FOOTER, thrift_container_size_limit=10_000_000
        ) as opened:
            metadata, schema = opened.metadata, opened.schema_arrow
            groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise UnreadableFile(f"{file.key} is no parquet file that can be read: {reason}.", file=file.key) from None
    if metadata.num_columns > job.limits.columns or len(schema.names) > job.limits.columns:
        raise UnreadableFile(f"{file.key} has more than {job.limits.columns:,} columns.", file=file.key)
    total = sum(group.total_byte_size for group in groups)
    largest = max((group.total_byte_size for group in groups), default=0)
    is_bomb = total > job.limits.unpacked_bytes or total > max(file.size, 1024 * 1024) * job.limits.unpacked_ratio
    if is_bomb or largest > _MOST_GROUP or any(group.total_byte_size < 0 or group.num_rows < 0 for group in groups):
        raise UnreadableFile(f"{file.key} says that it unpacks to {total:,} bytes: it is not read.", file=file.key)
    return list(schema.names), metadata.num_rows


def _check_footer(file: LocalFile) -> None:
    with file.path.open("rb") as opened:
        head = opened.read(4)
        opened.seek(max(0, file.size - 8))
        tail = opened.read(8)
    size = int.from_bytes(tail[:4], "little")
    if head != _MAGIC or tail[4:] != _MAGIC or file.size < 12:
        raise UnreadableFile(f"{file.key} is no parquet file.", file=file.key)
    if size > min(_MOST_FOOTER, file.size - 12):
        raise UnreadableFile(f"{file.key} says that its footer has {size:,} bytes: it is not read.", file=file.key)


def _make_view(paths: list[str], job: ReadJob) -> None:
    source = f"read_parquet([{', '.join(map(literal, paths))}], union_by_name=true)"
    found = job.session.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()  # noqa: S608 - our own paths
    terms = ", ".join(_term(str(name), str(kind)) for name, kind, *_ in found)
    job.session.execute(f"CREATE OR REPLACE VIEW {quoted(job.relation)} AS SELECT {terms} FROM {source}")  # noqa: S608


def _term(name: str, kind: str) -> str:
    if kind.startswith(_NESTED) or kind.endswith("]"):
        return f"to_json({quoted(name)})::VARCHAR AS {quoted(name)}"
    if kind.startswith("ENUM(") or kind in {"UUID", "INTERVAL"}:
        return f"{quoted(name)}::VARCHAR AS {quoted(name)}"
    if kind in {"TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S"}:
        return f"{quoted(name)}::TIMESTAMP AS {quoted(name)}"
    return quoted(name)
