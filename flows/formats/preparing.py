"""Make a text file ready to be parsed: plain UTF-8 without NULs. A clean file is looked through once and not copied."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from flows.formats.base import LocalFile, UnreadableFile
from flows.formats.encodings import NUL_MARK, SAMPLE, encoding_of, transcoded
from flows.formats.jobs import ReadJob
from flows.formats.unpacking import Compression, compression_of, unpacked, write_unpacked

# DuckDB loses lines of some sizes without a word; from here on every row is counted by another reader.
_LONG_LINE: Final = 512 * 1024


@dataclass(frozen=True, slots=True)
class PlainText:
    """A file to parse: `path` is UTF-8 but for marks.

    `is_clean`: it holds neither marks, nor stray bytes, nor lines so long that a reader could stumble over them.
    """

    file: LocalFile
    path: Path
    is_clean: bool
    is_empty: bool


@dataclass(slots=True)
class _Look:
    """What one pass over the bytes found."""

    size: int = 0
    has_nul: bool = False
    has_stray: bool = False
    # Where the chunk with the first stray byte begins, and whether there were letters of UTF-8 before it.
    stray_at: int = 0
    has_letters: bool = False
    tail: int = 0
    longest: int = 0


def prepare_text(file: LocalFile, job: ReadJob, *, has_lines: bool = True) -> PlainText:
    """Return the file as plain text. Raises UnreadableFile, also for bombs, other archives and endless lines.

    `has_lines` is False for documents, which may stand in a single line.
    """
    most = job.limits.cell_bytes if has_lines else job.limits.unpacked_bytes
    try:
        with file.path.open("rb") as opened:
            kind = compression_of(opened.read(8), job.options.compression, file)
        chunks = unpacked(file, kind, job.limits, _uncounted)
        encoding = encoding_of(next(chunks, b"")[:SAMPLE], job.options.encoding, file)
        chunks.close()  # type: ignore[attr-defined]
        return _plain(file, kind, encoding, job, most)
    except OSError as error:
        raise UnreadableFile(f"{file.key} cannot be read: {error.strerror}.", file=file.key) from None


def unpacked_copy(file: LocalFile, job: ReadJob) -> LocalFile:
    """Return a file of bytes as it is, or unpacked into the work folder. Raises UnreadableFile."""
    try:
        with file.path.open("rb") as opened:
            kind = compression_of(opened.read(8), job.options.compression, file)
        if kind == "none":
            return file
        path = job.work_folder / uuid4().hex
        return LocalFile(path, file.key, write_unpacked(unpacked(file, kind, job.limits, _uncounted), path))
    except OSError as error:
        raise UnreadableFile(f"{file.key} cannot be read: {error.strerror}.", file=file.key) from None


def _plain(file: LocalFile, kind: Compression, encoding: str, job: ReadJob, most: int) -> PlainText:
    if encoding != "utf-8":
        return _copied(file, transcoded(unpacked(file, kind, job.limits, job.on_bytes), encoding), job, most)
    if kind != "none":
        return _copied(file, unpacked(file, kind, job.limits, job.on_bytes), job, most)
    look = _Look()
    for _chunk in _looked_at(unpacked(file, kind, job.limits, job.on_bytes), look, file, most):
        pass
    if look.has_stray and job.options.encoding is None and (other := _encoding_there(file, look)) != "utf-8":
        return _copied(file, transcoded(unpacked(file, kind, job.limits, _uncounted), other), job, most)
    if look.has_nul:
        return _copied(file, unpacked(file, kind, job.limits, _uncounted), job, most)
    path = job.work_folder / uuid4().hex
    # By a name of ours: DuckDB takes `*` and `[` in a path for a pattern.
    path.symlink_to(file.path.absolute())
    return _found(file, path, look)


def _encoding_there(file: LocalFile, look: _Look) -> str:
    """Return the encoding that a file looks like where it is no UTF-8 first, unless it was UTF-8 before."""
    if look.has_letters:
        return "utf-8"
    with file.path.open("rb") as opened:
        opened.seek(look.stray_at)
        return encoding_of(opened.read(SAMPLE), None, file)


def _copied(file: LocalFile, chunks: Iterator[bytes], job: ReadJob, most: int) -> PlainText:
    look = _Look()
    path = job.work_folder / uuid4().hex
    marked = (chunk.replace(b"\x00", NUL_MARK) for chunk in chunks)
    write_unpacked(_looked_at(marked, look, file, most), path)
    return _found(file, path, look)


def _found(file: LocalFile, path: Path, look: _Look) -> PlainText:
    is_clean = not look.has_stray and look.longest < _LONG_LINE
    return PlainText(file, path, is_clean=is_clean, is_empty=look.size == 0)


def _looked_at(chunks: Iterator[bytes], look: _Look, file: LocalFile, most_bytes: int) -> Iterator[bytes]:
    """Pass chunks on and note what is in them; text of ASCII alone costs a hundredth of its reading.

    Raise UnreadableFile for a line of more than `most_bytes`.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_between = False
    for chunk in chunks:
        look.size += len(chunk)
        look.has_nul = look.has_nul or b"\x00" in chunk
        _note_lines(chunk, look)
        if look.longest > most_bytes:
            raise UnreadableFile(f"{file.key} has a line of more than {most_bytes:,} bytes.", file=file.key)
        if not look.has_stray and (is_between or not chunk.isascii()):
            try:
                decoder.decode(chunk)
                is_between = bool(decoder.getstate()[0])
                look.has_letters = True
            except UnicodeDecodeError:
                look.has_stray, look.stray_at = True, look.size - len(chunk)
        yield chunk
    look.has_stray = look.has_stray or is_between


def _note_lines(chunk: bytes, look: _Look) -> None:
    """Note how long the longest line is, to within a chunk: only the gap between chunks is measured."""
    first = min((found for end in (b"\n", b"\r") if (found := chunk.find(end)) >= 0), default=-1)
    if first < 0:
        look.tail += len(chunk)
        look.longest = max(look.longest, look.tail)
        return
    look.longest = max(look.longest, look.tail + first)
    look.tail = len(chunk) - max(chunk.rfind(b"\n"), chunk.rfind(b"\r")) - 1
    look.longest = max(look.longest, look.tail)


def _uncounted(count: int) -> None:
    """Take note of bytes that are read a second time: they are no progress."""
