"""`EVENT_PUBLISHER=eventbridge`: one entry per event on a bus; the detail is the CloudEvent in structured mode."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from outbox.decisions.outcomes import Outcome, Sent
from outbox.publishers.aws import AwsPublisher
from outbox.publishers.aws_calls import entry_failure
from outbox.publishers.base import SOURCE, Event
from outbox.publishers.structured import structured

_TIME_BYTES = 14


class EventBridgePublisher(AwsPublisher):
    """Put events: the detail type is the topic, the source is the product, the time is the event's."""

    name = "eventbridge"
    service = "events"
    most_entries = 10
    # What every region takes; newer ones take 1 MB.
    most_bytes = most_entry_bytes = 256 * 1024

    def __init__(self, *, bus: str, region: str, endpoint_url: str | None = None) -> None:
        super().__init__(region=region, endpoint_url=endpoint_url)
        self._bus = bus

    def entry(self, event: Event) -> tuple[Mapping[str, Any], int]:
        """Return the entry and its size as AWS counts it: source, detail type, detail, and the time."""
        detail = structured(event)
        size = len(SOURCE) + len(event.topic) + len(detail.encode()) + _TIME_BYTES
        return {
            "Source": SOURCE,
            "DetailType": event.topic,
            "Detail": detail,
            "Time": datetime.fromisoformat(event.timestamp),
            "EventBusName": self._bus,
        }, size

    def call(self, client: Any, entries: Sequence[Mapping[str, Any]]) -> list[Outcome]:
        """Put the entries; the receipt is the service's id of the event."""
        answer = client.put_events(Entries=list(entries))
        return [_outcome(entry) for entry in answer.get("Entries", [])]


def _outcome(entry: Mapping[str, str]) -> Outcome:
    if code := entry.get("ErrorCode"):
        return entry_failure(code)
    return Sent(entry.get("EventId", ""))
