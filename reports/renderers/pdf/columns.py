"""How wide columns are: as their cells want, less where the page ends, and on several tables when even that fails."""

import heapq
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reports.renderers.pdf.grid import PAD, SIZE
from reports.renderers.pdf.lettering import width_of

WIDEST_TEXT: Final = 190.0
_NARROWEST_TEXT: Final = 64.0
_WIDEST_FIGURE: Final = 200.0
_WIDEST_HEAD: Final = 84.0
_REPEATED: Final = 110.0
_MEASURED: Final = 24
# A little more than the cell's own, against rounding.
_PADDING: Final = 2 * PAD + 0.5
_MOST_STRETCHED: Final = 2.2


@dataclass(frozen=True, slots=True)
class Wish:
    """What a column asks for: `least` may not be undercut, `best` needs no line break. Padding is included."""

    least: float
    best: float


@dataclass(frozen=True, slots=True)
class Band:
    """Columns that stand beside each other, by number, and their widths."""

    columns: tuple[int, ...]
    widths: tuple[float, ...]


def wishes(header: Sequence[str], rows: Sequence[Sequence[str]], is_whole: Sequence[bool]) -> list[Wish]:
    """Return what each column asks for; one that `is_whole` breaks no cell."""
    columns = list(zip(*rows, strict=True)) or [() for _ in header]
    return [_wish(*each) for each in zip(header, columns, is_whole, strict=True)]


def _wish(label: str, cells: Sequence[str], whole: bool) -> Wish:
    words = re.split(r"\s+", label)
    head = min(_WIDEST_HEAD, max(width_of(word, SIZE, bold=True) for word in words))
    whole_head = min(_WIDEST_HEAD * 1.4, width_of(label[:80], SIZE, bold=True))
    longest = heapq.nlargest(_MEASURED, set(cells), key=len)
    content = max((width_of(text[:200], SIZE) for text in longest), default=0.0)
    if whole:
        content = min(content, _WIDEST_FIGURE)
        return Wish(max(head, content) + _PADDING, max(whole_head, content) + _PADDING)
    content = min(content, WIDEST_TEXT)
    return Wish(max(head, min(content, _NARROWEST_TEXT)) + _PADDING, max(whole_head, content) + _PADDING)


def fits(wanted: Sequence[Wish], room: float) -> bool:
    """Tell whether the columns stand beside each other when each has its least."""
    return sum(wish.least for wish in wanted) <= room


def bands(wanted: Sequence[Wish], room: float) -> list[Band]:
    """Return the columns in tables that fit: one when they all do, else several that begin with the first column."""
    if fits(wanted, room):
        return [_band(tuple(range(len(wanted))), wanted, room)]
    first = Wish(min(wanted[0].least, _REPEATED), min(wanted[0].best, _REPEATED))
    wanted = [first, *wanted[1:]]
    groups: list[list[int]] = [[0]]
    used = first.least
    for number in range(1, len(wanted)):
        least = wanted[number].least
        if used + least > room and len(groups[-1]) > 1:
            groups.append([0])
            used = first.least
        groups[-1].append(number)
        used += least
    return [_band(tuple(group), wanted, room) for group in groups]


def _band(columns: tuple[int, ...], wanted: Sequence[Wish], room: float) -> Band:
    """Share the room: each column its least, then towards its best, and what is left in proportion."""
    mine = [wanted[number] for number in columns]
    least, best = sum(wish.least for wish in mine), sum(wish.best for wish in mine)
    if best <= room:
        return Band(columns, tuple(wish.best * min(room / best, _MOST_STRETCHED) for wish in mine))
    share = (room - least) / (best - least) if best > least else 0
    return Band(columns, tuple(wish.least + (wish.best - wish.least) * share for wish in mine))
