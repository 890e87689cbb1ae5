"""Do two patterns of file names share a name? Proven with an example, proven not, or not decidable. Pure.

Two globs are compared by a product of both, so the answer is exact, and its time bounded whatever somebody types. A
date template is read as of some day first, then with every digit that its tokens may show. Of regular expressions only
what an example proves is known.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from flows.ir.sources import DateTemplatePattern, GlobPattern, RegexPattern
from flows.storage.folders import expand_tokens
from flows.storage.patterns import AnyPattern, PatternRefused, matches, matching
from triggers.decisions.globbing import ANY, DIGITS, STAR, Letter, Mask, Part, mask_of, shared_name, single

# As of when examples of date templates are written; what is known does not hang on the day.
SOME_DAY: Final = datetime(2027, 1, 31, 2, 15, tzinfo=UTC)
# What no store could keep is nobody's name.
LONGEST_NAME: Final = 255
_TOKENS: Final = {
    "{YYYY-MM-DD}": ("Y", "-", "M", "-", "D"),
    "{YYYYMMDD}": ("Y", "M", "D"),
    "{YYYY}": ("Y",),
    "{MM}": ("M",),
    "{DD}": ("D",),
    "{HH}": ("h",),
    "{mm}": ("m",),
    "{ss}": ("s",),
}
_TOKEN: Final = re.compile("|".join(re.escape(token) for token in _TOKENS))
# Which digits each part of a time may begin and go on with; years of this century, for no file comes from another.
_FIELDS: Final = {"Y": "2 0 * *", "M": "01 *", "D": "0123 *", "h": "012 *", "m": "012345 *", "s": "012345 *"}
_ORDER: Final = "YMDhms"
# What stands for the pieces of a regular expression in names that are tried; each name is then really matched.
_SAMPLES: Final = (
    (re.compile(r"\\d\{(\d{1,2})(?:,\d*)?\}|\[0-9\]\{(\d{1,2})(?:,\d*)?\}"), "digits"),
    (re.compile(r"\\d[+*]?|\[0-9\][+*]?"), "1"),
    (re.compile(r"\\w[+*]?|\[[^\]^]*a-z[^\]]*\][+*]?"), "a"),
    (re.compile(r"(?<!\\)\.[*]\??"), ""),
    (re.compile(r"(?<!\\)\.[+]\??"), "a"),
    # The first of alternatives, from the inside out.
    (re.compile(r"(?<!\\)\((?:\?:|\?P?<\w+>)?([^()|]*)(?:\|[^()]*)?\)[?*+]?"), r"\1"),
    (re.compile(r"(?<!\\)\((?:\?:|\?P?<\w+>)?([^()|]*)(?:\|[^()]*)?\)[?*+]?"), r"\1"),
    (re.compile(r"(?<!\\)[()^$]|\\[Abz]"), ""),
    (re.compile(r"\|.*"), ""),
    (re.compile(r"(?<=\w)\?"), ""),
    (re.compile(r"\\(.)"), r"\1"),
)  # fmt: skip


class Meeting(StrEnum):
    """What is known of two patterns."""

    APART = "apart"
    OVERLAP = "overlap"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is known of two patterns, with a name that both match when they overlap; none where they are the same."""

    meeting: Meeting
    example: str = ""


APART: Final = Comparison(Meeting.APART)
UNKNOWN: Final = Comparison(Meeting.UNKNOWN)


def compare_masks(left: AnyPattern, right: AnyPattern) -> Comparison:
    """Tell whether a file's name can match both patterns; at whatever times, where they follow the date.

    A pattern that cannot be used matches nothing.
    """
    try:
        if isinstance(left, RegexPattern) or isinstance(right, RegexPattern):
            return _compare_regex(left, right)
        return _compare_globs(left, right)
    except PatternRefused:
        return APART


def _compare_globs(left: GlobPattern | DateTemplatePattern, right: GlobPattern | DateTemplatePattern) -> Comparison:
    that_day = shared_name(_mask_that_day(left), _mask_that_day(right))
    if that_day is not None:
        return _overlap(_text(that_day))
    if isinstance(left, GlobPattern) and isinstance(right, GlobPattern):
        return APART
    letters = shared_name(_mask_ever(left), _mask_ever(right))
    if letters is None:
        return APART
    name = _text(letters)
    times = (_moment(left, letters, "left"), _moment(right, letters, "right"))
    if all(at is not None and matches(each, name, now=at) for each, at in zip((left, right), times, strict=True)):
        return _overlap(name)
    # Such as the 31st of a month that has 30 days: another name might do.
    return UNKNOWN


