"""C. What the gauges of the backlog cost: how many events wait and for how long, with none and with a million."""

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from django.db import connection

from benchmarks.outbox_lab import ours
from benchmarks.outbox_lab.lab import OURS, settle
from outbox.selectors.backlog import oldest_seconds, pending_count

REPEAT: Final = 101
Costs = dict[str, tuple[float, float]]


def measure(events: int) -> dict[str, Costs]:
    """Return the median and the worst milliseconds of each gauge, by what the outbox holds."""
    found = {}
    ours.fill(0)
    settle(OURS)
    found["nothing pending"] = _both(0)
    ours.fill(events)
    settle(OURS)
    found[f"{events:,} pending"] = _both(events)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM outbox_events")
    found[f"nothing, {events:,} left and no vacuum came"] = _both(0)
    ours.fill(0)
    return found


def show(found: dict[str, Costs]) -> None:
    """Print the table."""
    print(f"{'ms':44}{'count':>9}{'worst':>9}{'oldest':>9}{'worst':>9}   (mark: under 5)")
    for name, costs in found.items():
        print(f"{name:44}" + "".join(f"{median:9.2f}{worst:9.2f}" for median, worst in costs.values()))


def _both(expected: int) -> Costs:
    counted = pending_count()
    assert abs(counted - expected) <= expected * 0.05, f"{counted:,} instead of {expected:,}"
    return {"count": _cost(pending_count), "oldest": _cost(lambda: oldest_seconds(datetime.now(UTC)))}


def _cost(work: Callable[[], object]) -> tuple[float, float]:
    times = []
    for _ in range(REPEAT):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times), max(times)
