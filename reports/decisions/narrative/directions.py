"""Does a text say "rose" where the data rose? Words of direction are held against the changes beside them.

A word of direction needs a compared figure in its sentence, and agrees with the nearest one; a change without a sign
needs a word of direction. "Did not rise", "could fall" and judgements such as "improved" are refused: nothing in the
data says which direction is good.
"""

from itertools import chain
from typing import Final

from reports.decisions.narrative.clauses import Clause, Token
from reports.decisions.narrative.slots import Slot, SlotKind
from reports.decisions.narrative.vocabulary import BEFORE_UP, DOWN, JUDGING, STEADY, TURNED, UP

_WORDS: Final = {**dict.fromkeys(UP, 1), **dict.fromkeys(DOWN, -1), **dict.fromkeys(STEADY, 0)}


def direction_refusal(clauses: list[Clause]) -> str:
    """Say which word of direction the data do not bear out, empty when there is none."""
    for clause in clauses:
        if reason := _judgement(clause) or _wrong_word(clause) or _wrong_slot(clause):
            return reason
    return ""


def _judgement(clause: Clause) -> str:
    words = [token for token in clause.tokens if isinstance(token, str)]
    if judging := next((word for word in words if word in JUDGING), ""):
        return f"judges where the data do not: “{judging}”"
    return ""


def _wrong_word(clause: Clause) -> str:
    directed = _directions(clause.tokens)
    if not directed:
        return ""
    turned = next((token for token in clause.tokens if token in TURNED or str(token).endswith(("n't", "n’t"))), None)
    if turned is not None:
        return f"turns a direction around: “{turned}”"
    for place, direction in directed:
        word = clause.tokens[place]
        slot = _nearest_slot(clause.tokens, place) or _any_slot(clause)
        if slot is None:
            return f"says “{word}” without a figure that shows it"
        if not _agrees(slot, direction):
            return f"says “{word}” beside {{{{{slot.key}}}}}, which {_moved(slot)}"
    return ""


def _wrong_slot(clause: Clause) -> str:
    """Say which change has no word of direction, or one that contradicts it."""
    directed = _directions(clause.tokens)
    for place, token in enumerate(clause.tokens):
        if not isinstance(token, Slot) or token.kind not in {SlotKind.BY, SlotKind.CHANGE}:
            continue
        if directed:
            _, direction = min(directed, key=lambda found, at=place: abs(found[0] - at))  # type: ignore[misc]
            if not _agrees(token, direction):
                return f"gives {{{{{token.key}}}}} as a move in the wrong direction; it {_moved(token)}"
        elif token.kind is SlotKind.BY and not _directions(clause.sentence):
            return f"gives {{{{{token.key}}}}} without saying whether it rose or fell"
    return ""


def _directions(tokens: list[Token]) -> list[tuple[int, int]]:
    """Return where words of direction stand, and which direction each has."""
    found = []
    for place, token in enumerate(tokens):
        if isinstance(token, str) and token in _WORDS and not _is_idiom(tokens, place):
            found.append((place, _WORDS[token]))
    return found


def _is_idiom(tokens: list[Token], place: int) -> bool:
    if tokens[place] not in {"up", "down"}:
        return False
    after = tokens[place + 1] if place + 1 < len(tokens) else ""
    return (place > 0 and tokens[place - 1] in BEFORE_UP) or after == "to"


def _nearest_slot(tokens: list[Token], place: int) -> Slot | None:
    """Return the compared figure nearest to a word: of two as near, the one after it."""
    outward = chain.from_iterable((place + step, place - step) for step in range(1, len(tokens)))
    for at in outward:
        if 0 <= at < len(tokens) and isinstance(slot := tokens[at], Slot) and slot.direction is not None:
            return slot
    return None


def _any_slot(clause: Clause) -> Slot | None:
    compared = [slot for slot in clause.sentence_slots() if slot.direction is not None]
    return compared[0] if len({slot.direction for slot in compared}) == 1 else None


def _agrees(slot: Slot, direction: int) -> bool:
    return slot.direction == direction or (direction == 0 and slot.is_slight)


def _moved(slot: Slot) -> str:
    return {1: "rose", -1: "fell", 0: "did not change"}[slot.direction or 0]
