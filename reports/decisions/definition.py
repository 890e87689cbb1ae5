"""What a report is made of, apart from who owns it: sources, sections, formats, words.

A template, a preview and an export of a dashboard are each one of these.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reports.decisions.vocabulary import Format


@dataclass(frozen=True, slots=True)
class SourceCall:
    """A data source with its params as they were sent; the source itself reads them, when it runs."""

    source_key: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SectionWish:
    """A section: which source it shows, under which id and title."""

    id: str
    title: str
    data_source_index: int


@dataclass(frozen=True, slots=True)
class NarrativeWish:
    """Whether there are words, what is added to the prompt, and which model instead of the set one."""

    is_enabled: bool = True
    prompt: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class ReportDefinition:
    """Everything that decides what a report shows; without `sections` there is one for each source: s1, s2 and on."""

    name: str
    description: str = ""
    data_sources: tuple[SourceCall, ...] = ()
    sections: tuple[SectionWish, ...] = ()
    formats: tuple[Format, ...] = (Format.PDF,)
    narrative: NarrativeWish = NarrativeWish()

    def to_json(self) -> dict[str, Any]:
        """Return it as templates and runs keep it: the contract's names."""
        return {
            "name": self.name,
            "description": self.description,
            "dataSources": [{"sourceKey": each.source_key, "params": dict(each.params)} for each in self.data_sources],
            "sections": [
                {"id": each.id, "title": each.title, "dataSourceIndex": each.data_source_index}
                for each in self.sections
            ],
            "formats": [str(each) for each in self.formats],
            "narrative": narrative_json(self.narrative),
        }


def narrative_json(wish: NarrativeWish) -> dict[str, Any]:
    """Return a template's `narrative`."""
    return {"enabled": wish.is_enabled, "prompt": wish.prompt or None, "modelOverride": wish.model or None}


def read_definition(kept: Mapping[str, Any]) -> ReportDefinition:
    """Return what `ReportDefinition.to_json` gave; what was kept has been checked when it was saved."""
    narrative = kept.get("narrative") or {}
    return ReportDefinition(
        name=kept["name"],
        description=kept.get("description", ""),
        data_sources=tuple(
            SourceCall(each["sourceKey"], each.get("params") or {}) for each in kept.get("dataSources", ())
        ),
        sections=tuple(
            SectionWish(each["id"], each["title"], each["dataSourceIndex"]) for each in kept.get("sections", ())
        ),
        formats=tuple(Format(each) for each in kept.get("formats", ())),
        narrative=NarrativeWish(
            narrative.get("enabled", True), narrative.get("prompt") or "", narrative.get("modelOverride") or ""
        ),
    )
