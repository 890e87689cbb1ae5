"""procrastinate with concurrency 20, a task that does nothing; done jobs are deleted, which costs it least."""

import asyncio
import logging
import sys

from procrastinate import App, PsycopgConnector
from protocol import await_start, finish, payloads

CONCURRENCY = 20
BATCH = 5000

handled = 0


def make_app(dsn: str) -> App:
    """Return an app with the one task."""
    app = App(connector=PsycopgConnector(conninfo=dsn, max_size=CONCURRENCY + 2))

    @app.task(name="publish")
    async def publish(**payload: object) -> None:
        global handled  # noqa: PLW0603 - one process, one count
        handled += 1

    return app


async def prepare(dsn: str, events: int) -> None:
    """Install the tables and defer with its own bulk call."""
    app = make_app(dsn)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        bodies = list(payloads(events))
        for first in range(0, events, BATCH):
            await app.tasks["publish"].batch_defer_async(*bodies[first : first + BATCH])


async def drain(dsn: str) -> None:
    """Run its worker until the queue is empty."""
    app = make_app(dsn)
    async with app.open_async():
        began = await_start()
        await app.run_worker_async(
            concurrency=CONCURRENCY,
            wait=False,
            listen_notify=False,
            delete_jobs="always",
            install_signal_handlers=False,
        )
        finish(handled, began)


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    if sys.argv[1] == "prepare":
        asyncio.run(prepare(sys.argv[2], int(sys.argv[3])))
    else:
        asyncio.run(drain(sys.argv[2]))
