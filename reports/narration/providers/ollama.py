"""Ollama: `/api/chat` with a JSON schema as the format."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reports.decisions.narrative.prompt import Prompt
from reports.narration.providers.base import MAX_OUTPUT_TOKENS, Access, Call, Reply, count_at, cut_off, text_at, word_at


@dataclass(frozen=True, slots=True)
class Ollama:
    """`POST <base>/api/chat`, unstreamed; no key unless the server stands behind a gateway that wants one."""

    key: str = "ollama"
    default_model: str = ""
    default_base_url: str = "http://localhost:11434"
    needs_key: bool = False
    is_priced: bool = False

    def call(self, access: Access, prompt: Prompt, schema: Mapping[str, Any]) -> Call:
        """Return the request that asks for JSON of this schema."""
        turns = [{"role": turn.role, "content": turn.text} for turn in prompt.turns]
        body = {
            "model": access.model,
            "messages": [{"role": "system", "content": prompt.system}, *turns],
            "format": schema,
            "stream": False,
            "options": {"temperature": 0, "num_predict": MAX_OUTPUT_TOKENS, "num_ctx": _context(prompt)},
        }
        headers = {"Authorization": f"Bearer {access.api_key}"} if access.api_key else {}
        return Call(access.url("/api/chat"), headers, body)

    def read(self, content: Mapping[str, Any]) -> Reply:
        """Return the message. Raises ModelError."""
        if word_at(content, "done_reason") == "length":
            raise cut_off()
        return Reply(
            text_at(content, "message", "content"),
            count_at(content, "prompt_eval_count"),
            count_at(content, "eval_count"),
        )


def _context(prompt: Prompt) -> int:
    """Return a context that holds question and answer: Ollama's own default silently forgets the beginning."""
    return prompt.size // 3 + MAX_OUTPUT_TOKENS
