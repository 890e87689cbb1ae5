"""What a model answered: sentences with slots, taken apart."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from reports.decisions.narrative.slots import Handle

FEWEST_TAKEAWAYS: Final = 3
MOST_TAKEAWAYS: Final = 5
MAX_TEXT: Final = 1500
MAX_TAKEAWAY: Final = 400
SUMMARY: Final = "the summary"

SLOT: Final = re.compile(r"\{\{\s*([A-Za-z0-9_.]{1,120})\s*\}\}")
_FENCE: Final = re.compile(r"\A\s*```(?:json)?\s*\n(.*)\n\s*```\s*\Z", re.DOTALL)


class TextRefusedError(Exception):
    """A text that is not used; the message says why, for an operator and for the one repair."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Draft:
    """A narrative whose figures are still slots; paragraphs by the section's handle, such as `s1`."""

    executive_summary: str
    paragraphs: Mapping[str, str]
    takeaways: tuple[str, ...]

    def parts(self) -> dict[str, str]:
        """Return every text by the name under which a reason speaks of it."""
        told = {f"section {handle}": text for handle, text in self.paragraphs.items()}
        return {SUMMARY: self.executive_summary, **told, **dict(zip(takeaway_names(), self.takeaways, strict=False))}


def takeaway_names() -> list[str]:
    """Return the names of the takeaways, as many as there may be."""
    return [f"takeaway {number}" for number in range(1, MOST_TAKEAWAYS + 1)]


def shown(text: str, limit: int = 40) -> str:
    """Return a piece of a model's text for a reason: one line, bounded, what is invisible escaped."""
    cut = text if len(text) <= limit else text[:limit] + "…"
    return "".join(character if character.isprintable() else f"\\u{ord(character):04x}" for character in cut)


def schema_of(handles: tuple[Handle, ...]) -> dict[str, Any]:
    """Return the JSON schema of an answer: the common ground of the providers' dialects."""
    section = {
        "type": "object",
        "properties": {
            "id": {"type": "string", "enum": [handle.name for handle in handles]},
            "paragraph": {"type": "string"},
        },
        "required": ["id", "paragraph"],
        "additionalProperties": False,
    }
    properties = {
        "executiveSummary": {"type": "string"},
        "sections": {"type": "array", "items": section},
        "takeaways": {"type": "array", "items": {"type": "string"}},
    }
    return {
        "type": "object", "properties": properties, "required": list(properties), "additionalProperties": False,
    }  # fmt: skip


def read_draft(answer: str, handles: tuple[Handle, ...]) -> Draft:
    """Return a model's answer as a draft. Raises TextRefusedError for what is not the asked JSON, or incomplete."""
    content = _parse(answer)
    paragraphs = _paragraphs(content.get("sections"), [handle.name for handle in handles])
    takeaways = content.get("takeaways")
    if not isinstance(takeaways, list) or not FEWEST_TAKEAWAYS <= len(takeaways) <= MOST_TAKEAWAYS:
        count = len(takeaways) if isinstance(takeaways, list) else 0
        raise TextRefusedError(f"it has {count} takeaways instead of {FEWEST_TAKEAWAYS} to {MOST_TAKEAWAYS}")
    return Draft(
        _text(content.get("executiveSummary"), SUMMARY, MAX_TEXT),
        paragraphs,
        tuple(_text(text, name, MAX_TAKEAWAY) for name, text in zip(takeaway_names(), takeaways, strict=False)),
    )


def _parse(answer: str) -> Mapping[str, Any]:
    if not answer.strip():
        raise TextRefusedError("it is empty")
    fenced = _FENCE.match(answer)
    try:
        content = json.loads(fenced[1] if fenced else answer)
    except (ValueError, RecursionError):
        raise TextRefusedError("it is not the JSON document that was asked for") from None
    if not isinstance(content, dict):
        raise TextRefusedError("it is not the JSON object that was asked for")
    return content


def _paragraphs(sections: Any, names: list[str]) -> dict[str, str]:
    if not isinstance(sections, list):
        raise TextRefusedError("its sections are missing")
    found: dict[str, str] = {}
    for entry in sections:
        if not isinstance(entry, dict) or not isinstance(name := entry.get("id"), str) or name not in names:
            raise TextRefusedError("it tells of a section that is not in the report")
        if name in found:
            raise TextRefusedError(f"it tells of section {name} more than once")
        found[name] = _text(entry.get("paragraph"), f"section {name}", MAX_TEXT)
    if missing := [name for name in names if name not in found]:
        raise TextRefusedError(f"section {missing[0]} is missing")
    return {name: found[name] for name in names}


def _text(value: Any, where: str, limit: int) -> str:
    if not isinstance(value, str) or not value.strip():
        raise TextRefusedError(f"{where} is missing or empty")
    text = " ".join(value.split())
    if len(text) > limit:
        raise TextRefusedError(f"{where} is longer than {limit} characters")
    return text
