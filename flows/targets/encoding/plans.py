"""How one feed goes into one table: each column's way, and the bytes of COPY for each batch."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import pgpq
import pyarrow as pa
import pyarrow.csv as pa_csv
from pgpq import encoders
from pgpq import schema as pg

from flows.targets.base import TargetRefused
from flows.targets.encoding.adapters import Adapter, adapter_for, empty_as_null, plain, plain_type
from flows.targets.encoding.families import family_of_arrow, fits, is_direct
from flows.targets.encoding.texts import text_of
from flows.targets.shapes import TableColumn

# What casts of Arrow and conversions of ours raise for a value that does not fit.
REFUSALS: Final = (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError)


@dataclass(frozen=True, slots=True)
class Lane:
    """One column: which of the feed, which of the table, and how its values change on the way."""

    index: int
    column: TableColumn
    given: pa.DataType
    adapt: Adapter


class Encoder(Protocol):
    """Bytes of one COPY: `head`, then each batch, then `tail`."""

    options: str

    def head(self) -> bytes:
        """Return what comes first."""
        ...

    def encode(self, batch: pa.RecordBatch, first_row: int) -> bytes:
        """Return a batch's bytes; `first_row` counts from 1. Raises TargetRefused naming the row that does not fit."""
        ...

    def tail(self) -> bytes:
        """Return what comes last."""
        ...


def encoder_for(schema: pa.Schema, columns: Sequence[TableColumn], *, nulls_empty: bool) -> Encoder:
    """Return how rows of a schema go into columns of the same number and order.

    Raises TargetRefused for a column whose type does not fit.
    """
    pairs = [(plain_type(field.type), column) for field, column in zip(schema, columns, strict=True)]
    for given, column in pairs:
        if not fits(family_of_arrow(given), column.kind):
            raise TargetRefused(f"Column {column.name}: {given} does not fit {column.type}; add a cast.")
    is_binary = all(is_direct(family_of_arrow(given), column.kind) for given, column in pairs)
    lanes = [
        Lane(index, column, given, _way(column, given, is_binary=is_binary, nulls_empty=nulls_empty))
        for index, (given, column) in enumerate(pairs)
    ]
    return BinaryEncoder(lanes) if is_binary else CsvEncoder(lanes)


def _way(column: TableColumn, given: pa.DataType, *, is_binary: bool, nulls_empty: bool) -> Adapter:
    way = adapter_for(column.kind, given) if is_binary else text_of
    if not nulls_empty or family_of_arrow(given) != "text":
        return way
    return lambda values: way(empty_as_null(values))


def _adapted(lane: Lane, batch: pa.RecordBatch, first_row: int) -> pa.Array:
    values = plain(batch.column(lane.index))
    try:
        return lane.adapt(values)
    except REFUSALS as refusal:
        row = _bad_row(lane.adapt, values)
        raise TargetRefused(
            f"Row {first_row + row:,}, column {lane.column.name}: {_shown(values[row])!r} does not fit "
            f"{lane.column.type} ({str(refusal)[:200]})."
        ) from None


def _shown(value: pa.Scalar) -> str:
    try:
        return str(value.as_py())[:100]
    except (OverflowError, ValueError):
        return "infinity"  # a date that Python has not


def _bad_row(adapt: Adapter, values: pa.Array) -> int:
    """Return the first row that the adapter refuses, by halving."""
    low, high = 0, len(values)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            adapt(values.slice(low, middle - low))
            low = middle
        except REFUSALS:
            high = middle
    return low


class BinaryEncoder:
    """COPY … WITH (FORMAT binary): the server parses nothing."""

    options = "FORMAT binary"

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._lanes = lanes
        fields = [pa.field(f"c{lane.index}", lane.adapt(pa.array([], lane.given)).type) for lane in lanes]
        self._schema = pa.schema(fields)
        chosen = {field.name: _builder(field, lane.column) for field, lane in zip(fields, lanes, strict=True)}
        self._encoder = pgpq.ArrowToPostgresBinaryEncoder.new_with_encoders(self._schema, chosen)

    def head(self) -> bytes:
        """Return the signature."""
        return bytes(self._encoder.write_header())

    def encode(self, batch: pa.RecordBatch, first_row: int) -> bytes:
        """Return the rows in PostgreSQL's binary form."""
        arrays = [_adapted(lane, batch, first_row) for lane in self._lanes]
        whole = pa.RecordBatch.from_arrays(arrays, schema=self._schema)
        return self._encoder.write_batch(whole)

    def tail(self) -> bytes:
        """Return the end mark."""
        return bytes(self._encoder.finish())


class CsvEncoder:
    """COPY … WITH (FORMAT csv): PostgreSQL reads the texts itself, by the rules of each column's type."""

    options = "FORMAT csv"

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._lanes = lanes
        self._settings = pa_csv.WriteOptions(include_header=False, quoting_style="needed")

    def head(self) -> bytes:
        """Return nothing."""
        return b""

    def encode(self, batch: pa.RecordBatch, first_row: int) -> bytes:
        """Return the rows as lines; what is null is empty, an empty text is quoted."""
        arrays = [_adapted(lane, batch, first_row) for lane in self._lanes]
        whole = pa.RecordBatch.from_arrays(arrays, names=[f"c{lane.index}" for lane in self._lanes])
        sink = io.BytesIO()
        pa_csv.write_csv(whole, sink, self._settings)
        return sink.getvalue()

    def tail(self) -> bytes:
        """Return nothing."""
        return b""


def _builder(field: pa.Field, column: TableColumn) -> Any:
    if column.kind == "jsonb":
        return encoders.StringEncoderBuilder.new_with_output(field, pg.Jsonb())
    return pgpq.ArrowToPostgresBinaryEncoder.infer_encoder(field)
