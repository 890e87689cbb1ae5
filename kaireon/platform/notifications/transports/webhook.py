"""Outbound webhook: a JSON document, signed twice over its exact bytes.

`X-Kaireon-Signature` is the documented header; `webhook-id`, `webhook-timestamp` and `webhook-signature` follow
https://www.standardwebhooks.com, so that any of its published verifiers can check them. `webhook-id` is the
delivery's id: it stays the same when an attempt is repeated, and lets a receiver drop the second one.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
import secrets
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Final

from pydantic import AfterValidator, Field, SecretStr

from kaireon.platform.notifications.decisions import Message
from kaireon.platform.notifications.transports.base import (
    Dispatch,
    Receipt,
    TransportConfig,
    WebAddress,
    host_of,
    post,
)

STANDARD_PREFIX: Final = "whsec_"
MAX_HEADERS: Final = 20
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE: Final = re.compile(r"[\x20-\x7e\t]{0,2000}")
# What frames the request or carries the signature; everything else is the tenant's.
_OWN_HEADER: Final = re.compile(
    r"host|content-(length|type|encoding)|transfer-encoding|connection|keep-alive|upgrade|te|trailer|expect"
    r"|proxy-.*|accept-encoding|user-agent|x-kaireon-.*|webhook-(id|timestamp|signature)",
    re.IGNORECASE,
)


def _check_secret(value: SecretStr) -> SecretStr:
    if not 1 <= len(value.get_secret_value()) <= 500:
        raise ValueError("Must have 1 to 500 characters.")
    return value


def _check_headers(headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
    if len(headers) > MAX_HEADERS:
        raise ValueError(f"Must not name more than {MAX_HEADERS} headers.")
    if len({name.lower() for name in headers}) != len(headers):
        raise ValueError("Must not name a header twice.")
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError("Must hold only names that HTTP allows.")
        if _OWN_HEADER.fullmatch(name):
            raise ValueError(f"{name} is set by the platform.")
        if not _HEADER_VALUE.fullmatch(value.get_secret_value()):
            raise ValueError(f"The value of {name} must be printable ASCII of at most 2,000 characters.")
    return headers


class WebhookConfig(TransportConfig):
    """`{url, secret?, headers?}`; header values are secrets, for one of them is usually `Authorization`."""

    url: WebAddress
    secret: Annotated[SecretStr, AfterValidator(_check_secret)] | None = None
    headers: Annotated[dict[str, SecretStr], AfterValidator(_check_headers)] = Field(default_factory=dict)


class WebhookTransport:
    """Post the message as JSON to any HTTPS address."""

    kind: ClassVar[str] = "webhook"
    display_name: ClassVar[str] = "Outbound Webhook"
    config_model: ClassVar[type[TransportConfig]] = WebhookConfig

    def summary(self, config: WebhookConfig) -> str:
        """Return the host."""
        return host_of(config.url)

    def send(self, config: WebhookConfig, message: Message, dispatch: Dispatch) -> Receipt:
        """Sign and post the document."""
        body = json.dumps(webhook_payload(message, dispatch), ensure_ascii=False, separators=(",", ":")).encode()
        headers = {name: value.get_secret_value() for name, value in config.headers.items()}
        headers["Content-Type"] = "application/json"
        headers |= signature_headers(config.secret, body, str(dispatch.delivery_id), dispatch.sent_at)
        return Receipt(post(dispatch, config.url, body, headers).status)


def webhook_payload(message: Message, dispatch: Dispatch) -> dict[str, Any]:
    """Return the document of contract §5."""
    return {
        "type": message.event_type,
        "tenantId": str(dispatch.tenant_id),
        "timestamp": _utc(message.timestamp),
        "subject": message.subject,
        "message": message.message,
        "severity": message.severity,
        "link": message.link,
        "data": dict(message.data),
        "extraPayload": dict(message.extra_payload),
    }


def signature_headers(secret: SecretStr | None, body: bytes, message_id: str, sent_at: datetime) -> dict[str, str]:
    """Return the id, the time, and with a secret both signatures of exactly these bytes."""
    timestamp = str(int(sent_at.timestamp()))
    headers = {"webhook-id": message_id, "webhook-timestamp": timestamp}
    if secret is not None:
        key = secret.get_secret_value()
        headers["X-Kaireon-Signature"] = "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
        signed = f"{message_id}.{timestamp}.".encode() + body
        digest = hmac.new(standard_key(key), signed, hashlib.sha256).digest()
        headers["webhook-signature"] = "v1," + base64.b64encode(digest).decode()
    return headers


def standard_key(secret: str) -> bytes:
    """Return the key of the Standard Webhooks signature: the bytes behind `whsec_<base64>`, else the text's own."""
    encoded = secret.removeprefix(STANDARD_PREFIX)
    if encoded != secret and encoded.strip("="):
        try:
            return base64.b64decode(encoded.rstrip("=") + "=" * (-len(encoded.rstrip("=")) % 4), validate=True)
        except (binascii.Error, ValueError):
            return secret.encode()
    return secret.encode()


def generate_secret() -> str:
    """Return a fresh secret in the Standard Webhooks form, with 256 bits of randomness."""
    return STANDARD_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
