"""Rows kept for rereading in bounded memory: the first few thousand as they are, the rest in a temporary file."""

import os
import pickle
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from types import TracebackType
from typing import IO, Any, Final, NamedTuple, Self

from reports.decisions.document import Row

ROWS_IN_MEMORY: Final = 2_000
ROWS_AT_ONCE: Final = 500


class SpoolClosed(ValueError):
    """The rows were read after their spool had been closed; its file is gone."""


class _Block(NamedTuple):
    offset: int
    size: int


class SpooledRows:
    """Rows of a table that can be read again and again, by several readers at once."""

    def __init__(self, spool: "Spool", rows: list[Row]) -> None:
        self._spool, self._first = spool, rows
        self._blocks: list[_Block] = []
        self._count = len(rows)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Row]:
        yield from self._first
        for block in self._blocks:
            yield from self._spool.read(block)

    def extend(self, rows: list[Row]) -> None:
        """Add rows behind those in memory."""
        self._blocks.append(self._spool.write(rows))
        self._count += len(rows)


class Spool:
    """The temporary file of one report, gone when the `with` block ends; without a large table there is none."""

    def __init__(self, rows_in_memory: int = ROWS_IN_MEMORY) -> None:
        self._rows_in_memory = rows_in_memory
        self._file: IO[bytes] | None = None
        self._end = 0
        self._is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def size(self) -> int:
        """Return how many bytes lie in the file."""
        return self._end

    def keep(self, rows: Iterable[Row]) -> SpooledRows:
        """Read the rows to their end, once, and return them for rereading until the spool is closed."""
        coming = iter(rows)
        kept = SpooledRows(self, list(islice(coming, self._rows_in_memory)))
        while block := list(islice(coming, ROWS_AT_ONCE)):
            kept.extend(block)
        return kept

    def write(self, rows: list[Row]) -> _Block:
        """Append a block of rows to the file."""
        packed = pickle.dumps(rows, pickle.HIGHEST_PROTOCOL)
        file = self._open_file()
        file.write(packed)
        block = _Block(self._end, len(packed))
        self._end += block.size
        return block

    def read(self, block: _Block) -> Any:
        """Return a block's rows; raise SpoolClosed when the file is gone."""
        if self._file is None:
            raise SpoolClosed("The spool of these rows is closed.")
        # Where a reader stands is its own matter: nothing moves a position that another one shares.
        packed = os.pread(self._file.fileno(), block.size, block.offset)
        return pickle.loads(packed)  # noqa: S301 - a file without a name that only this object has written

    def close(self) -> None:
        """Delete the file."""
        self._is_closed = True
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open_file(self) -> IO[bytes]:
        if self._is_closed:
            raise SpoolClosed("This spool is closed.")
        if self._file is None:
            # Unbuffered: what was written can be read at once.
            self._file = tempfile.TemporaryFile(prefix="kaireon-report-", buffering=0)  # noqa: SIM115 - closed by close()
        return self._file
