"""Avro: columns of its types, and no belief in sizes that a file states."""

import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import fastavro
import pyarrow as pa
import pytest
import zstandard

from flows.formats.avro_schemas import SchemaRefused, checked_schema
from flows.formats.base import UnreadableFile
from tests.flows.formats.world import Desk

FIELDS: list[dict[str, Any]] = [
    {"name": "id", "type": "long"},
    {"name": "name", "type": ["null", "string"]},
    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "day", "type": ["null", {"type": "int", "logicalType": "date"}]},
    {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}},
    {"name": "ok", "type": "boolean"},
    {"name": "raw", "type": "bytes"},
    {"name": "kind", "type": {"type": "enum", "name": "kind", "symbols": ["A", "B"]}},
    {"name": "tags", "type": {"type": "array", "items": "string"}},
    {"name": "extra", "type": {"type": "map", "values": "double"}},
    {"name": "either", "type": ["null", "string", "long"]},
]
RECORD = {
    "id": 1, "name": None, "at": datetime(2026, 3, 9, 12, tzinfo=UTC), "day": date(2026, 3, 9),
    "amount": Decimal("1.50"), "ok": True, "raw": b"\x00\xff", "kind": "B", "tags": ["a", "ü"], "extra": {"x": 1.5},
    "either": 7,
}  # fmt: skip


def schema(*fields: dict[str, Any], name: str = "row") -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": list(fields)}


def container(fields: list[dict[str, Any]], records: list[dict[str, Any]], codec: str = "null") -> bytes:
    stream = io.BytesIO()
    fastavro.writer(stream, schema(*fields), records, codec=codec, sync_marker=b"s" * 16)
    return stream.getvalue()


def number(value: int) -> bytes:
    """Return a number in zig-zag, as Avro writes it."""
    value = (value << 1) ^ (value >> 63)
    out = b""
    while value & ~0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def by_hand(schema_text: str, *blocks: tuple[int, bytes], codec: str = "null") -> bytes:
    """Return a container of blocks, each of which may lie about its count."""
    sync = b"s" * 16
    meta = {b"avro.schema": schema_text.encode(), b"avro.codec": codec.encode()}
    pairs = b"".join(number(len(key)) + key + number(len(value)) + value for key, value in meta.items())
    head = b"Obj\x01" + number(len(meta)) + pairs + number(0) + sync
    return head + b"".join(number(count) + number(len(data)) + data + sync for count, data in blocks)


ID = json.dumps(schema({"name": "id", "type": "long"}))


@pytest.mark.parametrize("codec", ["null", "deflate"])
def test_every_type_becomes_a_column(desk: Desk, codec: str) -> None:
    shown = desk.read(
        container(FIELDS, [RECORD, {**RECORD, "id": 2, "name": "Ann", "either": "x"}], codec), format="avro"
    )

    assert dict(zip(shown.columns, shown.types, strict=True)) == {
        "id": "BIGINT", "name": "VARCHAR", "at": "TIMESTAMP WITH TIME ZONE", "day": "DATE", "amount": "DECIMAL(10,2)",
        "ok": "BOOLEAN", "raw": "BLOB", "kind": "VARCHAR", "tags": "VARCHAR", "extra": "VARCHAR", "either": "VARCHAR",
    }  # fmt: skip
    first, second = shown.rows
    assert first[:2] == (1, None)
    assert first[2].astimezone(UTC) == RECORD["at"]
    assert first[3:] == (date(2026, 3, 9), Decimal("1.50"), True, b"\x00\xff", "B", '["a", "ü"]', '{"x": 1.5}', "7")
    assert second[1] == "Ann"
    assert second[-1] == "x"


@pytest.mark.parametrize("codec", ["zstandard", "snappy"])
def test_blocks_that_are_packed_otherwise_are_read_too(desk: Desk, codec: str) -> None:
    plain = number(7)
    sum_of = __import__("zlib").crc32(plain).to_bytes(4, "big")
    packed = {
        "zstandard": zstandard.compress(plain),
        "snappy": pa.Codec("snappy").compress(plain, asbytes=True) + sum_of,
    }

    assert desk.read(by_hand(ID, (1, packed[codec]), codec=codec), format="avro").rows == [(7,)]


def test_files_go_together_when_their_schemas_are_one(desk: Desk) -> None:
    one = container([{"name": "id", "type": "long"}], [{"id": number} for number in range(3)])
    other = container([{"name": "id", "type": "string"}], [{"id": "x"}])

    assert desk.read(one, one, format="avro").rows == [(0,), (1,), (2,)] * 2
    with pytest.raises(UnreadableFile, match="not that of the first file"):
        desk.read(one, other, format="avro")


