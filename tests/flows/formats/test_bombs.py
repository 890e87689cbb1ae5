"""Files that would fill the memory or the disk, or lead elsewhere: refused in words, within bounds."""

import functools
import gzip
import resource
import tracemalloc
import zlib
from pathlib import Path

import pytest
import zstandard

from flows.formats.base import LocalFile, ReadLimits, UnreadableFile
from flows.formats.unpacking import unpacked
from flows.ir.sources import FileFormat
from tests.flows.formats.world import Desk

MEGABYTE = 1024 * 1024


@functools.cache
def gz_zeros(megabytes: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(b"0" * MEGABYTE) for _ in range(megabytes)) + packer.flush()


@functools.cache
def zst_zeros(megabytes: int) -> bytes:
    return zstandard.ZstdCompressor(level=3).compress(b"0" * (megabytes * MEGABYTE))


def peak() -> int:
    """Return the most memory that the process has had, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


@pytest.mark.parametrize("pack", [gz_zeros, zst_zeros], ids=["gz", "zst"])
@pytest.mark.parametrize("format", ["csv", "jsonl", "json", "xml", "parquet", "avro"])
def test_a_bomb_is_refused_before_it_fills_anything(desk: Desk, pack: object, format: FileFormat) -> None:
    data = pack(100)  # type: ignore[operator]

    with pytest.raises(UnreadableFile) as refusal:
        desk.limited(unpacked_bytes=20 * MEGABYTE).read(data, format=format)

    assert "bomb" in refusal.value.message or "XML" in refusal.value.message or "line of more" in refusal.value.message
    assert sum(path.stat().st_size for path in desk.work.iterdir()) <= 32 * MEGABYTE


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_unpacking_a_bomb_takes_little_memory(tmp_path: Path, kind: str) -> None:
    data = gz_zeros(100) if kind == "gz" else zst_zeros(100)
    path = tmp_path / "bomb"
    path.write_bytes(data)
    file = LocalFile(path, "bomb", len(data))

    tracemalloc.start()
    with pytest.raises(UnreadableFile, match="bomb"):
        for _chunk in unpacked(file, kind, ReadLimits(unpacked_bytes=80 * MEGABYTE), lambda count: None):  # type: ignore[arg-type]
            pass
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert most < 70 * MEGABYTE


def test_a_file_may_be_much_smaller_packed_as_long_as_it_is_small(desk: Desk) -> None:
    data = gzip.compress(b"a,b\n" + b"1,2\n" * 100_000)

    assert desk.read(data).table.rows == 100_000


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (gzip.compress(gzip.compress(b"a,b\n1,2\n")), "packed twice"),
        (zstandard.compress(gzip.compress(b"a,b\n1,2\n")), "packed twice"),
        (gzip.compress(b"a,b\n1,2\n")[:-9], "ends in the middle"),
        (gzip.compress(b"a,b\n1,2\n")[:-1] + b"\x07", "cannot be unpacked"),
        (gzip.compress(b"a,b\n1,2\n") + b"rubbish", "cannot be unpacked"),
        (zstandard.compress(b"a,b\n1,2\n" * 9)[:-3], "ends in the middle"),
        (b"\x28\xb5\x2f\xfdrubbish", "cannot be unpacked"),
        (b"PK\x03\x04" + b"x" * 40, "zip archive"),
        (b"Rar!\x1a\x07", "rar archive"),
        (b"7z\xbc\xaf\x27\x1c", "7z archive"),
        (b"BZh91AY", "bzip2"),
        (b"\xfd7zXZ\x00", "xz"),
    ],
    ids=["gz in gz", "gz in zst", "cut gz", "sum", "rest", "cut zst", "bad zst", "zip", "rar", "7z", "bzip2", "xz"],
)  # fmt: skip
@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
def test_what_cannot_be_unpacked_is_refused_in_words(desk: Desk, format: FileFormat, data: bytes, words: str) -> None:
    with pytest.raises(UnreadableFile, match=words):
        desk.read(data, format=format)


def test_a_window_that_no_memory_holds_is_refused(desk: Desk) -> None:
    # A frame header that asks for a window of 2 GB.
    data = b"\x28\xb5\x2f\xfd" + b"\x00" + b"\xa8" + b"\x01\x00\x00"

    with pytest.raises(UnreadableFile, match="cannot be unpacked"):
        desk.read(data)


def test_several_packed_parts_one_behind_the_other_are_one_file(desk: Desk) -> None:
    gz = gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"3,4\n") + b"\x00" * 512
    zst = zstandard.compress(b"a,b\n1,2\n") + zstandard.compress(b"3,4\n")

    assert desk.read(gz).rows == [("1", "2"), ("3", "4")]
    assert desk.read(zst).rows == [("1", "2"), ("3", "4")]


def test_a_name_inside_of_an_archive_is_never_used(desk: Desk) -> None:
    body = gzip.compress(b"a,b\n1,2\n")
    # Flag 8: a name follows the header.
    data = body[:3] + b"\x08" + body[4:10] + b"../../../../tmp/evil.csv\x00" + body[10:]
    before = {path.name for path in desk.folder.parent.rglob("*")}

    assert desk.read(data).rows == [("1", "2")]

    after = {path.name for path in desk.folder.parent.rglob("*")}
    assert not any("evil" in name for name in after - before)
    assert not Path("/tmp/evil.csv").exists()


def test_what_is_said_of_the_packing_must_be_so(desk: Desk) -> None:
    packed = gzip.compress(b"a,b\n1,2\n")

    assert desk.read(packed, compression="gz").rows == [("1", "2")]
    for data, said in ((b"a,b\n1,2\n", "gz"), (packed, "zst"), (packed, "none")):
        with pytest.raises(UnreadableFile, match=f"set to be packed as {said}"):
            desk.read(data, compression=said)


@pytest.mark.slow
@pytest.mark.parametrize(
    "data",
    [b"a,b\n1," + b"x" * (100 * MEGABYTE) + b"\n", b'a,b\n1,"' + b"x,\n" * (33 * MEGABYTE) + b'"\n'],
    ids=["in one line", "in many lines"],
)
def test_a_cell_of_a_hundred_megabytes_is_refused_in_little_memory(desk: Desk, data: bytes) -> None:
    file = desk.file(data)
    del data
    before = peak()

    with pytest.raises(UnreadableFile, match=r"line of more than|does not close within"):
        desk.limited(cell_bytes=16 * MEGABYTE).read(file)

    assert peak() - before < 400


def test_a_quote_that_never_closes_in_a_long_file_ends_in_time(desk: Desk) -> None:
    data = b"a,b\n" + b'1,"2\n3,4\n' * 3_000 + b'5,"6\n'

    shown = desk.limited(bad_rows=10_000).read(data)

    assert shown.rows == [("3", "4")] * 3_000
    assert shown.table.bad_row_count == 3_001
