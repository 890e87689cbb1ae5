"""OpenAI's chat completions, and whatever speaks them: LM Studio, vLLM, gateways."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reports.decisions.narrative.prompt import Prompt
from reports.narration.providers.base import (
    MAX_OUTPUT_TOKENS,
    Access,
    Call,
    Reply,
    count_at,
    cut_off,
    refused,
    text_at,
    word_at,
)


@dataclass(frozen=True, slots=True)
class OpenAi:
    """`POST <base>/chat/completions` with a strict JSON schema."""

    key: str = "openai"
    default_model: str = ""
    default_base_url: str = "https://api.openai.com/v1"
    needs_key: bool = True
    is_priced: bool = True
    # The older name is what servers on one's own machine know; OpenAI's newer models refuse it.
    limit_name: str = "max_completion_tokens"

    def call(self, access: Access, prompt: Prompt, schema: Mapping[str, Any]) -> Call:
        """Return the request that asks for JSON of this schema."""
        turns = [{"role": turn.role, "content": turn.text} for turn in prompt.turns]
        body = {
            "model": access.model,
            "messages": [{"role": "system", "content": prompt.system}, *turns],
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "narrative", "strict": True, "schema": schema},
            },
            self.limit_name: MAX_OUTPUT_TOKENS,
        }
        headers = {"Authorization": f"Bearer {access.api_key}"} if access.api_key else {}
        return Call(access.url("/chat/completions"), headers, body)

    def read(self, content: Mapping[str, Any]) -> Reply:
        """Return what the first choice says. Raises ModelError."""
        finish = word_at(content, "choices", 0, "finish_reason")
        if text_at(content, "choices", 0, "message", "refusal") or finish == "content_filter":
            raise refused(finish if finish == "content_filter" else "")
        if finish == "length":
            raise cut_off()
        return Reply(
            text_at(content, "choices", 0, "message", "content"),
            count_at(content, "usage", "prompt_tokens"),
            count_at(content, "usage", "completion_tokens"),
        )
