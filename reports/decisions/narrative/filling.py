"""Sentences with their figures put in, each traced to the cell that it comes from."""

from collections.abc import Iterable, Mapping, Sequence

from reports.decisions.document import Trace
from reports.decisions.narrative.draft import SLOT, Draft
from reports.decisions.narrative.slots import Slot, SlotBook

Piece = str | Slot
Line = Sequence[Piece]

SUMMARY_PART = "executiveSummary"


def section_part(section_id: str) -> str:
    """Return the name under which traces speak of a section's paragraph."""
    return f"sections.{section_id}"


def takeaway_part(number: int) -> str:
    """Return the name under which traces speak of a takeaway, counted from 0."""
    return f"takeaways.{number}"


def pieces_of(text: str, slots: Mapping[str, Slot]) -> list[Piece]:
    """Return a checked text as words and slots. The figures themselves are never looked into for slots."""
    pieces: list[Piece] = []
    end = 0
    for found in SLOT.finditer(text):
        pieces += [text[end : found.start()], slots[found[1]]]
        end = found.end()
    return [*pieces, text[end:]]


def write(part: str, pieces: Iterable[Piece]) -> tuple[str, list[Trace]]:
    """Return the text that the pieces make, and where its figures come from."""
    text = ""
    traces = []
    for piece in pieces:
        if isinstance(piece, Slot):
            traces.append(Trace(part, len(text), piece.text, piece.section_id, piece.row, piece.column))
            text += piece.text
        else:
            text += piece
    return text, traces


def parts_of(draft: Draft, book: SlotBook) -> dict[str, list[Piece]]:
    """Return a checked draft as pieces, by the part's name; sections under their own ids."""
    ids = {handle.name: handle.section.id for handle in book.handles}
    parts = {SUMMARY_PART: pieces_of(draft.executive_summary, book.slots)}
    for name, text in draft.paragraphs.items():
        parts[section_part(ids[name])] = pieces_of(text, book.slots)
    for number, text in enumerate(draft.takeaways):
        parts[takeaway_part(number)] = pieces_of(text, book.slots)
    return parts
