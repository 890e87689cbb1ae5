"""The order in which a line's parts stand when scripts that run to the left meet those that run to the right.

The Unicode bidirectional algorithm (UAX 9) without explicit embeddings, which `clean` has taken out of every text.
"""

import unicodedata
from collections.abc import Sequence
from itertools import groupby
from typing import Final, NamedTuple

_NUMBERS: Final = frozenset({"EN", "AN"})
_STRONG: Final = frozenset({"L", "R", "EN", "AN"})
_RIGHT: Final = frozenset({"R", "AL"})


class Stretch(NamedTuple):
    """A part of a line that runs in one direction, in the order of reading."""

    text: str
    is_right_to_left: bool


def stretches(text: str) -> list[Stretch]:
    """Return the parts of a line from left to right as they stand on the page."""
    kinds = [unicodedata.bidirectional(letter) for letter in text]
    base = next((kind in _RIGHT for kind in kinds if kind == "L" or kind in _RIGHT), False)
    levels = _levels(kinds, base=base)
    runs, start = [], 0
    for level, group in groupby(levels):
        length = len(list(group))
        runs.append((level, text[start : start + length]))
        start += length
    return [Stretch(part, level % 2 == 1) for level, part in _reordered(runs)]


def _levels(kinds: list[str], *, base: bool) -> list[int]:
    resolved = _neutrals(_weak(kinds, "R" if base else "L"), "R" if base else "L")
    if base:
        return [1 if kind == "R" else 2 for kind in resolved]
    return [{"L": 0, "R": 1}.get(kind, 2) for kind in resolved]


def _weak(kinds: list[str], base: str) -> list[str]:
    """Resolve marks, and numbers with what belongs to them (rules W1 to W7)."""
    found: list[str] = []
    strong = before = base
    for place, kind in enumerate(kinds):
        here = before if kind == "NSM" else kind
        if here in {"L", "R", "AL"}:
            strong = here
        if here == "EN":
            here = {"AL": "AN", "L": "L"}.get(strong, "EN")
        elif here in {"ES", "CS", "ET"} and _joins_numbers(kinds, place, here, before):
            here = before if before in _NUMBERS or before == "L" else "EN" if strong != "L" else "L"
        before = here
        found.append("R" if here == "AL" else here)
    return found


def _joins_numbers(kinds: list[str], place: int, kind: str, before: str) -> bool:
    after = next((each for each in kinds[place + 1 :] if each != "ET"), "") if kind == "ET" else _next(kinds, place)
    if kind == "ET":
        return before == "EN" or after == "EN"
    return before in _NUMBERS and after in _NUMBERS


def _next(kinds: list[str], place: int) -> str:
    return kinds[place + 1] if place + 1 < len(kinds) else ""


def _neutrals(kinds: list[str], base: str) -> list[str]:
    """Give what has no direction that of its neighbours when they agree, else the line's (rules N1 and N2)."""
    found, start = list(kinds), 0
    for is_strong, group in groupby(kinds, lambda kind: kind in _STRONG):
        length = len(list(group))
        if not is_strong:
            left = _side(found[start - 1]) if start else base
            right = _side(kinds[start + length]) if start + length < len(kinds) else base
            found[start : start + length] = [left if left == right else base] * length
        start += length
    return found


def _side(kind: str) -> str:
    return "L" if kind == "L" else "R"


def _reordered(runs: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """Turn around every stretch of a level, from the highest down (rule L2)."""
    ordered = list(runs)
    for level in range(max((run[0] for run in runs), default=0), 0, -1):
        turned: list[tuple[int, str]] = []
        for is_turned, group in groupby(ordered, lambda run, level=level: run[0] >= level):  # type: ignore[misc]
            part = list(group)
            turned += part[::-1] if is_turned else part
        ordered = turned
    return ordered
