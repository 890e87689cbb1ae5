"""AI_PROVIDER, AI_MODEL, AI_API_KEY, AI_BASE_URL: defaults, and what is refused at the start."""

from pathlib import Path
from typing import Any

import pytest

from kaireon.platform.env import ConfigurationError
from reports.narration.providers.registry import PROVIDERS
from reports.narration.settings import AiSettings, ai_settings, read_settings
from tests.reports.narration.world import KEY


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, ("google", "gemini-2.5-flash", "", "https://generativelanguage.googleapis.com/v1beta")),
        ({"AI_API_KEY": KEY}, ("google", "gemini-2.5-flash", KEY, "https://generativelanguage.googleapis.com/v1beta")),
        ({"AI_PROVIDER": " OpenAI "}, ("openai", "", "", "https://api.openai.com/v1")),
        ({"AI_PROVIDER": "anthropic"}, ("anthropic", "", "", "https://api.anthropic.com")),
        ({"AI_PROVIDER": "ollama", "AI_MODEL": "llama3.1:8b"}, ("ollama", "llama3.1:8b", "", "http://localhost:11434")),
        ({"AI_PROVIDER": "lm_studio"}, ("lm_studio", "", "", "http://localhost:1234/v1")),
        ({"AI_PROVIDER": "bedrock"}, ("bedrock", "", "", "")),
        (
            {"AI_BASE_URL": "https://gateway.example/v1/", "AI_MODEL": "vendor/model-1@x"},
            ("google", "vendor/model-1@x", "", "https://gateway.example/v1"),
        ),
    ],
)
def test_unset_variables_have_the_providers_defaults(
    environment: dict[str, str], expected: tuple[str, str, str, str]
) -> None:
    read = read_settings(environment)

    assert (read.provider, read.model, read.api_key, read.base_url) == expected


def test_the_key_may_be_mounted(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n", encoding="utf-8")

    assert read_settings({"AI_API_KEY_FILE": str(tmp_path / "key")}).api_key == KEY


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"provider": "gpt"}, "AI_PROVIDER must be one of google, openai, anthropic, ollama, lm_studio, bedrock"),
        ({"model": "a b"}, "AI_MODEL"),
        ({"model": "../../etc"}, "AI_MODEL"),
        ({"model": "m\r\nX-Evil: 1"}, "AI_MODEL"),
        ({"model": "x" * 201}, "AI_MODEL"),
        ({"api_key": "a b"}, "AI_API_KEY"),
        ({"api_key": "a\r\nX-Evil: 1"}, "AI_API_KEY"),
        ({"api_key": "schlüssel"}, "AI_API_KEY"),
        ({"base_url": "ftp://models.example"}, "AI_BASE_URL"),
        ({"base_url": "models.example"}, "AI_BASE_URL"),
        ({"base_url": "https://me:s3cret@models.example"}, "AI_BASE_URL"),
        ({"base_url": "https://models.example/#s3cret"}, "AI_BASE_URL"),
    ],
)
def test_what_cannot_be_meant_names_its_variable(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        ai_settings(**values)

    assert words in str(error.value)
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize(
    ("wanted", "asked"), [("gpt-4.1", "gpt-4.1"), ("", "gpt-5"), ("a b", "gpt-5"), ("x\n", "gpt-5")]
)
def test_another_model_is_taken_if_it_is_a_name(wanted: str, asked: str) -> None:
    assert ai_settings(provider="openai", model="gpt-5").with_model(wanted).model == asked


@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        (ai_settings(api_key=KEY), ""),
        (ai_settings(), "AI_API_KEY is unset"),
        (ai_settings(provider="ollama", model="m"), ""),
        (ai_settings(provider="lm_studio", model="m"), ""),
        (ai_settings(provider="lm_studio"), "AI_MODEL is unset"),
        (AiSettings("openai", "m", KEY), "AI_BASE_URL is unset"),
    ],
)
def test_what_is_missing_is_said(settings: AiSettings, missing: str) -> None:
    assert missing in settings.missing()
    assert bool(settings.missing()) is bool(missing)


def test_each_provider_stands_under_its_own_key() -> None:
    assert {name: provider.key for name, provider in PROVIDERS.items()} == {name: name for name in PROVIDERS}
