"""A contender of our own: one process with the real tier, to nowhere or to Kafka, until nothing is left.

Run as `python -m benchmarks.outbox_lab.drain_ours BATCH HISTORY_HOURS [KAFKA_ADDRESS]`.
"""

import sys
import time

from benchmarks.outbox_lab import started  # noqa: F401 - sets Django up for the imports below
from benchmarks.outbox_lab.ours import is_drained
from benchmarks.outbox_lab.process import NoPublisher, kafka_publisher, make_loop
from benchmarks.peers.protocol import await_start, finish


def main() -> None:
    """Drain. The time ends with the last settled batch: what follows is the wait for others, or for new events."""
    batch, history_hours, *kafka = sys.argv[1:]
    publisher = kafka_publisher(kafka[0]) if kafka else NoPublisher()
    loop, tier = make_loop(publisher, batch=int(batch), history_hours=int(history_hours))
    began = ended = await_start()
    published = 0
    while True:
        has_more = loop.turn()
        assert not loop.has_failed
        if tier.meter.published_total > published:
            published, ended = tier.meter.published_total, time.perf_counter()
        if not has_more:
            if is_drained():
                break
            tier.pause(has_failed=False)
    finish(published, began, ended)
    tier.drain()


if __name__ == "__main__":
    main()
