"""Build a report's document from its definition: each source is run once per section, in their order."""

from collections.abc import Callable, Iterator
from datetime import datetime

from kaireon.platform.tenancy.models import Tenant
from reports.decisions.definition import ReportDefinition, SectionWish, SourceCall
from reports.decisions.document import Document, Section
from reports.decisions.periods import Stretch, describe_period
from reports.sources.registry import Scope
from reports.sources.running import make_section
from reports.sources.spool import Spool

OnSection = Callable[[Section, int, int], None]


def build_document(
    definition: ReportDefinition, *, tenant: Tenant, data_until: datetime, generated_at: datetime, zone: str,
    spool: Spool, link: str = "", on_section: OnSection | None = None,
) -> Document:  # fmt: skip
    """Return the report without its narrative; its rows can be read until the spool is closed.

    Each section takes a transaction of its own. After each, `on_section(section, number from 1, of how many)` is
    called: a run extends its lease there. What it raises ends the building.
    """
    wishes = list(wished_sections(definition))
    scope = Scope(tenant.pk, data_until, zone, spool)
    sections: list[Section] = []
    covered: list[Stretch] = []
    for number, (wish, call) in enumerate(wishes, 1):
        made = make_section(call, section_id=wish.id, title=wish.title, scope=scope)
        sections.append(made.section)
        covered += [made.covers] if made.covers else []
        if on_section is not None:
            on_section(made.section, number, len(wishes))
    return Document(
        title=definition.name, description=definition.description, tenant_name=tenant.name,
        period=describe_period(covered, zone), generated_at=generated_at, data_until=data_until, zone=zone,
        sections=tuple(sections), link=link,
    )  # fmt: skip


def wished_sections(definition: ReportDefinition) -> Iterator[tuple[SectionWish, SourceCall]]:
    """Return each section with its source; without wishes there is one for each source: s1, s2 and on."""
    calls = definition.data_sources
    if not definition.sections:
        yield from ((SectionWish(f"s{number}", "", number - 1), call) for number, call in enumerate(calls, 1))
        return
    for wish in definition.sections:
        is_there = 0 <= wish.data_source_index < len(calls)
        # A definition that was checked has no such index; the section says so instead of failing the report.
        yield wish, calls[wish.data_source_index] if is_there else SourceCall(f"#{wish.data_source_index}")
