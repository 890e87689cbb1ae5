"""Unpack .gz and .zst in bounded memory, and stop at bombs before the disk is full of them."""

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Literal

import zstandard

from flows.formats.base import LocalFile, ReadLimits, UnreadableFile
from flows.formats.jobs import OnBytes

Compression = Literal["none", "gz", "zst"]
CHUNK: Final = 1024 * 1024
# Below this, any ratio is harmless.
_FLOOR: Final = 16 * 1024 * 1024
# 128 MB, what `zstd --long=27` needs; more is asked for by bombs only.
_MOST_WINDOW: Final = 1 << 27
_SIP: Final = 1024
_MAGIC: Final[dict[bytes, Compression]] = {b"\x1f\x8b": "gz", b"\x28\xb5\x2f\xfd": "zst"}
_ARCHIVES: Final = {
    b"PK\x03\x04": "a zip archive",
    b"PK\x05\x06": "a zip archive",
    b"Rar!": "a rar archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"BZh": "packed with bzip2",
    b"\xfd7zXZ": "packed with xz",
}


def compression_of(head: bytes, wanted: str, file: LocalFile) -> Compression:
    """Return how a file is packed, from its first bytes; `wanted` says what it must be. Raises UnreadableFile."""
    for magic, words in _ARCHIVES.items():
        if head.startswith(magic):
            raise UnreadableFile(f"{file.key} is {words}: unpack it, or pack it as .gz or .zst.", file=file.key)
    found: Compression = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), "none")
    if wanted not in {"auto", found}:
        raise UnreadableFile(f"{file.key} is set to be packed as {wanted}, and is not.", file=file.key)
    return found


def unpacked(file: LocalFile, kind: Compression, limits: ReadLimits, on_bytes: OnBytes) -> Iterator[bytes]:
    """Yield the unpacked bytes, some megabytes at a time. Raises UnreadableFile."""
    most = min(limits.unpacked_bytes, max(_FLOOR, file.size * limits.unpacked_ratio))
    if kind == "none":
        most = file.size + CHUNK  # what is still being written is not waited for
    total = 0
    is_first = True
    for chunk in _unpack(file, kind, on_bytes):
        total += len(chunk)
        if total > most and kind == "none":
            raise UnreadableFile(f"{file.key} grows while it is read.", file=file.key)
        if total > most:
            raise UnreadableFile(
                f"{file.key} unpacks to more than {most:,} bytes, {most // max(file.size, 1):,} times its size: "
                "it is taken for a bomb.",
                file=file.key,
            )
        if is_first and any(chunk.startswith(magic) for magic in _MAGIC):
            raise UnreadableFile(f"{file.key} is packed twice.", file=file.key)
        is_first = False
        yield chunk


def _unpack(file: LocalFile, kind: Compression, on_bytes: OnBytes) -> Iterator[bytes]:
    with file.path.open("rb") as packed:
        if kind == "none":
            while data := packed.read(CHUNK):
                on_bytes(len(data))
                yield data
            return

        def more() -> bytes:
            data = packed.read(CHUNK // 4)
            on_bytes(len(data))
            return data

        try:
            yield from _gunzip(more) if kind == "gz" else _unzstd(more)
        except (zlib.error, zstandard.ZstdError, EOFError) as error:
            raise UnreadableFile(f"{file.key} cannot be unpacked: {error}.", file=file.key) from None


def _gunzip(more: Callable[[], bytes]) -> Iterator[bytes]:
    """Unpack one member after the other; zeros after the last one are padding."""
    data = more()
    while data:
        decoder = zlib.decompressobj(wbits=31)
        while not decoder.eof:
            yield decoder.decompress(data, CHUNK)
            data = decoder.unconsumed_tail or (b"" if decoder.eof else more())
            if not data and not decoder.eof:
                raise EOFError("it ends in the middle")
        data = decoder.unused_data.lstrip(b"\x00") or more().lstrip(b"\x00")


def _unzstd(more: Callable[[], bytes]) -> Iterator[bytes]:
    """Unpack one frame after the other, in sips: a sip of zeros written small is 32 MB, and no more than that.

    The library's own stream reader would do, but takes a file that was cut for one that ended.
    """
    unpacker = zstandard.ZstdDecompressor(max_window_size=_MOST_WINDOW)
    data = more()
    while data:
        decoder = unpacker.decompressobj()
        while not decoder.eof:
            sip, data = data[:_SIP], data[_SIP:] or more()
            if not sip:
                raise EOFError("it ends in the middle")
            yield decoder.decompress(sip)
        data = decoder.unused_data + data or more()


def write_unpacked(chunks: Iterator[bytes], path: Path) -> int:
    """Write chunks to a new file and return how many bytes there were."""
    with path.open("xb") as file:
        return sum(file.write(chunk) for chunk in chunks)
