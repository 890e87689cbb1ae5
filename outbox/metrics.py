"""Prometheus metrics of the outbox: what the tier counts, and what is read when somebody scrapes.

The web process and the publisher's own port show the same figures of the database; see `deploy/prometheus`.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from django.db import connection, transaction
from django.utils import timezone

from kaireon.platform.telemetry.metrics import Reading, counter, histogram, read_at_scrape
from outbox.selectors.backlog import oldest_ready_seconds, oldest_seconds, pending_count
from outbox.selectors.dead_letters import depth_by_slug
from outbox.selectors.held import count_held_keys
from outbox.selectors.publishers import count_live, live_rate

# `result` is published, retried, dead or released.
PROCESSED: Final = counter(
    "kaireon_outbox_processed_total",
    "Events that a publisher took, by topic and what became of them",
    ("topic", "result"),
)
EVENT_AGE: Final = histogram(
    "kaireon_outbox_event_age_seconds",
    "Seconds from an event's commit to its acknowledgement by the back end",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200),
)
_ALONE: Final = {
    "kaireon_outbox_pending_count": (
        "Events that have not left; beyond 10,000 from the server's statistics",
        lambda _: pending_count(),
    ),
    "kaireon_outbox_oldest_seconds": ("Age of the oldest event that has not left, 0 without one", oldest_seconds),
    "kaireon_outbox_ready_oldest_seconds": (
        "Age of the oldest event that no failed one of its key holds back, 0 without one",
        oldest_ready_seconds,
    ),
    "kaireon_outbox_publishers": ("Publishers whose heartbeat is younger than 15 seconds", count_live),
    "kaireon_outbox_published_per_second": (
        "Events per second that all live publishers together sent over the last minute",
        live_rate,
    ),
    "kaireon_outbox_held_keys": (
        "Keys whose events wait for one that failed, at most 10,000",
        lambda _: count_held_keys(),
    ),
}
# The figures take milliseconds. Behind somebody's lock on a table they would take until it ends, and each scrape a
# thread of the web process with it.
READ_SECONDS: Final = 1.0


def register_metrics() -> None:
    """Define what is read at scrape; called once when Django has loaded all models. Again it changes nothing."""
    for name, (documentation, read) in _ALONE.items():
        read_at_scrape(name, documentation, (), _reading(read))
    read_at_scrape("kaireon_dlq_depth", "Dead letters, by the tenant's slug", ("tenant",), _depths)


def _reading(read: Callable[[datetime], float]) -> Callable[[], Iterable[Reading]]:
    def readings() -> Iterable[Reading]:
        with _bounded_time():
            return [((), read(timezone.now()))]

    return readings


def _depths() -> Iterable[Reading]:
    with _bounded_time():
        return [((slug,), depth) for slug, depth in depth_by_slug()]


@contextmanager
def _bounded_time() -> Iterator[None]:
    """Let no statement of the block take longer than READ_SECONDS; raises django.db.OperationalError when one does."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {READ_SECONDS * 1000:.0f}")
        yield
