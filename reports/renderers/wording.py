"""What every format says of a document beside its tables: when, of what, how much is shown, how figures changed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

from reports.decisions.document import Column, Document, Figure, NarrativeSource, Row, Section
from reports.decisions.narrative.figures import change_of
from reports.renderers.cells import cell_writer, clean, moment

# Rows of a document that a PDF, an HTML page or a Markdown file shows in all; a CSV file has every row.
MOST_ROWS: Final = 10_000
UNTITLED: Final = "Untitled report"
ARROWS: Final = {1: "▲", 0: "●", -1: "▼"}


@dataclass(frozen=True, slots=True)
class FigureText:
    """A key figure as it is shown; `change` is empty when there is no period before it."""

    label: str
    value: str
    change: str
    before: str
    direction: int


def title_of(document: Document) -> str:
    """Return the document's title, never empty."""
    return clean(document.title).strip() or UNTITLED


def heading_of(section: Section) -> str:
    """Return the section's title, never empty."""
    return clean(section.title).strip() or clean(section.id).strip() or "Section"


def facts(document: Document) -> tuple[tuple[str, str], ...]:
    """Return what stands on the cover: of whom, of when, and how fresh; labels with values."""
    place = ZoneInfo(document.zone)
    told = (
        ("Prepared for", clean(document.tenant_name)),
        ("Period", clean(document.period)),
        ("Data until", moment(document.data_until, place)),
        ("Generated", moment(document.generated_at, place)),
        ("Times in", document.zone),
    )
    return tuple((label, value) for label, value in told if value)


def figure_text(figure: Figure, zone: str) -> FigureText:
    """Return how a key figure reads."""
    write = cell_writer(Column(figure.key, figure.label, figure.unit), zone)
    change = change_of(figure, zone)
    if change is None:
        return FigureText(clean(figure.label), write(figure.value), "", "", 0)
    words = f"{ARROWS[change.direction]} {change.signed or 'unchanged'}"
    return FigureText(clean(figure.label), write(figure.value), words, write(figure.before), change.direction)


def shares(document: Document, most: int = MOST_ROWS) -> dict[int, int]:
    """Return how many rows of each section, by its place, are shown when `most` are in all.

    Short tables are shown whole; what they leave is shared evenly by the long ones.
    """
    lengths = {place: len(section.rows) for place, section in enumerate(document.sections)}
    shown, left = {}, most
    for done, place in enumerate(sorted(lengths, key=lambda each: (lengths[each], each))):
        shown[place] = min(lengths[place], left // (len(lengths) - done))
        left -= shown[place]
    return shown


def shown_rows(section: Section, count: int) -> Iterator[Row]:
    """Yield the first rows of a section."""
    return islice(iter(section.rows), count)


def remarks(section: Section, shown: int) -> tuple[str, ...]:
    """Return what stands below a table: its note, and how much of it is left out."""
    total = len(section.rows)
    said = [clean(section.note).strip()]
    if shown < total:
        said.append(f"The first {shown:,} of {total:,} rows. The CSV file has all of them.")
    return tuple(each for each in said if each)


def provenance(document: Document) -> str:
    """Return who wrote the words, empty when nobody did."""
    narrative = document.narrative
    if narrative is None:
        return ""
    if narrative.source is NarrativeSource.LLM:
        model = clean(narrative.model).strip() or "a language model"
        return f"Sentences by {model}; every figure in them was filled in from the data."
    reason = clean(narrative.reason).strip().rstrip(".")
    return f"Written from the data without a language model{f': {reason}' if reason else ''}."


def columns_of(section: Section) -> Sequence[str]:
    """Return the labels above the section's table."""
    return [clean(column.label).strip() or clean(column.key) for column in section.columns]


def web_address(link: str) -> str:
    """Return a link that is http or https with a host, encoded; empty for every other."""
    address = quote(clean(link).strip(), safe=":/?#[]@!$&'()*+,;=%-._~")
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return address if parts.scheme in {"http", "https"} and parts.netloc else ""
