"""Sentences about one figure, one table, one section that has nothing to tell: the deterministic narrator's own."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from reports.decisions.document import Cell, Column, Figure, Row, Section, Unit
from reports.decisions.narrative.figures import Change, Number, change_of, exact, format_value
from reports.decisions.narrative.filling import Line, Piece
from reports.decisions.narrative.slots import NAMING_UNITS, Slot, SlotKind, amount_of, cell_text, quoted

NOTHING: Final = "There is nothing to show for this period."
_MAX_ERROR: Final = 240
_MAX_LABEL: Final = 80
_RANKED_UNITS: Final = (Unit.MONEY, Unit.COUNT, Unit.NUMBER, Unit.RATIO, Unit.MILLISECONDS, Unit.SECONDS)


@dataclass(frozen=True, slots=True)
class Teller:
    """A section and the zone in which its instants are told."""

    section: Section
    zone: str

    def slot(self, kind: SlotKind, text: str, column: str, row: int | None = None) -> Slot:
        """Return a piece that is traced to a figure, or to a cell of the table."""
        return Slot("", text, kind, section_id=self.section.id, row=row, column=column)

    def count(self) -> Slot:
        """Return the number of the table's rows."""
        return self.slot(SlotKind.VALUE, format_value(len(self.section.rows), Unit.COUNT), "")


def plain(text: str, limit: int = _MAX_LABEL) -> str:
    """Return a text as one bounded line without what is invisible."""
    return quoted(text, limit)[1:-1]


def figure_line(teller: Teller, figure: Figure) -> Line:
    """Say what a figure is and by how much it has changed."""
    label = plain(figure.label) or plain(figure.key)
    if exact(figure.value) is None:
        return _valueless(teller, figure, label)
    value = teller.slot(SlotKind.VALUE, format_value(figure.value, figure.unit, teller.zone), figure.key)
    change = change_of(figure, teller.zone)
    if change is None:
        return [f"{label} was ", value, "."]
    if change.direction == 0:
        return [f"{label} was unchanged at ", value, "."]
    before = teller.slot(SlotKind.BEFORE, format_value(figure.before, figure.unit, teller.zone), figure.key)
    if not exact(figure.before):
        return [f"{label} {moved(change)} from ", before, " to ", value, "."]
    by = teller.slot(SlotKind.BY, change.by, figure.key)
    return [f"{label} {moved(change)} by ", by, " to ", value, ", from ", before, "."]


def _valueless(teller: Teller, figure: Figure, label: str) -> Line:
    if exact(figure.before) is None:
        return [f"{label} has no value for this period."]
    before = teller.slot(SlotKind.BEFORE, format_value(figure.before, figure.unit, teller.zone), figure.key)
    return [f"{label} has no value for this period; it was ", before, " in the one before."]


def moved(change: Change) -> str:
    """Return the verb of a change."""
    return "rose" if change.direction > 0 else "fell"


def weight(figure: Figure) -> Decimal:
    """Return how much a change matters beside others: its share of the value before, without a sign."""
    value, before = (exact(number) or Decimal(0) for number in (figure.value, figure.before))
    return abs(value - before) / abs(before) if before else Decimal(10**6)


def table_line(teller: Teller) -> Line:
    """Say how long the table is and which row leads it; empty for an empty table. Reads every row once."""
    section = teller.section
    if not len(section.rows):
        return []
    if len(section.rows) == 1:
        return ["The table has ", teller.count(), " row."]
    leader = leader_line(teller)
    return ["The table has ", teller.count(), " rows.", *([" ", *leader] if leader else [])]


def leader_line(teller: Teller) -> Line:
    """Say which row has the most of what the table is about, and of a course over time also the least."""
    section = teller.section
    columns = _ranking(section)
    if columns is None or len(section.rows) < 2:
        return []
    name, value = columns
    best, least = _extremes(section, name, value)
    if best is None or least is None or best.amount == least.amount:
        return []
    label = plain(section.columns[value].label)
    top, top_name = _cell(teller, best, value), _cell(teller, best, name)
    if section.columns[name].unit is Unit.TEXT:
        return [top_name, f" leads by {label} with ", top, "."]
    low, low_name = _cell(teller, least, value), _cell(teller, least, name)
    return [f"{label} was highest with ", top, " (", top_name, ") and lowest with ", low, " (", low_name, ")."]


@dataclass(frozen=True, slots=True)
class _Extreme:
    """A row with the most or the least of a column."""

    amount: Number
    row: int
    cells: Row


def _extremes(section: Section, name: int, value: int) -> tuple[_Extreme | None, _Extreme | None]:
    best: _Extreme | None = None
    least: _Extreme | None = None
    for number, row in enumerate(section.rows):
        amount = amount_of(row[value])
        if amount is None or not _is_name(row[name]):
            continue
        if best is None or amount > best.amount:
            best = _Extreme(amount, number, row)
        if least is None or amount < least.amount:
            least = _Extreme(amount, number, row)
    return best, least


def _is_name(cell: Cell) -> bool:
    return cell is not None and (not isinstance(cell, str) or bool(cell.strip()))


def _cell(teller: Teller, extreme: _Extreme, place: int) -> Piece:
    column: Column = teller.section.columns[place]
    text = cell_text(extreme.cells[place], column.unit, teller.zone) or ""
    kind = SlotKind.NAME if column.unit is Unit.TEXT else SlotKind.VALUE
    return teller.slot(kind, text, column.key, extreme.row)


def _ranking(section: Section) -> tuple[int, int] | None:
    """Return the columns that name a row and that rank it: the one of the first figure, else the first amount."""
    names = [place for place, column in enumerate(section.columns) if column.unit in NAMING_UNITS]
    amounts = [place for place, column in enumerate(section.columns) if column.unit in _RANKED_UNITS]
    if not names or not amounts:
        return None
    keys = [figure.key for figure in section.figures]
    of_figures = [place for key in keys for place in amounts if section.columns[place].key == key]
    return names[0], (of_figures or amounts)[0]


def error_text(section: Section) -> str:
    """Return a section's error as a clause that ends in a full stop."""
    text = plain(section.error, _MAX_ERROR)
    return text if text.endswith((".", "?", "…")) else f"{text}."
