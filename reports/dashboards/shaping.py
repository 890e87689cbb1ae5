"""A document as a page shows it: figures with their change, charts, and tables as text. Pure."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from reports.dashboards.charts import ChartView, draw_charts
from reports.dashboards.declaration import Dashboard, FigureCall
from reports.decisions.document import Document, Section
from reports.decisions.emptiness import is_empty
from reports.renderers.cells import cell_writer, clean, is_right
from reports.renderers.wording import columns_of, figure_text

ROWS_SHOWN: Final = 100
_NO_FIGURE: Final = "–"
_MOST_COLUMNS_OF_HALF: Final = 4


@dataclass(frozen=True, slots=True)
class FigureCard:
    """A figure on top: its value, what it changed by since the period before, and whether that is good."""

    number: int
    label: str
    value: str = _NO_FIGURE
    change: str = ""
    before: str = ""
    tone: str = "idle"
    is_waiting: bool = False

    @property
    def version(self) -> str:
        """Return a word that changes when the card does."""
        return _version((self.value, self.change, self.before, self.is_waiting))


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table as text, under its column's label on a narrow screen."""

    label: str
    text: str
    is_right: bool


@dataclass(frozen=True, slots=True)
class SectionView:
    """A section: its charts, its table's first rows, and what is to be said of it."""

    id: str
    title: str
    charts: tuple[ChartView, ...] = ()
    head: tuple[Cell, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    row_count: int = 0
    note: str = ""
    error: str = ""
    version: str = ""
    is_waiting: bool = False

    @property
    def is_empty(self) -> bool:
        """Tell whether there is neither a row nor an error."""
        return not self.error and not self.is_waiting and self.row_count == 0

    @property
    def is_wide(self) -> bool:
        """Tell whether its table stands alone and has too many columns for half a page."""
        return not self.charts and len(self.head) > _MOST_COLUMNS_OF_HALF

    @property
    def is_cut(self) -> bool:
        """Tell whether there are more rows than are shown."""
        return self.row_count > len(self.rows)


@dataclass(frozen=True, slots=True)
class DashboardView:
    """A whole page."""

    figures: tuple[FigureCard, ...]
    sections: tuple[SectionView, ...]
    is_empty: bool


def shape(dashboard: Dashboard, document: Document) -> DashboardView:
    """Return what a page shows of a dashboard's document; what is not in it yet waits in its place."""
    found = {section.id: section for section in document.sections}
    figures = tuple(
        _card(number, call, found.get(call.section), document.zone) for number, call in enumerate(dashboard.figures)
    )
    sections = tuple(
        _section(found[call.id], document.zone)
        if call.id in found
        else SectionView(call.id, call.title, version="waiting", is_waiting=True)
        for call in dashboard.sections
    )
    is_whole = not any(section.is_waiting for section in sections)
    return DashboardView(figures, sections, is_empty=is_whole and is_empty(document))


def only(view: DashboardView) -> DashboardView:
    """Return the parts that were read: the answer to a request for one of them."""
    return DashboardView(
        tuple(card for card in view.figures if not card.is_waiting),
        tuple(section for section in view.sections if not section.is_waiting),
        is_empty=False,
    )


def _card(number: int, call: FigureCall, section: Section | None, zone: str) -> FigureCard:
    if section is None:
        return FigureCard(number, call.label, is_waiting=True)
    figure = next((each for each in section.figures if each.key == call.key), None)
    if figure is None:
        return FigureCard(number, call.label)
    text = figure_text(figure, zone)
    return FigureCard(number, call.label, text.value, text.change, text.before, _tone(text.direction * call.rise))


def _tone(goodness: int) -> str:
    return {1: "good", -1: "bad"}.get(goodness, "idle")


def _section(section: Section, zone: str) -> SectionView:
    head = tuple(
        Cell(label, label, is_right(column)) for label, column in zip(columns_of(section), section.columns, strict=True)
    )
    rows = tuple(_rows(section, head, zone))
    charts = tuple(draw_charts(section, zone))
    said = (section.id, section.title, [chart.drawn for chart in charts], rows, section.note, section.error)
    return SectionView(
        id=section.id,
        title=clean(section.title),
        charts=charts,
        head=head,
        rows=rows,
        row_count=len(section.rows),
        note=clean(section.note),
        error=clean(section.error),
        version=_version(said),
    )


def _rows(section: Section, head: Sequence[Cell], zone: str) -> Iterator[tuple[Cell, ...]]:
    if section.error:
        return
    writers = [cell_writer(column, zone) for column in section.columns]
    for row in islice(iter(section.rows), ROWS_SHOWN):
        yield tuple(
            Cell(column.label, write(cell), column.is_right)
            for column, write, cell in zip(head, writers, row, strict=True)
        )


def _version(said: object) -> str:
    """Return a word that changes when what is shown changes: a refresh replaces only what did."""
    return hashlib.sha256(repr(said).encode("utf-8", "replace")).hexdigest()[:16]
