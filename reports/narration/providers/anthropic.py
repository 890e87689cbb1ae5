"""Anthropic's messages: the answer is the input of a tool that the model has to use."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from reports.decisions.narrative.prompt import Prompt
from reports.narration.providers.base import (
    MAX_OUTPUT_TOKENS,
    Access,
    Call,
    Reply,
    at,
    count_at,
    cut_off,
    refused,
    text_at,
    word_at,
)

TOOL: Final = "write_narrative"
_VERSION: Final = "2023-06-01"


@dataclass(frozen=True, slots=True)
class Anthropic:
    """`POST <base>/v1/messages`."""

    key: str = "anthropic"
    default_model: str = ""
    default_base_url: str = "https://api.anthropic.com"
    needs_key: bool = True
    is_priced: bool = True

    def call(self, access: Access, prompt: Prompt, schema: Mapping[str, Any]) -> Call:
        """Return the request that asks for JSON of this schema."""
        body = {
            "model": access.model,
            "max_tokens": MAX_OUTPUT_TOKENS,
            "system": prompt.system,
            "messages": [{"role": turn.role, "content": turn.text} for turn in prompt.turns],
            "tools": [{"name": TOOL, "description": "Hand in the narrative.", "input_schema": schema}],
            "tool_choice": {"type": "tool", "name": TOOL},
        }
        headers = {"x-api-key": access.api_key, "anthropic-version": _VERSION}
        return Call(access.url("/v1/messages"), headers, body)

    def read(self, content: Mapping[str, Any]) -> Reply:
        """Return the tool's input, or the text of a model that wrote one instead. Raises ModelError."""
        stop = word_at(content, "stop_reason")
        if stop == "refusal":
            raise refused()
        if stop in {"max_tokens", "model_context_window_exceeded"}:
            raise cut_off()
        blocks = at(content, "content")
        used = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
        read = [count for name in used if (count := count_at(content, "usage", name)) is not None]
        return Reply(
            _written(blocks if isinstance(blocks, list) else []),
            sum(read) if read else None,
            count_at(content, "usage", "output_tokens"),
        )


def _written(blocks: list[Any]) -> str:
    for block in blocks:
        if at(block, "type") == "tool_use" and isinstance(handed_in := at(block, "input"), Mapping):
            return json.dumps(handed_in, ensure_ascii=False)
    return "".join(text_at(block, "text") for block in blocks if at(block, "type") == "text")
