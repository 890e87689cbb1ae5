"""The four transports against real servers: what arrives, what is escaped, what an answer means."""

import base64
import hashlib
import hmac
import json
import logging
import socket
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError
from pytest_django import Settings
from standardwebhooks.webhooks import Webhook

from kaireon.platform.http import OutboundSession
from kaireon.platform.notifications.decisions import Message
from kaireon.platform.notifications.transports import TRANSPORTS
from kaireon.platform.notifications.transports.base import Dispatch, TransportError, facts_of, web_link
from kaireon.platform.notifications.transports.slack import escape_mrkdwn, slack_payload
from kaireon.platform.notifications.transports.teams import escape_card_markdown, teams_payload
from kaireon.platform.notifications.transports.webhook import generate_secret, standard_key
from tests.servers import Receiver, Reply, new_authority, raw_server, receiving, unused_port

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TENANT = uuid.uuid4()
MESSAGE = Message(
    event_type="alert.fired",
    subject="Suppression is high",
    message="suppression_rate is 0.9, the limit is 0.8.",
    timestamp=NOW,
    severity="critical",
    link="https://kaireon.example.com/settings/alerts/1",
    data={"ruleId": "0190", "name": "Suppression", "observed": 0.9},
    extra_payload={"artifacts": []},
)
HTTP_KINDS = [("slack", "webhookUrl"), ("teams", "webhookUrl"), ("webhook", "url")]


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    with receiving() as running:
        settings.NOTIFICATIONS_ALLOWED_HOSTS = [running.place]
        yield running


def send(kind: str, config: dict[str, Any], place: str, message: Message = MESSAGE, now: datetime = NOW) -> Any:
    transport = TRANSPORTS[kind]
    dispatch = Dispatch(uuid.uuid4(), TENANT, now, OutboundSession(allowed_places=[place], total_seconds=1))
    return transport.send(transport.config_model.model_validate(config), message, dispatch)


def test_the_kinds_are_those_of_the_contract() -> None:
    assert {kind: transport.display_name for kind, transport in TRANSPORTS.items()} == {
        "slack": "Slack",
        "teams": "Microsoft Teams",
        "webhook": "Outbound Webhook",
        "ops_email": "Ops Email (SES)",
    }


@pytest.mark.parametrize(("kind", "field"), HTTP_KINDS)
def test_a_message_arrives_as_json(receiver: Receiver, kind: str, field: str) -> None:
    receipt = send(kind, {field: receiver.url()}, receiver.place)

    assert receipt.status_code == 200
    got = receiver.got[0]
    assert got.headers["content-type"] == "application/json"
    assert "Suppression is high" in json.dumps(json.loads(got.body))


@pytest.mark.parametrize(
    ("status", "is_permanent", "is_gone"),
    [
        (301, True, False),
        (400, True, False),
        (401, True, False),
        (403, True, False),
        (404, True, True),
        (408, False, False),
        (410, True, True),
        (413, True, False),
        (425, False, False),
        (429, False, False),
        (500, False, False),
        (503, False, False),
        (599, False, False),
    ],
)
@pytest.mark.parametrize(("kind", "field"), HTTP_KINDS)
def test_a_refusal_is_permanent_or_not_by_its_status(
    receiver: Receiver, kind: str, field: str, status: int, is_permanent: bool, is_gone: bool
) -> None:
    receiver.script = lambda got: Reply(status, b"<secret body>")

    with pytest.raises(TransportError) as error:
        send(kind, {field: receiver.url()}, receiver.place)

    assert (error.value.is_permanent, error.value.is_gone) == (is_permanent, is_gone)
    assert (error.value.is_sent, error.value.status_code) == (True, status)
    assert f"HTTP {status}" in error.value.message
    assert "secret" not in error.value.message


@pytest.mark.parametrize(
    ("header", "wait"),
    [("30", timedelta(seconds=30)), ("Sun, 01 Mar 2026 12:02:00 GMT", timedelta(minutes=2)), ("soon", None)],
)
@pytest.mark.parametrize("status", [429, 503])
def test_the_wait_that_a_destination_asks_for_is_kept(
    receiver: Receiver, status: int, header: str, wait: timedelta | None
) -> None:
    receiver.script = lambda got: Reply(status, b"", {"Retry-After": header})

    with pytest.raises(TransportError) as error:
        send("webhook", {"url": receiver.url()}, receiver.place)

    assert error.value.retry_after == wait


