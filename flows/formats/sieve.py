"""Part the rows of a delimited file that DuckDB would not read from those it will, one line after the other.

Only files that are known to hold a bad row come here: DuckDB's own reader finds that there is one at full speed, but
read in parallel it neither finds them all nor numbers lines, and its list of rejects grows without bound.
A stray quote costs its own line, not everything up to the next quote.
"""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from flows.formats.base import BadRow, LocalFile, UnreadableFile
from flows.formats.dialects import Dialect
from flows.formats.encodings import NUL_MARK, UNDECODABLE
from flows.formats.jobs import RAW_CHARACTERS, BadRows, cut

_CHUNK: Final = 1024 * 1024
_BOM: Final = b"\xef\xbb\xbf"
# How many lines one value may have, and how often the rest of a file is looked through for a quote in vain.
_MOST_LINES: Final = 100_000
_MOST_VAIN: Final = 16


@dataclass(slots=True)
class Sieve:
    """One file on its way through; `reason` sets every row aside, for a file whose header does not fit."""

    file: LocalFile
    dialect: Dialect
    columns: int
    has_header: bool
    most_bytes: int
    bad: BadRows
    reason: str = ""
    _line: int = 0
    _vain: int = 0
    _waiting: deque[bytes] = field(default_factory=deque)
    _lines: Iterator[bytes] = field(default_factory=lambda: iter(()))

    def sift(self, path: Path, into: Path) -> int:
        """Write the header and the good rows of a file to another; return how many. Raises UnreadableFile."""
        expressions = _expressions(self.dialect, self.columns)
        is_header, good = self.has_header, 0
        with path.open("rb") as source, into.open("xb") as target:
            self._lines = self._read_lines(source)
            while (first := self._next_line()) is not None:
                number = self._line
                if not first.strip(b"\r\n"):
                    if self.columns == 1 and not is_header and not self.reason:
                        good += bool(target.write(b'""\n'.replace(b'"', self.dialect.quote.encode())))
                    continue
                record = self._record(first, *expressions)
                if is_header:
                    target.write(record if record is not None else first)
                    is_header = False
                elif why := self._refusal(first, record):
                    self._set_aside(first, number, why)
                elif record is not None:
                    good += bool(target.write(record))
        return good

    def _refusal(self, first: bytes, record: bytes | None) -> str:
        """Return why a row is set aside, or nothing."""
        if self.reason:
            return self.reason
        return self._count_reason(first) if record is None else _undecodable(record)

    def _record(self, first: bytes, whole: re.Pattern[bytes], quotes: re.Pattern[bytes]) -> bytes | None:
        """Return the record that begins in a line, ended by a line feed, or None; then only its first line is taken."""
        body = first.rstrip(b"\r\n")
        quote = self.dialect.quote.encode()
        if not quote or quote not in body:
            return body + b"\n" if self._fits(body) else None
        if whole.fullmatch(body):
            return body + b"\n"
        taken = self._until_closed(first, quotes)
        body = b"".join(taken).rstrip(b"\r\n")
        if whole.fullmatch(body):
            return body + b"\n"
        self._give_back(taken[1:])
        return None

    def _fits(self, body: bytes) -> bool:
        """Tell whether a line without quotes has as many values as there are columns."""
        delimiter = self.dialect.delimiter.encode()
        found = body.count(delimiter) + 1
        return found == self.columns or (found == self.columns + 1 and body.endswith(delimiter) and self.columns > 1)

    def _until_closed(self, first: bytes, quotes: re.Pattern[bytes]) -> list[bytes]:
        """Return the lines until the quotes close, or all the rest. Raise UnreadableFile when that goes on too long."""
        taken, size, number = [first], len(first), self._line
        count = len(quotes.findall(first))
        while count % 2 and (following := self._next_line()) is not None:
            taken.append(following)
            size += len(following)
            count += len(quotes.findall(following))
            if size > self.most_bytes or len(taken) > _MOST_LINES:
                raise self._never_closing(number)
        if count % 2:
            self._vain += len(taken)
            if self._vain > _MOST_VAIN * _MOST_LINES:
                raise self._never_closing(number)
        return taken

    def _next_line(self) -> bytes | None:
        line = self._waiting.popleft() if self._waiting else next(self._lines, None)
        self._line += line is not None
        return line

    def _give_back(self, lines: list[bytes]) -> None:
        self._waiting.extendleft(reversed(lines))
        self._line -= len(lines)

    def _never_closing(self, line: int) -> UnreadableFile:
        return UnreadableFile(
            f"{self.file.key}, line {line}: a quote opens and does not close within {self.most_bytes:,} bytes or "
            f"{_MOST_LINES:,} lines; is the quote character right?",
            file=self.file.key,
            line=line,
        )

    def _read_lines(self, source: BinaryIO) -> Iterator[bytes]:
        """Yield lines with their ends: LF, CRLF or CR, whichever each line has."""
        rest = source.read(len(_BOM)).removeprefix(_BOM)
        count = 0
        while chunk := source.read(_CHUNK):
            lines = (rest + chunk).splitlines(keepends=True)
            rest = lines.pop()  # unfinished, or a CR whose LF is still to come
            count += len(lines)
            yield from lines
            if len(rest) > self.most_bytes:
                raise self._too_long(count + 1)
        yield from rest.splitlines(keepends=True)

    def _too_long(self, line: int) -> UnreadableFile:
        return UnreadableFile(
            f"{self.file.key}, line {line}: longer than {self.most_bytes:,} bytes.", file=self.file.key, line=line
        )

    def _set_aside(self, first: bytes, line: int, error: str) -> None:
        raw = first.rstrip(b"\r\n").replace(NUL_MARK, b"\x00")
        text = cut(raw[:RAW_CHARACTERS].decode("utf-8", "backslashreplace"))
        self.bad.add(BadRow(self.file.key, line, error, raw=text))

    def _count_reason(self, first: bytes) -> str:
        """Return why a record is no good: its quotes, or how many values it has."""
        body = first.rstrip(b"\r\n")
        quote = self.dialect.quote.encode()
        if quote and quote in body:
            return "The row's quotes do not close, stand within a value, or leave another number of values."
        found = body.count(self.dialect.delimiter.encode()) + 1
        return f"The row has {found} value{'s' if found > 1 else ''} where the header has {self.columns}."


