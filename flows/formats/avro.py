"""Avro containers, a block at a time. Sizes that a file states are believed only as far as the limits go."""

import io
import json
import struct
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, BinaryIO, Final
from uuid import UUID

import pyarrow as pa
import zstandard
from fastavro import parse_schema, schemaless_reader
from fastavro.schema import SchemaParseException, UnknownType

from flows.formats.avro_schemas import SchemaRefused, checked_schema
from flows.formats.avro_types import arrow_types
from flows.formats.base import LocalFile, ReadTable, UnreadableFile
from flows.formats.jobs import ReadJob
from flows.formats.preparing import unpacked_copy
from flows.formats.spool import Spool

_MAGIC: Final = b"Obj\x01"
_SYNC: Final = 16
_MOST_METADATA: Final = 2 * 1024 * 1024
_MOST_BLOCK: Final = 64 * 1024 * 1024
_ROW: Final = 256


class _Wrong(ValueError):
    """The file does not hold what it says."""


def read_avro(files: Sequence[LocalFile], job: ReadJob) -> ReadTable:
    """Return the records of all files in columns of the first one's types. Raises UnreadableFile."""
    spool: Spool | None = None
    types: dict[str, pa.DataType] = {}
    for file in files:
        local = unpacked_copy(file, job)
        try:
            with local.path.open("rb") as opened:
                container = _Container(opened, job)
                found = arrow_types(container.schema)
                if spool is None:
                    types, spool = found, Spool(job, found)
                elif found != types:
                    raise _Wrong("its schema is not that of the first file")
                for record, size in container.records():
                    spool.add({name: plain(value, types[name]) for name, value in record.items()}, size, file)
        except (_Wrong, SchemaRefused) as error:
            raise UnreadableFile(f"{file.key}: {error}.", file=file.key) from None
        except (OSError, pa.ArrowInvalid, pa.ArrowTypeError) as error:
            reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            raise UnreadableFile(f"{file.key} cannot be read: {reason}.", file=file.key) from None
    assert spool is not None  # there is a file at least
    return spool.finish(list(files))


class _Container:
    """The header, then blocks; each block is unpacked within the limit before a record of it is read."""

    def __init__(self, opened: BinaryIO, job: ReadJob) -> None:
        self._opened = opened
        self._job = job
        if opened.read(len(_MAGIC)) != _MAGIC:
            raise _Wrong("it is no Avro file")
        metadata = self._metadata()
        self.schema = checked_schema(metadata.get("avro.schema", b""), job.limits.columns)
        self._codec = metadata.get("avro.codec", b"null").decode("ascii", "replace")
        self._sync = self._bytes(_SYNC)
        try:
            self._parsed = parse_schema(self.schema)
        except (SchemaParseException, UnknownType, KeyError, TypeError, ValueError, AttributeError) as error:
            raise _Wrong(f"its schema cannot be used: {str(error)[:200]}") from None
        self._unpacked = 0

    def records(self) -> Iterator[tuple[dict[str, Any], int]]:
        """Yield each record and about how many bytes it took. Raises _Wrong."""
        while (head := self._opened.read(1)) != b"":
            count, size = self._long(head), self._long()
            if not 0 <= size <= _MOST_BLOCK:
                raise _Wrong(f"a block says that it has {size:,} bytes")
            data = self._unpack(self._bytes(size))
            if self._bytes(_SYNC) != self._sync:
                raise _Wrong("a block does not end where it says")
            if not 0 <= count <= max(len(data), 1):
                raise _Wrong(f"a block says that it has {count:,} records in {len(data):,} bytes")
            self._job.on_bytes(size)
            yield from self._read_block(data, count)

    def _read_block(self, data: bytes, count: int) -> Iterator[tuple[dict[str, Any], int]]:
        stream = io.BytesIO(data)
        for _ in range(count):
            try:
                record = schemaless_reader(stream, self._parsed, None)
            except (EOFError, ValueError, TypeError, IndexError, KeyError, struct.error, OverflowError, MemoryError):
                raise _Wrong("a record cannot be read") from None
            if not isinstance(record, dict):
                raise _Wrong("a record is none")
            yield record, len(data) // count + _ROW
        if stream.tell() != len(data):
            raise _Wrong("bytes are left over in a block")

    def _unpack(self, data: bytes) -> bytes:
        most = min(self._job.limits.cell_bytes * 4, _MOST_BLOCK)
        try:
            plain_bytes = _CODECS[self._codec](data, most)
        except KeyError:
            raise _Wrong(f"it is packed with {self._codec[:20]}, which is not read here") from None
        except (zlib.error, zstandard.ZstdError, pa.ArrowException, OSError, ValueError):
            raise _Wrong("a block cannot be unpacked within the limits") from None
        self._unpacked += len(plain_bytes)
        if self._unpacked > self._job.limits.unpacked_bytes:
            raise _Wrong(f"it unpacks to more than {self._job.limits.unpacked_bytes:,} bytes")
        return plain_bytes

    def _metadata(self) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        left = _MOST_METADATA
        while (count := self._long()) != 0:
            if count < 0:
                self._long()
            for _ in range(min(abs(count), 1_000)):
                key, value = self._sized(left), self._sized(left)
                left -= len(key) + len(value)
                found[key.decode("utf-8", "replace")] = value
        return found

    def _sized(self, most: int) -> bytes:
        size = self._long()
        if not 0 <= size <= most:
            raise _Wrong(f"its header says that it has {size:,} bytes")
        return self._bytes(size)

    def _bytes(self, size: int) -> bytes:
        data = self._opened.read(size)
        if len(data) < size:
            raise _Wrong("it ends in the middle")
        return data

    def _long(self, head: bytes = b"") -> int:
        """Read a number in zig-zag, at most ten bytes of seven bits."""
        value, shift = 0, 0
        for _ in range(10):
            byte = (head or self._bytes(1))[0]
            head = b""
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return (value >> 1) ^ -(value & 1)
        raise _Wrong("a number does not end")


def plain(value: Any, kind: pa.DataType) -> Any:
    """Return a value as its column takes it; what is nested becomes JSON."""
    if pa.types.is_string(kind) and value is not None and not isinstance(value, str):
        return json.dumps(value, default=_jsonable, ensure_ascii=False)
    return value


def _jsonable(value: Any) -> Any:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Decimal | UUID):
        return str(value)
    raise _Wrong("a nested value is of a kind that JSON has not")


def _inflate(data: bytes, most: int) -> bytes:
    decoder = zlib.decompressobj(wbits=-15)
    found = decoder.decompress(data, most)
    if decoder.unconsumed_tail:
        raise ValueError
    return found


def _unzstd(data: bytes, most: int) -> bytes:
    reader = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(io.BytesIO(data))
    found = reader.read(most + 1)
    if len(found) > most:
        raise ValueError
    return bytes(found)


def _unsnap(data: bytes, most: int) -> bytes:
    """Unpack snappy; its first bytes state the size, its last four are a checksum."""
    body, checksum = data[:-4], data[-4:]
    size, shift = 0, 0
    for byte in body[:5]:
        size |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            break
    if size > most:
        raise ValueError
    found: bytes = pa.Codec("snappy").decompress(body, decompressed_size=size, asbytes=True)
    if zlib.crc32(found).to_bytes(4, "big") != checksum:
        raise ValueError
    return found


def _as_is(data: bytes, most: int) -> bytes:
    return data


_CODECS: Final = {"null": _as_is, "deflate": _inflate, "zstandard": _unzstd, "snappy": _unsnap}
