"""The one list of formats: a renderer is one module and one line here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import IO, Final

from reports.decisions.document import Document, Section
from reports.renderers.csv_file import write_csv, write_csv_table
from reports.renderers.html import write_html
from reports.renderers.markdown_file import write_markdown
from reports.renderers.naming import file_name
from reports.renderers.pdf import write_pdf

Write = Callable[[Document, IO[bytes]], None]


class UnknownFormat(LookupError):
    """No renderer has this name."""


class UnknownSection(LookupError):
    """The document has no section of this id."""


@dataclass(frozen=True, slots=True)
class Renderer:
    """A format: how it is sent, and what writes it."""

    format: str
    label: str
    content_type: str
    extension: str
    write: Write


_ALL: Final = (
    Renderer("pdf", "PDF", "application/pdf", "pdf", write_pdf),
    Renderer("csv", "CSV", "text/csv; charset=utf-8", "csv", write_csv),
    Renderer("markdown", "Markdown", "text/markdown; charset=utf-8", "md", write_markdown),
    Renderer("html", "HTML", "text/html; charset=utf-8", "html", write_html),
)
RENDERERS: Final[Mapping[str, Renderer]] = MappingProxyType({renderer.format: renderer for renderer in _ALL})


def render(document: Document, format: str, file: IO[bytes]) -> None:  # noqa: A002 - the wire's word
    """Write a document to a file in one of the `RENDERERS`; raises UnknownFormat."""
    _renderer(format).write(document, file)


def render_section(document: Document, section_id: str, file: IO[bytes]) -> None:
    """Write the table of one section as CSV, a header and its rows and nothing else; raises UnknownSection."""
    write_csv_table(document, section_of(document, section_id), file)


def artifact_name(document: Document, format: str, section_id: str = "") -> str:  # noqa: A002 - the wire's word
    """Return the name of a document's file, `weekly-offers-2026-11-21.pdf`; raises UnknownFormat."""
    return file_name(document, _renderer(format).extension, section_id)


def section_of(document: Document, section_id: str) -> Section:
    """Return the section of this id; raises UnknownSection."""
    for section in document.sections:
        if section.id == section_id:
            return section
    raise UnknownSection(f"The report has no section {section_id!r}.")


def _renderer(name: str) -> Renderer:
    if name not in RENDERERS:
        raise UnknownFormat(f"{name!r} is no format; there are {', '.join(RENDERERS)}.")
    return RENDERERS[name]
