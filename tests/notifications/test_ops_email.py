"""Mail: into files, and over SMTP to a real server that takes, refuses, or goes away."""

import base64
import email.policy
import socket
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from anymail.exceptions import AnymailAPIError, AnymailRecipientsRefused
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from pytest_django import Settings

from kaireon.platform.http import operator_session
from kaireon.platform.notifications.decisions import Message
from kaireon.platform.notifications.transports.base import Dispatch, Receipt, TransportError
from kaireon.platform.notifications.transports.ops_email import (
    OpsEmailConfig,
    OpsEmailTransport,
    _ses_error,
    header_text,
)
from tests.servers import raw_server, unused_port

CONFIG = OpsEmailConfig(
    fromEmail="kaireon@example.com", recipients=["ops@example.com", "oncall@example.com"], replyTo="team@example.com"
)
MESSAGE = Message(
    event_type="alert.fired",
    subject="Suppression is high",
    message="0.9 > 0.8 & rising\nlook at <it>",
    timestamp=datetime(2026, 3, 1, 12, 0, tzinfo=UTC),
    severity="critical",
    link="https://kaireon.example.com/settings/alerts/1?a=1&b=2",
    data={"name": "Suppression"},
)
DISPATCH = Dispatch(uuid.uuid4(), uuid.uuid4(), MESSAGE.timestamp, operator_session())


class Mailbox:
    """What an SMTP server does with a mail: keep it, refuse some or all of it, or hang up."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.receivers: list[list[str]] = []
        self.refused: dict[str, str] = {}
        self.answer = "250 OK"
        self.hangs_up = False

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        """Take a recipient, or refuse it."""
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Keep the mail, and answer as told."""
        if self.hangs_up:
            server.transport.close()
            return "250 never read"
        if self.answer.startswith("250"):
            parsed = BytesParser(policy=email.policy.default).parsebytes(envelope.content)
            self.mails.append(parsed)
            self.receivers.append(list(envelope.rcpt_tos))
        return self.answer


@pytest.fixture
def mailbox(settings: Settings) -> Iterator[Mailbox]:
    box = Mailbox()
    port = unused_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", port, 2
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    yield box
    controller.stop()


def send(message: Message = MESSAGE, config: OpsEmailConfig = CONFIG) -> Receipt:
    return OpsEmailTransport().send(config, message, DISPATCH)


def refused(message: Message = MESSAGE) -> TransportError:
    with pytest.raises(TransportError) as error:
        send(message)
    return error.value


def test_a_mail_arrives_at_every_recipient_with_its_headers(mailbox: Mailbox) -> None:
    receipt = send()

    assert receipt.note == ""
    mail = mailbox.mails[0]
    assert mailbox.receivers == [["ops@example.com", "oncall@example.com"]]
    assert mail["subject"] == "[critical] Suppression is high"
    assert mail["from"] == "kaireon@example.com"
    assert mail["to"] == "ops@example.com, oncall@example.com"
    assert mail["reply-to"] == "team@example.com"
    assert mail["message-id"] == f"<{DISPATCH.delivery_id}@example.com>"
    assert mail["auto-submitted"] == "auto-generated"


def test_a_mail_says_the_same_in_plain_text_and_in_escaped_html(mailbox: Mailbox) -> None:
    send()

    plain = mailbox.mails[0].get_body(("plain",))
    html = mailbox.mails[0].get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "0.9 > 0.8 & rising\nlook at <it>" in plain.get_content().replace("\r\n", "\n")
    assert "name: Suppression" in plain.get_content()
    assert "0.9 &gt; 0.8 &amp; rising" in html.get_content()
    assert "<it>" not in html.get_content()
    assert '<a href="https://kaireon.example.com/settings/alerts/1?a=1&amp;b=2">' in html.get_content()


@pytest.mark.parametrize(
    "subject",
    [
        "Rule\r\nBcc: victim@example.com",
        "Rule\nBcc: victim@example.com",
        "Rule\rBcc: x@example.com",
        "a\0b\x1bc\u2028d",
    ],
)
def test_a_subject_cannot_add_a_header(mailbox: Mailbox, subject: str) -> None:
    send(replace(MESSAGE, subject=subject))

    assert mailbox.mails[0]["bcc"] is None
    assert len(mailbox.receivers[0]) == 2


def test_a_body_that_looks_like_smtp_stays_a_body(mailbox: Mailbox) -> None:
    send(replace(MESSAGE, message="hello\n.\nQUIT\nMAIL FROM:<x@example.com>"))

    assert len(mailbox.mails) == 1
    plain = mailbox.mails[0].get_body(("plain",))
    assert plain is not None
    assert "QUIT" in plain.get_content()


def test_text_of_every_script_arrives(mailbox: Mailbox) -> None:
    send(replace(MESSAGE, subject="Größe 目標 🎯", message="Größe 目標 🎯"))

    assert mailbox.mails[0]["subject"] == "[critical] Größe 目標 🎯"


def test_a_reports_artifacts_are_attached(mailbox: Mailbox) -> None:
    artifact = {
        "format": "csv", "filename": "report\r\nX: y.csv", "contentType": "text/csv",
        "base64": base64.b64encode(b"a,b\n1,2\n").decode(),
    }  # fmt: skip
    linked = {"format": "pdf", "filename": "large.pdf", "contentType": "application/pdf", "url": "https://k.example/1"}

    send(replace(MESSAGE, extra_payload={"artifacts": [artifact, linked]}))

    attachments = list(mailbox.mails[0].iter_attachments())
    assert [part.get_filename() for part in attachments] == ["report X: y.csv"]
    assert attachments[0].get_payload(decode=True) == b"a,b\n1,2\n"


