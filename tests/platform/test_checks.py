"""The system checks: every wrong configuration has an id and a hint, and stops production."""

import base64
from typing import Any

import pytest
from pytest_django import Settings

from kaireon import checks
from kaireon.platform.env import ConfigurationError

KEY = base64.b64encode(bytes(range(32))).decode()
# Django refuses to read an empty one, so settings.py puts in a placeholder; everybody can read that here.
UNSET = {"SECRET_KEY": "unset-refused-by-check-kaireon.E001"}
LONG = "x" * checks.MINIMUM_TOKEN_LENGTH


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Settings:
    """Return sound production settings, for one deviation each."""
    monkeypatch.setenv("KAIREON_ENV", "production")
    settings.PUBLIC_URL = "https://kaireon.example"
    return settings


def ids_of(messages: list[Any]) -> list[str]:
    """Return the ids of check messages."""
    return [message.id for message in messages]


def all_ids() -> list[str]:
    """Return the ids of everything that our checks find."""
    found = [checks.check_secrets(), checks.check_vault_key(), checks.check_public_url(), checks.check_database()]
    return ids_of([message for messages in found for message in messages])


def test_a_sound_production_configuration_is_silent(production: Settings) -> None:
    assert all_ids() == []
    checks.require_sound_configuration()


@pytest.mark.parametrize(("name", "check_id"), [(name, entry[0]) for name, entry in checks.REQUIRED.items()])
def test_production_without_a_secret_is_refused(production: Settings, name: str, check_id: str) -> None:
    setattr(production, name, UNSET.get(name, ""))

    assert all_ids() == [check_id]
    with pytest.raises(ConfigurationError, match=name):
        checks.require_sound_configuration()


def test_every_message_has_a_hint(production: Settings) -> None:
    for name in checks.REQUIRED:
        setattr(production, name, UNSET.get(name, ""))
    production.PUBLIC_URL = "http://kaireon.example"

    messages = [*checks.check_secrets(), *checks.check_public_url()]

    assert len(messages) == len(checks.REQUIRED) + 1
    assert all(message.hint for message in messages)


@pytest.mark.parametrize("name", ["CRON_TOKEN", "CRON_SECRET", "SECRET_KEY", "API_KEY_PEPPER"])
def test_a_short_token_is_refused_in_production_and_warned_of_elsewhere(
    monkeypatch: pytest.MonkeyPatch, production: Settings, name: str
) -> None:
    setattr(production, name, "short")

    refused = all_ids()
    monkeypatch.setenv("KAIREON_ENV", "development")
    warned = all_ids()

    assert refused == ["kaireon.E006"]
    assert warned == ["kaireon.W006"]
    checks.require_sound_configuration()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"{LONG},{LONG}", []),
        (f"{LONG}, {LONG},", []),
        (f"{LONG},short", ["kaireon.E006"]),
        ("ssm:/kaireon/token", []),
        (f"ssm:/kaireon/token,{LONG}", []),
        ("ssm:/kaireon/token,short", ["kaireon.E006"]),
        (f"{LONG},ssm:/short", []),
    ],
    ids=["two", "comma at the end", "one short", "parameter", "parameter first", "short second", "parameter second"],
)
def test_every_token_of_a_rotation_list_is_measured(production: Settings, value: str, expected: list[str]) -> None:
    production.CRON_TOKEN = value

    assert all_ids() == expected


@pytest.mark.parametrize(
    ("current", "previous", "expected"),
    [
        (KEY, "", []),
        (KEY, f"{KEY}, {KEY}", []),
        (base64.urlsafe_b64encode(b"\xff" * 32).decode(), "", []),
        ("short", "", ["kaireon.E007"]),
        (f"{KEY},{KEY}", "", ["kaireon.E007"]),
        (KEY, "short", ["kaireon.E007"]),
        (base64.b64encode(b"x" * 16).decode(), "", ["kaireon.E007"]),
        ("not base64 at all !!", "", ["kaireon.E007"]),
    ],
    ids=["one", "two old", "url-safe", "short", "two current", "short old", "128 bits", "no base64"],
)
def test_vault_keys_are_32_bytes_and_one_of_them_encrypts(
    settings: Settings, current: str, previous: str, expected: list[str]
) -> None:
    settings.CONNECTOR_ENCRYPTION_KEY, settings.CONNECTOR_ENCRYPTION_KEY_PREVIOUS = current, previous

    assert all_ids() == expected


def test_production_needs_an_https_address_for_its_links_and_cookies(production: Settings) -> None:
    production.PUBLIC_URL = "http://kaireon.example"

    assert all_ids() == ["kaireon.E008"]


@pytest.mark.parametrize("database", [{}, {"ENGINE": ""}, {"ENGINE": "django.db.backends.sqlite3"}])
def test_a_database_that_is_not_postgresql_is_refused(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, database: dict[str, str]
) -> None:
    monkeypatch.setitem(settings.DATABASES, "default", database)

    assert all_ids() == ["kaireon.E009"]


def test_development_with_what_the_suite_sets_is_silent() -> None:
    assert all_ids() == []
