"""Ops e-mail over Django's mail back end: files in the data folder, SMTP, or Amazon SES (EMAIL_URL decides)."""

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from email.encoders import encode_base64
from email.mime.base import MIMEBase
from typing import Annotated, Any, ClassVar, Final

from anymail.exceptions import AnymailAPIError, AnymailError
from botocore.exceptions import (
    BotoCoreError,
    ConnectionClosedError,
    ReadTimeoutError,
)
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.smtp import EmailBackend as SmtpBackend
from django.core.mail.message import sanitize_address
from django.core.validators import validate_email
from django.utils.html import escape
from pydantic import AfterValidator, Field

from kaireon.platform.notifications.artifacts import Artifact, ArtifactError, artifacts_of, linked_of
from kaireon.platform.notifications.decisions import Message
from kaireon.platform.notifications.transports.base import (
    Dispatch,
    Receipt,
    TransportConfig,
    TransportError,
    facts_of,
    web_link,
)

MAX_RECIPIENTS: Final = 50
MAX_SUBJECT: Final = 200


def _check_email(value: str) -> str:
    try:
        validate_email(value)
    except ValidationError:
        raise ValueError("Must be an e-mail address.") from None
    return value


EmailAddress = Annotated[str, AfterValidator(_check_email)]


class OpsEmailConfig(TransportConfig):
    """`{fromEmail, recipients[], replyTo?}`."""

    fromEmail: EmailAddress  # noqa: N815 - the wire's name
    recipients: Annotated[list[EmailAddress], Field(min_length=1, max_length=MAX_RECIPIENTS)]
    replyTo: EmailAddress | None = None  # noqa: N815 - the wire's name


class OpsEmailTransport:
    """Send one mail to all recipients."""

    kind: ClassVar[str] = "ops_email"
    display_name: ClassVar[str] = "Ops Email (SES)"
    config_model: ClassVar[type[TransportConfig]] = OpsEmailConfig

    def summary(self, config: OpsEmailConfig) -> str:
        """Return the first recipient and how many there are besides."""
        more = len(config.recipients) - 1
        return config.recipients[0] + (f" and {more} more" if more else "")

    def send(self, config: OpsEmailConfig, message: Message, dispatch: Dispatch) -> Receipt:
        """Open the connection, which is not yet sending, then hand the mail over."""
        with _not_sent_errors():
            connection = get_connection(fail_silently=False)
        try:
            with _not_sent_errors():
                connection.open()
            mail = _composed(config, message, dispatch, connection)
            with _sent_errors():
                if isinstance(connection, SmtpBackend):
                    return _hand_over(connection, mail)
                connection.send_messages([mail])
        finally:
            with _closing_errors():
                connection.close()
        return Receipt()


def _composed(config: OpsEmailConfig, message: Message, dispatch: Dispatch, connection: Any) -> EmailMultiAlternatives:
    try:
        return compose(config, message, dispatch, connection)
    except ArtifactError as error:
        raise TransportError(f"Not sent: {error}", is_permanent=True) from None


def compose(config: OpsEmailConfig, message: Message, dispatch: Dispatch, connection: Any) -> EmailMultiAlternatives:
    """Return the mail: plain text, the same as escaped HTML, and a report's artifacts as attachments."""
    headers = {
        # The same id for every attempt: mail servers and clients drop the second copy.
        "Message-ID": f"<{dispatch.delivery_id}@{config.fromEmail.rpartition('@')[2]}>",
        "Auto-Submitted": "auto-generated",
    }
    text = _plain_text(message)
    mail = EmailMultiAlternatives(
        subject=header_text(message.title),
        body=text,
        from_email=config.fromEmail,
        to=list(config.recipients),
        reply_to=[config.replyTo] if config.replyTo else None,
        headers=headers,
        connection=connection,
    )
    mail.attach_alternative(_html(text, web_link(message.link)), "text/html")
    for artifact in artifacts_of(message.extra_payload):
        mail.attach(_attachment(artifact))
    return mail


