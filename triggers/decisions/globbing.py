"""Masks of file names, as a list of single characters and stars, and whether two of them share a name. Pure.

A mask is followed beside another one by a product of both: `(i, j)` says that what was read so far is the first `i`
parts of one and the first `j` of the other. At most 501 × 501 such states, whatever somebody types.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

# What a `?` or `*` may stand for in an example, the most natural first; the wildcards take anything but `/`.
_SHOWN: Final = "a1"
DIGITS: Final = frozenset("0123456789")


@dataclass(frozen=True, slots=True)
class Part:
    """One character of a name, out of `characters` (None: any), or with `is_star` any number of them.

    `token` is the date token whose digit it is, with the digit's place in it.
    """

    characters: frozenset[str] | None = None
    is_star: bool = False
    token: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Mask:
    """The parts of a mask. `takes_no_dot`: as in a shell, a wildcard at the start takes no dot."""

    parts: tuple[Part, ...]
    takes_no_dot: bool

    @property
    def is_empty(self) -> bool:
        """Tell whether no name of a file can match: names have no slash."""
        return any(part.characters == frozenset("/") for part in self.parts)


@dataclass(frozen=True, slots=True)
class Letter:
    """A character of an example, with the parts of both masks that it was read by."""

    character: str
    left: Part
    right: Part


@dataclass(frozen=True, slots=True)
class _Origin:
    """How a state was reached: by a name of which length, from where, by which letter."""

    length: int
    state: "_State | None"
    letter: Letter | None


STAR: Final = Part(is_star=True)
ANY: Final = Part()
_State = tuple[int, int]


def mask_of(parts: Sequence[Part]) -> Mask:
    """Return a mask; stars that follow each other are one."""
    kept: list[Part] = []
    for part in parts:
        if not (part.is_star and kept and kept[-1].is_star):
            kept.append(part)
    first = kept[0] if kept else STAR
    return Mask(tuple(kept), takes_no_dot=first.characters is None)


@cache
def single(character: str) -> Part:
    """Return the part that is this character."""
    return Part(frozenset(character))


def are_disjoint(left: Mask, right: Mask) -> bool:
    """Tell whether no name matches both; a few hundred operations on long integers for the longest of masks."""
    if left.is_empty or right.is_empty or _begin_apart(left, right):
        return True
    stars, width = _bits(part.is_star for part in right.parts), len(right.parts)
    rows = [0] * (len(left.parts) + 1)
    for (i, j), _ in _first_steps(left, right):
        rows[i] |= 1 << j
    everything = (1 << (width + 1)) - 1
    fitting: dict[frozenset[str] | None, int] = {}
    for i, part in enumerate(left.parts):
        row = rows[i]
        if part.is_star and row:
            # From the lowest on, every one: the star takes what the other mask wants next.
            row = everything & ~((row & -row) - 1)
            rows[i + 1] |= row
            continue
        row |= (row & stars) << 1
        if part.characters not in fitting:
            fitting[part.characters] = _bits(_do_fit(part, other) for other in right.parts)
        rows[i + 1] |= ((row & fitting[part.characters]) << 1) | (row & stars)
    last = rows[-1] | ((rows[-1] & stars) << 1)
    return not last >> width & 1


def shared_name(left: Mask, right: Mask) -> list[Letter] | None:
    """Return the letters of a shortest name that matches both, or None when there is none."""
    if are_disjoint(left, right):
        return None
    end = (len(left.parts), len(right.parts))
    came: dict[_State, _Origin] = {}
    queue: deque[tuple[int, _State]] = deque()

    def reach(state: _State, origin: _Origin) -> None:
        if state not in came or origin.length < came[state].length:
            came[state] = origin
            # What reads nothing goes first, so that states come up by the length of their name.
            (queue.appendleft if origin.letter is None else queue.append)((origin.length, state))

    for first, letter in _first_steps(left, right):
        reach(first, _Origin(1, None, letter))
    while queue and queue[0][1] != end:
        length, state = queue.popleft()
        for following, read in _steps(left, right, state):
            reach(following, _Origin(length + (read is not None), state, read))
    return _path(came, end)


def _begin_apart(left: Mask, right: Mask) -> bool:
    """Tell whether their beginnings tell them apart, up to the first star: most masks of a folder do."""
    for part, other in zip(left.parts, right.parts, strict=False):
        if part.is_star or other.is_star:
            return False
        if _character(part, other) is None:
            return True
    return False


def _first_steps(left: Mask, right: Mask) -> Iterator[tuple[_State, Letter]]:
    """Yield where both are after the first character, of which no name has none."""
    no_dot = left.takes_no_dot or right.takes_no_dot
    starts = [
        (i, j)
        for i in range(2 if left.parts and left.parts[0].is_star else 1)
        for j in range(2 if right.parts and right.parts[0].is_star else 1)
    ]
    for i, j in starts:
        if i >= len(left.parts) or j >= len(right.parts):
            continue
        mine, other = left.parts[i], right.parts[j]
        character = _character(mine, other)
        if character is None or (no_dot and character == "."):
            continue
        yield (i if mine.is_star else i + 1, j if other.is_star else j + 1), Letter(character, mine, other)


def _steps(left: Mask, right: Mask, state: _State) -> Iterator[tuple[_State, Letter | None]]:
    i, j = state
    mine = left.parts[i] if i < len(left.parts) else None
    other = right.parts[j] if j < len(right.parts) else None
    if mine is not None and mine.is_star:
        yield (i + 1, j), None
    if other is not None and other.is_star:
        yield (i, j + 1), None
    if mine is None or other is None or (mine.is_star and other.is_star):
        return
    character = _character(mine, other)
    if character is not None:
        yield (i if mine.is_star else i + 1, j if other.is_star else j + 1), Letter(character, mine, other)


def _character(mine: Part, other: Part) -> str | None:
    """Return a character that both parts take, None when there is none."""
    if mine.characters is None and other.characters is None:
        return _SHOWN[0]
    if mine.characters is None or other.characters is None:
        both = mine.characters or other.characters or frozenset()
    else:
        both = mine.characters & other.characters
    # A 1 reads well in every date token: 2011-11-11 11:11:11.
    return next((character for character in _SHOWN if character in both), min(both, default=None))


def _do_fit(part: Part, other: Part) -> bool:
    return not other.is_star and _character(part, other) is not None


def _bits(flags: Iterator[bool]) -> int:
    return sum(1 << index for index, flag in enumerate(flags) if flag)


def _path(came: dict[_State, _Origin], end: _State) -> list[Letter]:
    letters: list[Letter] = []
    state: _State | None = end
    while state is not None:
        origin = came[state]
        state = origin.state
        if origin.letter is not None:
            letters.append(origin.letter)
    return letters[::-1]
