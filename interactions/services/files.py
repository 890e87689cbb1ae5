"""Read rows out of a CSV or Parquet file with bounded memory; a row that cannot be read comes with the reason."""

import csv
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from interactions.decisions.imported_rows import HeaderRejected, Unreadable, resolve_header
from kaireon.platform.errors import BadRequest

MAX_LINE = 1024 * 1024
PARQUET_BATCH = 5_000


class UnreadableFile(BadRequest):
    """The file is not there, not of its kind, or lacks the columns of interactions."""

    code = "UNREADABLE_FILE"


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row of a file: its line (CSV) or row (Parquet) number, what it says, and why it cannot be used, if so."""

    line: int
    fields: Mapping[str, object]
    problem: str = ""


class RowFile(Protocol):
    """An open file of rows; `size` and `position` are in the same unit, for progress."""

    size: int

    def rows(self) -> Iterator[SourceRow]:
        """Stream the rows."""

    def position(self) -> int:
        """Return how far the reading is."""


@contextmanager
def open_rows(path: Path) -> Iterator[RowFile]:
    """Open a `.csv` or `.parquet` file and check its columns. Raises UnreadableFile."""
    kinds: dict[str, Callable[[IO[bytes], int], RowFile]] = {".csv": _CsvFile, ".parquet": _ParquetFile}
    kind = kinds.get(path.suffix.lower())
    if kind is None:
        raise UnreadableFile(f"{path}: the file must end in .csv or .parquet.")
    try:
        with path.open("rb") as handle:
            yield kind(handle, path.stat().st_size)
    except (HeaderRejected, pa.ArrowInvalid, csv.Error) as error:
        raise UnreadableFile(f"{path}: {error}") from None
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror or error}") from None


class _CsvFile:
    """Lines of UTF-8 with commas; bytes that are no UTF-8 stay in their row, as lone surrogates."""

    def __init__(self, handle: IO[bytes], size: int) -> None:
        self.size = size
        self._handle = handle
        self._read = 0
        self._reader = csv.reader(self._lines(), strict=True)
        self._columns = resolve_header(next(self._reader, []))

    def rows(self) -> Iterator[SourceRow]:
        """Stream the rows; blank lines are none."""
        while True:
            line = self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield SourceRow(line, {}, f"is no CSV: {error}")
                continue
            if cells:
                yield self._row(line, cells)

    def position(self) -> int:
        """Return the bytes read."""
        return self._read

    def _row(self, line: int, cells: list[str]) -> SourceRow:
        fields = dict(zip(self._columns, cells, strict=False))
        if len(cells) != len(self._columns):
            return SourceRow(line, fields, f"has {len(cells)} cells where the header has {len(self._columns)}")
        return SourceRow(line, fields)

    def _lines(self) -> Iterator[str]:
        """Stream the lines, cutting endless ones: memory stays bounded and the pieces are rejected as ragged rows."""
        encoding = "utf-8-sig"
        while piece := self._handle.readline(MAX_LINE):
            self._read += len(piece)
            yield piece.decode(encoding, "surrogateescape")
            encoding = "utf-8"


class _ParquetFile:
    """Row groups, read a few thousand rows at a time."""

    def __init__(self, handle: IO[bytes], size: int) -> None:
        self._file = pq.ParquetFile(handle)
        self._columns = resolve_header(self._file.schema_arrow.names)
        self.size = self._file.metadata.num_rows
        self._read = 0

    def rows(self) -> Iterator[SourceRow]:
        """Stream the rows."""
        for batch in self._file.iter_batches(batch_size=PARQUET_BATCH):
            columns = [_values(column) for column in batch.columns]
            for cells in zip(*columns, strict=True):
                self._read += 1
                yield SourceRow(self._read, dict(zip(self._columns, cells, strict=True)))

    def position(self) -> int:
        """Return the rows read."""
        return self._read


def _values(column: "pa.Array[Any]") -> list[object]:
    """Return a column's values; one that Python cannot hold is Unreadable and spoils its own row only."""
    if pa.types.is_timestamp(column.type):
        # Nanoseconds do not fit datetime; the metrics' windows do not need them.
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    try:
        return list(column.to_pylist())
    except (ValueError, OverflowError):
        return [_value(cell) for cell in column]


def _value(cell: "pa.Scalar[Any]") -> object:
    try:
        value: object = cell.as_py()
    except (ValueError, OverflowError):
        return Unreadable()
    return value
