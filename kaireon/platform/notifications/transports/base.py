"""What every transport is made of: its protocol, its receipt, its error, and the reading of HTTP answers."""

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, ClassVar, Final, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr

from kaireon.platform.addresses import AddressRefusedError, parse_url
from kaireon.platform.http import Answer, OutboundError, OutboundSession, tenant_session
from kaireon.platform.notifications.decisions import Message, parse_retry_after

TRANSIENT_STATUSES: Final = frozenset({408, 425, 429})
GONE_STATUSES: Final = frozenset({404, 410})
MAX_FACTS: Final = 10
_REASON: Final = re.compile(rb"[a-z_]{3,60}")


class TransportConfig(BaseModel):
    """The base of every transport's config: nothing unknown, nothing guessed, and no input in an error's text."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class TransportError(Exception):
    """A send that did not arrive, or may not have. The text is for people and holds no address."""

    def __init__(
        self, message: str, *, is_permanent: bool = False, is_sent: bool = False, status_code: int | None = None,
        is_gone: bool = False, retry_after: timedelta | None = None,
    ) -> None:  # fmt: skip
        super().__init__(message)
        self.message = message
        self.is_permanent = is_permanent
        self.is_sent = is_sent
        self.status_code = status_code
        self.is_gone = is_gone
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Receipt:
    """The other side took the message; `status_code` is None where the medium has none, `note` a reservation."""

    status_code: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One attempt: whose, under which id, at what time, and through which session."""

    delivery_id: uuid.UUID
    tenant_id: uuid.UUID
    sent_at: datetime
    session: OutboundSession


class Transport(Protocol):
    """One kind of destination. A new kind is one module, one line in the registry and one test module."""

    kind: ClassVar[str]
    display_name: ClassVar[str]
    config_model: ClassVar[type[TransportConfig]]

    def summary(self, config: Any) -> str:
        """Return what a list shows of the config: a host or recipients, never a secret."""

    def send(self, config: Any, message: Message, dispatch: Dispatch) -> Receipt:
        """Send once and return the receipt. Raises TransportError. Called outside of any transaction."""


def _check_address(value: SecretStr) -> SecretStr:
    try:
        tenant_session().check(value.get_secret_value())
    except AddressRefusedError as refusal:
        raise ValueError(str(refusal)) from None
    return value


# A webhook's address is its credential, so it is a secret everywhere.
WebAddress = Annotated[SecretStr, AfterValidator(_check_address)]


def host_of(address: SecretStr) -> str:
    """Return the host of an address that has been validated."""
    return parse_url(address.get_secret_value()).host


def web_link(link: str) -> str:
    """Return the link if it is a plain web address, else an empty text: no medium gets `javascript:`."""
    try:
        parse_url(link.partition("#")[0])
    except AddressRefusedError:
        return ""
    return link.replace("<", "%3C").replace(">", "%3E").replace("|", "%7C").replace('"', "%22")


def facts_of(message: Message) -> list[tuple[str, str]]:
    """Return the scalar values of the message's data as a few lines for people; ids stay for machines."""
    shown = [
        (name, str(value))
        for name, value in message.data.items()
        if isinstance(value, str | int | float) and not name.endswith(("Id", "id")) and value != ""
    ]
    return shown[:MAX_FACTS]


def post_json(dispatch: Dispatch, address: SecretStr, payload: Mapping[str, Any]) -> Answer:
    """POST a JSON document. Raises TransportError."""
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    return post(dispatch, address, body, {"Content-Type": "application/json"})


def post(dispatch: Dispatch, address: SecretStr, body: bytes, headers: Mapping[str, str]) -> Answer:
    """POST these exact bytes and return a 2xx answer. Raises TransportError for everything else."""
    try:
        answer = dispatch.session.request("POST", address.get_secret_value(), headers=headers, body=body)
    except OutboundError as error:
        # `from None`: the cause's text is not ours to vouch for, and the address is a credential.
        raise TransportError(error.message, is_permanent=error.is_refused, is_sent=error.is_sent) from None
    if not 200 <= answer.status < 300:
        # Slack says why in one word, such as `no_service`; longer bodies may repeat what we sent, so they stay unread.
        reason = answer.body.decode() if _REASON.fullmatch(answer.body) else ""
        raise refusal_of(answer, dispatch.sent_at, reason)
    return answer


def refusal_of(answer: Answer, now: datetime, detail: str = "") -> TransportError:
    """Return the error that a status other than 2xx stands for."""
    text = f"Answered HTTP {answer.status}{_phrase(answer.status)}{f': {detail}' if detail else ''}."
    if 300 <= answer.status < 400:
        text += " Redirects are not followed; enter the final address."
    is_transient = answer.status in TRANSIENT_STATUSES or answer.status >= 500
    return TransportError(
        text,
        is_permanent=not is_transient,
        is_sent=True,
        status_code=answer.status,
        is_gone=answer.status in GONE_STATUSES,
        retry_after=parse_retry_after(answer.headers.get("retry-after", ""), now) if is_transient else None,
    )


def _phrase(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""
