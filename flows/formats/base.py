"""What reading gives: a relation, its columns, and the rows that could not be read."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

# The hidden columns of every relation: which file (its number among the run's), and the row's place in it.
FILE_COLUMN: Final = "_kaireon_file"
ROW_COLUMN: Final = "_kaireon_row"


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file to read: `path` on this machine, `key` as its store calls it."""

    path: Path
    key: str
    size: int


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What a reader may cost: bytes of one cell or record, bytes after decompression, columns, rows set aside."""

    cell_bytes: int = 16 * 1024 * 1024
    unpacked_bytes: int = 200 * 1024 * 1024 * 1024
    # A file that unpacks to more than so many times its size is taken for a bomb.
    unpacked_ratio: int = 1_000
    columns: int = 2_000
    bad_rows: int = 100_000


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name and its DuckDB type as text (`VARCHAR`, `BIGINT`, `DECIMAL(18,2)`, …)."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that could not be read. `line` counts from 1 in the file; `raw` is its text, cut at a kilobyte."""

    file: str
    line: int | None
    error: str
    column: str = ""
    value: str = ""
    raw: str = ""


@dataclass(frozen=True, slots=True)
class ReadTable:
    """What was read: `relation` is a table or view of the DuckDB session, with exactly `columns` (no hidden one).

    Rows stand in the order of the files and of their lines. Text formats give VARCHAR columns, the others their own
    types. `rows` may be None for a view that nobody has counted yet.
    """

    relation: str
    columns: tuple[Column, ...]
    rows: int | None
    bytes: int
    bad_rows: tuple[BadRow, ...] = ()
    # Of all bad rows, also those beyond the limit.
    bad_row_count: int = 0
    notes: tuple[str, ...] = field(default=())


class UnreadableFile(Exception):
    """A file cannot be read at all, or holds a bad row where those fail the run; the message names file and line."""

    def __init__(self, message: str, *, file: str = "", line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.line = line
