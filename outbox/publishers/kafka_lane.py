"""One Kafka producer and what it says about each message: acknowledged, refused with a code, or not known."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from outbox.decisions.outcomes import Sent
from outbox.publishers.base import CONTENT_TYPE, SOURCE, BackendDown, Event, TimeLeft

# None: not tried. A number: librdkafka's code, negative for its own ones.
Report = Sent | int | None

_SLICE_SECONDS: Final = 0.05
_PURGE_SECONDS: Final = 0.5
_UNANSWERED: Final = int(KafkaError._TIMED_OUT)
_FIXED_HEADERS: Final[list[tuple[str, str | bytes | None]]] = [
    ("ce_specversion", "1.0"),
    ("ce_source", SOURCE),
    ("content-type", CONTENT_TYPE),
]

# librdkafka writes addresses to standard error unless somebody takes its lines.
_SILENT: Final = logging.Logger("librdkafka", logging.CRITICAL + 1)
_SILENT.addHandler(logging.NullHandler())

# Idempotent: no gap, no repetition and no swap within a partition while one producer lives.
_COMMON: Final[Mapping[str, Any]] = {
    "enable.idempotence": True,
    "acks": "all",
    # A batch comes at once and is flushed, which cuts this short: it costs no time and makes requests large.
    "linger.ms": 50,
    # As Kafka's own clients choose partitions, so that other producers of the same topics agree with this one.
    "partitioner": "murmur2_random",
    # Who gives up is this class: a message that timed out alone would leave a gap behind which others go on.
    "message.timeout.ms": 2**31 - 1,
    "queue.buffering.max.messages": 0,
    "queue.buffering.max.kbytes": 2**31 - 1,
    "topic.metadata.propagation.max.ms": 2000,
    "reconnect.backoff.ms": 50,
    "reconnect.backoff.max.ms": 1000,
    "socket.timeout.ms": 10_000,
    "log_level": 0,
}
# Many in flight; a refusal stops the producer before anything behind it in the partition can be taken.
FAST: Final[Mapping[str, Any]] = {**_COMMON, "enable.gapless.guarantee": True}
# Each message a request of its own: what the broker says is about this message alone.
CAREFUL: Final[Mapping[str, Any]] = {**_COMMON, "batch.num.messages": 1}


class Lane:
    """A producer, made at first use and made anew after a fatal error.

    `trouble` is what the client itself reported during a call: refused credentials before no broker before the rest.
    """

    def __init__(self, settings: Mapping[str, Any], prefix: str, oauth: Callable[[str], Any] | None = None) -> None:
        self._settings = settings
        self._oauth = oauth
        self._prefix = prefix
        self._producer: Producer | None = None
        self.trouble: int | None = None
        self.is_dead = False

    def send(self, events: Sequence[Event], time_left: TimeLeft) -> list[Report]:
        """Hand over the events, wait for their reports, and call back what is unanswered when the time is up."""
        producer = self._open()
        reports: list[Report] = [None] * len(events)
        self._produce(producer, events, reports)
        while len(producer) and time_left.remaining() > 0:
            # Unlike a poll this lets go of what is queued at once instead of waiting for more to join it.
            self._serve(producer.flush, min(_SLICE_SECONDS, time_left.remaining()))
        if len(producer):
            self._call_back(producer)
        return reports

    def close(self) -> None:
        """Let go of the producer and of whatever it still holds."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.purge()

    def _open(self) -> Producer:
        if self.is_dead:
            self.close()
        if self._producer is None:
            self._producer = self._make()
        self.is_dead = False
        self._serve(self._producer.poll, 0)
        # What happened between two calls, such as an idle connection that was closed, says nothing about this one.
        self.trouble = None
        return self._producer

    def _make(self) -> Producer:
        settings = {**self._settings, "error_cb": self._note}
        if self._oauth is not None:
            # The client waits long for a token that does not come; so ask first, and say at once what is missing.
            self._oauth("")
            settings["oauth_cb"] = self._oauth
        try:
            return Producer(settings, logger=_SILENT)
        except KafkaException as error:
            # Such as a certificate's file that holds none; the library's text names paths and settings.
            reason = KafkaError(error.args[0].code()).str()
            raise BackendDown(f"The Kafka client does not take its settings: {reason}", is_transient=False) from None

    def _produce(self, producer: Producer, events: Sequence[Event], reports: list[Report]) -> None:
        """Hand over the events; `reports` fills up while the producer is served, a late answer lands in its own."""

        def report(place: int, error: KafkaError | None, message: Message) -> None:
            reports[place] = Sent(f"{message.partition()}-{message.offset()}") if error is None else int(error.code())

        failed: set[tuple[str, str]] = set()
        produce, prefix = producer.produce, self._prefix
        for place, event in enumerate(events):
            if failed and (event.tenant_id, event.key) in failed:
                continue
            # Until it is answered, which a flush or a poll tells.
            reports[place] = _UNANSWERED
            try:
                produce(
                    prefix + event.topic, event.body, event.key,
                    on_delivery=partial(report, place), headers=_headers(event),
                )  # fmt: skip
            except (KafkaException, BufferError) as error:
                failed.add((event.tenant_id, event.key))
                reports[place] = self._refusal(error)

    def _refusal(self, error: Exception) -> int:
        if not isinstance(error, KafkaException):
            return int(KafkaError._QUEUE_FULL)
        code = int(error.args[0].code())
        self.is_dead |= code == KafkaError._FATAL
        return code

    def _serve(self, wait: Callable[[float], int], seconds: float) -> None:
        try:
            wait(seconds)
        except KafkaException as error:
            # A fatal error: messages in flight are still answered, nothing more is taken.
            self._note(error.args[0])

    def _note(self, error: KafkaError) -> None:
        self.is_dead |= error.fatal()
        code = int(error.code())
        # The guarantee's own error follows a refusal or a call back, which the reports tell.
        if code != KafkaError._GAPLESS_GUARANTEE and _weight(code) >= _weight(self.trouble):
            self.trouble = code

    def _call_back(self, producer: Producer) -> None:
        producer.purge()
        end = time.monotonic() + _PURGE_SECONDS
        while len(producer) and time.monotonic() < end:
            self._serve(producer.poll, _SLICE_SECONDS)
        # A request that was half written cannot be called back; with the connection it can.
        if len(producer):
            self.is_dead = True


# Trouble that no waiting mends: credentials, certificates, rights.
LASTING: Final = frozenset(
    {
        KafkaError._AUTHENTICATION,
        KafkaError._SSL,
        KafkaError._UNSUPPORTED_FEATURE,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    }
)


def _weight(code: int | None) -> int:
    return 2 if code in LASTING else int(code == KafkaError._ALL_BROKERS_DOWN)


def _headers(event: Event) -> list[tuple[str, str | bytes | None]]:
    return [
        *_FIXED_HEADERS,
        ("ce_id", event.id),
        ("ce_type", event.topic),
        ("ce_time", event.timestamp),
        ("ce_tenantid", event.tenant_id),
        ("ce_partitionkey", event.key),
    ]
