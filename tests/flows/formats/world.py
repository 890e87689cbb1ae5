"""Files made on the spot, read in a session of their own, and shown in short."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb

from flows.formats.base import BadRow, LocalFile, ReadLimits, ReadTable
from flows.formats.reading import read_files
from flows.ir.sources import FileFormat, FormatOptions

SMALL = ReadLimits(cell_bytes=1024 * 1024, unpacked_bytes=64 * 1024 * 1024, columns=50, bad_rows=100)


@dataclass
class Desk:
    """A session, a folder for files and one for the reader's own."""

    session: duckdb.DuckDBPyConnection
    folder: Path
    work: Path
    limits: ReadLimits = SMALL

    def file(self, data: bytes, name: str = "in.csv") -> LocalFile:
        """Write a file; its name on the disk is one that DuckDB would take for a pattern."""
        path = self.folder / f"{uuid4().hex}[1]*.csv"
        path.write_bytes(data)
        return LocalFile(path, name, len(data))

    def read(
        self,
        *files: bytes | LocalFile,
        format: FileFormat = "csv",
        dead_letters: bool = True,
        look_ahead: bool = True,
        **options: Any,
    ) -> "Shown":
        """Read files as the source would; options are named as in the IR."""
        given = [
            each if isinstance(each, LocalFile) else self.file(each, f"in{number}.csv")
            for number, each in enumerate(files)
        ]
        counted: list[int] = []
        relation = f"source_{uuid4().hex[:8]}"
        table = read_files(
            self.session, given, relation=relation, format=format, options=FormatOptions.model_validate(options),
            limits=self.limits, dead_letters=dead_letters, work_folder=self.work, on_bytes=counted.append,
            look_ahead=look_ahead,
        )  # fmt: skip
        rows = self.session.sql(f'SELECT * FROM "{relation}"').to_arrow_table().to_pylist()
        return Shown(table, [tuple(row.values()) for row in rows], sum(counted))

    def limited(self, **limits: int) -> "Desk":
        """Return the same desk with other limits."""
        return replace(self, limits=replace(self.limits, **limits))


@dataclass
class Shown:
    """What was read, and the rows that the relation really has."""

    table: ReadTable
    rows: list[tuple[Any, ...]]
    counted: int

    @property
    def columns(self) -> list[str]:
        """Return the names of the columns."""
        return [column.name for column in self.table.columns]

    @property
    def types(self) -> list[str]:
        """Return the types of the columns."""
        return [column.type for column in self.table.columns]

    @property
    def bad(self) -> list[BadRow]:
        """Return the rows set aside."""
        return list(self.table.bad_rows)

    @property
    def lines(self) -> list[int | None]:
        """Return the lines of the rows set aside."""
        return [row.line for row in self.table.bad_rows]
