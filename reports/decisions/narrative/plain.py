"""The deterministic narrator: what changed and by how much, without a model."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from reports.decisions.document import Document, Figure, Narrative, NarrativeSource, Section, Unit
from reports.decisions.narrative.draft import FEWEST_TAKEAWAYS, MOST_TAKEAWAYS
from reports.decisions.narrative.figures import change_of, exact, format_value
from reports.decisions.narrative.filling import SUMMARY_PART, Line, Piece, section_part, takeaway_part, write
from reports.decisions.narrative.sentences import (
    NOTHING,
    Teller,
    error_text,
    figure_line,
    leader_line,
    plain,
    table_line,
    weight,
)
from reports.decisions.narrative.slots import is_tellable, quoted

_FIGURES_IN_PARAGRAPH: Final = 6
_MOVES_IN_SUMMARY: Final = 2
_MOVES: Final = 3
_LEADERS: Final = 2
_ERRORS: Final = 2


@dataclass(frozen=True, slots=True)
class _Told:
    """A figure with the section that it stands for."""

    teller: Teller
    figure: Figure


def narrate_plainly(document: Document, *, reason: str = "") -> Narrative:
    """Return the narrative that needs no model: a summary, a paragraph a section, three to five takeaways."""
    return narrative_of(plain_parts(document), document, NarrativeSource.DETERMINISTIC, reason=reason)


def narrative_of(
    parts: dict[str, list[Piece]], document: Document, source: NarrativeSource, *, reason: str = ""
) -> Narrative:
    """Return the narrative that parts make, written in the order in which they are read."""
    written = {part: write(part, pieces) for part, pieces in parts.items()}
    ids = [section.id for section in document.sections]
    takeaways = [written[takeaway_part(number)] for number in range(MOST_TAKEAWAYS) if takeaway_part(number) in written]
    told = [written[section_part(section_id)] for section_id in ids]
    return Narrative(
        source=source,
        executive_summary=written[SUMMARY_PART][0],
        paragraphs={section_id: text for section_id, (text, _) in zip(ids, told, strict=True)},
        takeaways=tuple(text for text, _ in takeaways),
        reason=reason,
        traces=tuple(trace for _, traces in [written[SUMMARY_PART], *told, *takeaways] for trace in traces),
    )


def plain_parts(document: Document) -> dict[str, list[Piece]]:
    """Return the deterministic text as pieces, by the part's name."""
    takeaways = {takeaway_part(number): list(line) for number, line in enumerate(_takeaways(document))}
    return {SUMMARY_PART: list(_summary(document)), **plain_paragraphs(document), **takeaways}


def plain_paragraphs(document: Document) -> dict[str, list[Piece]]:
    """Return the deterministic paragraphs of the sections as pieces, by the part's name."""
    return {section_part(section.id): list(_paragraph(Teller(section, document.zone))) for section in document.sections}


def failures_line(document: Document) -> str:
    """Say how many sections could not be made, empty when all were."""
    failed = [section for section in document.sections if section.error]
    if not failed:
        return ""
    of = f"{len(failed)} of {counted(len(document.sections), 'section')}"
    return f"{of} could not be made: {', '.join(quoted(section.title) for section in failed[:3])}" + (
        " and others." if len(failed) > 3 else "."
    )


def counted(count: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{format_value(count, Unit.COUNT)} {noun}{'' if count == 1 else 's'}"


def _summary(document: Document) -> Iterator[Piece]:
    about = f"This report covers {plain(document.period, 120)}" if document.period.strip() else "This report"
    verb = "in" if document.period.strip() else "has"
    yield f"{about} {verb} {counted(len(document.sections), 'section')}."
    if failures := failures_line(document):
        yield f" {failures}"
    moves = _moves(document)[:_MOVES_IN_SUMMARY] or _figures(document)[:_MOVES_IN_SUMMARY]
    for told in moves:
        yield " "
        yield from figure_line(told.teller, told.figure)
    if not moves and any(is_tellable(section) for section in document.sections):
        rows = sum(len(section.rows) for section in document.sections)
        yield f" The tables hold {counted(rows, 'row')}."


def _paragraph(teller: Teller) -> Iterator[Piece]:
    section = teller.section
    if section.error:
        yield f"This section could not be made: {error_text(section)}"
        return
    lines = [figure_line(teller, figure) for figure in section.figures[:_FIGURES_IN_PARAGRAPH]]
    if table := table_line(teller):
        lines.append(table)
    if not lines:
        yield NOTHING
    for number, line in enumerate(lines):
        yield from ([" ", *line] if number else line)


def _figures(document: Document) -> list[_Told]:
    """Return the figures that have a value, each once however many sections show it."""
    seen: set[tuple[object, ...]] = set()
    told = []
    for section in document.sections:
        for figure in () if section.error else section.figures:
            identity = (figure.label, figure.unit, exact(figure.value), exact(figure.before))
            if exact(figure.value) is not None and identity not in seen:
                seen.add(identity)
                told.append(_Told(Teller(section, document.zone), figure))
    return told


def _moves(document: Document) -> list[_Told]:
    """Return the figures that changed, the most first."""
    changed = [
        told
        for told in _figures(document)
        if (change := change_of(told.figure, document.zone)) is not None and change.direction
    ]
    return sorted(changed, key=lambda told: weight(told.figure), reverse=True)


def _takeaways(document: Document) -> list[Line]:
    moves = _moves(document)
    leaders = [line for section in document.sections if not section.error and (line := _leader(section, document))]
    moved = [told.figure for told in moves]
    still = [told for told in _figures(document) if not any(told.figure is figure for figure in moved)]
    lines: list[Line] = [
        *(
            [f"{quoted(section.title)} could not be made: {error_text(section)}"]
            for section in _failed(document)[:_ERRORS]
        ),
        *(_of_figure(told, document) for told in moves[:_MOVES]),
        *leaders[:_LEADERS],
        *(_of_figure(told, document) for told in [*moves[_MOVES:], *still]),
    ]
    return lines[:MOST_TAKEAWAYS] + list(_standing(document))[: max(0, FEWEST_TAKEAWAYS - len(lines))]


def _failed(document: Document) -> list[Section]:
    return [section for section in document.sections if section.error]


def _leader(section: Section, document: Document) -> Line:
    line = leader_line(Teller(section, document.zone))
    return [f"{quoted(section.title)}: ", *line] if line else []


def _of_figure(told: _Told, document: Document) -> Line:
    """Return a figure's sentence, under its section's title where several figures share the label."""
    line = figure_line(told.teller, told.figure)
    labels = [other.figure.label for other in _figures(document)]
    return [f"{quoted(told.teller.section.title)}: ", *line] if labels.count(told.figure.label) > 1 else line


def _standing(document: Document) -> Iterator[Line]:
    """Yield what can be said of any report: how much there is, until when, and that nothing failed."""
    rows = sum(len(section.rows) for section in document.sections if not section.error)
    until = format_value(document.data_until, Unit.TIME, document.zone)
    yield [f"The report holds {counted(rows, 'row')} in {counted(len(document.sections), 'section')}."]
    yield [f"The data run until {until}."]
    yield ["Every section was made without an error."]
