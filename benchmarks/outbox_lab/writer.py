"""A process that commits events at a pace and notes when: one connection, `transaction.atomic()` and `enqueue`.

Run as `python -m benchmarks.outbox_lab.writer RATE COUNT SEED`; with a RATE of 0.3 it commits one event every three
seconds or so. The answer is a list of `[event id, just before the COMMIT was sent, when it had come back]` in
nanoseconds of the machine's monotonic clock, which all its processes share.
"""

import json
import random
import sys
import time
import uuid
from datetime import UTC, datetime

from django.db import connection, transaction

from benchmarks.outbox_lab import started  # noqa: F401 - sets Django up for the imports below
from benchmarks.peers.protocol import KEYS, TOPIC, await_start, payloads
from outbox.services import enqueue

Note = tuple[str, int, int]
EVEN_FROM = 1.0


def commit_one(random_key: int, payload: dict[str, object]) -> Note:
    """Write one event in a transaction of its own."""
    with transaction.atomic():
        event_id = enqueue(
            tenant_id=uuid.UUID(int=1 + random_key % 4), topic=TOPIC, payload=payload, now=datetime.now(UTC),
            key=f"customer-{random_key}",
        )  # fmt: skip
        before = time.perf_counter_ns()
    return str(event_id), before, time.perf_counter_ns()


def write(rate: float, count: int, seed: int) -> list[Note]:
    """Commit `count` events, `rate` a second: their distances are exponential, as of customers who come by chance.

    Slow ones are given a pause of at least 0.9 of the mean instead, since what they are for is the quiet before them.
    """
    chance = random.Random(seed)
    (payload,) = payloads(1)
    notes, due = [], time.perf_counter()
    for _ in range(count):
        due += chance.expovariate(rate) if rate >= EVEN_FROM else chance.uniform(0.9, 1.1) / rate
        time.sleep(max(0.0, due - time.perf_counter()))
        notes.append(commit_one(chance.randrange(KEYS), payload))
    return notes


def main() -> None:
    """Connect, wait for the start, write, answer."""
    rate, count, seed = float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    connection.ensure_connection()
    await_start()
    print(json.dumps(write(rate, count, seed)), flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
