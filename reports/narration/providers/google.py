"""Google's Gemini: `generateContent` with a response schema."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from reports.decisions.narrative.prompt import Prompt
from reports.narration.providers.base import (
    MAX_OUTPUT_TOKENS,
    Access,
    Call,
    ModelError,
    Reply,
    at,
    count_at,
    cut_off,
    refused,
    text_at,
    word_at,
)

_ROLES: Final = {"user": "user", "assistant": "model"}
# These think unless told not to; sentences about given figures need no thinking.
_THINKS_BY_CHOICE: Final = "gemini-2.5-flash"


@dataclass(frozen=True, slots=True)
class Google:
    """`POST <base>/models/<model>:generateContent`; the key travels in a header, never in the address."""

    key: str = "google"
    default_model: str = "gemini-2.5-flash"
    default_base_url: str = "https://generativelanguage.googleapis.com/v1beta"
    needs_key: bool = True
    is_priced: bool = True

    def call(self, access: Access, prompt: Prompt, schema: Mapping[str, Any]) -> Call:
        """Return the request that asks for JSON of this schema."""
        generation: dict[str, Any] = {
            "responseMimeType": "application/json",
            "responseSchema": _dialect(schema),
            "maxOutputTokens": MAX_OUTPUT_TOKENS,
        }
        if access.model.startswith(_THINKS_BY_CHOICE):
            generation["thinkingConfig"] = {"thinkingBudget": 0}
        body = {
            "systemInstruction": {"parts": [{"text": prompt.system}]},
            "contents": [{"role": _ROLES[turn.role], "parts": [{"text": turn.text}]} for turn in prompt.turns],
            "generationConfig": generation,
        }
        name = quote(access.model.removeprefix("models/"), safe="")
        return Call(access.url(f"/models/{name}:generateContent"), {"x-goog-api-key": access.api_key}, body)

    def read(self, content: Mapping[str, Any]) -> Reply:
        """Return what the first candidate says. Raises ModelError."""
        if blocked := word_at(content, "promptFeedback", "blockReason"):
            raise refused(blocked)
        finish = word_at(content, "candidates", 0, "finishReason")
        if finish == "MAX_TOKENS":
            raise cut_off()
        if finish not in {"", "STOP", "FINISH_REASON_UNSPECIFIED"}:
            raise refused(finish)
        parts = at(content, "candidates", 0, "content", "parts")
        if not isinstance(parts, list):
            raise ModelError("The model's answer is empty.", kind="empty")
        written = [count_at(content, "usageMetadata", name) for name in ("candidatesTokenCount", "thoughtsTokenCount")]
        return Reply(
            "".join(text_at(part, "text") for part in parts if at(part, "thought") is not True),
            count_at(content, "usageMetadata", "promptTokenCount"),
            None if written[0] is None else sum(count or 0 for count in written),
        )


def _dialect(schema: Any) -> Any:
    """Return a JSON schema in Google's subset of OpenAPI: types in capitals, no `additionalProperties`."""
    if not isinstance(schema, Mapping):
        return schema
    spoken = {name: _dialect(value) for name, value in schema.items() if name != "additionalProperties"}
    if isinstance(kind := spoken.get("type"), str):
        spoken["type"] = kind.upper()
    if isinstance(properties := spoken.get("properties"), Mapping):
        spoken["propertyOrdering"] = list(properties)
    return spoken
