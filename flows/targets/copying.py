"""Rows of a feed into a table by COPY, in the cursor's transaction: one thread makes bytes, this one sends them."""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import psycopg
import pyarrow as pa

from flows.decisions.naming import TableName, quoted
from flows.targets.encoding.plans import Encoder, encoder_for
from flows.targets.failures import refusal_of
from flows.targets.shapes import TableColumn

# Made ahead of the server, so that reading, casting and encoding go on while it writes.
AHEAD: Final = 3
# Rows are sent in pieces of about so many bytes of Arrow, however long the engine's batches are.
PIECE_BYTES: Final = 8 * 1024 * 1024
PROGRESS_SECONDS: Final = 0.3

Piece = tuple[bytes, int]
# From the number of a row, and how many there are, to values of a further column.
Maker = Callable[[int, int], pa.Array]


@dataclass(frozen=True, slots=True)
class CopyPlan:
    """What goes where: `names` of the feed into `columns` of `table`; `maker` makes the values of `made_column`."""

    table: TableName
    names: Sequence[str]
    columns: Sequence[TableColumn]
    nulls_empty: bool = False
    # How the table is called in errors, when not by its own name.
    shown: str = ""
    maker: Maker | None = None
    made_column: TableColumn | None = None
    made_type: pa.DataType = pa.string()  # noqa: RUF009 - immutable


def copy_rows(
    cursor: Any, reader: pa.RecordBatchReader, plan: CopyPlan, *, on_progress: Callable[[int], None]
) -> int:  # fmt: skip
    """Write all rows and return their number. `on_progress` gets the rows sent so far and may raise to stop.

    Raises TargetRefused, which names the row, when a value does not fit or the table refuses it.
    """
    columns = [*plan.columns, plan.made_column] if plan.made_column else list(plan.columns)
    schema = pa.schema([reader.schema.field(name) for name in plan.names])
    if plan.maker and plan.made_column:
        schema = schema.append(pa.field("made", plan.made_type))
    encoder = encoder_for(schema, columns, nulls_empty=plan.nulls_empty)
    listed = ", ".join(quoted(column.name) for column in columns)
    statement = f"COPY {plan.table.sql} ({listed}) FROM STDIN WITH ({encoder.options})"
    try:
        return _send(cursor, statement, _pieces(reader, plan, encoder), on_progress)
    except psycopg.Error as error:
        raise refusal_of(error, plan.shown or plan.table.shown) from error


def _send(cursor: Any, statement: str, pieces: Iterator[Piece], on_progress: Callable[[int], None]) -> int:
    rows, told = 0, time.monotonic()
    with _Ahead(pieces) as ready, cursor.copy(statement) as copy:
        for data, count in ready:
            copy.write(data)
            rows += count
            if time.monotonic() - told >= PROGRESS_SECONDS:
                on_progress(rows)
                told = time.monotonic()
    on_progress(rows)
    return rows


def _pieces(reader: pa.RecordBatchReader, plan: CopyPlan, encoder: Encoder) -> Iterator[Piece]:
    yield encoder.head(), 0
    first = 1
    for batch in reader:
        for part in _cut(batch):
            arrays = [part.column(name) for name in plan.names]
            if plan.maker:
                arrays.append(plan.maker(first, part.num_rows))
            whole = pa.RecordBatch.from_arrays(arrays, names=[f"c{index}" for index in range(len(arrays))])
            yield encoder.encode(whole, first), part.num_rows
            first += part.num_rows
    yield encoder.tail(), 0


def _cut(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    if not batch.num_rows:
        return
    step = max(1, batch.num_rows * PIECE_BYTES // max(batch.nbytes, PIECE_BYTES))
    for start in range(0, batch.num_rows, step):
        yield batch.slice(start, step)


class _Ahead:
    """Runs an iterator in a thread of its own, a few pieces ahead; what that raises is raised to the reader."""

    def __init__(self, pieces: Iterator[Piece]) -> None:
        self._pieces = pieces
        self._made: queue.Queue[Piece | None] = queue.Queue(AHEAD)
        self._has_stopped = threading.Event()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="encode")

    def __enter__(self) -> Iterator[Piece]:
        return self._taken(self._pool.submit(self._work))

    def __exit__(self, *raised: object) -> None:
        self._has_stopped.set()
        while self._made.get() is not None:
            continue
        self._pool.shutdown()

    def _work(self) -> None:
        try:
            for piece in self._pieces:
                self._made.put(piece)
                if self._has_stopped.is_set():
                    return
        finally:
            self._made.put(None)

    def _taken(self, work: "Future[None]") -> Iterator[Piece]:
        while (item := self._made.get()) is not None:
            yield item
        # For whoever ends the block: the thread has told its end already.
        self._made.put(None)
        work.result()
