"""The report as a story of platypus: cover, summary, then each section with its figures, chart and table."""

from collections.abc import Iterator, Sequence
from typing import IO, Any

from reportlab.platypus.doctemplate import NextPageTemplate
from reportlab.platypus.flowables import CondPageBreak, Flowable, PageBreak, Spacer

from reports.decisions.document import Document, Section, Unit
from reports.renderers.cells import cell_writer, clean, is_right, paragraphs
from reports.renderers.charts.pictures import picture_of
from reports.renderers.charts.plots import plots_of
from reports.renderers.pdf.blocks import Cards, Drawing, Heading, Link, Notice, Words
from reports.renderers.pdf.columns import Band, bands, fits, wishes
from reports.renderers.pdf.grid import Grid, Layout
from reports.renderers.pdf.pages import LYING, LYING_WIDTH, UPRIGHT, UPRIGHT_WIDTH, ReportCanvas, Sheets
from reports.renderers.wording import (
    columns_of,
    facts,
    figure_text,
    heading_of,
    provenance,
    remarks,
    shares,
    shown_rows,
    title_of,
    web_address,
)

_CARDS_ACROSS = 4
_MOST_CONTENTS = 14


def write_pdf(document: Document, file: IO[bytes]) -> None:
    """Write the report; the same document gives the same bytes. Memory is bounded by the rows that a PDF shows."""
    Sheets(document, file).build(list(_story(document)), canvasmaker=ReportCanvas)


def _story(document: Document) -> Iterator[Flowable]:
    yield from _cover(document)
    yield from (NextPageTemplate(UPRIGHT), PageBreak())
    yield from _summary(document)
    shown = shares(document)
    template = UPRIGHT
    for place, section in enumerate(document.sections):
        table = _Table(section, document.zone, shown[place])
        if table.template != template:
            yield from (NextPageTemplate(table.template), PageBreak())
            template = table.template
        yield from _section(document, section, place, table)
    if not document.sections and document.narrative is None:
        yield Words("This report has no sections.", colour="muted")


def _cover(document: Document) -> Iterator[Flowable]:
    title = title_of(document)
    yield Words(title, 27 if len(title) < 60 else 20, bold=True, leading=1.2, after=10, most=5)
    for text in paragraphs(document.description)[:4]:
        yield Words(text, 11.5, colour="muted", after=6, most=4)
    yield Spacer(1, 22)
    for label, value in facts(document):
        yield Words(label, 8.5, colour="muted", leading=1.3, after=0)
        yield Words(value, 11, bold=True, leading=1.35, after=9, most=2)
    if address := web_address(document.link):
        yield Link("Open this report in the product", address)
    if document.sections:
        yield Spacer(1, 18)
        yield Words("In this report", 8.5, colour="muted", after=2)
        names = [heading_of(section) for section in document.sections]
        yield from (Words(name, 10.5, after=1, most=1) for name in names[:_MOST_CONTENTS])
        if len(names) > _MOST_CONTENTS:
            yield Words(f"and {len(names) - _MOST_CONTENTS} more", 10.5, colour="muted")


def _summary(document: Document) -> Iterator[Flowable]:
    narrative = document.narrative
    if narrative is None:
        return
    yield Heading("Summary", "summary", size=18)
    yield from (Words(text, 10.5, leading=1.5, after=8) for text in paragraphs(narrative.executive_summary))
    if narrative.takeaways:
        yield Spacer(1, 4)
        yield Words("Key takeaways", 11, bold=True, after=5)
        yield from (Words(" ".join(paragraphs(text)), 10.5, mark="•", after=4) for text in narrative.takeaways)
    yield Spacer(1, 2)
    yield Words(provenance(document), 8, colour="muted", after=20)


class _Table:
    """A section's table laid out, and the pages that it stands on."""

    def __init__(self, section: Section, zone: str, shown: int) -> None:
        self.section, self.shown = section, 0 if section.error else shown
        self.header = columns_of(section)
        self.is_right = [is_right(column) for column in section.columns]
        writers = [cell_writer(column, zone) for column in section.columns]
        self.rows = [
            tuple(write(cell) for write, cell in zip(writers, row, strict=True))
            for row in shown_rows(section, self.shown)
        ]
        is_whole = [column.unit is not Unit.TEXT for column in section.columns]
        wanted = wishes(self.header, self.rows, is_whole)
        self.is_lying = not fits(wanted, UPRIGHT_WIDTH)
        self.bands = bands(wanted, LYING_WIDTH if self.is_lying else UPRIGHT_WIDTH) if wanted else []

    @property
    def template(self) -> str:
        """Return the kind of page that it needs."""
        return LYING if self.is_lying and self.rows else UPRIGHT

    def blocks(self) -> Iterator[Flowable]:
        """Yield the table, or its parts with which columns they hold, and what is said below it."""
        said = remarks(self.section, self.shown)
        if not self.rows:
            if self.header and not self.section.error:
                yield Words("No rows in this period.", colour="muted")
            yield from (Words(text, 8, colour="muted") for text in said)
            return
        for band in self.bands:
            if len(self.bands) > 1:
                yield CondPageBreak(90)
                first, last = band.columns[1] + 1, band.columns[-1] + 1
                yield Words(f"Columns {first} to {last} of {len(self.header)}", 8, colour="muted", after=3)
            below = [Words(text, 8, colour="muted", most=5) for text in said] if band is self.bands[-1] else []
            yield Grid(self._layout(band), remarks=below)

    def _layout(self, band: Band) -> Layout:
        def pick(cells: Sequence[Any]) -> list[Any]:
            return [cells[number] for number in band.columns]

        rows: Sequence[Sequence[str]] = self.rows if len(self.bands) == 1 else [pick(row) for row in self.rows]
        return Layout(pick(self.header), rows, band.widths, pick(self.is_right))


def _section(document: Document, section: Section, place: int, table: _Table) -> Iterator[Flowable]:
    yield CondPageBreak(_wanted_below(section))
    yield Spacer(1, 6)
    yield Heading(heading_of(section), f"section-{place + 1}")
    words = document.narrative.paragraphs.get(section.id, "") if document.narrative else ""
    yield from (Words(text, 10, after=8) for text in paragraphs(words))
    if section.error:
        yield Notice(f"This section could not be made. {clean(section.error)}")
        return
    figures = [figure_text(figure, document.zone) for figure in section.figures]
    for start in range(0, len(figures), _CARDS_ACROSS):
        yield Cards(figures[start : start + _CARDS_ACROSS], min(_CARDS_ACROSS, max(len(figures), 3)))
    for plot in plots_of(section, document.zone):
        picture = picture_of(plot)
        yield Drawing(picture)
        if picture.remark:
            yield Words(picture.remark, 8, colour="muted")
    yield from table.blocks()
    yield Spacer(1, 16)


def _wanted_below(section: Section) -> float:
    """Return the height without which a section begins on the next page: its heading and what it begins with."""
    if section.figures and section.chart:
        return 340
    return 300 if section.chart else 170
