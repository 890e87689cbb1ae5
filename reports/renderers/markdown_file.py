"""A report as Markdown, CommonMark with GitHub's tables. What is data stays data: no HTML, link or emphasis of it."""

import re
from collections.abc import Iterator
from typing import IO, Final

from reports.decisions.document import Document, Section
from reports.renderers.cells import cell_writer, clean, is_right, paragraphs
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

_SIGNS: Final = {ord(sign): f"\\{sign}" for sign in "\\`*_{}[]<>|~&#$!@"}
_LINE_START: Final = re.compile(r"^(?:[-+](?=\s|$|-)|[=:](?=[=:-]|$)|\d+(?=[.)](?:\s|$)))")
_ADDRESS: Final = re.compile(r"(?<=[a-z])://|(?<=\bwww)\.|(?<=\bmailto):|(?<=\bxmpp):", re.IGNORECASE)


def write_markdown(document: Document, file: IO[bytes]) -> None:
    """Write the report: title, facts, narrative, and a table for each section up to the shared limit of rows."""
    for line in _lines(document):
        file.write(line.encode())
        file.write(b"\n")


def escaped(text: str) -> str:
    """Return a text on one line that Markdown shows as it stands, in a table's cell too."""
    line = clean(text).strip().translate(_SIGNS)
    line = _ADDRESS.sub(lambda found: f"\\{found[0]}", line)
    return _LINE_START.sub(_guarded, line)


def _guarded(found: re.Match[str]) -> str:
    return f"{found[0]}\\" if found[0].isdigit() else f"\\{found[0]}"


def _lines(document: Document) -> Iterator[str]:
    yield f"# {escaped(title_of(document))}"
    yield ""
    for text in paragraphs(document.description):
        yield from (escaped(text), "")
    yield from (f"- **{label}:** {escaped(value)}" for label, value in facts(document))
    if address := web_address(document.link):
        yield f"- **In the product:** <{address}>"
    yield ""
    yield from _summary(document)
    shown = shares(document)
    for place, section in enumerate(document.sections):
        yield from _section(document, section, shown[place])


def _summary(document: Document) -> Iterator[str]:
    narrative = document.narrative
    if narrative is None:
        return
    yield from ("## Summary", "")
    for text in paragraphs(narrative.executive_summary):
        yield from (escaped(text), "")
    takeaways = [escaped(" ".join(paragraphs(text))) for text in narrative.takeaways]
    if takeaways:
        yield from ("### Key takeaways", "", *(f"- {text}" for text in takeaways), "")
    yield from (f"*{escaped(provenance(document))}*", "")


def _section(document: Document, section: Section, shown: int) -> Iterator[str]:
    yield from (f"## {escaped(heading_of(section))}", "")
    words = document.narrative.paragraphs.get(section.id, "") if document.narrative else ""
    for text in paragraphs(words):
        yield from (escaped(text), "")
    if section.error:
        yield from (f"> **This section could not be made.** {escaped(section.error)}", "")
        return
    figures = [figure_text(figure, document.zone) for figure in section.figures]
    yield from (_figure(escaped(each.label), escaped(each.value), each.change, each.before) for each in figures)
    if figures:
        yield ""
    yield from _table(section, document.zone, shown)
    for remark in remarks(section, shown):
        yield from (f"*{escaped(remark)}*", "")


def _figure(label: str, value: str, change: str, before: str) -> str:
    return f"- **{label}:** {value}" + (f" ({escaped(change)}, before: {escaped(before)})" if change else "")


def _table(section: Section, zone: str, shown: int) -> Iterator[str]:
    if not section.columns:
        return
    if not shown:
        yield from ("No rows in this period.", "")
        return
    yield _row(escaped(label) for label in columns_of(section))
    yield _row("---:" if is_right(column) else "---" for column in section.columns)
    writers = [cell_writer(column, zone) for column in section.columns]
    for row in shown_rows(section, shown):
        yield _row(escaped(write(cell)) for write, cell in zip(writers, row, strict=True))
    yield ""


def _row(cells: Iterator[str]) -> str:
    return f"| {' | '.join(cells)} |"
