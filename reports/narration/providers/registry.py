"""The providers by the word that AI_PROVIDER names them with."""

from typing import Final

from reports.narration.providers.anthropic import Anthropic
from reports.narration.providers.base import Provider
from reports.narration.providers.bedrock import Bedrock
from reports.narration.providers.google import Google
from reports.narration.providers.ollama import Ollama
from reports.narration.providers.openai import OpenAi

DEFAULT_PROVIDER: Final = "google"

PROVIDERS: Final[dict[str, Provider]] = {
    "google": Google(),
    "openai": OpenAi(),
    "anthropic": Anthropic(),
    "ollama": Ollama(),
    "lm_studio": OpenAi(
        key="lm_studio",
        default_base_url="http://localhost:1234/v1",
        needs_key=False,
        is_priced=False,
        limit_name="max_tokens",
    ),
    "bedrock": Bedrock(),
}
