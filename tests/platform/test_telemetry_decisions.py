"""What may be written down."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaireon.platform.telemetry.decisions import (
    MASK,
    MAX_DEPTH,
    is_sane_request_id,
    is_secret_key,
    redact,
    scrub_text,
)


@pytest.mark.parametrize(
    ("text", "is_sane"),
    [
        ("req-1", True),
        ("01956b6c-7c5e-7000-8000-000000000000", True),
        ("a.b:c_d-e", True),
        ("x" * 128, True),
        ("x" * 129, False),
        ("", False),
        ("-leading", False),
        ("two words", False),
        ("new\nline", False),
        ("trailing\n", False),
        ('quote"', False),
        ("<script>", False),
        ("ümlaut", False),
        ("nul\0", False),
    ],
)
def test_a_request_id_is_kept_only_when_it_is_sane(text: str, is_sane: bool) -> None:
    assert is_sane_request_id(text) is is_sane


@pytest.mark.parametrize(
    "key",
    [
        "password", "Password", "user_password", "passwd", "pwd", "passphrase", "secret", "clientSecret",
        "webhook_secret", "token", "accessToken", "X-Cron-Token", "apiKey", "api_key", "X-API-Key", "APIKEY",
        "Authorization", "authorization", "Cookie", "Set-Cookie", "credential", "credentials", "pepper",
        "privateKey", "aws_secret_access_key", "accessKey", "signingKey", "encryption_key", "dsn", "url", "webhookUrl",
        "webhook_url", "databaseUrl", "connectionString", "auth",
    ],
)  # fmt: skip
def test_keys_of_credentials_are_known_in_any_spelling(key: str) -> None:
    assert is_secret_key(key)


@pytest.mark.parametrize(
    "key",
    [
        "name", "threshold", "apiKeyId", "api_key_name", "tokenCount", "secretFields", "passwordChangedAt",
        "apiKeyPrefix", "key", "keyId", "idempotencyKey", "dedupeKey", "author", "curl", "monkey", "", "__", "channels",
        "secretVersion", "tokenType",
    ],
)  # fmt: skip
def test_keys_that_only_speak_about_a_credential_are_harmless(key: str) -> None:
    assert not is_secret_key(key)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("POST https://hooks.slack.com/services/T0/B0/xyz failed", "POST https://hooks.slack.com/… failed"),
        ("see https://docs.example.org", "see https://docs.example.org"),
        ("see https://docs.example.org/", "see https://docs.example.org/"),
        ("postgres://user:pass@db:5432/prod is down", "postgres://db:5432/… is down"),
        ("https://a.example?key=1", "https://a.example/…"),
        ("https://user:pw@a.example", "https://a.example"),
        ("Max retries exceeded with url: /services/T0/xyz (Caused by X)",
         "Max retries exceeded with url: /… (Caused by X)"),
        ("key krn_0123456789abcdef here", f"key {MASK} here"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", MASK),
        ("xoxb-123456-abcdef", MASK),
        ("AKIAABCDEFGHIJKLMNOP", MASK),
        ("Authorization: Bearer abcdef123456", f"Authorization: Bearer {MASK}"),
        ("Basic dXNlcjpwYXNz", f"Basic {MASK}"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig", MASK),
        ("password=hunter2 user=x", f"password={MASK} user=x"),
        ('{"token": "abc"}', f'{{"token": "{MASK}"}}'),
        ("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----", MASK),
        ("rule fired: revenue is 5", "rule fired: revenue is 5"),
        ("12:30 // comment", "12:30 // comment"),
    ],
)  # fmt: skip
def test_text_loses_its_credentials_and_keeps_its_sense(text: str, expected: str) -> None:
    assert scrub_text(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": {"password": "x"}}, {"a": {"password": MASK}}),
        ({"list": [{"token": "x"}, {"name": "y"}]}, {"list": [{"token": MASK}, {"name": "y"}]}),
        ({"secret": {"nested": "x"}}, {"secret": MASK}),
        ({"secret": ""}, {"secret": ""}),
        ({"secret": None, "hasSecret": True}, {"secret": None, "hasSecret": True}),
        ({"password": 12345}, {"password": MASK}),
        ({"llmDailyTokens": 200000}, {"llmDailyTokens": 200000}),
        ({"headers": {"X-Anything": "x"}}, {"headers": {"X-Anything": MASK}}),
        ({"message": "at https://h.example/a/b"}, {"message": "at https://h.example/…"}),
        ({"link": "/settings/alerts"}, {"link": "/settings/alerts"}),
        ((1, 2.5, True, None), [1, 2.5, True, None]),
        ({1: "x"}, {"1": "x"}),
    ],
)
def test_values_are_redacted_at_any_depth(value: Any, expected: Any) -> None:
    assert redact(value) == expected


def test_a_value_is_judged_by_the_key_it_stands_under_itself() -> None:
    assert redact("x", key="password") == MASK
    assert redact("x", key="name") == "x"


def test_the_original_is_not_touched() -> None:
    original = {"a": {"password": "x"}}

    redact(original)

    assert original == {"a": {"password": "x"}}


def test_bottomless_nesting_is_cut() -> None:
    value: Any = {"password": "deep"}
    for _ in range(MAX_DEPTH * 3):
        value = [value]

    assert "deep" not in str(redact(value))


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=15,
))  # fmt: skip
def test_a_credential_is_found_wherever_it_is_put(value: Any) -> None:
    hidden = "krn_thisisaverysecretkey0123"

    shown = str(redact({"outer": [value, {"inner": {"clientSecret": hidden}}, f"text {hidden} text"]}))

    assert hidden not in shown
