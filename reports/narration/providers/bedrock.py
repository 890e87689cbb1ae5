"""Amazon Bedrock's `converse`, signed in with a Bedrock API key in AI_API_KEY."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

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


@dataclass(frozen=True, slots=True)
class Bedrock:
    """`POST <base>/model/<model>/converse`; the base names the region, so there is no default for it."""

    key: str = "bedrock"
    default_model: str = ""
    default_base_url: str = ""
    needs_key: bool = True
    is_priced: bool = False

    def call(self, access: Access, prompt: Prompt, schema: Mapping[str, Any]) -> Call:
        """Return the request that asks for JSON of this schema."""
        tool = {"name": TOOL, "description": "Hand in the narrative.", "inputSchema": {"json": schema}}
        body = {
            "system": [{"text": prompt.system}],
            "messages": [{"role": turn.role, "content": [{"text": turn.text}]} for turn in prompt.turns],
            "inferenceConfig": {"maxTokens": MAX_OUTPUT_TOKENS},
            "toolConfig": {"tools": [{"toolSpec": tool}], "toolChoice": {"tool": {"name": TOOL}}},
        }
        url = access.url(f"/model/{quote(access.model, safe='')}/converse")
        return Call(url, {"Authorization": f"Bearer {access.api_key}"}, body)

    def read(self, content: Mapping[str, Any]) -> Reply:
        """Return the tool's input, or the text of a model that wrote one instead. Raises ModelError."""
        stop = word_at(content, "stopReason")
        if stop in {"guardrail_intervened", "content_filtered"}:
            raise refused(stop)
        if stop in {"max_tokens", "model_context_window_exceeded"}:
            raise cut_off()
        blocks = at(content, "output", "message", "content")
        return Reply(
            _written(blocks if isinstance(blocks, list) else []),
            count_at(content, "usage", "inputTokens"),
            count_at(content, "usage", "outputTokens"),
        )


def _written(blocks: list[Any]) -> str:
    for block in blocks:
        if isinstance(handed_in := at(block, "toolUse", "input"), Mapping):
            return json.dumps(handed_in, ensure_ascii=False)
    return "".join(text_at(block, "text") for block in blocks)
