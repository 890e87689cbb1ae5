"""How a delimited file is written: delimiter, quotes, and its header. Only its first records are looked at here."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from flows.formats.base import LocalFile, ReadLimits, UnreadableFile
from flows.ir.sources import FormatOptions

CANDIDATES: Final = (",", ";", "\t", "|")
_LOOKED_AT: Final = 200
_LONGEST_NAME: Final = 255


@dataclass(frozen=True, slots=True)
class Dialect:
    """A file's own way: `columns` in its order, names without duplicates in any case."""

    delimiter: str
    quote: str
    escape: str
    columns: tuple[str, ...]


class _Unfinished(Exception):
    """The text ends within quotes."""


def split_record(text: str, start: int, delimiter: str, quote: str, escape: str) -> tuple[list[str], int]:
    """Return the fields of the record at a place, and where the next one begins (after its line's end).

    Raise _Unfinished when the text ends within quotes. For first records only: DuckDB reads the rest.
    """
    fields: list[str] = []
    place = start
    while True:
        field, place = _field(text, place, delimiter, quote, escape)
        fields.append(field)
        if not text.startswith(delimiter, place):
            return fields, _after_line_end(text, place)
        place += len(delimiter)


def dialect_of(sample: str, file: LocalFile, options: FormatOptions, limits: ReadLimits, delimiter: str) -> Dialect:
    """Return how a file is written, from its first bytes as text. Raises UnreadableFile."""
    quote = '"' if options.quote is None else options.quote
    escape = quote if options.escape is None else options.escape
    text = sample.removeprefix("\ufeff")
    delimiter = delimiter or _detect(text, quote, escape)
    try:
        first, _ = split_record(text, _first_line(text), delimiter, quote, escape)
    except _Unfinished:
        raise UnreadableFile(
            f"{file.key}, line 1: the first record does not end within {len(sample):,} characters.",
            file=file.key,
            line=1,
        ) from None
    return Dialect(delimiter, quote, escape, _columns(first, file, options, limits))


def _columns(first: list[str], file: LocalFile, options: FormatOptions, limits: ReadLimits) -> tuple[str, ...]:
    if len(first) > limits.columns:
        raise UnreadableFile(
            f"{file.key}, line 1: more than {limits.columns:,} columns; is the delimiter right?", file=file.key, line=1
        )
    if not options.header:
        return tuple(options.columns or [f"column{number}" for number in range(1, len(first) + 1)])
    names = [name.strip() or f"column{number}" for number, name in enumerate(first, start=1)]
    for name in names:
        _check_name(name, file)
    twice = [name for name, count in Counter(name.lower() for name in names).items() if count > 1]
    if twice:
        raise UnreadableFile(
            f"{file.key}, line 1: the header names the column {twice[0]} more than once.", file=file.key, line=1
        )
    return tuple(names)


def _check_name(name: str, file: LocalFile) -> None:
    if len(name) > _LONGEST_NAME or any(ord(character) < 32 for character in name):
        reason = "is longer than 255 characters" if len(name) > _LONGEST_NAME else "holds a control character"
        raise UnreadableFile(
            f"{file.key}, line 1: the name of a column, {name[:40]!r}, {reason}.", file=file.key, line=1
        )


def _detect(text: str, quote: str, escape: str) -> str:
    """Return the candidate that splits the first records into the most columns, equally many in each."""
    best, best_score = CANDIDATES[0], (0.0, 0)
    for candidate in CANDIDATES:
        counts = _counts(text, candidate, quote, escape)
        if not counts or counts[0] < 2:
            continue
        score = (counts.count(counts[0]) / len(counts), counts[0])
        if score > best_score:
            best, best_score = candidate, score
    return best


def _counts(text: str, delimiter: str, quote: str, escape: str) -> list[int]:
    counts: list[int] = []
    place = _first_line(text)
    while place < len(text) and len(counts) < _LOOKED_AT:
        try:
            fields, place = split_record(text, place, delimiter, quote, escape)
        except _Unfinished:
            break
        if fields != [""]:
            counts.append(len(fields))
    return counts


def _first_line(text: str) -> int:
    """Return where the first line that is not empty begins."""
    return len(text) - len(text.lstrip("\r\n"))


def _field(text: str, place: int, delimiter: str, quote: str, escape: str) -> tuple[str, int]:
    if quote and text.startswith(quote, place):
        value, place = _quoted_field(text, place + len(quote), quote, escape)
        rest, place = _bare_field(text, place, delimiter)
        return value + rest, place
    return _bare_field(text, place, delimiter)


def _bare_field(text: str, place: int, delimiter: str) -> tuple[str, int]:
    ends = [found for mark in (delimiter, "\n", "\r") if (found := text.find(mark, place)) >= 0]
    end = min(ends, default=len(text))
    return text[place:end], end


def _quoted_field(text: str, place: int, quote: str, escape: str) -> tuple[str, int]:
    value = ""
    while True:
        end = text.find(quote, place)
        if end < 0:
            raise _Unfinished
        if escape != quote and end > place and text[end - 1] == escape:
            value, place = value + text[place : end - 1] + quote, end + 1
        elif escape == quote and text.startswith(quote, end + 1):
            value, place = value + text[place : end + 1], end + 2
        else:
            return value + text[place:end], end + 1


def _after_line_end(text: str, place: int) -> int:
    return place + (2 if text.startswith("\r\n", place) else 1)
