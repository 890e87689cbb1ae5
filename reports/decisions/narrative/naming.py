"""Does a sentence name what its figures are? By its label each, and a row's figure by the row's name as well.

Without this rule "profit was {{s1.revenue.value}}" and "revenue rose to {{s1.r1.revenue}}" would pass: every figure is
the data's, and the sentence is false.
"""

from collections.abc import Callable
from typing import Final

from reports.decisions.narrative.clauses import Clause, Token, stem
from reports.decisions.narrative.draft import shown
from reports.decisions.narrative.slots import Slot, SlotBook
from reports.decisions.narrative.vocabulary import DOWN, LINKING, STEADY, UP

_DIRECTIONS: Final = UP | DOWN | STEADY
_TOWARDS: Final = frozenset({"by", "to", "from", "at"})

Rule = Callable[[Clause, int, Slot, SlotBook], str]


def naming_refusal(clauses: list[Clause], book: SlotBook) -> str:
    """Say which figure the sentence does not name, empty when it names each."""
    for clause in clauses:
        for place, token in enumerate(clause.tokens):
            if isinstance(token, Slot):
                for rule in _RULES:
                    if reason := rule(clause, place, token, book):
                        return reason
    return ""


def _label(clause: Clause, place: int, slot: Slot, book: SlotBook) -> str:
    if slot.column and slot.is_figure and not slot.names_row and not clause.names(slot.label):
        return f"gives {{{{{slot.key}}}}} without its name, {shown(slot.label)}"
    return ""


def _row(clause: Clause, place: int, slot: Slot, book: SlotBook) -> str:
    """Say which cell stands without the name of its row; a table of a single row needs none."""
    if slot.row is None or slot.names_row or not slot.is_figure:
        return ""
    is_named = any(
        other.names_row and (other.section, other.row) == (slot.section, slot.row) for other in clause.sentence_slots()
    )
    is_alone = book.slots[f"{slot.section}.rows"].text == "1"
    return "" if is_named or is_alone else f"gives {{{{{slot.key}}}}} without the name of its row"


def _total(clause: Clause, place: int, slot: Slot, book: SlotBook) -> str:
    """Say which figure of a whole section is given as a row's: it may not stand in the clause of a row."""
    is_whole = slot.row is None and bool(slot.column)
    if is_whole and any(other.names_row for other in clause.slots()):
        return f"gives {{{{{slot.key}}}}}, which is of the whole section, as a row's"
    return ""


def _moved(clause: Clause, place: int, slot: Slot, book: SlotBook) -> str:
    """Say what stands after "rose to" and is no figure that rose."""
    before = clause.tokens[place - 1] if place else ""
    is_moved = before in _TOWARDS and any(token in _DIRECTIONS for token in clause.tokens)
    if is_moved and (slot.row is not None or not slot.column):
        return f"says that something moved “{before}” {{{{{slot.key}}}}}"
    return ""


def _count(clause: Clause, place: int, slot: Slot, book: SlotBook) -> str:
    """Say which number of rows is given as something else."""
    if not slot.is_figure or slot.column or not slot.section:
        return ""
    labels = {other.label for other in book.slots.values() if other.column and other.is_figure and not other.names_row}
    said = clause.spoken_here(labels)
    return f"gives {{{{{slot.key}}}}} as {shown(min(said))}, but it is Rows" if said else ""


_RULES: Final[tuple[Rule, ...]] = (_count, _label, _row, _total, _moved)


def is_beside(tokens: list[Token], place: int, label: str) -> bool:
    """Tell whether a label stands right before or right after a slot, but for words such as "of"."""
    words = stem(label)
    if not words:
        return False
    before = place
    while before and tokens[before - 1] in LINKING:
        before -= 1
    start, after = max(0, before - len(words)), place + 1
    while after < len(tokens) and tokens[after] in {"of", "in"}:
        after += 1
    return _same(tokens[after : after + len(words)], words) or _same(tokens[start:before], words)


def _same(tokens: list[Token], words: list[str]) -> bool:
    return stem(" ".join(token for token in tokens if isinstance(token, str))) == words