def test_a_redirect_says_what_to_do(receiver: Receiver) -> None:
    receiver.script = lambda got: Reply(308, b"", {"Location": "https://elsewhere.example.com/t0ken"})

    with pytest.raises(TransportError) as error:
        send("webhook", {"url": receiver.url()}, receiver.place)

    assert "enter the final address" in error.value.message
    assert "t0ken" not in error.value.message


def test_slack_gives_its_reason_in_one_word(receiver: Receiver) -> None:
    receiver.script = lambda got: Reply(404, b"no_service")

    with pytest.raises(TransportError) as error:
        send("slack", {"webhookUrl": receiver.url()}, receiver.place)

    assert error.value.message == "Answered HTTP 404 Not Found: no_service."


def test_a_connection_that_is_cut_after_the_request_may_have_arrived(receiver: Receiver) -> None:
    receiver.script = lambda got: None

    with pytest.raises(TransportError) as error:
        send("webhook", {"url": receiver.url()}, receiver.place)

    assert error.value.is_sent
    assert error.value.status_code is None


def test_a_refused_connection_has_sent_nothing_and_names_no_address() -> None:
    port = unused_port()

    with pytest.raises(TransportError) as error:
        send_to_nowhere(port)

    assert not error.value.is_sent
    assert not error.value.is_permanent
    assert "s3cret" not in f"{error.value} {error.value!r}"
    assert error.value.__suppress_context__


def send_to_nowhere(port: int) -> None:
    transport = TRANSPORTS["slack"]
    session = OutboundSession(allowed_places=[f"127.0.0.1:{port}"])
    config = transport.config_model.model_construct(webhookUrl=SecretStr(f"http://127.0.0.1:{port}/services/s3cret"))
    transport.send(config, MESSAGE, Dispatch(uuid.uuid4(), TENANT, NOW, session))


# --- webhook


def test_the_webhooks_body_is_that_of_the_contract(receiver: Receiver) -> None:
    send("webhook", {"url": receiver.url()}, receiver.place)

    assert json.loads(receiver.got[0].body) == {
        "type": "alert.fired",
        "tenantId": str(TENANT),
        "timestamp": "2026-03-01T12:00:00.000Z",
        "subject": "Suppression is high",
        "message": "suppression_rate is 0.9, the limit is 0.8.",
        "severity": "critical",
        "link": "https://kaireon.example.com/settings/alerts/1",
        "data": {"ruleId": "0190", "name": "Suppression", "observed": 0.9},
        "extraPayload": {"artifacts": []},
    }


@pytest.mark.parametrize(
    "secret",
    [
        "whsec_" + base64.b64encode(b"a key of 24 random bytes").decode(),
        "whsec_" + base64.b64encode(b"unpadded, as some type it").decode().rstrip("="),
        "whsec_is not base64!",
        "whsec_",
        "plain text",
        "pässwörd ✓",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    ],
)
def test_both_signatures_verify_over_the_exact_body(receiver: Receiver, secret: str) -> None:
    send("webhook", {"url": receiver.url(), "secret": secret}, receiver.place, now=datetime.now(UTC))

    got = receiver.got[0]
    expected = hmac.new(secret.encode(), got.body, hashlib.sha256).hexdigest()
    assert got.headers["x-kaireon-signature"] == f"sha256={expected}"
    assert Webhook(standard_key(secret)).verify(got.body, got.headers)["subject"] == "Suppression is high"


def test_a_secret_in_the_published_form_verifies_with_the_published_verifier_as_it_stands(receiver: Receiver) -> None:
    secret = generate_secret()

    send("webhook", {"url": receiver.url(), "secret": secret}, receiver.place, now=datetime.now(UTC))

    Webhook(secret).verify(receiver.got[0].body, receiver.got[0].headers)


def test_without_a_secret_nothing_is_signed_and_the_id_is_still_there(receiver: Receiver) -> None:
    send("webhook", {"url": receiver.url()}, receiver.place)

    headers = receiver.got[0].headers
    assert "x-kaireon-signature" not in headers
    assert "webhook-signature" not in headers
    assert uuid.UUID(headers["webhook-id"])
    assert headers["webhook-timestamp"] == str(int(NOW.timestamp()))


