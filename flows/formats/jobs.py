"""What every reader is given, and where the rows that it cannot read go."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb

from flows.formats.base import BadRow, ReadLimits, UnreadableFile
from flows.ir.sources import FormatOptions

RAW_CHARACTERS: Final = 1_024
OnBytes = Callable[[int], None]


@dataclass(slots=True)
class BadRows:
    """The rows set aside, the first so many of them whole; in a run that keeps none the first one ends it."""

    most: int
    is_kept: bool
    rows: list[BadRow] = field(default_factory=list)
    count: int = 0

    def add(self, row: BadRow) -> None:
        """Set a row aside. Raise UnreadableFile in a run that fails over it."""
        if not self.is_kept:
            where = row.file if row.line is None else f"{row.file}, line {row.line}"
            raise UnreadableFile(f"{where}: {row.error}", file=row.file, line=row.line)
        self.count += 1
        if len(self.rows) < self.most:
            self.rows.append(row)


@dataclass(frozen=True, slots=True)
class ReadJob:
    """One call of a reader. `relation` is the name to give; other relations that it makes begin with that name."""

    session: duckdb.DuckDBPyConnection
    relation: str
    options: FormatOptions
    limits: ReadLimits
    bad: BadRows
    work_folder: Path
    on_bytes: OnBytes
    # Whether nobody looks for bad rows in a clean-looking file before its relation is read.
    is_lazy: bool = False
    notes: list[str] = field(default_factory=list)


def quoted(name: str) -> str:
    """Return a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def cut(text: str) -> str:
    """Return the text of a row as it is kept: at most a kilobyte, without NULs, which PostgreSQL takes in no text."""
    return text[:RAW_CHARACTERS].replace("\x00", "\\x00")
