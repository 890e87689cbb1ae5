"""`EVENT_PUBLISHER=kafka` and `redpanda`: CloudEvents in binary mode, keyed, idempotent, acknowledged by all replicas.

The key of a message is the event's key, so a customer's events of a topic are one partition, in order.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeGuard

from confluent_kafka import KafkaError

from outbox.decisions.outcomes import NOT_SENT, Failed, Outcome, Sent
from outbox.publishers.base import BackendDown, Event, TimeLeft
from outbox.publishers.kafka_lane import CAREFUL, FAST, LASTING, Lane, Report
from outbox.publishers.waves import Waves, keep_order

# About the message itself: no other time and no other state of the cluster would let it in.
_PERMANENT: Final = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.INVALID_MSG_SIZE,
        KafkaError.RECORD_LIST_TOO_LARGE,
        KafkaError.INVALID_RECORD,
        KafkaError.INVALID_TIMESTAMP,
        KafkaError.POLICY_VIOLATION,
    }
)
# Nobody answered: about the way to the cluster, not about the event.
_UNANSWERED: Final = frozenset(
    {
        KafkaError._PURGE_QUEUE,
        KafkaError._PURGE_INFLIGHT,
        KafkaError._TIMED_OUT,
        KafkaError._MSG_TIMED_OUT,
        KafkaError._TRANSPORT,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._FATAL,
        KafkaError._QUEUE_FULL,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.NETWORK_EXCEPTION,
    }
)


class _Patience:
    """The time left, but not more than this publisher waits for one broker: one dead one must not stop the rest."""

    def __init__(self, time_left: TimeLeft, seconds: float) -> None:
        self._time_left = time_left
        self._reserve = max(0.0, time_left.remaining() - seconds)

    def remaining(self) -> float:
        return max(0.0, self._time_left.remaining() - self._reserve)


class KafkaPublisher:
    """Send a batch at full speed; when the cluster refuses a message, send the rest one by one to learn which."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        *,
        prefix: str,
        name: str = "kafka",
        delivery_seconds: float = 5.0,
        oauth: Callable[[str], Any] | None = None,
    ) -> None:
        self.name = name
        self._settings = settings
        self._prefix = prefix
        self._oauth = oauth
        self._delivery_seconds = delivery_seconds
        self._fast = self._lane(FAST)

    def publish(self, events: Sequence[Event], time_left: TimeLeft) -> Sequence[Outcome]:
        """Send the batch; return an outcome for each, or raise BackendDown when the cluster answered none of them."""
        if not events or time_left.remaining() <= 0:
            return [NOT_SENT] * len(events)
        reports: list[Report] = [None] * len(events)
        lane = self._fast
        self._send(lane, Waves(events), events, reports, time_left, runs=True)
        if not lane.is_dead and _are_sent(reports):
            return reports
        if lane.is_dead and lane.trouble not in LASTING and any(map(_is_refusal, reports)):
            lane = self._send_carefully(events, reports, time_left)
        return self._outcomes(events, reports, lane.trouble)

    def close(self) -> None:
        """Let go of the producer; the next batch makes another one."""
        self._fast.close()

    def _lane(self, manner: Mapping[str, Any]) -> Lane:
        return Lane({**manner, **self._settings}, self._prefix, self._oauth)

    def _send(
        self,
        lane: Lane,
        waves: Waves,
        events: Sequence[Event],
        reports: list[Report],
        time_left: TimeLeft,
        *,
        runs: bool,
    ) -> None:
        patience = _Patience(time_left, self._delivery_seconds)
        while patience.remaining() > 0 and (wave := waves.take(len(events), runs=runs)):
            for place, report in zip(wave, lane.send([events[place] for place in wave], patience), strict=True):
                reports[place] = report
                if type(report) is not Sent:
                    waves.fail(place)
            if lane.is_dead:
                return

    def _send_carefully(self, events: Sequence[Event], reports: list[Report], time_left: TimeLeft) -> Lane:
        # A refused request is a whole batch of messages, and what was behind it is unsent: find out who was meant.
        lane = self._lane(CAREFUL)
        unsettled = [place for place, report in enumerate(reports) if not isinstance(report, Sent)]
        try:
            self._send(lane, Waves(events, unsettled), events, reports, time_left, runs=False)
        finally:
            lane.close()
        return lane

    def _outcomes(self, events: Sequence[Event], reports: Sequence[Report], trouble: int | None) -> list[Outcome]:
        is_sent = any(isinstance(report, Sent) for report in reports)
        if not is_sent and not any(map(_is_refusal, reports)):
            raise _down(trouble)
        # One broker that went away holds its own partitions; when all did, nobody's attempt counts.
        is_down = not is_sent or trouble in LASTING or trouble == KafkaError._ALL_BROKERS_DOWN
        return keep_order(events, [_outcome(report, is_down=is_down) for report in reports])


def _are_sent(reports: Sequence[Report]) -> TypeGuard[Sequence[Sent]]:
    return all(type(report) is Sent for report in reports)


def _is_refusal(report: Report) -> bool:
    return isinstance(report, int) and report not in _UNANSWERED


def _outcome(report: Report, *, is_down: bool) -> Outcome:
    if isinstance(report, Sent):
        return report
    if report is None or (is_down and report in _UNANSWERED):
        return NOT_SENT
    if report in _UNANSWERED:
        return Failed("Kafka did not acknowledge it in time", is_transient=True, is_outage=True)
    return Failed(f"Kafka: {KafkaError(report).str()}", is_transient=report not in _PERMANENT)


def _down(trouble: int | None) -> BackendDown:
    if trouble is None:
        return BackendDown("Kafka did not acknowledge anything in time")
    return BackendDown(f"Kafka: {KafkaError(trouble).str()}", is_transient=trouble not in LASTING)