def test_the_tenants_own_headers_are_sent(receiver: Receiver) -> None:
    send(
        "webhook",
        {"url": receiver.url(), "headers": {"Authorization": "Bearer t0ken", "X-Team": "ops"}},
        receiver.place,
    )

    assert receiver.got[0].headers["authorization"] == "Bearer t0ken"
    assert receiver.got[0].headers["x-team"] == "ops"


def test_a_webhook_over_https_checks_the_certificate(settings: Settings) -> None:
    authority = new_authority()
    with receiving(tls=authority.server_context("127.0.0.1")) as receiver:
        settings.NOTIFICATIONS_ALLOWED_HOSTS = [receiver.place]
        transport = TRANSPORTS["webhook"]
        config = transport.config_model.model_validate({"url": receiver.url()})
        session = OutboundSession(allowed_places=[receiver.place], tls=authority.client_context())

        receipt = transport.send(config, MESSAGE, Dispatch(uuid.uuid4(), TENANT, NOW, session))
        with pytest.raises(TransportError) as error:
            send("webhook", {"url": receiver.url()}, receiver.place)

    assert receipt.status_code == 200
    assert "certificate refused" in error.value.message


@pytest.mark.parametrize(
    ("secret", "key"),
    [("whsec_aGVsbG8=", b"hello"), ("whsec_aGVsbG8", b"hello"), ("whsec_", b"whsec_"), ("whsec_==", b"whsec_=="),
     ("whsec_a", b"whsec_a"),
     ("whsec_äö", "whsec_äö".encode()), ("hello", b"hello")],
)  # fmt: skip
def test_the_standard_key_is_the_decoded_bytes_or_the_text_as_typed(secret: str, key: bytes) -> None:
    assert standard_key(secret) == key


@given(st.text(min_size=1, max_size=100).filter(lambda text: text.isprintable()))
def test_every_secret_gives_a_key(secret: str) -> None:
    assert standard_key(secret)
    assert standard_key("whsec_" + secret)


# --- slack and teams


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("<!channel>", "&lt;!channel&gt;"),
        ("<https://evil.example|Click>", "&lt;https://evil.example|Click&gt;"),
        ("&lt;", "&amp;lt;"),
    ],
)
def test_slack_text_cannot_call_the_channel_or_forge_a_link(text: str, escaped: str) -> None:
    assert escape_mrkdwn(text) == escaped


HOSTILE = replace(
    MESSAGE,
    subject="<!channel> *bold* [x](https://evil.example)",
    message="<!here>\n# heading\n- list\n1. list\n> quote [click](https://evil.example) `code` ~gone~ a_b_c",
    data={"name": "<!everyone> *n*", "observed": 1},
    link="https://kaireon.example.com/a?b=c&d=e",
)


def test_a_slack_message_escapes_everything_that_people_typed() -> None:
    payload = slack_payload(HOSTILE)

    mrkdwn = [payload["text"]] + [
        block["text"]["text"] for block in payload["attachments"][0]["blocks"] if block["text"]["type"] == "mrkdwn"
    ]
    for text in mrkdwn:
        assert "<!" not in text
    # The header is plain text: Slack interprets nothing there.
    header = payload["attachments"][0]["blocks"][0]["text"]
    assert header["type"] == "plain_text"
    assert payload["attachments"][0]["color"].startswith("#")


def test_a_slack_link_is_only_a_link_where_the_address_is_plain() -> None:
    good = json.dumps(slack_payload(MESSAGE))
    bad = json.dumps(slack_payload(replace(MESSAGE, link="javascript:alert(1)")))

    assert "<https://kaireon.example.com/settings/alerts/1|Open in Kaireon>" in good
    assert "javascript" not in bad


def test_a_slack_message_keeps_to_slacks_limits() -> None:
    payload = slack_payload(replace(MESSAGE, subject="s" * 5000, message="<" * 5000, data={"name": "n" * 5000}))

    for block in payload["attachments"][0]["blocks"]:
        limit = 150 if block["type"] == "header" else 3000
        assert len(block["text"]["text"]) <= limit


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a*b_c", "a\\*b\\_c"),
        ("[x](https://evil.example)", "\\[x\\](https://evil.example)"),
        ("# heading", "\\# heading"),
        ("  - item", "  \\- item"),
        ("> quote", "\\> quote"),
        ("+ plus", "\\+ plus"),
        ("back\\slash `tick` ~no~", "back\\\\slash \\`tick\\` \\~no\\~"),
        ("1. first", "1\u200b. first"),
        ("0.5 is more", "0\u200b.5 is more"),
        ("x > 5 - 3", "x > 5 - 3"),
    ],
)
def test_card_text_cannot_format_or_forge_a_link(text: str, escaped: str) -> None:
    assert escape_card_markdown(text) == escaped