def test_a_malformed_artifact_is_refused_before_anything_is_sent(mailbox: Mailbox) -> None:
    error = refused(replace(MESSAGE, extra_payload={"artifacts": [{"filename": 5}]}))

    assert (error.is_permanent, error.is_sent) == (True, False)
    assert mailbox.mails == []


def test_a_server_that_is_not_there_has_got_nothing(mailbox: Mailbox, settings: Settings) -> None:
    settings.EMAIL_PORT = unused_port()

    error = refused()

    assert (error.is_sent, error.is_permanent) == (False, False)
    assert error.message == "The mail server could not be reached: Connection refused."


@pytest.mark.parametrize(("answer", "is_permanent"), [("550 no such list", True), ("451 try later", False)])
def test_a_mail_that_is_refused_is_permanent_or_not_by_its_code(
    mailbox: Mailbox, answer: str, is_permanent: bool
) -> None:  # fmt: skip
    mailbox.answer = answer

    error = refused()

    assert (error.is_permanent, error.status_code) == (is_permanent, int(answer[:3]))
    assert "no such list" not in error.message


@pytest.mark.parametrize(("code", "is_permanent"), [("550", True), ("450", False)])
def test_when_every_recipient_is_refused_the_mail_is(mailbox: Mailbox, code: str, is_permanent: bool) -> None:
    mailbox.refused = {"ops@example.com": f"{code} no", "oncall@example.com": "550 no"}

    error = refused()

    assert error.is_permanent is is_permanent
    assert mailbox.mails == []


def test_when_one_recipient_is_refused_the_others_get_it_and_the_receipt_says_so(mailbox: Mailbox) -> None:
    mailbox.refused = {"oncall@example.com": "550 no such user"}

    receipt = send()

    assert receipt.note == "Refused for oncall@example.com (550); taken for the others."
    assert mailbox.receivers == [["ops@example.com"]]


def test_a_server_that_hangs_up_after_the_mail_may_have_taken_it(mailbox: Mailbox) -> None:
    mailbox.hangs_up = True

    error = refused()

    assert error.is_sent
    assert error.status_code is None


def test_a_server_that_says_nothing_has_got_nothing(settings: Settings, mailbox: Mailbox) -> None:
    def silent(connection: socket.socket) -> None:
        connection.recv(100)

    with raw_server(silent) as port:
        settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = port, 0.5

        error = refused()

    assert not error.is_sent


def refuses_the_sign_in(connection: socket.socket) -> None:
    connection.sendall(b"220 ready\r\n")
    while line := connection.recv(1000):
        is_hello = line.upper().startswith(b"EHLO")
        connection.sendall(b"250-here\r\n250 AUTH PLAIN LOGIN\r\n" if is_hello else b"535 wrong s3cret\r\n")


def test_a_wrong_password_is_for_a_person_to_mend(settings: Settings, mailbox: Mailbox) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "user", "s3cret"
    with raw_server(refuses_the_sign_in) as port:
        settings.EMAIL_PORT = port

        error = refused()

    assert error.is_permanent
    assert error.message == "The mail server refused the sign-in of EMAIL_URL (535)."


def test_by_default_a_mail_is_a_file(settings: Settings, tmp_path: Path) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")

    send()

    files = list((tmp_path / "mail").iterdir())
    assert len(files) == 1
    assert "Subject: [critical] Suppression is high" in files[0].read_text()


def test_a_mail_folder_that_cannot_be_made_is_a_refusal_not_a_crash(settings: Settings, tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.touch()
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(blocker / "mail")

    assert not refused().is_sent


class SesError(AnymailAPIError):  # type: ignore[misc]
    """What anymail raises, without a mail around it."""

    def __init__(self, response: Any, cause: Exception | None = None) -> None:
        super().__init__("text that may hold anything", response=response)
        self.__cause__ = cause


def ses(status: int, code: str) -> SesError:
    return SesError({"ResponseMetadata": {"HTTPStatusCode": status}, "Error": {"Code": code}})


@pytest.mark.parametrize(
    ("error", "is_permanent", "is_sent", "status"),
    [
        (ses(400, "MessageRejected"), True, True, 400),
        (ses(400, "ThrottlingException"), False, True, 400),
        (ses(429, "TooManyRequestsException"), False, True, 429),
        (ses(500, "InternalFailure"), False, True, 500),
        (SesError(None, EndpointConnectionError(endpoint_url="https://ses")), False, False, None),
        (SesError(None, ReadTimeoutError(endpoint_url="https://ses")), False, True, None),
        (AnymailRecipientsRefused(), True, False, None),
    ],
)
def test_an_answer_of_ses_is_permanent_sent_or_neither(
    error: Exception, is_permanent: bool, is_sent: bool, status: int | None
) -> None:
    refusal = _ses_error(error)

    assert (refusal.is_permanent, refusal.is_sent, refusal.status_code) == (is_permanent, is_sent, status)
    assert "anything" not in refusal.message


@pytest.mark.parametrize(
    ("text", "line"), [("a\r\nb", "a b"), ("  a \t b ", "a b"), ("a\0b", "a b"), ("x" * 300, "x" * 200), ("", "")]
)
def test_header_text_is_one_short_line(text: str, line: str) -> None:
    assert header_text(text) == line
