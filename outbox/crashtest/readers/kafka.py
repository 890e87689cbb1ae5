"""Read a Kafka topic back, partition by partition up to where it ends now."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from outbox.crashtest.judging import Delivered
from outbox.crashtest.readers.base import BackendUnreadable, delivered

_SECONDS: Final = 10.0
_READ_SECONDS: Final = 60.0
_PARTITIONS: Final = 6
_SILENT: Final = logging.Logger("librdkafka", logging.CRITICAL + 1)
_SILENT.addHandler(logging.NullHandler())


class KafkaReader:
    """The topic, made for the test where the cluster lets us and deleted in the end."""

    def __init__(self, settings: Mapping[str, Any], *, prefix: str, oauth: Any = None) -> None:
        consumer = {"group.id": "kaireon-crashtest", "enable.auto.commit": False, "allow.auto.create.topics": True}
        self._common = {
            **{name: value for name, value in settings.items() if name != "compression.type"}, "log_level": 0,
            **({} if oauth is None else {"oauth_cb": oauth}),
        }  # fmt: skip
        self._consumer = {**self._common, **consumer}
        self._prefix = prefix

    def begin(self, topic: str) -> None:
        """Make the topic; a cluster that makes topics at first use need not let us."""
        self._in_words(lambda: self._make(self._prefix + topic))
        self._in_words(lambda: self._ends(self._prefix + topic))

    def read(self, topic: str) -> Iterator[Delivered]:
        """Yield the messages of all partitions."""
        yield from self._in_words(lambda: self._read(self._prefix + topic))

    def end(self, topic: str) -> None:
        """Delete the topic where the cluster lets us."""
        self._in_words(lambda: self._delete(self._prefix + topic))

    def _make(self, name: str) -> None:
        admin, has_controller = self._admin()
        if not has_controller:
            return
        for future in admin.create_topics([NewTopic(name, _PARTITIONS)], request_timeout=_SECONDS).values():
            _try(future)

    def _delete(self, name: str) -> None:
        admin, has_controller = self._admin()
        if not has_controller:
            return
        for future in admin.delete_topics([name], operation_timeout=_SECONDS).values():
            _try(future)

    def _admin(self) -> tuple[AdminClient, bool]:
        """Return a client, and whether there is anybody to make and delete topics: the controller."""
        admin = AdminClient(self._common, logger=_SILENT)
        admin.poll(0)
        cluster: Any = admin.list_topics(timeout=_SECONDS)
        return admin, cluster.controller_id in cluster.brokers

    def _ends(self, name: str) -> dict[int, int]:
        """Return where each partition ends; wait for a topic that is being made."""
        with closing(Consumer(self._consumer, logger=_SILENT)) as consumer:
            consumer.poll(0)
            deadline = time.monotonic() + _SECONDS
            while not (partitions := consumer.list_topics(name, timeout=_SECONDS).topics[name].partitions):
                if time.monotonic() > deadline:
                    raise BackendUnreadable(f"The topic {name} is not there and Kafka does not let us make it.")
                time.sleep(0.2)
            places = [TopicPartition(name, number) for number in partitions]
            return {place.partition: consumer.get_watermark_offsets(place, timeout=_SECONDS)[1] for place in places}

    def _read(self, name: str) -> list[Delivered]:
        ends = {number: end for number, end in self._ends(name).items() if end > 0}
        found: list[Delivered] = []
        with closing(Consumer(self._consumer, logger=_SILENT)) as consumer:
            consumer.assign([TopicPartition(name, number, 0) for number in ends])
            deadline = time.monotonic() + _READ_SECONDS
            while ends:
                if time.monotonic() > deadline:
                    raise BackendUnreadable("Kafka does not give the topic back in time.")
                for message in consumer.consume(num_messages=1000, timeout=0.2):
                    if message.error() is None:
                        found.append(_event(message))
                        partition, offset = int(message.partition() or 0), int(message.offset() or 0)
                        if offset + 1 >= ends.get(partition, 0):
                            ends.pop(partition, None)
        return found

    def _in_words(self, ask: Any) -> Any:
        try:
            return ask()
        except KafkaException as error:
            raise BackendUnreadable(f"Kafka does not answer: {error.args[0].str()}.") from None


def _event(message: Any) -> Delivered:
    headers = dict(message.headers() or [])
    return delivered(headers["ce_id"].decode(), message.key().decode(), message.value().decode())


def _try(future: Any) -> None:
    """Wait for what the cluster may refuse: its topics are perhaps not ours to make."""
    try:
        future.result(timeout=_SECONDS)
    except (KafkaException, TimeoutError):
        logging.getLogger(__name__).debug("the cluster does not let us make or delete a topic")