def test_a_card_escapes_everything_that_people_typed_and_shows_the_severity_as_a_band() -> None:
    payload = teams_payload(HOSTILE)

    card = payload["attachments"][0]["content"]
    assert payload["attachments"][0]["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert card["body"][0]["style"] == "attention"
    texts = [block["text"] for block in card["body"][1:] if block["type"] == "TextBlock"]
    assert texts == [
        "<!here>",
        "\\# heading",
        "\\- list",
        "1\u200b. list",
        "\\> quote \\[click\\](https://evil.example) \\`code\\` \\~gone\\~ a\\_b\\_c",
    ]
    assert card["body"][0]["items"][0]["text"] == "\\[critical\\] <!channel> \\*bold\\* \\[x\\](https://evil.example)"
    assert card["actions"][0]["url"] == HOSTILE.link


def test_a_card_has_no_button_without_a_plain_address() -> None:
    card = teams_payload(replace(MESSAGE, link="javascript:alert(1)"))["attachments"][0]["content"]

    assert "actions" not in card


@pytest.mark.parametrize(("status", "is_permanent"), [(429, False), (500, False), (400, True)])
def test_a_teams_connector_that_answers_200_and_reports_an_error_has_not_delivered(
    receiver: Receiver, status: int, is_permanent: bool
) -> None:
    text = f"Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error {status}"
    receiver.script = lambda got: Reply(200, text.encode())

    with pytest.raises(TransportError) as error:
        send("teams", {"webhookUrl": receiver.url()}, receiver.place)

    assert (error.value.status_code, error.value.is_permanent) == (status, is_permanent)


def test_facts_are_short_values_without_ids() -> None:
    data = {"ruleId": "1", "id": "2", "name": "n", "empty": "", "none": None, "list": [1], "is": True, "number": 3}

    assert facts_of(replace(MESSAGE, data=data)) == [("name", "n"), ("is", "True"), ("number", "3")]


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "data:text/html,x", "//evil", "/settings", "", "http://", "x y"]
)
def test_only_web_addresses_become_links(link: str) -> None:
    assert web_link(link) == ""


def test_a_link_keeps_its_fragment() -> None:
    assert web_link("https://kaireon.example.com/a#b") == "https://kaireon.example.com/a#b"


@given(text=st.text(max_size=200), kind=st.sampled_from(["slack", "teams"]))
def test_every_text_makes_a_payload(text: str, kind: str) -> None:
    message = replace(MESSAGE, subject=text, message=text, severity=text, link=text, data={text: text})

    json.dumps(slack_payload(message) if kind == "slack" else teams_payload(message))


# --- configs


