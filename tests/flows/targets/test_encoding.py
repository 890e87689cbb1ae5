"""Batches of Arrow into the bytes of COPY: which way, what they say, and the row that cannot go."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from flows.targets.base import TargetRefused
from flows.targets.encoding.adapters import ValueRefused, adapter_for, plain, plain_type
from flows.targets.encoding.plans import BinaryEncoder, CsvEncoder, Encoder, encoder_for
from flows.targets.shapes import TableColumn

DAY = 86_400_000_000
LAST = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp()) * 1_000_000


def column(kind: str, name: str = "v") -> TableColumn:
    """Return a column of a table."""
    return TableColumn(name, kind, kind, is_required=False, is_computed=False)


def encoder(values: pa.Array, kind: str, *, nulls_empty: bool = False) -> Encoder:
    """Return what encodes one column."""
    return encoder_for(pa.schema([pa.field("v", values.type)]), [column(kind)], nulls_empty=nulls_empty)


def encoded(values: pa.Array, kind: str, *, first_row: int = 1, nulls_empty: bool = False) -> bytes:
    """Return the bytes of a COPY of one column and one batch, without what every COPY has."""
    made = encoder(values, kind, nulls_empty=nulls_empty)
    head = made.head()
    rows = made.encode(pa.RecordBatch.from_arrays([values], names=["v"]), first_row) + made.tail()
    assert isinstance(made, CsvEncoder) or (len(head), rows[-2:]) == (19, b"\xff\xff")
    return rows if isinstance(made, CsvEncoder) else rows[:-2]


@pytest.mark.parametrize(
    ("kinds", "way"),
    [
        pytest.param(["int4", "text", "timestamptz"], BinaryEncoder, id="types that meet"),
        pytest.param(["int4", "inet", "timestamptz"], CsvEncoder, id="one that PostgreSQL must read"),
    ],
)
def test_one_column_that_must_be_read_as_text_makes_all_text(kinds: list[str], way: type[Encoder]) -> None:
    given = pa.schema([("a", pa.int64()), ("b", pa.string()), ("c", pa.timestamp("us", "UTC"))])

    made = encoder_for(given, [column(kind) for kind in kinds], nulls_empty=False)

    assert isinstance(made, way)


def test_a_type_that_does_not_fit_is_refused_before_a_row() -> None:
    with pytest.raises(TargetRefused, match="Column v: bool does not fit date; add a cast"):
        encoder(pa.array([True]), "date")


@pytest.mark.parametrize(
    ("values", "kind", "fields"),
    [
        pytest.param(pa.array([258]), "int2", ["0102"], id="a narrower number"),
        pytest.param(pa.array([-1], pa.int8()), "int8", ["ff" * 8], id="a wider number"),
        pytest.param(pa.array([1.5]), "float4", ["3fc00000"], id="a shorter fraction"),
        pytest.param(pa.array([True, None]), "bool", ["01", None], id="truths"),
        pytest.param(pa.array(["é", "", None]), "text", ["c3a9", "", None], id="texts"),
        pytest.param(pa.array(['{"a":1}']), "jsonb", ["01" + b'{"a":1}'.hex()], id="a document with its version"),
        pytest.param(pa.array([b"\x00\xff"]), "bytea", ["00ff"], id="bytes"),
        pytest.param(pa.array([10_957], pa.int32()).cast(pa.date32()), "date", ["00000000"], id="a day of 2000"),
        pytest.param(pa.array([10_957 * DAY + 1], pa.timestamp("us")), "timestamp", ["00" * 7 + "01"], id="a moment"),
        pytest.param(pa.array(["a", None, "a"]).dictionary_encode(), "text", ["61", None, "61"], id="a dictionary"),
        pytest.param(pa.nulls(2), "timestamptz", [None, None], id="nothing"),
    ],
)  # fmt: skip
def test_a_value_has_the_bytes_that_postgresql_reads(values: pa.Array, kind: str, fields: list[str | None]) -> None:
    expected = b""
    for field in fields:
        raw = b"" if field is None else bytes.fromhex(field)
        size = -1 if field is None else len(raw)
        expected += b"\x00\x01" + size.to_bytes(4, "big", signed=True) + raw

    assert encoded(values, kind) == expected


def test_a_copy_begins_with_its_signature_and_ends_with_its_mark() -> None:
    made = encoder(pa.array([1]), "int4")

    assert made.head() == b"PGCOPY\n\xff\r\n\x00" + bytes(8)
    assert made.tail() == b"\xff\xff"
    assert made.options == "FORMAT binary"


@pytest.mark.parametrize(
    ("values", "kind", "lines"),
    [
        pytest.param(pa.array(["1", None, ""]), "inet", b'"1"\n\n""\n', id="null is not an empty text"),
        pytest.param(pa.array(['a"b', "c,d", "e\nf"]), "interval", b'"a""b"\n"c,d"\n"e\nf"\n', id="quotes and ends"),
        pytest.param(pa.array([1.5, None, float("nan")]), "numeric", b'"1.5"\n\n"nan"\n', id="fractions"),
    ],
)  # fmt: skip
def test_a_line_of_csv_is_quoted_such_that_it_says_the_same(values: pa.Array, kind: str, lines: bytes) -> None:
    assert encoded(values, kind) == lines


@pytest.mark.parametrize(
    ("kind", "is_binary"), [pytest.param("text", True, id="binary"), pytest.param("inet", False, id="by text")]
)
def test_an_empty_text_is_null_where_the_target_says_so(kind: str, is_binary: bool) -> None:
    values = pa.array(["", "x"])

    assert isinstance(encoder(values, kind), BinaryEncoder) is is_binary
    assert encoded(values, kind, nulls_empty=True) == encoded(pa.array([None, "x"]), kind)
    assert encoded(values, kind) != encoded(pa.array([None, "x"]), kind)


def test_a_number_is_not_asked_whether_it_is_empty() -> None:
    assert encoded(pa.array([0, None]), "int4", nulls_empty=True) == encoded(pa.array([0, None]), "int4")


@pytest.mark.parametrize("place", [pytest.param(n, id=f"at {n}") for n in (0, 1, 499, 998, 999)])
def test_the_first_row_that_does_not_fit_is_named_wherever_it_stands(place: int) -> None:
    numbers: list[Any] = [None, *range(999)]
    numbers[place:] = [2**31] * (1_000 - place)

    with pytest.raises(TargetRefused, match=rf"^Row {5_001 + place:,}, column v: '2147483648' does not fit int4"):
        encoded(pa.array(numbers, pa.int64()), "int4", first_row=5_001)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        pytest.param(pa.array([0, LAST + DAY], pa.timestamp("us")), "timestamp", id="the year 10000"),
        pytest.param(pa.array([0, -(2**62)], pa.timestamp("us")), "timestamptz", id="before the year 1"),
        pytest.param(pa.array([0, LAST // DAY + 1], pa.int32()).cast(pa.date32()), "date", id="a day too late"),
        pytest.param(pa.array([0, -719_163], pa.int32()).cast(pa.date32()), "date", id="a day too early"),
        pytest.param(pa.array([0, LAST // DAY + 1], pa.int32()).cast(pa.date32()), "timestamp", id="a day as a moment"),
    ],
)
def test_a_time_outside_of_the_calendar_is_refused(values: pa.Array, kind: str) -> None:
    with pytest.raises(TargetRefused, match=r"^Row 2, column v: .*a date lies between the years 1 and 9999"):
        encoded(values, kind)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(pa.array([LAST + DAY - 1], pa.timestamp("us")), id="the last moment"),
        pytest.param(pa.array([-719_162 * DAY], pa.timestamp("us")), id="the first moment"),
        pytest.param(pa.array([None], pa.timestamp("us")), id="nothing"),
        pytest.param(pa.array([], pa.timestamp("us")), id="no row"),
    ],
)
def test_a_time_at_the_edge_of_the_calendar_arrives(values: pa.Array) -> None:
    assert adapter_for("timestamp", values.type)(values).equals(values)


def test_an_adapter_refuses_with_words_that_need_no_arrow() -> None:
    with pytest.raises(ValueRefused, match="years 1 and 9999"):
        adapter_for("date", pa.date32())(pa.array([LAST // DAY + 1], pa.int32()).cast(pa.date32()))


def test_what_only_wraps_values_is_taken_off() -> None:
    keys = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"\x01" * 16], pa.binary(16)))
    words = pa.array(["a", None]).dictionary_encode()

    assert (plain(keys).type, plain_type(keys.type)) == (pa.binary(16), pa.binary(16))
    assert (plain(words).to_pylist(), plain_type(words.type)) == (["a", None], pa.string())
