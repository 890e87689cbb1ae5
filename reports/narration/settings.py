"""Which model writes narratives: AI_PROVIDER, AI_MODEL, AI_API_KEY, AI_BASE_URL, or what a tenant chose instead."""

import re
from collections.abc import MutableMapping
from dataclasses import dataclass, field, replace
from typing import Final

from kaireon.platform.addresses import AddressRefusedError, parse_url
from kaireon.platform.env import ConfigurationError, MountedSecretsEnv
from reports.narration.providers.registry import DEFAULT_PROVIDER, PROVIDERS

_MODEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,199}")
_KEY: Final = re.compile(r"[!-~]{1,4096}")


@dataclass(frozen=True, slots=True)
class AiSettings:
    """A model and how to reach it; the key stays out of every repr.

    `is_tenants`: the tenant typed the address, so it is called under the strict rules for such addresses.
    """

    provider: str = DEFAULT_PROVIDER
    model: str = ""
    api_key: str = field(default="", repr=False)
    base_url: str = field(default="", repr=False)
    is_tenants: bool = False

    def with_model(self, model: str) -> "AiSettings":
        """Return the same with another model; an empty name, or one that cannot be a model's, changes nothing."""
        return replace(self, model=model) if _MODEL.fullmatch(model) else self

    def missing(self) -> str:
        """Say what keeps a model from being asked, empty when nothing does."""
        provider = PROVIDERS[self.provider]
        if provider.needs_key and not self.api_key:
            return f"No language model is set up: AI_API_KEY is unset (provider {self.provider})."
        if not self.model:
            return f"No language model is set up: AI_MODEL is unset (provider {self.provider})."
        if not self.base_url:
            return f"No language model is set up: AI_BASE_URL is unset (provider {self.provider})."
        return ""


def ai_settings(
    *, provider: str = "", model: str = "", api_key: str = "", base_url: str = "", is_tenants: bool = False
) -> AiSettings:
    """Return checked settings with the provider's defaults filled in; raise ConfigurationError naming the variable."""
    key = provider.strip().lower() or DEFAULT_PROVIDER
    if key not in PROVIDERS:
        raise ConfigurationError(f"AI_PROVIDER must be one of {', '.join(PROVIDERS)}.")
    defaults = PROVIDERS[key]
    chosen = AiSettings(
        provider=key,
        model=model.strip() or defaults.default_model,
        api_key=api_key.strip(),
        base_url=(base_url.strip() or defaults.default_base_url).rstrip("/"),
        is_tenants=is_tenants,
    )
    if chosen.model and not _MODEL.fullmatch(chosen.model):
        raise ConfigurationError("AI_MODEL must be a model's name, such as gemini-2.5-flash.")
    if chosen.api_key and not _KEY.fullmatch(chosen.api_key):
        raise ConfigurationError("AI_API_KEY must be printable ASCII without blanks.")
    if chosen.base_url:
        _check_address(chosen.base_url)
    return chosen


def _check_address(base_url: str) -> None:
    # The address itself is not repeated: it may hold a key in its query.
    try:
        parse_url(base_url)
    except AddressRefusedError as refusal:
        raise ConfigurationError(f"AI_BASE_URL: {refusal}") from None


def read_settings(environment: MutableMapping[str, str] | None = None) -> AiSettings:
    """Return the operator's settings from the environment; raise ConfigurationError naming the variable."""
    env = MountedSecretsEnv(environment)
    return ai_settings(
        provider=env.str("AI_PROVIDER", default=""),
        model=env.str("AI_MODEL", default=""),
        api_key=env.secret("AI_API_KEY"),
        base_url=env.str("AI_BASE_URL", default=""),
    )
