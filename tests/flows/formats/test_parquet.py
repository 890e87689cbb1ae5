"""Parquet: DuckDB's own lazy view, after a look at what the footer claims."""

import gzip
import io
from datetime import datetime
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.formats.base import UnreadableFile
from tests.flows.formats.world import Desk


def parquet(columns: dict[str, Any], **options: Any) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream, **options)
    return stream.getvalue()


DAY = datetime.fromisoformat("2026-03-09T10:00:00")
GOOD = parquet({"a": [1, 2, None], "b": ["x", "ü", None]})


def test_columns_keep_their_types_and_what_is_nested_is_json(desk: Desk) -> None:
    data = parquet({
        "a": [1], "d": pa.array([Decimal("1.50")]), "s": [{"x": 1, "y": [True]}], "l": [["a"]], "b": [b"\x00"],
        "t": pa.array([DAY], pa.timestamp("ns")), "e": pa.array(["x"]).dictionary_encode(),
        "m": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
    })  # fmt: skip

    shown = desk.read(data, format="parquet")

    assert dict(zip(shown.columns, shown.types, strict=True)) == {
        "a": "BIGINT", "d": "DECIMAL(3,2)", "s": "VARCHAR", "l": "VARCHAR", "b": "BLOB", "t": "TIMESTAMP",
        "e": "VARCHAR", "m": "VARCHAR",
    }  # fmt: skip
    assert shown.rows == [(1, Decimal("1.50"), '{"x":1,"y":[true]}', '["a"]', b"\x00", DAY, "x", '{"k":1}')]


def test_files_go_together_by_the_names_of_their_columns(desk: Desk) -> None:
    other = parquet({"b": ["z"], "a": [9]})

    shown = desk.read(GOOD, other, format="parquet")

    assert shown.rows == [(1, "x"), (2, "ü"), (None, None), (9, "z")]
    assert shown.table.rows == 4
    assert shown.counted == len(GOOD) + len(other)


def test_files_with_other_columns_are_refused(desk: Desk) -> None:
    with pytest.raises(UnreadableFile, match=r"in1\.csv: its columns are not those of in0\.csv \(b, c\)"):
        desk.read(GOOD, parquet({"a": [1], "c": ["x"]}), format="parquet")


def test_a_file_may_be_packed_as_a_whole(desk: Desk) -> None:
    assert desk.read(gzip.compress(GOOD), format="parquet").table.rows == 3


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no parquet"),
        (b"a,b\n1,2\n", "no parquet"),
        (GOOD[:-1], "no parquet"),
        (GOOD[:-8] + (2**31 - 1).to_bytes(4, "little") + b"PAR1", "footer has 2,147,483,647 bytes"),
        (GOOD[:-8] + (len(GOOD)).to_bytes(4, "little") + b"PAR1", "footer has"),
        (b"PAR1" + b"\x15\xff\xff\xff\xff\x0f" * 20 + (40).to_bytes(4, "little") + b"PAR1", "can be read"),
        (b"PAR1" + b"\x19\xfc\xff\xff\xff\x0f" * 20 + (100).to_bytes(4, "little") + b"PAR1", "can be read"),
    ],
    ids=["empty", "csv", "cut", "huge footer", "long footer", "rubbish footer", "huge list"],
)
def test_a_footer_that_lies_is_refused(desk: Desk, data: bytes, words: str) -> None:
    with pytest.raises(UnreadableFile, match=words):
        desk.read(data, format="parquet")


def test_a_file_that_unpacks_to_thousands_of_times_its_size_is_refused(desk: Desk) -> None:
    data = parquet({"a": ["0" * 1_000_000] * 80}, use_dictionary=False, compression="zstd")

    with pytest.raises(UnreadableFile, match="unpacks to"):
        desk.limited(unpacked_ratio=50).read(data, format="parquet")


def test_a_schema_of_thousands_of_columns_is_refused(desk: Desk) -> None:
    with pytest.raises(UnreadableFile, match="more than 50 columns"):
        desk.read(parquet({f"c{number}": [1] for number in range(60)}), format="parquet")


def test_pages_that_do_not_hold_what_the_footer_says_fail_while_they_are_read(desk: Desk) -> None:
    place = GOOD.index(b"\x15\x00")
    data = GOOD[:place] + b"\xff" * 12 + GOOD[place + 12 :]

    with pytest.raises((UnreadableFile, duckdb.Error)):
        desk.read(data, format="parquet")


def test_orc_is_refused_with_advice(desk: Desk) -> None:
    with pytest.raises(UnreadableFile, match="convert to parquet"):
        desk.read(b"ORC", format="orc")


def test_nothing_to_read_is_an_error(desk: Desk) -> None:
    with pytest.raises(UnreadableFile, match="no file"):
        desk.read()
