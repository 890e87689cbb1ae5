"""B. How long an event takes from its commit to the publisher: under a steady load, and alone after a pause.

An event's time is taken in the process that writes it, when its COMMIT has come back, and in the publisher's, when the
back end is handed the event. The time from before the COMMIT was sent is shown too: it includes the disk's sync.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.outbox_lab import ours
from benchmarks.outbox_lab.contest import Worker
from benchmarks.outbox_lab.lab import OURS, settle

WARM_UP_SECONDS = 2.0
PAUSE_SECONDS = 3.0
MILLISECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds, sorted: after the commit came back, and since it was sent; CPU of the publisher's process."""

    after: Sequence[float]
    since: Sequence[float]
    publisher_cpu: float

    def at(self, fraction: float) -> float:
        """Return a percentile of the time after the commit."""
        return self.after[min(len(self.after) - 1, int(len(self.after) * fraction))]


def measure_load(*, rate: int, seconds: int, writers: int = 4) -> Latency:
    """Commit `rate` events a second over several connections, each a process of its own."""
    each = rate / writers
    count = int(each * (seconds + WARM_UP_SECONDS))
    return _measure([(each, count, seed) for seed in range(writers)], skip=int(rate * WARM_UP_SECONDS))


def measure_pauses(count: int) -> Latency:
    """Commit one event after each of `count` pauses."""
    return _measure([(1 / PAUSE_SECONDS, count, 0)], skip=0)


def show(load: Latency, pauses: Latency, rate: int) -> None:
    """Print the table and the marks."""
    print(f"{'commit to publish, ms':44}{'p50':>8}{'p99':>8}{'max':>8}{'events':>9}{'publisher CPU':>15}")
    for name, found in ((f"{rate} events/s, Poisson", load), (f"one after {PAUSE_SECONDS:g} s of quiet", pauses)):
        figures = f"{found.at(0.5):8.2f}{found.at(0.99):8.2f}{found.after[-1]:8.2f}"
        print(f"{name:44}{figures}{len(found.after):9,}{found.publisher_cpu:15.1%}")
        figures = f"{found.since[len(found.since) // 2]:8.2f}{found.since[int(len(found.since) * 0.99)]:8.2f}"
        print(f"{'  counted from before the COMMIT was sent':44}{figures}{found.since[-1]:8.2f}")
    print(f"under load: p50 {load.at(0.5):.2f} ms (mark: under 5), p99 {load.at(0.99):.2f} ms (mark: under 25)")
    worst = max(load.after[-1], pauses.after[-1])
    print(f"worst of all, pauses included: {worst:.0f} ms (mark: no tail of 2 seconds)")


def _measure(pace: Sequence[tuple[float, int, int]], *, skip: int) -> Latency:
    ours.fill(0)
    settle(OURS)
    publisher = Worker([sys.executable, "-m", "benchmarks.outbox_lab.noting"])
    writing = [sys.executable, "-m", "benchmarks.outbox_lab.writer"]
    writers = [Worker([*writing, *map(str, each)]) for each in pace]
    try:
        for worker in (publisher, *writers):
            assert worker.read() == "ready"
        for worker in (publisher, *writers):
            worker.say()
        cpu = publisher.cpu()
        committed = [note for writer in writers for note in json.loads(writer.read())]
        cpu = publisher.cpu() - cpu
        ours.wait_until_drained()
        publisher.say()
        published = dict(json.loads(publisher.read()))
        for worker in (publisher, *writers):
            worker.end()
    finally:
        for worker in (publisher, *writers):
            worker.kill()
    return _latency(committed, published, cpu, skip)


def _latency(committed: list[tuple[str, int, int]], published: dict[str, int], cpu: float, skip: int) -> Latency:
    committed.sort(key=lambda note: note[1])
    lasted = (committed[-1][1] - committed[0][1]) / 1e9
    measured = committed[skip:]
    # The publisher can be quicker than the answer to the writer's COMMIT: that is no time at all, not less.
    after = sorted(max(0, published[event_id] - done) / MILLISECOND for event_id, _, done in measured)
    since = sorted((published[event_id] - sent) / MILLISECOND for event_id, sent, _ in measured)
    return Latency(after, since, cpu / lasted)
