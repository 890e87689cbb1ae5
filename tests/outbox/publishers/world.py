"""Events and time for tests of the publishers."""

import json
import time
import uuid
from collections.abc import Sequence
from typing import Any

from outbox.decisions.outcomes import Failed, NotSent, Outcome, Sent
from outbox.publishers.base import Event

ACME = "0190b5d6-7d3c-7000-8000-00000000000a"
GLOBEX = "0190b5d6-7d3c-7000-8000-00000000000b"
WHEN = "2026-03-01T12:00:00.123Z"


class Seconds:
    """So many seconds, from now on."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def remaining(self) -> float:
        """Return the seconds left."""
        return max(0.0, self._end - time.monotonic())


class Shortened(Seconds):
    """Plenty of time until somebody asks a few times, then none: a stop of the process while it publishes."""

    def __init__(self, *, looks: int) -> None:
        super().__init__(60)
        self._looks = looks

    def remaining(self) -> float:
        """Return the seconds left."""
        self._looks -= 1
        return super().remaining() if self._looks >= 0 else 0.0


def new_topic() -> str:
    """Return a topic that no other test uses."""
    return f"topic.{uuid.uuid4().hex}"


def event(topic: str, key: str = "c-1", *, tenant: str = ACME, payload: Any = None, number: int = 0) -> Event:
    """Make an event; `number` goes into the payload."""
    body = {"number": number} if payload is None else payload
    return Event(str(uuid.uuid4()), tenant, topic, key, json.dumps(body, ensure_ascii=False), WHEN)


def sized(topic: str, key: str, size: int) -> Event:
    """Make an event whose payload is `size` bytes of JSON."""
    return event(topic, key, payload={"x": "x" * (size - len('{"x": ""}'))})


def words(outcomes: Sequence[Outcome]) -> list[str]:
    """Return `sent`, `transient`, `permanent` or `not sent` for each outcome."""
    return [_word(outcome) for outcome in outcomes]


def _word(outcome: Outcome) -> str:
    match outcome:
        case Sent():
            return "sent"
        case NotSent():
            return "not sent"
        case Failed(is_transient=is_transient):
            return "transient" if is_transient else "permanent"
