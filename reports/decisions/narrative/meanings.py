"""Does a text say of a figure what it is? Its row, its label, its rank, and no mean or rate that it is not.

What a sentence means can only be checked in part; each rule here refuses a way in which right figures make a wrong
statement.
"""

from collections.abc import Iterable
from typing import TypeGuard

from reports.decisions.narrative.clauses import Clause, Token
from reports.decisions.narrative.draft import shown
from reports.decisions.narrative.naming import is_beside
from reports.decisions.narrative.slots import Slot, SlotBook
from reports.decisions.narrative.vocabulary import CAUSES, LEAST, MOST, RATES

Labels = dict[str, set[str]]


def meaning_refusal(clauses: list[Clause], quiet: list[Clause], book: SlotBook) -> str:
    """Say which figure is given as something that it is not, empty when none is; `quiet` are the clauses masked."""
    figures, columns = _labels(book, is_row=False), _labels(book, is_row=True)
    amounts = {section: figures.get(section, set()) | columns.get(section, set()) for section in {*figures, *columns}}
    for clause, rest in zip(clauses, quiet, strict=True):
        reason = (
            _other_row(clause)
            or _other_figure(clause, figures)
            or _other_label_beside(clause, amounts)
            or _rate(rest)
            or _cause(rest)
            or _rank(rest)
        )
        if reason:
            return reason
    return ""


def _labels(book: SlotBook, *, is_row: bool) -> Labels:
    """Return the labels of the sections' figures, or of the amounts in their tables."""
    labels: Labels = {}
    for slot in book.slots.values():
        if slot.column and slot.is_figure and not slot.names_row and (slot.row is not None) is is_row:
            labels.setdefault(slot.section, set()).add(slot.label)
    return labels


def _other_row(clause: Clause) -> str:
    """Say which figure of a row stands beside the name of another row only."""
    named = [slot for slot in clause.slots() if slot.names_row]
    named = named or [slot for slot in clause.sentence_slots() if slot.names_row]
    for slot in clause.slots():
        rows = {other.row for other in named if other.section == slot.section}
        if slot.row is not None and rows and slot.row not in rows:
            return f"puts {{{{{slot.key}}}}} beside the name of another row"
    return ""


def _other_figure(clause: Clause, labels: Labels) -> str:
    """Say which figure of a section stands under the label of another one."""
    for slot in clause.slots():
        if slot.row is None and slot.column and slot.is_figure:
            spoken = clause.spoken(labels[slot.section])
            if spoken and slot.label not in spoken:
                return _said_as(slot, spoken)
    return ""


def _cause(clause: Clause) -> str:
    word = next((token for token in clause.tokens if isinstance(token, str) and token in CAUSES), "")
    return f"gives a cause, which the data do not: “{word}”" if word else ""


def _other_label_beside(clause: Clause, labels: Labels) -> str:
    """Say which cell has the label of another column right before or after it, and its own on neither side.

    The number of a table's rows is a number of no column.
    """
    for place, token in enumerate(clause.tokens):
        if not _is_cell(token) and not _is_count(token):
            continue
        known = labels.get(token.section, set())
        beside = {label for label in known if is_beside(clause.tokens, place, label)}
        if beside and token.label not in beside:
            return _said_as(token, beside)
    return ""


def _said_as(slot: Slot, labels: Iterable[str]) -> str:
    return f"gives {{{{{slot.key}}}}} as {shown(min(labels))}, but it is {shown(slot.label)}"


def _rate(clause: Clause) -> str:
    """Say which word makes a rate or a mean of a figure; one in a figure's own label has been masked."""
    word = next((token for token in clause.tokens if isinstance(token, str) and token in RATES), "")
    slot = next((slot for slot in clause.slots() if slot.is_figure and slot.column and not slot.names_row), None)
    return f"makes a rate or a mean of {{{{{slot.key}}}}}: “{word}”" if word and slot is not None else ""


def _rank(clause: Clause) -> str:
    """Say which superlative has no cell beside it that bears it out."""
    for place, token in enumerate(clause.tokens):
        if not isinstance(token, str) or not (token in MOST or token in LEAST):
            continue
        cell = _nearest_cell(clause, place)
        if cell is None:
            return f"says “{token}” without the cell that shows it"
        if not (cell.is_most if token in MOST else cell.is_least):
            return f"says “{token}” beside {{{{{cell.key}}}}}, which is not"
    return ""


def _nearest_cell(clause: Clause, place: int) -> Slot | None:
    """Return the cell nearest to a word: in its clause, else in its sentence; of the row that the clause names."""
    named = {(slot.section, slot.row) for slot in clause.slots() if slot.names_row}
    for tokens, at in ((clause.tokens, place), (clause.sentence, clause.start + place)):
        cells = [
            (abs(other - at), other, token)
            for other, token in enumerate(tokens)
            if _is_cell(token) and (not named or (token.section, token.row) in named)
        ]
        if cells:
            return min(cells, key=lambda found: found[:2])[2]
    return None


def _is_cell(token: Token) -> TypeGuard[Slot]:
    return isinstance(token, Slot) and token.row is not None and token.is_figure and not token.names_row


def _is_count(token: Token) -> TypeGuard[Slot]:
    return isinstance(token, Slot) and token.is_figure and bool(token.section) and not token.column
