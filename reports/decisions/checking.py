"""Check what reads well and may still not be: sources nobody has, sections of none, formats, destinations.

Every finding stands under the path of its field on the wire, such as `dataSources[0].sourceKey`.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from reports.decisions.vocabulary import Format

Errors = dict[str, list[str]]

UNKNOWN_DESTINATION: Final = "There is no such destination for this tenant."
TWICE: Final = "Stands twice."
# What decides what a report shows, by its name in the services, and its name on the wire.
DEFINING: Final = {"data_sources": "dataSources", "sections": "sections", "formats": "formats"}


def check_definition(values: Mapping[str, Any], *, source_keys: Collection[str]) -> Errors:
    """Return what cannot be, by field; empty when all can.

    `values` has the services' names (`data_sources`, `sections`, `formats`) over lists in the wire's form; a name that
    is absent is not looked at, except that sections without sources have nothing to show.
    """
    errors: Errors = {}
    sources = values.get("data_sources", ())
    for index, source in enumerate(sources):
        if source["sourceKey"] not in source_keys:
            known = ", ".join(sorted(source_keys))
            errors[f"dataSources[{index}].sourceKey"] = [f"There is no such source. Give one of: {known}."]
    errors |= _check_sections(values.get("sections", ()), len(sources))
    return errors | (check_formats(values["formats"]) if "formats" in values else {})


def check_changes(merged: Mapping[str, Any], changed: Collection[str], *, source_keys: Collection[str]) -> Errors:
    """Return what a change makes impossible; what stood before and is not touched stays valid.

    `merged` are the values as they would stand. A change of the sources answers for the sections that point at them.
    """
    answered = {DEFINING[name] for name in changed if name in DEFINING}
    if "dataSources" in answered:
        answered.add("sections")
    errors = check_definition(merged, source_keys=source_keys) if answered else {}
    return {path: texts for path, texts in errors.items() if path.partition("[")[0] in answered}


def check_formats(formats: Sequence[str]) -> Errors:
    """Return what is wrong with a list of formats: none at all, one that is unknown, one that stands twice."""
    if not formats:
        return {"formats": ["Name at least one format."]}
    errors: Errors = {}
    for index, name in enumerate(formats):
        if name not in {item.value for item in Format}:
            errors[f"formats[{index}]"] = [f"Must be one of: {', '.join(Format)}."]
        elif name in formats[:index]:
            errors[f"formats[{index}]"] = [TWICE]
    return errors


def check_destinations(ids: Sequence[uuid.UUID], *, valid: Collection[uuid.UUID], path: str) -> Errors:
    """Return the destinations that the tenant does not have, each as `path[index]`."""
    return {f"{path}[{index}]": [UNKNOWN_DESTINATION] for index, row_id in enumerate(ids) if row_id not in valid}


def in_one_sentence(errors: Errors) -> str:
    """Return the first findings as the message of an error."""
    return "; ".join(f"{path}: {texts[0]}" for path, texts in list(errors.items())[:5])


def _check_sections(sections: Sequence[Mapping[str, Any]], sources: int) -> Errors:
    errors: Errors = {"dataSources": ["The sections have no source to show."]} if sections and not sources else {}
    seen: set[str] = set()
    for index, section in enumerate(sections):
        if section["id"] in seen:
            errors[f"sections[{index}].id"] = [TWICE]
        seen.add(section["id"])
        if not 0 <= section["dataSourceIndex"] < sources:
            limit = f"Must be from 0 to {sources - 1}." if sources else "There is no data source."
            errors[f"sections[{index}].dataSourceIndex"] = [limit]
    return errors
