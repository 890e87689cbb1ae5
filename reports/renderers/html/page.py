"""The page, written piece by piece: memory does not grow with the rows."""

from collections.abc import Iterator
from html import escape
from typing import IO, Final

from reports.decisions.document import Document, Section, Unit
from reports.renderers.cells import cell_writer, clean, is_right, paragraphs
from reports.renderers.charts.pictures import picture_of
from reports.renderers.charts.plots import plots_of
from reports.renderers.charts.svg import svg_of
from reports.renderers.html.style import STYLE
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

# Nothing is fetched and nothing runs, whatever a cell holds.
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_UNBROKEN: Final = frozenset({Unit.TIME, Unit.DATE, Unit.YES_NO})


def write_html(document: Document, file: IO[bytes]) -> None:
    """Write the page: title, facts, narrative, and each section with its figures, chart and table."""
    for piece in _page(document):
        file.write(piece.encode())


def _text(text: str) -> str:
    return escape(clean(text))


def _page(document: Document) -> Iterator[str]:
    title = escape(title_of(document))
    yield f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield '<meta name="referrer" content="no-referrer">\n'
    yield f"<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
    yield from _header(document, title)
    yield from _summary(document)
    shown = shares(document)
    for place, section in enumerate(document.sections):
        yield from _section(document, section, place, shown[place])
    yield "</main>\n</body>\n</html>\n"


def _header(document: Document, title: str) -> Iterator[str]:
    yield f"<header>\n<h1>{title}</h1>\n"
    yield from (f"<p>{escape(text)}</p>\n" for text in paragraphs(document.description))
    pairs = "".join(f"<div><dt>{escape(label)}</dt><dd>{escape(value)}</dd></div>" for label, value in facts(document))
    yield f'<dl class="facts">{pairs}</dl>\n'
    if address := web_address(document.link):
        anchor = f'<a href="{escape(address)}" rel="noopener noreferrer">Open this report in the product</a>'
        yield f'<p class="note open">{anchor}</p>\n'
    yield "</header>\n"


def _summary(document: Document) -> Iterator[str]:
    narrative = document.narrative
    if narrative is None:
        return
    yield '<section aria-labelledby="summary">\n<h2 id="summary">Summary</h2>\n'
    yield from (f"<p>{escape(text)}</p>\n" for text in paragraphs(narrative.executive_summary))
    if narrative.takeaways:
        items = "".join(f"<li>{escape(' '.join(paragraphs(text)))}</li>" for text in narrative.takeaways)
        yield f'<h3>Key takeaways</h3>\n<ul class="takeaways">{items}</ul>\n'
    yield f'<p class="by">{escape(provenance(document))}</p>\n</section>\n'


def _section(document: Document, section: Section, place: int, shown: int) -> Iterator[str]:
    name = f"section-{place + 1}"
    yield f'<section aria-labelledby="{name}">\n<h2 id="{name}">{escape(heading_of(section))}</h2>\n'
    words = document.narrative.paragraphs.get(section.id, "") if document.narrative else ""
    yield from (f"<p>{escape(text)}</p>\n" for text in paragraphs(words))
    if section.error:
        yield f'<p class="error"><b>This section could not be made.</b> {_text(section.error)}</p>\n</section>\n'
        return
    yield from _figures(section, document.zone)
    yield from _charts(section, document.zone)
    yield from _table(section, document.zone, shown, name)
    yield from (f'<p class="note">{escape(remark)}</p>\n' for remark in remarks(section, shown))
    yield "</section>\n"


def _figures(section: Section, zone: str) -> Iterator[str]:
    if not section.figures:
        return
    yield '<div class="cards">'
    for figure in section.figures:
        text = figure_text(figure, zone)
        yield f'<div class="card"><div class="label">{escape(text.label)}</div>'
        yield f'<div class="value">{escape(text.value)}</div>'
        if text.change:
            yield f'<div class="change"><b>{escape(text.change)}</b>before: {escape(text.before)}</div>'
        yield "</div>"
    yield "</div>\n"


def _charts(section: Section, zone: str) -> Iterator[str]:
    for plot in plots_of(section, zone):
        picture = picture_of(plot)
        remark = f'<p class="note">{escape(picture.remark)}</p>' if picture.remark else ""
        caption = f"<figcaption>{escape(picture.title)}</figcaption>"
        yield f'<figure>{caption}<div class="pane">{svg_of(picture)}</div>{remark}</figure>\n'


def _table(section: Section, zone: str, shown: int, name: str) -> Iterator[str]:
    if not section.columns:
        return
    if not shown:
        yield '<p class="empty">No rows in this period.</p>\n'
        return
    classes = [_class(column.unit, is_right(column)) for column in section.columns]
    heads = zip(section.columns, columns_of(section), strict=True)
    cells = "".join(
        f'<th scope="col"{_class(column.unit, is_right(column))}>{escape(label)}</th>' for column, label in heads
    )
    yield f'<div class="scroll" tabindex="0" role="region" aria-labelledby="{name}"><table>\n'
    yield f"<thead><tr>{cells}</tr></thead>\n<tbody>\n"
    writers = [cell_writer(column, zone) for column in section.columns]
    for row in shown_rows(section, shown):
        parts = zip(classes, writers, row, strict=True)
        yield "<tr>" + "".join(f"<td{kind}>{escape(write(cell))}</td>" for kind, write, cell in parts) + "</tr>\n"
    yield "</tbody></table></div>\n"


def _class(unit: Unit, right: bool) -> str:
    if right:
        return ' class="n"'
    return ' class="w"' if unit in _UNBROKEN else ' class="t"'
