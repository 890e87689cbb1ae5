"""pgqueuer with asyncpg, batch 1,000, a job that does nothing: about as its own benchmark runs it."""

import asyncio
import json
import sys
from datetime import timedelta

import asyncpg
from pgqueuer import AsyncpgDriver, Job, Queries, QueueManager
from pgqueuer.types import QueueExecutionMode
from protocol import TOPIC, await_start, finish, payloads

BATCH = 1000


async def prepare(dsn: str, events: int) -> None:
    """Install the tables and enqueue with its own bulk call."""
    connection = await asyncpg.connect(dsn)
    queries = Queries(AsyncpgDriver(connection))
    await queries.install()
    bodies = [json.dumps(payload).encode() for payload in payloads(events)]
    for first in range(0, events, 10_000):
        part = bodies[first : first + 10_000]
        await queries.enqueue([TOPIC] * len(part), part, [0] * len(part))
    await connection.close()


async def drain(dsn: str) -> None:
    """Run its queue manager in drain mode."""
    connection = await asyncpg.connect(dsn)
    manager = QueueManager(Queries(AsyncpgDriver(connection)))
    handled = 0

    @manager.entrypoint(TOPIC)
    async def publish(job: Job) -> None:
        nonlocal handled
        handled += 1

    began = await_start()
    # In drain mode it sleeps for the timeout when its last jobs are still under way; its default is 30 s.
    await manager.run(batch_size=BATCH, mode=QueueExecutionMode.drain, dequeue_timeout=timedelta(milliseconds=50))
    finish(handled, began)


if __name__ == "__main__":
    if sys.argv[1] == "prepare":
        asyncio.run(prepare(sys.argv[2], int(sys.argv[3])))
    else:
        asyncio.run(drain(sys.argv[2]))
