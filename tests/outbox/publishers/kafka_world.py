"""A Kafka publisher against a mock cluster, and what arrived there."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from outbox.decisions.outcomes import Outcome
from outbox.publishers.base import BackendDown, Event
from outbox.publishers.kafka import KafkaPublisher
from tests.outbox.brokers import KafkaCluster
from tests.outbox.publishers.world import Seconds, event

# The mock cluster cuts the connection instead of answering.
TRANSPORT = -195


@contextmanager
def publishing(cluster: KafkaCluster, *, delivery_seconds: float = 5.0, prefix: str = "") -> Iterator[KafkaPublisher]:
    """Make a publisher for the length of a block."""
    settings = {"bootstrap.servers": cluster.bootstrap}
    with closing(KafkaPublisher(settings, prefix=prefix, delivery_seconds=delivery_seconds)) as publisher:
        yield publisher


def ids(cluster: KafkaCluster, *topics: str, count: int, timeout: float = 10.0) -> list[str]:
    """Return the ids of the events that arrived."""
    messages = cluster.read(*topics, count=count, timeout=timeout)
    return [_header(message.headers(), "ce_id") for message in messages]


def _header(headers: object, name: str) -> str:
    assert isinstance(headers, list)
    return str(dict(headers)[name].decode())


def numbered(topic: str, count: int, *, keys: int = 1) -> list[Event]:
    """Make events of one topic that take turns with the keys."""
    return [event(topic, f"c-{at % keys}", number=at) for at in range(count)]


def until_taken(publisher: KafkaPublisher, events: Sequence[Event]) -> Sequence[Outcome]:
    """Publish as often as it takes."""
    end = time.monotonic() + 15
    while True:
        try:
            return publisher.publish(events, Seconds(5))
        except BackendDown:
            assert time.monotonic() < end