@pytest.mark.parametrize(
    ("kind", "config", "place"),
    [
        ("slack", {}, "webhookUrl"),
        ("slack", {"webhookUrl": "http://hooks.slack.com/x"}, "webhookUrl"),
        ("slack", {"webhookUrl": 5}, "webhookUrl"),
        ("slack", {"webhookUrl": None}, "webhookUrl"),
        ("slack", {"webhookUrl": "https://hooks.slack.com/x", "extra": 1}, "extra"),
        ("teams", {"webhookUrl": "https://10.0.0.1/x"}, "webhookUrl"),
        ("webhook", {"url": "https://localhost/x"}, "url"),
        ("webhook", {"url": "https://user:pw@example.com/x"}, "url"),
        ("webhook", {"url": "https://example.com/x", "secret": ""}, "secret"),
        ("webhook", {"url": "https://example.com/x", "secret": "s" * 501}, "secret"),
        ("webhook", {"url": "https://example.com/x", "secret": 7}, "secret"),
        ("webhook", {"url": "https://example.com/x", "headers": []}, "headers"),
        ("webhook", {"url": "https://example.com/x", "headers": {"Host": "evil"}}, "headers"),
        ("webhook", {"url": "https://example.com/x", "headers": {"content-length": "0"}}, "headers"),
        ("webhook", {"url": "https://example.com/x", "headers": {"Webhook-Signature": "v1"}}, "headers"),
        ("webhook", {"url": "https://example.com/x", "headers": {"X-Kaireon-Signature": "v1"}}, "headers"),
        ("webhook", {"url": "https://example.com/x", "headers": {"X Y": "z"}}, "headers"),
        ("webhook", {"url": "https://example.com/x", "headers": {"": "z"}}, "headers"),
        ("webhook", {"url": "https://example.com/x", "headers": {"X": "a\r\nHost: evil"}}, "headers"),
        ("webhook", {"url": "https://example.com/x", "headers": {"X": "ä"}}, "headers"),
        ("webhook", {"url": "https://example.com/x", "headers": {"X": "1", "x": "2"}}, "headers"),
        ("webhook", {"url": "https://example.com/x", "headers": {"X": 1}}, "headers"),
        ("webhook", {"url": "https://example.com/x", "headers": {f"X-{n}": "1" for n in range(21)}}, "headers"),
        ("ops_email", {"fromEmail": "a@b.example"}, "recipients"),
        ("ops_email", {"fromEmail": "a@b.example", "recipients": []}, "recipients"),
        ("ops_email", {"fromEmail": "a@b.example", "recipients": "c@d.example"}, "recipients"),
        ("ops_email", {"fromEmail": "a@b.example", "recipients": ["c@d.example"] * 51}, "recipients"),
        ("ops_email", {"fromEmail": "a@b.example", "recipients": ["c@d.example", "nobody"]}, "recipients"),
        ("ops_email", {"fromEmail": "a@b.example\nBcc: e@f.example", "recipients": ["c@d.example"]}, "fromEmail"),
        ("ops_email", {"fromEmail": "a", "recipients": ["c@d.example"]}, "fromEmail"),
        ("ops_email", {"fromEmail": "a@b.example", "recipients": ["c@d.example"], "replyTo": "x\r\ny"}, "replyTo"),
    ],
)
def test_a_config_that_cannot_be_is_refused_by_its_field(kind: str, config: dict[str, Any], place: str) -> None:
    with pytest.raises(ValidationError) as error:
        TRANSPORTS[kind].config_model.model_validate(config)

    assert error.value.errors()[0]["loc"][0] == place


@pytest.mark.parametrize(
    ("kind", "config", "summary"),
    [
        ("slack", {"webhookUrl": "https://hooks.slack.com/services/T/B/s3cret"}, "hooks.slack.com"),
        ("teams", {"webhookUrl": "https://outlook.office.com/webhook/s3cret"}, "outlook.office.com"),
        (
            "webhook",
            {"url": "https://example.com/s3cret", "secret": "s3cret", "headers": {"X": "s3cret"}},
            "example.com",
        ),
        ("ops_email", {"fromEmail": "a@b.example", "recipients": ["c@d.example"]}, "c@d.example"),
        (
            "ops_email",
            {"fromEmail": "a@b.example", "recipients": ["c@d.example", "e@f.example", "g@h.example"]},
            "c@d.example and 2 more",
        ),
    ],
)
def test_a_config_shows_where_it_leads_and_none_of_its_secrets(
    kind: str, config: dict[str, Any], summary: str
) -> None:  # fmt: skip
    transport = TRANSPORTS[kind]

    model = transport.config_model.model_validate(config)

    assert transport.summary(model) == summary
    assert "s3cret" not in f"{model!r} {model} {model.model_dump()}"


def test_a_refused_config_does_not_repeat_the_address(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    with pytest.raises(ValidationError) as error:
        TRANSPORTS["webhook"].config_model.model_validate({"url": "http://example.com/s3cret"})

    assert "s3cret" not in str(error.value)
    assert "s3cret" not in caplog.text


def test_a_server_that_drips_its_answer_is_left_after_the_deadline(settings: Settings) -> None:
    def drip(connection: socket.socket) -> None:
        connection.recv(65536)
        for byte in b"HTTP/1.1 200 OK":
            connection.sendall(bytes([byte]))
            time.sleep(0.2)

    with raw_server(drip) as port:
        place = f"127.0.0.1:{port}"
        settings.NOTIFICATIONS_ALLOWED_HOSTS = [place]
        started = time.monotonic()

        with pytest.raises(TransportError) as error:
            send("webhook", {"url": f"http://{place}/"}, place)

    assert error.value.is_sent
    assert time.monotonic() - started < 4
