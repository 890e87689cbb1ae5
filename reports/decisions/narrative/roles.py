"""Does a figure play its own part in the sentence? The value, that of the period before, and the change between them.

"Rose from" takes the value before, "to" the value, "by" the change: with the right figures in the wrong places a
sentence says something false without a single number of its own.
"""

from collections.abc import Callable
from typing import Final

from reports.decisions.narrative.clauses import Clause, Token
from reports.decisions.narrative.slots import Slot, SlotKind
from reports.decisions.narrative.vocabulary import DOWN, PAST, UP

_MOVES: Final = UP | DOWN
_COPULAS: Final = frozenset({"is", "was", "are", "were"})
_WRONG_BEFORE: Final[dict[SlotKind, frozenset[str]]] = {
    SlotKind.VALUE: frozenset({"by", "from"}),
    SlotKind.BEFORE: frozenset({"to", "by", "at", "reached", "now"}),
    SlotKind.BY: frozenset({"to", "from", "at", "reached", "totalled", "totaled", "stood"}),
    SlotKind.CHANGE: frozenset({"to", "from", "at", "by", "reached", "totalled", "totaled", "stood"}),
}


def role_refusal(clauses: list[Clause]) -> str:
    """Say which figure stands where another one belongs, empty when none does."""
    for clause in clauses:
        for place, token in enumerate(clause.tokens):
            if isinstance(token, Slot) and token.row is None and token.column:
                for wrong in _RULES:
                    if wrong(clause, place, token):
                        return f"places {{{{{token.key}}}}} where another figure belongs"
    return ""


def _after_a_wrong_word(clause: Clause, place: int, slot: Slot) -> bool:
    return _word(clause.tokens, place - 1) in _WRONG_BEFORE[slot.kind]


def _a_change_given_as_a_value(clause: Clause, place: int, slot: Slot) -> bool:
    """Tell of "was {{by}}" without the "higher" or "lower" that makes it a change."""
    is_change = slot.kind in {SlotKind.BY, SlotKind.CHANGE}
    return is_change and _word(clause.tokens, place - 1) in _COPULAS and _word(clause.tokens, place + 1) not in _MOVES


def _a_past_value_given_as_the_present_one(clause: Clause, place: int, slot: Slot) -> bool:
    """Tell of a value before that neither "from" nor a word such as "previous" marks as one."""
    return (
        slot.kind is SlotKind.BEFORE
        and _word(clause.tokens, place - 1) != "from"
        and not any(token in PAST for token in clause.sentence)
    )


def _the_present_value_given_as_a_past_one(clause: Clause, place: int, slot: Slot) -> bool:
    """Tell of a value in a clause that speaks of the past alone: nothing in it compares."""
    if slot.kind is not SlotKind.VALUE or not any(token in PAST for token in clause.tokens):
        return False
    compares = any(
        token in _MOVES or (isinstance(token, Slot) and token.kind in {SlotKind.BEFORE, SlotKind.BY, SlotKind.CHANGE})
        for token in clause.tokens
    )
    return not compares


_RULES: Final[tuple[Callable[[Clause, int, Slot], bool], ...]] = (
    _after_a_wrong_word,
    _a_change_given_as_a_value,
    _a_past_value_given_as_the_present_one,
    _the_present_value_given_as_a_past_one,
)


def _word(tokens: list[Token], place: int) -> str:
    token = tokens[place] if 0 <= place < len(tokens) else ""
    return token if isinstance(token, str) else ""
