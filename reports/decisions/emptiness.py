"""Is there anything to tell? A schedule with `skipIfEmpty` sends nothing when there is not."""

from reports.decisions.document import Document, Section


def is_empty(document: Document) -> bool:
    """Tell whether no section has anything: no row, or rows filled with zeros whose every figure is zero or unknown.

    A section that could not be made is something to tell.
    """
    return all(is_empty_section(section) for section in document.sections)


def is_empty_section(section: Section) -> bool:
    """Tell whether a section has nothing to tell; a figure of the period before alone is something: it fell to zero."""
    if section.error:
        return False
    if not len(section.rows):
        return True
    return bool(section.figures) and not any(figure.value or figure.before for figure in section.figures)
