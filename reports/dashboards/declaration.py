"""What a dashboard is made of: the question it answers, four figures, and sections that are calls of data sources.

Nothing here asks for data. A dashboard with a period and filters becomes a `ReportDefinition`, the same thing that a
template is, so that a page, its export and a scheduled report show the same.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from reports.dashboards.filters import Filters
from reports.decisions.definition import NarrativeWish, ReportDefinition, SectionWish, SourceCall
from reports.decisions.vocabulary import Format

# The filters by the names of their params, as people call them.
FILTERS: Final[Mapping[str, str]] = MappingProxyType({"channelId": "channel", "segmentId": "segment"})


@dataclass(frozen=True, slots=True)
class SectionCall:
    """A section of a dashboard: one source, with params beside those that period and filters give."""

    id: str
    title: str
    source: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FigureCall:
    """One of the figures on top: a figure of a section.

    `rise` says whether a rise is good (1), bad (-1) or neither (0); `label` stands where the section has none.
    """

    section: str
    key: str
    label: str
    rise: int = 0


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One page of figures; `key` is its address, `question` what it answers first."""

    key: str
    title: str
    question: str
    figures: tuple[FigureCall, ...]
    sections: tuple[SectionCall, ...]
    # What this product has no data for, said on the page instead of shown as zero.
    absent: str = ""


def define(
    dashboard: Dashboard, filters: Filters, *, params_of: Mapping[str, Collection[str]], fmt: Format | None = None
) -> ReportDefinition:
    """Return the report that a dashboard shows for a period and filters.

    `params_of` names each source's params: a source is given only what it knows. CSV is raw rows, without narrative.
    """
    return ReportDefinition(
        name=dashboard.title,
        description=describe(dashboard, filters, params_of=params_of),
        data_sources=tuple(
            SourceCall(each.source, _params(each, filters, params_of.get(each.source, ())))
            for each in dashboard.sections
        ),
        sections=tuple(SectionWish(each.id, each.title, place) for place, each in enumerate(dashboard.sections)),
        formats=(fmt or Format.PDF,),
        narrative=NarrativeWish(is_enabled=fmt is not Format.CSV),
    )


def describe(dashboard: Dashboard, filters: Filters, *, params_of: Mapping[str, Collection[str]]) -> str:
    """Return the question, what the figures are narrowed to, and which sections are of everything all the same.

    A file is read by people who do not see what was chosen: without this, one channel passes for the whole business.
    """
    wanted = [name for name in FILTERS if name in filters.params()]
    if not wanted:
        return dashboard.question
    lines = [
        dashboard.question,
        f"Only {' and '.join(f'{FILTERS[name]} “{filters.params()[name]}”' for name in wanted)}.",
    ]
    for name in wanted:
        # A source that nothing provides has no params, and nothing that could be narrowed.
        known = [(each.title, params_of.get(each.source, ())) for each in dashboard.sections]
        whole = [title for title, params in known if params and name not in params]
        if whole:
            lines.append(f"Not narrowed by {FILTERS[name]}: {', '.join(whole)}.")
    return "\n".join(lines)


def _params(section: SectionCall, filters: Filters, known: Collection[str]) -> dict[str, Any]:
    given = {**filters.params(), **section.params}
    return {name: value for name, value in given.items() if name in known}
