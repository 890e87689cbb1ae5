"""Who publishes: a process is alive while its heartbeat is young."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db.models import QuerySet, Sum

from outbox.models import PublisherProcess

# Three heartbeats.
ALIVE: Final = timedelta(seconds=15)
SHOWN: Final = 50


def is_alive(process: PublisherProcess, now: datetime) -> bool:
    """Tell whether the process was heard of lately."""
    return process.heartbeat_at >= now - ALIVE


def live_publishers(now: datetime) -> Sequence[PublisherProcess]:
    """Return the publishers that are alive, the one that started first first."""
    return list(_live(now).order_by("started_at", "id"))


def recent_publishers(*, limit: int = SHOWN) -> Sequence[PublisherProcess]:
    """Return the publishers that were heard of last, dead ones too."""
    return list(PublisherProcess.objects.order_by("-heartbeat_at", "id")[:limit])


def count_live(now: datetime) -> int:
    """Return how many publishers are alive."""
    return _live(now).count()


def live_rate(now: datetime) -> float:
    """Return how many events per second all live publishers together sent over the last minute."""
    return float(_live(now).aggregate(rate=Sum("published_per_second"))["rate"] or 0.0)


def _live(now: datetime) -> QuerySet[PublisherProcess]:
    return PublisherProcess.objects.filter(heartbeat_at__gte=now - ALIVE)
