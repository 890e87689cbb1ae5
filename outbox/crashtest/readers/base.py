"""What a back end is to the crash test: a topic of its own, read back from the first event to the last."""

import json
from collections.abc import Iterator
from typing import Protocol

from outbox.crashtest.judging import Delivered


class BackendUnreadable(Exception):
    """The back end cannot be read back, or does not answer; one line for the operator, without secrets."""


class Reader(Protocol):
    """A back end's other side."""

    def begin(self, topic: str) -> None:
        """Make the topic ready, if the back end wants that; raise BackendUnreadable when it cannot be reached."""

    def read(self, topic: str) -> Iterator[Delivered]:
        """Yield what came since `begin`, in order within a key. Raises BackendUnreadable."""

    def end(self, topic: str) -> None:
        """Take the topic away, as far as the back end lets us. Raises BackendUnreadable."""


def delivered(event_id: str, key: str, body: str) -> Delivered:
    """Return an event from its envelope `{"type", "timestamp", "payload"}`."""
    return Delivered(event_id, key, json.loads(body)["payload"], body)


def from_structured(text: str, topic: str) -> Delivered | None:
    """Return the event of a CloudEvent in structured mode; None for another topic and for half a line."""
    if topic not in text:
        return None
    try:
        attributes = json.loads(text)
    except ValueError:
        # A publisher was killed in the middle of the line.
        return None
    if not isinstance(attributes, dict) or attributes.get("type") != topic:
        return None
    return Delivered(attributes["id"], attributes["partitionkey"], attributes["data"]["payload"], text)
