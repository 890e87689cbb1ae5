"""A JSON document with its records in an array, read a record at a time, however long the array is."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Final, TextIO

from flows.formats.base import BadRow, LocalFile, ReadTable, UnreadableFile
from flows.formats.jobs import ReadJob, cut
from flows.formats.json_values import DEEPEST, NoRecord, record_of, value_of
from flows.formats.preparing import prepare_text
from flows.formats.spool import Spool

_CHUNK: Final = 256 * 1024
# A string, a bracket, or a comma or colon; the rest is blanks and literals.
_DECODER: Final = json.JSONDecoder(parse_int=str, parse_float=str)
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{},:]|[^\s"\[\]{},:]++', re.DOTALL)


def read_json_documents(files: Sequence[LocalFile], job: ReadJob) -> ReadTable:
    """Return the records of all files as rows of text: an array of objects, or one object.

    `recordPath` (`data.items`) leads to the array. Raises UnreadableFile.
    """
    spool = Spool(job)
    for file in files:
        text = prepare_text(file, job, has_lines=False)
        if text.is_empty:
            job.notes.append(f"{file.key} is empty.")
            continue
        with text.path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as opened:
            for line, record in _Document(opened, file, job).records():
                _take(record, line, file, spool, job)
    return spool.finish(list(files))


def _take(record: str, line: int, file: LocalFile, spool: Spool, job: ReadJob) -> None:
    try:
        spool.add(record_of(record, job.options.null_values), len(record), file)
    except NoRecord as error:
        raw = record.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        job.bad.add(BadRow(file.key, line, str(error), raw=cut(raw)))


class _Document:
    """Walks a document token by token; only the record at hand is in memory."""

    def __init__(self, opened: TextIO, file: LocalFile, job: ReadJob) -> None:
        self._opened = opened
        self._file = file
        self._most = job.limits.cell_bytes
        self._path = [part for part in (job.options.record_path or "").split(".") if part]
        self._text = ""
        self._place = 0
        self._line = 1
        self._is_over = False

    def records(self) -> Iterator[tuple[int, str]]:
        """Yield each record with the line where it begins. Raises UnreadableFile."""
        for name in self._path:
            self._enter(name)
        first = self._peek()
        if first == "[":
            yield from self._items()
        elif first == "{":
            yield self._value()
        else:
            raise self._wrong("there is no array of records" + (" at recordPath" if self._path else ""))
        if not self._path and self._peek():
            raise self._wrong("text follows the end of the document")

    def _items(self) -> Iterator[tuple[int, str]]:
        self._take()
        if self._peek() == "]":
            self._take()
            return
        while True:
            yield self._value()
            mark = self._take()
            if mark == "]":
                return
            if mark != ",":
                raise self._wrong("a comma or the end of the array is missing")

    def _enter(self, name: str) -> None:
        """Go on to the value of a field of the object that begins here."""
        if self._take() != "{":
            raise self._wrong(f"recordPath leads to {name[:60]}, but there is no object")
        while (key := self._take()).startswith('"'):
            if self._take() != ":":
                break
            if self._key_of(key) == name:
                return
            self._value(is_kept=False)
            if self._take() != ",":
                break
        raise self._wrong(f"recordPath leads to {name[:60]}, which is not there")

    def _key_of(self, token: str) -> object:
        try:
            return value_of(token)
        except NoRecord:
            raise self._wrong("a key is no JSON text") from None

    def _value(self, *, is_kept: bool = True) -> tuple[int, str]:
        """Take one value, whatever it is, and return its first line and its text."""
        self._peek()
        if (whole := self._whole()) is not None:
            return whole
        line, parts, size, depth = self._line, list[str](), 0, 0
        while True:
            piece = self._take()
            if not piece or (depth == 0 and piece in "]},:"):
                raise self._wrong("a value is missing or does not end")
            depth += (piece in "[{") - (piece in "]}")
            size += len(piece)
            if size > self._most and is_kept:
                raise self._wrong(f"a record is longer than {self._most:,} characters")
            if is_kept:
                parts.append(piece)
            if depth == 0:
                return line, " ".join(parts)  # `1 2` must not become `12`
            if depth > DEEPEST:
                raise self._wrong(f"values nest more than {DEEPEST} deep")

    def _whole(self) -> tuple[int, str] | None:
        """Take a value that is all in memory, at the speed of the library; None where it is not, or is none."""
        try:
            end = _DECODER.raw_decode(self._text, self._place)[1]
        except (ValueError, RecursionError):
            return None
        if end == len(self._text):
            return None  # a number could go on
        line, text = self._line, self._text[self._place : end]
        self._line += text.count("\n")
        self._place = end
        return line, text

    def _peek(self) -> str:
        """Return the next token without taking it; nothing at the end."""
        found = self._match()
        return found[0] if found else ""

    def _take(self) -> str:
        found = self._match()
        if found is None:
            return ""
        self._line += found[0].count("\n")
        self._place = found.end()
        return found[0]

    def _match(self) -> re.Match[str] | None:
        """Find the next token; one that touches the end of what was read may go on behind it."""
        while True:
            self._skip_blanks()
            found = _TOKEN.match(self._text, self._place)
            if found is not None and (found.end() < len(self._text) or self._is_over or found[0] in "[]{},:"):
                return found
            if self._is_over:
                if self._place < len(self._text):
                    raise self._wrong("a text does not end")
                return None
            if len(self._text) - self._place > self._most:
                raise self._wrong(f"a value is longer than {self._most:,} characters")
            self._read_on()

    def _skip_blanks(self) -> None:
        rest = len(self._text)
        start = self._place
        while start < rest and self._text[start] in " \t\r\n":
            start += 1
        self._line += self._text.count("\n", self._place, start)
        self._place = start

    def _read_on(self) -> None:
        more = self._opened.read(_CHUNK)
        self._is_over = not more
        self._text = self._text[self._place :] + more
        self._place = 0

    def _wrong(self, reason: str) -> UnreadableFile:
        key = self._file.key
        return UnreadableFile(f"{key}, line {self._line}: {reason}.", file=key, line=self._line)