def _compare_regex(left: AnyPattern, right: AnyPattern) -> Comparison:
    names = list(dict.fromkeys(name for each in (left, right) for name in _samples(each) if name))
    both = zip(names, matching(left, names, now=SOME_DAY), matching(right, names, now=SOME_DAY), strict=True)
    proven = [name for name, is_left, is_right in both if is_left and is_right and "/" not in name]
    if proven:
        return _overlap(min(proven, key=len))
    # Equal words mean equal names, though none is found here.
    return Comparison(Meeting.OVERLAP) if left == right else UNKNOWN


def _overlap(name: str) -> Comparison:
    return APART if len(name.encode()) > LONGEST_NAME else Comparison(Meeting.OVERLAP, name)


def _mask_that_day(pattern: GlobPattern | DateTemplatePattern) -> Mask:
    return mask_of(_glob_parts(_glob_that_day(pattern)))


def _glob_that_day(pattern: GlobPattern | DateTemplatePattern) -> str:
    if isinstance(pattern, GlobPattern):
        return pattern.value
    return expand_tokens(pattern.value, SOME_DAY.astimezone(_zone(pattern)))


def _mask_ever(pattern: GlobPattern | DateTemplatePattern) -> Mask:
    """Return the mask of a pattern at any time: its tokens are digits."""
    if isinstance(pattern, GlobPattern):
        return mask_of(_glob_parts(pattern.value))
    parts: list[Part] = []
    end = 0
    for found in _TOKEN.finditer(pattern.value):
        parts += [*_glob_parts(pattern.value[end : found.start()]), *_token_parts(found[0])]
        end = found.end()
    return mask_of([*parts, *_glob_parts(pattern.value[end:])])


def _glob_parts(text: str) -> list[Part]:
    return [{"*": STAR, "?": ANY}.get(character) or single(character) for character in text]


def _token_parts(token: str) -> Iterator[Part]:
    for piece in _TOKENS[token]:
        if piece not in _FIELDS:
            yield single(piece)
            continue
        for place, digits in enumerate(_FIELDS[piece].split()):
            yield Part(DIGITS if digits == "*" else frozenset(digits), token=(piece, place))


def _moment(pattern: GlobPattern | DateTemplatePattern, letters: Sequence[Letter], side: str) -> datetime | None:
    """Return when a pattern reads as in an example, or None when that is never: its tokens contradict each other."""
    if isinstance(pattern, GlobPattern):
        return SOME_DAY
    digits: dict[tuple[str, int], set[str]] = {}
    for letter in letters:
        token = (letter.left if side == "left" else letter.right).token
        if token is not None:
            digits.setdefault(token, set()).add(letter.character)
    if any(len(each) > 1 for each in digits.values()):
        return None
    read = {field: "".join(min(digits[key]) for key in sorted(digits) if key[0] == field) for field in _ORDER}
    year, month, day, hour, minute, second = (
        int(read[field] or standard) for field, standard in zip(_ORDER, (SOME_DAY.year, 1, 1, 0, 0, 0), strict=True)
    )
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=_zone(pattern))
    except ValueError:
        return None


def _samples(pattern: AnyPattern) -> Iterator[str]:
    """Yield names that a pattern may well match."""
    if isinstance(pattern, RegexPattern):
        text = pattern.value
        for expression, instead in _SAMPLES:
            if instead == "digits":
                text = expression.sub(lambda found: "1" * int(found[1] or found[2]), text)
            else:
                text = expression.sub(instead, text)
        yield text
        return
    glob = _glob_that_day(pattern)
    for wildcard in ("", "a", "1", "data"):
        yield glob.replace("*", wildcard).replace("?", wildcard[:1] or "1")


def _text(letters: Sequence[Letter]) -> str:
    return "".join(letter.character for letter in letters)


def _zone(pattern: DateTemplatePattern) -> ZoneInfo:
    try:
        return ZoneInfo(pattern.timezone)
    except (LookupError, ValueError, OSError):
        raise PatternRefused(f"There is no time zone {pattern.timezone}.") from None
