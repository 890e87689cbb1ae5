"""Run steps at one moment, each in a thread with a database connection of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connection

PATIENCE = 60


def run_together(*steps: Callable[[], None]) -> None:
    """Run the steps at once; raise what the first failing one raised."""
    barrier = threading.Barrier(len(steps))

    def run(step: Callable[[], None]) -> None:
        try:
            barrier.wait(timeout=10)
            step()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(steps)) as pool:
        for outcome in [pool.submit(run, step) for step in steps]:
            outcome.result(timeout=PATIENCE)
