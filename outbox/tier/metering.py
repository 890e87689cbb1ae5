"""Count what a publisher does: Prometheus counters, and the rate over the last minute for the page."""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from kaireon.platform.telemetry.metrics import observe_many
from outbox.metrics import EVENT_AGE, PROCESSED
from outbox.publishers.base import Event
from outbox.services.claiming import Mark

RATE_SECONDS: Final = 60.0


class Meter:
    """The figures of one publisher process."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._started_at = monotonic()
        self._recent: deque[tuple[float, int]] = deque()
        self.published_total = 0

    def count(self, events: Iterable[Event], result: str) -> None:
        """Count events by topic; `result` is published, retried, dead or released."""
        for topic, count in Counter(event.topic for event in events).items():
            PROCESSED.labels(topic, result).inc(count)

    def published(self, events: Sequence[Event], marks: Iterable[Mark], at: float) -> None:
        """Count events as published at Unix time `at`, with their ages."""
        self.count(events, "published")
        observe_many(EVENT_AGE, [max(0.0, at - mark.created_at) for mark in marks])
        self.published_total += len(events)
        self._recent.append((self._monotonic(), len(events)))

    def per_second(self) -> float:
        """Return the events per second over the last minute, or since the start when that is less ago."""
        now = self._monotonic()
        while self._recent and now - self._recent[0][0] > RATE_SECONDS:
            self._recent.popleft()
        return sum(count for _, count in self._recent) / max(1.0, min(RATE_SECONDS, now - self._started_at))