def _attachment(artifact: Artifact) -> MIMEBase:
    """Return the part in base64 whatever its type: Django would change a CSV's line ends, and with them its sum."""
    main, _, sub = artifact.content_type.partition("/")
    part = MIMEBase(main, sub)
    part.set_payload(artifact.content)
    encode_base64(part)
    part.add_header("Content-Disposition", "attachment", filename=header_text(artifact.filename))
    return part


def header_text(text: str) -> str:
    """Return text that fits one header line: a line break in a rule's name must not become a Bcc."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:MAX_SUBJECT]


def _plain_text(message: Message) -> str:
    parts = [message.message.strip(), "\n".join(f"{name}: {value}" for name, value in facts_of(message))]
    parts += [f"{name} is too large for a mail: {web_link(url)}" for name, url in linked_of(message.extra_payload)]
    parts.append(web_link(message.link))
    return "\n\n".join(part for part in parts if part) + "\n"


def _html(text: str, link: str) -> str:
    shown = str(escape(text))
    if link:
        shown = shown.replace(escape(link), f'<a href="{escape(link)}">{escape(link)}</a>')
    return f'<div style="font-family: sans-serif; white-space: pre-wrap">{shown}</div>'


def _hand_over(connection: SmtpBackend, mail: EmailMultiAlternatives) -> Receipt:
    """Send over SMTP and keep what Django drops: which recipients were refused while others were taken."""
    server = connection.connection
    assert server is not None  # open() returned
    recipients = [sanitize_address(address, settings.DEFAULT_CHARSET) for address in mail.recipients()]
    content = mail.message().as_bytes(linesep="\r\n")  # type: ignore[call-arg]
    refused = server.sendmail(sanitize_address(mail.from_email, settings.DEFAULT_CHARSET), recipients, content)
    reasons = ", ".join(f"{address} ({code})" for address, (code, _) in refused.items())
    return Receipt(note=f"Refused for {reasons}; taken for the others." if refused else "")


@contextmanager
def _not_sent_errors() -> Iterator[None]:
    """Until the connection stands nothing has left, so everything but a wrong set-up may be tried again."""
    try:
        yield
    except smtplib.SMTPAuthenticationError as error:
        text = f"The mail server refused the sign-in of EMAIL_URL ({error.smtp_code})."
        raise TransportError(text, is_permanent=True, status_code=error.smtp_code) from None
    except (OSError, ImproperlyConfigured, BotoCoreError) as error:
        raise TransportError(f"The mail server could not be reached: {_words(error)}.") from None


@contextmanager
def _sent_errors() -> Iterator[None]:
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        raise _refusal("every recipient", min(codes)) from None
    except smtplib.SMTPResponseException as error:
        raise _refusal("the mail", error.smtp_code) from None
    except AnymailError as error:
        raise _ses_error(error) from None
    except OSError as error:
        text = f"The mail was sent, but the mail server did not confirm it: {_words(error)}."
        raise TransportError(text, is_sent=True) from None


@contextmanager
def _closing_errors() -> Iterator[None]:
    """Saying goodbye may fail; what was answered before stands."""
    try:
        yield
    except OSError:
        return


def _refusal(what: str, code: int) -> TransportError:
    text = f"The mail server refused {what} ({code})."
    return TransportError(text, is_permanent=code >= 500, is_sent=True, status_code=code)


def _ses_error(error: AnymailError) -> TransportError:
    if not isinstance(error, AnymailAPIError):
        return TransportError(f"The mail service refused the mail: {type(error).__name__}.", is_permanent=True)
    if not isinstance(error.response, dict):
        is_sent = isinstance(error.__cause__, ReadTimeoutError | ConnectionClosedError)
        return TransportError(f"The mail service gave no answer: {type(error.__cause__).__name__}.", is_sent=is_sent)
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))
    code = error.response.get("Error", {}).get("Code", "no code")
    is_permanent = status < 500 and status != 429 and "Throttl" not in code
    text = f"The mail service answered {status}: {code}."
    return TransportError(text, is_permanent=is_permanent, is_sent=True, status_code=status)


def _words(error: Exception) -> str:
    """Return the system's words for what happened; a server's own text may repeat what we sent."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return getattr(error, "strerror", None) or type(error).__name__
