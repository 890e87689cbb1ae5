"""How a model is reached: over TLS, under a tenant's rules or the operator's, from the process's environment."""

import json

import pytest
from pytest_django import Settings

from reports.decisions.document import Narrative, NarrativeSource
from reports.narration import NoLedger, narrate, read_settings
from reports.narration.settings import AiSettings, ai_settings
from tests.reports.narration.world import KEY, NOW, OPENAI, document, draft, model
from tests.servers import new_authority, receiving

GOOD = OPENAI.reply(json.dumps(draft()))


def told(ai: AiSettings) -> Narrative:
    """Narrate the report with these settings."""
    return narrate(document(), ai=ai, ledger=NoLedger(), now=NOW, seconds=10)


def test_a_certificate_that_nobody_trusts_is_refused() -> None:
    tls = new_authority().server_context("127.0.0.1")
    with receiving(lambda got: GOOD, tls) as receiver:
        narrative = told(OPENAI.settings(receiver))

    assert receiver.got == []
    assert narrative.source is NarrativeSource.DETERMINISTIC
    assert "certificate refused" in narrative.reason


def test_plain_http_where_tls_was_meant_is_told() -> None:
    with model(OPENAI, GOOD) as receiver:
        narrative = told(OPENAI.settings(receiver, base_url=f"https://{receiver.place}/v1"))

    assert receiver.got == []
    assert f"{receiver.place} could not be reached" in narrative.reason


def test_a_name_that_does_not_resolve_is_told() -> None:
    ai = ai_settings(provider="lm_studio", model="m", base_url="http://no-such-host.invalid/v1")

    assert "no-such-host.invalid" in told(ai).reason


def test_an_operators_private_address_is_called() -> None:
    with model(OPENAI, GOOD) as receiver:
        assert told(OPENAI.settings(receiver)).source is NarrativeSource.LLM


@pytest.mark.parametrize("base_url", ["http://127.0.0.1/v1", "https://10.0.0.1/v1", "https://169.254.169.254/latest"])
def test_a_tenants_private_address_is_not_called(base_url: str) -> None:
    ai = ai_settings(provider="lm_studio", model="m", base_url=base_url, is_tenants=True)

    narrative = told(ai)

    assert narrative.source is NarrativeSource.DETERMINISTIC
    assert "Not sent" in narrative.reason
    assert narrative.tokens == 0


def test_a_tenants_private_address_is_called_where_the_operator_allows_it(settings: Settings) -> None:
    with model(OPENAI, GOOD) as receiver:
        settings.NOTIFICATIONS_ALLOWED_HOSTS = [receiver.place]

        assert told(OPENAI.settings(receiver, is_tenants=True)).source is NarrativeSource.LLM


def test_the_processes_environment_is_read_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AI_PROVIDER", "AI_MODEL", "AI_API_KEY", "AI_BASE_URL", "AI_API_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    unset = read_settings()
    monkeypatch.setenv("AI_PROVIDER", "openai")
    monkeypatch.setenv("AI_MODEL", "gpt-5-mini")
    monkeypatch.setenv("AI_API_KEY", KEY)

    assert unset.missing() == "No language model is set up: AI_API_KEY is unset (provider google)."
    assert (read_settings().provider, read_settings().missing()) == ("openai", "")
