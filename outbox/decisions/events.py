"""An event before it is a row: its words, its limits, its envelope."""

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

INTERACTION_RECORDED: Final = "interaction.recorded.v1"
OUTCOME_RECORDED: Final = "outcome.recorded"
DECISION_MADE: Final = "decision.made.v1"

MAX_TOPIC: Final = 120
MAX_KEY: Final = 255
# Brokers refuse a message of 1 MiB with its headers; EventBridge and Kinesis draw the line lower (256 KiB and 1 MiB).
MAX_PAYLOAD_BYTES: Final = 256 * 1024 - 8 * 1024
TOPIC: Final = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")


class Status(StrEnum):
    """Where an event is; one that was published has no row any more."""

    PENDING = "pending"
    PROCESSING = "processing"


class DeadReason(StrEnum):
    """Why an event is a dead letter."""

    PERMANENT = "permanent"
    EXHAUSTED = "exhausted"


class EventRefused(ValueError):
    """The event cannot be one; `field` is `topic`, `key` or `payload`."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event as it is written: `payload` is JSON text, `occurred_at` is UTC."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    topic: str
    key: str
    payload: str
    occurred_at: datetime


def make_event(
    *,
    event_id: uuid.UUID,
    tenant_id: uuid.UUID,
    topic: str,
    payload: Mapping[str, Any],
    key: str | None,
    occurred_at: datetime,
) -> NewEvent:
    """Check an event and return it with its payload as JSON text.

    Without a key it is the payload's `customerId`. Raises EventRefused that names the field: no topic of lower-case
    words, no key, NUL, something that JSON cannot hold, or more than MAX_PAYLOAD_BYTES.
    """
    if len(topic) > MAX_TOPIC or not TOPIC.fullmatch(topic):
        raise EventRefused("topic", "must be lower-case words joined by '.', '-' or '_', such as 'order.paid.v1'.")
    if occurred_at.tzinfo is None:
        raise EventRefused("occurred_at", "must have a time zone.")
    return NewEvent(
        id=event_id, tenant_id=tenant_id, topic=topic, key=_checked_key(key, payload), payload=_as_json(payload),
        occurred_at=occurred_at.astimezone(UTC),
    )  # fmt: skip


def _checked_key(key: str | None, payload: Mapping[str, Any]) -> str:
    chosen = payload.get("customerId") if key is None else key
    if not isinstance(chosen, str) or not 1 <= len(chosen) <= MAX_KEY or "\0" in chosen:
        raise EventRefused("key", f"must be 1 to {MAX_KEY} characters; without one the payload needs a customerId.")
    return chosen


def _as_json(payload: Mapping[str, Any]) -> str:
    try:
        text = json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        size = len(text.encode("utf-8"))
    except (TypeError, ValueError, RecursionError) as error:
        # UnicodeEncodeError is a ValueError: a lone surrogate.
        raise EventRefused("payload", f"cannot be written as JSON: {error}") from None
    if size > MAX_PAYLOAD_BYTES:
        raise EventRefused("payload", f"is {size:,} bytes; at most {MAX_PAYLOAD_BYTES:,} can be published.")
    if "\\u0000" in text and _holds_nul(payload):
        raise EventRefused("payload", "must not contain NUL.")
    return text


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, Mapping):
        return any(_holds_nul(key) or _holds_nul(inner) for key, inner in value.items())
    return isinstance(value, list | tuple) and any(_holds_nul(inner) for inner in value)
