"""The figures and names of a document as slots: what a text may say, each with the cell that it comes from.

Sections are `s1`, `s2`, … in their order, rows `r1`, `r2`, …; a slot is `s1.revenue.by` or `s1.r2.offer`. Texts out of
the data stand in quotation marks that they cannot close, so that a name never reads as a sentence of ours.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import islice
from math import isfinite
from typing import Final

from reports.decisions.document import Cell, Column, Document, Figure, Row, Section, Unit
from reports.decisions.narrative.figures import NO_VALUE, Number, change_of, exact, format_value

MAX_SECTIONS: Final = 20
MAX_ROWS: Final = 12
MAX_ROWS_IN_ALL: Final = 60
MAX_COLUMNS: Final = 8
MAX_FIGURES: Final = 12
MAX_NAME: Final = 60
MAX_PERIOD: Final = 120
MAX_LABEL: Final = 80
NAMING_UNITS: Final = frozenset({Unit.TEXT, Unit.DATE, Unit.TIME})

_UNSAFE_KEY: Final = re.compile(r"[^A-Za-z0-9_]")


class SlotKind(StrEnum):
    """What a slot says: a name or label, a value, that of the period before, or the change with and without sign."""

    NAME = "name"
    LABEL = "label"
    VALUE = "value"
    BEFORE = "before"
    CHANGE = "change"
    BY = "by"


@dataclass(frozen=True, slots=True)
class Slot:
    """One thing that a text may say. `row` counts from 0 in the section's table; None is a figure of the section.

    `direction` is that of the figure's change, None where nothing is compared. `is_most` and `is_least` tell of a cell
    that no other row of the whole table goes beyond.
    """

    key: str
    text: str
    kind: SlotKind
    label: str = ""
    section: str = ""
    section_id: str = ""
    row: int | None = None
    column: str = ""
    direction: int | None = None
    is_slight: bool = False
    names_row: bool = False
    is_most: bool = False
    is_least: bool = False

    @property
    def is_figure(self) -> bool:
        """Tell whether it reads as a number, so that it may not touch another one."""
        return self.kind not in {SlotKind.NAME, SlotKind.LABEL}


@dataclass(frozen=True, slots=True)
class Extreme:
    """The most and the least in a column, which differ."""

    most: Number
    least: Number


def extremes_of(section: Section) -> tuple[Extreme | None, ...]:
    """Return the extremes of each column that the slots know; None for one without amounts, or of equal ones."""
    width = len(section.columns[:MAX_COLUMNS])
    most: list[Number | None] = [None] * width
    least: list[Number | None] = [None] * width
    for row in section.rows:
        for place, cell in enumerate(row[:width]):
            if (amount := amount_of(cell)) is None:
                continue
            if (so_far := most[place]) is None or amount > so_far:
                most[place] = amount
            if (so_far := least[place]) is None or amount < so_far:
                least[place] = amount
    pairs = zip(most, least, strict=True)
    return tuple(None if low is None or high is None or low == high else Extreme(high, low) for high, low in pairs)


def amount_of(cell: Cell) -> Number | None:
    """Return a cell that can be ranked, as it stands, or None."""
    if isinstance(cell, Decimal):
        return cell if cell.is_finite() else None
    if isinstance(cell, float):
        return cell if isfinite(cell) else None
    return cell if isinstance(cell, int) and not isinstance(cell, bool) else None


@dataclass(frozen=True, slots=True)
class Handle:
    """A section under the name that slots use, with the rows that the slots know."""

    name: str
    section: Section
    rows: tuple[Row, ...]
    extremes: tuple[Extreme | None, ...] = ()

    def columns(self) -> tuple[Column, ...]:
        """Return the columns that the slots know."""
        return self.section.columns[:MAX_COLUMNS]

    def figures(self) -> tuple[Figure, ...]:
        """Return the figures that the slots know."""
        return self.section.figures[:MAX_FIGURES]

    def labels(self) -> Iterator[Slot]:
        """Yield the labels of figures and columns, for those that no text may spell out: "Latency p99"."""
        named = [(figure.key, figure.label) for figure in self.figures()]
        named += [(column.key, column.label) for column in self.columns()]
        for key, label in named:
            yield Slot(
                f"{self.name}.{key_of(key)}.{SlotKind.LABEL}", quoted(label, MAX_LABEL)[1:-1] or key_of(key),
                SlotKind.LABEL, label, section=self.name, section_id=self.section.id, column=key,
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SlotBook:
    """Every slot of a document by its key, and the sections that are told of."""

    slots: Mapping[str, Slot]
    handles: tuple[Handle, ...]


def is_tellable(section: Section) -> bool:
    """Tell whether there is anything to say about a section beyond that it failed or is empty."""
    return not section.error and bool(section.figures or len(section.rows))


def quoted(text: str, limit: int = MAX_NAME) -> str:
    """Return a text out of the data as a name: one line, bounded, in quotation marks that it cannot close."""
    shown = " ".join("".join(_shown(character) for character in text[: limit * 4]).split())
    shown = shown.translate({ord("“"): "'", ord("”"): "'", ord('"'): "'"})
    return f"“{shown if len(shown) <= limit else shown[: limit - 1].rstrip() + '…'}”"


def _shown(character: str) -> str:
    return character if character.isprintable() else " "


def key_of(text: str) -> str:
    """Return a column's or a figure's key as a part of a slot."""
    return _UNSAFE_KEY.sub("_", text) or "_"


def slots_of(document: Document) -> SlotBook:
    """Return what a text about the document may say. Reads every row once, and keeps the first ones only."""
    tellable = [section for section in document.sections if is_tellable(section)][:MAX_SECTIONS]
    rows_each = max(3, min(MAX_ROWS, MAX_ROWS_IN_ALL // max(1, len(tellable))))
    handles = tuple(
        Handle(f"s{number}", section, tuple(islice(iter(section.rows), rows_each)), extremes_of(section))
        for number, section in enumerate(tellable, 1)
    )
    slots = {slot.key: slot for slot in _of_document(document)}
    for handle in handles:
        for slot in _of_section(handle, document.zone):
            slots.setdefault(slot.key, slot)
        for slot in handle.labels():
            slots.setdefault(slot.key, slot)
    return SlotBook(slots, handles)


def _of_document(document: Document) -> Iterator[Slot]:
    yield Slot("report", quoted(document.title), SlotKind.NAME)
    yield Slot("tenant", quoted(document.tenant_name), SlotKind.NAME)
    yield Slot("period", quoted(document.period, MAX_PERIOD)[1:-1], SlotKind.VALUE)


def _of_section(handle: Handle, zone: str) -> Iterator[Slot]:
    section, name = handle.section, handle.name
    yield Slot(f"{name}.title", quoted(section.title), SlotKind.NAME, section=name, section_id=section.id)
    rows = format_value(len(section.rows), Unit.COUNT)
    yield Slot(f"{name}.rows", rows, SlotKind.VALUE, "Rows", section=name, section_id=section.id)
    for figure in handle.figures():
        yield from _of_figure(handle, figure, zone)
    for number, row in enumerate(handle.rows):
        for column, cell, extreme in zip(handle.columns(), row, handle.extremes, strict=False):
            if (text := cell_text(cell, column.unit, zone)) is not None:
                kind = SlotKind.NAME if isinstance(cell, str) else SlotKind.VALUE
                yield Slot(
                    f"{name}.r{number + 1}.{key_of(column.key)}", text, kind, column.label, section=name,
                    section_id=section.id, row=number, column=column.key, names_row=column.unit in NAMING_UNITS,
                    is_most=extreme is not None and cell == extreme.most,
                    is_least=extreme is not None and cell == extreme.least,
                )  # fmt: skip


def _of_figure(handle: Handle, figure: Figure, zone: str) -> Iterator[Slot]:
    if exact(figure.value) is None:
        return
    change = change_of(figure, zone)
    texts = {SlotKind.VALUE: format_value(figure.value, figure.unit, zone)}
    if change is not None:
        texts[SlotKind.BEFORE] = format_value(figure.before, figure.unit, zone)
    if change is not None and change.direction:
        texts |= {SlotKind.CHANGE: change.signed, SlotKind.BY: change.by}
    for kind, text in texts.items():
        yield Slot(
            f"{handle.name}.{key_of(figure.key)}.{kind}", text, kind, figure.label, section=handle.name,
            section_id=handle.section.id, column=figure.key, direction=change.direction if change else None,
            is_slight=change is not None and change.is_slight,
        )  # fmt: skip


def cell_text(cell: Cell, unit: Unit, zone: str) -> str | None:
    """Return how a cell reads in a sentence, or None for one without a value."""
    if cell is None:
        return None
    if isinstance(cell, str):
        return quoted(cell) if cell.strip() else None
    text = format_value(cell, unit, zone)
    return None if text == NO_VALUE else text
