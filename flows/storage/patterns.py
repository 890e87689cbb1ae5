"""Which names of files a pattern means, and in which order they are taken.

Every pattern becomes one RE2 expression (through Arrow): its time grows with the length of the name and nothing else,
so no pattern that somebody types can hold a worker up.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa
import pyarrow.compute as pc

from flows.ir.sources import DateTemplatePattern, GlobPattern, Ordering, RegexPattern
from flows.storage.base import StorageError, StoredFile
from flows.storage.folders import expand_tokens

AnyPattern = GlobPattern | RegexPattern | DateTemplatePattern
LONGEST_PATTERN: Final = 500
_BATCH: Final = 10_000


class PatternRefused(StorageError):
    """A pattern that cannot be used; the message says why."""


def matches(pattern: AnyPattern, name: str, *, now: datetime) -> bool:
    """Tell whether a pattern means a file of this name. Raises PatternRefused."""
    return matching(pattern, [name], now=now)[0]


def matching(pattern: AnyPattern, names: Sequence[str], *, now: datetime) -> list[bool]:
    """Tell for each name whether the pattern means it; a date template is read at `now`. Raises PatternRefused.

    As in a shell, a `*` or `?` at the start takes no dot: a half-written `.orders.csv` is nobody's file.
    """
    expression = expression_of(pattern, now=now)
    found: list[bool] = []
    for start in range(0, len(names), _BATCH):
        found += _match(expression, list(names[start : start + _BATCH]))
    if isinstance(pattern, RegexPattern) or pattern.value[0] not in "*?":
        return found
    return [is_match and not name.startswith(".") for is_match, name in zip(found, names, strict=True)]


def check_pattern(pattern: AnyPattern, *, now: datetime) -> None:
    """Raise PatternRefused for a pattern that could not be used."""
    matching(pattern, [""], now=now)


def expression_of(pattern: AnyPattern, *, now: datetime) -> str:
    """Return the RE2 expression that a whole name must match."""
    if len(pattern.value) > LONGEST_PATTERN:
        raise PatternRefused(f"The pattern is longer than {LONGEST_PATTERN} characters.")
    if isinstance(pattern, RegexPattern):
        _match(pattern.value, [""])  # alone first: `a)|(b` would break out of the group below
        return rf"(?s)\A(?:{pattern.value})\z"
    if isinstance(pattern, DateTemplatePattern):
        return _glob_expression(expand_tokens(pattern.value, now.astimezone(_zone(pattern.timezone))))
    return _glob_expression(pattern.value)


def select_files(
    files: Iterable[StoredFile], pattern: AnyPattern, ordering: Ordering, *, now: datetime, most: int | None = None
) -> list[StoredFile]:
    """Return the files that a pattern means, in their order, at most so many. Raises PatternRefused."""
    listed = list(files)
    wanted = matching(pattern, [file.name for file in listed], now=now)
    chosen = _ORDERINGS[ordering]([file for file, is_wanted in zip(listed, wanted, strict=True) if is_wanted])
    return chosen if most is None else chosen[:most]


def _newest_first(files: list[StoredFile]) -> list[StoredFile]:
    """Sort by time, newest first; equal times by name, so that a run tried again takes the same files."""

    def age(file: StoredFile) -> float:
        return 0.0 if file.modified_at is None else -file.modified_at.timestamp()

    return sorted(files, key=lambda file: (age(file), file.name))


def _by_name(files: list[StoredFile]) -> list[StoredFile]:
    return sorted(files, key=lambda file: (file.name, file.key))


def _as_listed(files: list[StoredFile]) -> list[StoredFile]:
    return files


_ORDERINGS: Final[dict[Ordering, Callable[[list[StoredFile]], list[StoredFile]]]] = {
    "latest_by_mtime": _newest_first,
    "fifo_by_name": _by_name,
    "lexicographic": _by_name,
    "process_all": _as_listed,
}


def _glob_expression(value: str) -> str:
    body = "".join({"*": "[^/]*", "?": "[^/]"}.get(character) or re.escape(character) for character in value)
    return rf"(?s)\A{body}\z"


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PatternRefused(f"There is no time zone {name[:64]}.") from None


def _match(expression: str, names: list[str]) -> list[bool]:
    try:
        return list(pc.match_substring_regex(pa.array(names, pa.string()), expression).to_pylist())
    except pa.ArrowInvalid:
        raise PatternRefused(
            "The pattern is no regular expression that can be used here: RE2 knows no look-around and no back "
            "references, and at most 1,000 repetitions."
        ) from None
