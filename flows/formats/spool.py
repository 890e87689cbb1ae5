"""Rows on their way from a reader in Python to a relation: Parquet parts in the work folder, some megabytes each.

Columns may appear at any row; a row that lacks one has NULL there.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from flows.formats.base import Column, LocalFile, ReadTable, UnreadableFile
from flows.formats.jobs import ReadJob, literal, quoted

_ROWS: Final = 50_000
_BYTES: Final = 16 * 1024 * 1024
_LONGEST_NAME: Final = 255


class Spool:
    """Takes rows as mappings of column to value; `types` says what columns are, those not named are text."""

    def __init__(self, job: ReadJob, types: Mapping[str, pa.DataType] | None = None) -> None:
        self._job = job
        self._types = dict(types or {})
        self._columns: dict[str, str] = {}
        self._parts: list[Path] = []
        self._rows: list[Mapping[str, Any]] = []
        self._bytes = 0
        self.rows = 0
        for name in self._types:
            self._know(name, None)

    def add(self, row: Mapping[str, Any], size: int, file: LocalFile) -> None:
        """Take a row of about so many bytes. Raise UnreadableFile beyond the limit of columns."""
        for name in row:
            if name not in self._columns:
                self._know(name, file)
        self._rows.append(row)
        self._bytes += size
        self.rows += 1
        if len(self._rows) >= _ROWS or self._bytes >= _BYTES:
            self._flush()

    def finish(self, files: list[LocalFile]) -> ReadTable:
        """Name the rows as the job's relation and return it."""
        self._flush()
        job = self._job
        columns = tuple(Column(name, "VARCHAR") for name in self._columns)
        terms = ", ".join(quoted(name) for name in self._columns) or "NULL AS nothing"
        if self._parts:
            listed = ", ".join(literal(str(part)) for part in self._parts)
            source = f"SELECT {terms} FROM read_parquet([{listed}], union_by_name=true)"  # noqa: S608 - our own names
        else:
            source = f"SELECT {', '.join(f'NULL::VARCHAR AS {quoted(name)}' for name in self._columns)} WHERE false"
        if not columns:
            raise UnreadableFile(f"{files[0].key} holds no record that names a column.", file=files[0].key)
        job.session.execute(f"CREATE OR REPLACE VIEW {quoted(job.relation)} AS {source}")
        return ReadTable(
            relation=job.relation,
            columns=described(job),
            rows=self.rows,
            bytes=sum(file.size for file in files),
            bad_rows=tuple(job.bad.rows),
            bad_row_count=job.bad.count,
            notes=tuple(job.notes),
        )

    def _know(self, name: str, file: LocalFile | None) -> None:
        where = file.key if file is not None else "The schema"
        if any(name.lower() == known.lower() for known in self._columns):
            raise UnreadableFile(f"{where}: two columns are called {name[:60]}, but for the case.", file=where)
        if not 0 < len(name) <= _LONGEST_NAME or any(ord(character) < 32 for character in name):
            raise UnreadableFile(f"{where}: {name[:40]!r} is no name of a column.", file=where)
        if len(self._columns) >= self._job.limits.columns:
            raise UnreadableFile(f"{where}: more than {self._job.limits.columns:,} columns.", file=where)
        self._columns[name] = name

    def _flush(self) -> None:
        if not self._rows:
            return
        arrays = [
            pa.array([row.get(name) for row in self._rows], self._types.get(name, pa.string()))
            for name in self._columns
        ]
        part = self._job.work_folder / f"{uuid4().hex}.parquet"
        pq.write_table(pa.Table.from_arrays(arrays, list(self._columns)), part, compression="zstd", compression_level=1)
        self._parts.append(part)
        self._rows, self._bytes = [], 0


def described(job: ReadJob) -> tuple[Column, ...]:
    """Return the columns of the job's relation, as DuckDB types them."""
    found = job.session.execute(f"DESCRIBE {quoted(job.relation)}").fetchall()
    return tuple(Column(str(name), str(kind)) for name, kind, *_ in found)