def test_an_empty_container_has_columns_and_no_rows(desk: Desk) -> None:
    shown = desk.read(container(FIELDS, []), format="avro")

    assert len(shown.columns) == len(FIELDS)
    assert shown.rows == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no Avro"),
        (b"a,b\n", "no Avro"),
        (b"Obj\x01", "ends in the middle"),
        (b"Obj\x01" + number(1) + number(10**15), "header says"),
        (b"Obj\x01" + b"\xff" * 12, "number does not end"),
        (by_hand(ID, (1, number(1)))[:-5], "ends in the middle"),
        (by_hand(ID) + number(1) + number(10**15), "a block says that it has 1,000,000,000,000,000 bytes"),
        (by_hand(ID) + number(1) + number(-5), "a block says"),
        (by_hand(ID, (10**15, number(1))), "1,000,000,000,000,000 records"),
        (by_hand(ID, (2, number(1))), "records in 1 bytes|cannot be read"),
        (by_hand(ID, (1, number(1) + b"\x00\x00")), "left over"),
        (by_hand(ID, (1, number(1))).replace(b"s" * 16 + b"\x02", b"t" * 16 + b"\x02"), "end where it says"),
        (by_hand(json.dumps(schema({"name": "t", "type": "string"})), (1, number(10**12) + b"x")), "cannot be read"),
        (by_hand(ID, (1, b"x"), codec="lzma"), "packed with lzma"),
        (by_hand(ID, (1, b"\xff\xff\xff"), codec="deflate"), "cannot be unpacked"),
        (by_hand("{", (1, b"x")), "no JSON"),
    ],
    ids=["empty", "csv", "cut", "huge metadata", "endless number", "cut block", "huge block", "negative block",
         "huge count", "more records than bytes", "left over", "other sync", "lying text", "codec", "bad block",
         "schema"],
)  # fmt: skip
def test_a_file_that_lies_is_refused(desk: Desk, data: bytes, words: str) -> None:
    with pytest.raises(UnreadableFile, match=words):
        desk.read(data, format="avro")


@pytest.mark.parametrize("codec", ["deflate", "zstandard", "snappy"])
def test_a_block_that_is_a_bomb_is_refused(desk: Desk, codec: str) -> None:
    zeros = b"\x00" * 70_000_000
    packed = {
        "deflate": (z := __import__("zlib").compressobj(9, wbits=-15)).compress(zeros) + z.flush(),
        "zstandard": zstandard.compress(zeros),
        "snappy": b"\xff\xff\xff\xff\x0f" + b"x" * 20,
    }

    with pytest.raises(UnreadableFile, match="within the limits"):
        desk.read(by_hand(ID, (1, packed[codec]), codec=codec), format="avro")


RECURSIVE = schema({"name": "next", "type": ["null", "row"]})
EMPTY_FIXED = {"type": "fixed", "name": "f", "size": 0}
DEEP: dict[str, Any] = {"type": "array", "items": "long"}
for _ in range(40):
    DEEP = {"type": "array", "items": DEEP}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (RECURSIVE, "recursive"),
        (schema({"name": "a", "type": DEEP}), "deep"),
        (schema(*({"name": f"c{each}", "type": "long"} for each in range(60))), "more than 50 columns"),
        (schema({"name": "a", "type": {"type": "array", "items": "null"}}), "without bytes"),
        (schema({"name": "a", "type": {"type": "array", "items": schema(name="nothing")}}), "without bytes"),
        (schema({"name": "a", "type": {"type": "array", "items": EMPTY_FIXED}}), "without bytes"),
        (schema({"name": "a", "type": {"type": "record", "name": "r", "fields": 3}}), "without fields"),
        (schema({"name": "a", "type": 3}), "no type"),
        ({"type": "array", "items": "long"}, "no record"),
        ("long", "no record"),
        ([], "no record"),
        (schema(*({"name": "a", "type": [{"x": {}}] * 100} for _ in range(9))), "too many parts|no type"),
    ],
    ids=["recursive", "deep", "wide", "nulls", "empty records", "empty fixed", "no fields", "no type", "array",
         "scalar", "list", "parts"],
)  # fmt: skip
def test_a_schema_that_could_cost_anything_is_refused(desk: Desk, given: Any, words: str) -> None:
    with pytest.raises(UnreadableFile, match=words):
        desk.read(by_hand(json.dumps(given), (1, b"\x00")), format="avro")


def test_a_schema_of_megabytes_is_refused_unread() -> None:
    with pytest.raises(SchemaRefused, match="larger"):
        checked_schema(b" " * 2_000_000, 50)
