"""The JSON Schema of the IR, with a title and a line about every field: editors check by it, forms are made from it."""

import copy
from functools import cache
from typing import Any, Final

from flows.ir.field_words import ABOUT, ABOUT_ALL
from flows.ir.pipeline import PipelineIR

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def ir_json_schema() -> dict[str, Any]:
    """Return the schema of a whole IR; its `$defs` have every kind of node, op and part by the name of its class."""
    return copy.deepcopy(_schema())


def definition_of(tag: str) -> dict[str, Any]:
    """Return the schema of a node kind (`transform`), an op (`cast`) or another tagged part (`cron`), with `$defs`.

    Raises LookupError when nothing is called so.
    """
    schema = ir_json_schema()
    definitions: dict[str, dict[str, Any]] = schema["$defs"]
    for definition in definitions.values():
        fields = definition.get("properties", {})
        if any(fields.get(key, {}).get("const") == tag for key in ("kind", "op", "type")):
            return {**definition, "$defs": definitions}
    raise LookupError(f"Nothing in the IR is called {tag}.")


@cache
def _schema() -> dict[str, Any]:
    schema = PipelineIR.model_json_schema(by_alias=True)
    for name, definition in {"PipelineIR": schema, **schema["$defs"]}.items():
        for field, about in definition.get("properties", {}).items():
            about["title"] = title_of(field)
            about["description"] = ABOUT.get(name, {}).get(field) or ABOUT_ALL[field]
    return {"$schema": DIALECT, **schema, "title": "Kaireon pipeline"}


def title_of(field: str) -> str:
    """Write a field's name as a label: `onError` becomes `On error`."""
    words = "".join(f" {character.lower()}" if character.isupper() else character for character in field)
    return words[:1].upper() + words[1:]