def _undecodable(record: bytes) -> str:
    """Return why a row cannot be text, or nothing."""
    if record.isascii():
        return ""
    try:
        record.decode()
    except UnicodeDecodeError:
        if NUL_MARK in record and UNDECODABLE not in record:
            return "The row holds a NUL, which no table takes."
        return "The row holds bytes that are not valid in the file's encoding."
    return ""


def _expressions(dialect: Dialect, columns: int) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Return what a whole record looks like, and what counts as a quote; neither ever backtracks."""
    delimiter, quote, escape = (re.escape(text.encode()) for text in (dialect.delimiter, dialect.quote, dialect.escape))
    bare = rb"[^%b\r\n]*+" % delimiter if len(dialect.delimiter) == 1 else rb"(?:(?!%b)[^\r\n])*+" % delimiter
    if not dialect.quote:
        value, quotes = bare, rb"(?!)"
    elif dialect.escape in {dialect.quote, ""}:
        value = rb" *+%b(?:[^%b]|%b%b)*+%b *+|(?! *+%b)%b" % (quote, quote, quote, quote, quote, quote, bare)
        quotes = quote
    else:
        value = rb" *+%b(?:[^%b%b]|%b[\s\S])*+%b *+|(?! *+%b)%b" % (quote, quote, escape, escape, quote, quote, bare)
        quotes = rb"(?<!%b)%b" % (escape, quote)
    if columns == 1:
        return re.compile(rb"(?:%b)" % value), re.compile(quotes)
    # DuckDB takes one more delimiter at the end for none.
    return re.compile(
        rb"(?:%b)(?:%b(?:%b)){%d}(?:%b)?" % (value, delimiter, value, columns - 1, delimiter)
    ), re.compile(quotes)
