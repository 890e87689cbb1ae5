"""A section as a page shows it: texts in place of values, the first rows, its pictures as inline SVG."""

from dataclasses import dataclass
from itertools import islice

from django.utils.safestring import SafeString, mark_safe

from reports.decisions.document import Column, Document, Narrative, Section, Unit
from reports.renderers.cells import cell_writer, clean, is_right, paragraphs
from reports.renderers.charts.pictures import picture_of
from reports.renderers.charts.plots import plots_of
from reports.renderers.charts.svg import svg_of
from reports.renderers.wording import FigureText, columns_of, figure_text, heading_of

# A text with how it stands: `k-right`, `k-whole` (never broken), or as a text.
Shown = tuple[str, str]
_UNBROKEN = frozenset({Unit.TIME, Unit.DATE, Unit.YES_NO})


@dataclass(frozen=True, slots=True)
class ShownPicture:
    """A chart; its SVG is made by the renderer, which escapes every text in it."""

    title: str
    svg: SafeString
    remark: str


@dataclass(frozen=True, slots=True)
class ShownSection:
    """A section in texts, each head and cell with how it stands; `left_out` rows are not among them."""

    id: str
    heading: str
    words: list[str]
    error: str
    note: str
    figures: list[FigureText]
    pictures: list[ShownPicture]
    heads: list[Shown]
    rows: list[list[Shown]]
    row_count: int
    left_out: int


@dataclass(frozen=True, slots=True)
class ShownReport:
    """A report in texts."""

    title: str
    period: str
    summary: list[str]
    takeaways: list[str]
    narrative: Narrative | None
    sections: list[ShownSection]


def show_document(document: Document, narrative: Narrative | None, *, rows: int) -> ShownReport:
    """Return a document's texts with at most so many rows a section; call it while its rows can be read."""
    words = narrative.paragraphs if narrative else {}
    return ShownReport(
        title=clean(document.title),
        period=clean(document.period),
        summary=paragraphs(narrative.executive_summary) if narrative else [],
        takeaways=[" ".join(paragraphs(each)) for each in narrative.takeaways] if narrative else [],
        narrative=narrative,
        sections=[
            show_section(each, zone=document.zone, rows=rows, words=words.get(each.id, ""))
            for each in document.sections
        ],
    )


def show_section(
    section: Section, *, zone: str, rows: int, words: str = "", row_count: int | None = None
) -> ShownSection:  # fmt: skip
    """Return one section; `row_count` is how many rows there were where only the first were kept."""
    count = len(section.rows) if row_count is None else row_count
    shown = _lines(section, zone, rows)
    return ShownSection(
        id=section.id,
        heading=heading_of(section),
        words=paragraphs(words),
        error=clean(section.error),
        note=clean(section.note),
        figures=[figure_text(figure, zone) for figure in section.figures],
        pictures=[] if section.error else _pictures(section, zone),
        heads=_heads(section),
        rows=shown,
        row_count=count,
        left_out=max(0, count - len(shown)),
    )


def _heads(section: Section) -> list[Shown]:
    return [(label, _stands(column)) for column, label in zip(section.columns, columns_of(section), strict=True)]


def _stands(column: Column) -> str:
    if is_right(column):
        return "k-right"
    return "k-whole" if column.unit in _UNBROKEN else ""


def _lines(section: Section, zone: str, most: int) -> list[list[Shown]]:
    writers = [(cell_writer(column, zone), _stands(column)) for column in section.columns]
    return [
        [(write(cell), stands) for (write, stands), cell in zip(writers, row, strict=True)]
        for row in islice(iter(section.rows), most)
    ]


def _pictures(section: Section, zone: str) -> list[ShownPicture]:
    pictures = [picture_of(plot) for plot in plots_of(section, zone)]
    # The renderer's own markup: `svg_of` escapes titles and labels.
    return [
        ShownPicture(each.title, mark_safe(_drawn(svg_of(each))), each.remark or "")  # noqa: S308 # nosec
        for each in pictures
    ]


def _drawn(svg: str) -> str:
    # The frame's script takes whatever is called `chart` for a canvas of its own.
    return svg.replace('class="chart"', 'class="k-drawn"', 1)
