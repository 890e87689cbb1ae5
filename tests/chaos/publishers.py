"""Real `manage.py` processes of the outbox: publishers that a test stops and kills, and what arrived of their work."""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

from kaireon.platform.ids import new_id
from tests.chaos import processes
from tests.chaos.processes import ROOT, test_database_url

TOPIC = "order.paid.v1"
# How long anything may take that does happen in the end: processes start slowly on a machine that is busy.
PATIENCE = 120
# Quick enough for a test, and slow enough for a machine that does other things too.
QUICK = {
    "OUTBOX_POLL_INTERVAL_MS": "100", "OUTBOX_LEASE_SECONDS": "3", "OUTBOX_BATCH_SIZE": "40",
    "OUTBOX_HISTORY_HOURS": "0", "OUTBOX_METRICS_PORT": "0",
}  # fmt: skip


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until the condition holds; fail the test when it never does."""
    processes.wait_until(condition, timeout=PATIENCE)


def environment(values: Mapping[str, object]) -> dict[str, str]:
    """Return the environment of a process on this test's database."""
    return os.environ | {"DATABASE_URL": test_database_url()} | {name: str(value) for name, value in values.items()}


def manage(*arguments: object, timeout: float = 350, **values: object) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "manage.py", *map(str, arguments)], cwd=ROOT, env=environment(values), text=True,
        capture_output=True, timeout=timeout, check=False,
    )  # fmt: skip


class PublisherProcess:
    """One `manage.py outbox_publisher`; its log and its liveness file are in `folder`."""

    def __init__(self, folder: Path, **values: object) -> None:
        name = new_id().hex
        self.log_file, self.alive_file = folder / f"{name}.log", folder / f"{name}.alive"
        self._values = {**QUICK, "OUTBOX_LIVENESS_FILE": self.alive_file, **values}
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "outbox_publisher"], cwd=ROOT, env=environment(self._values),
                stdout=subprocess.DEVNULL, stderr=log,
            )  # fmt: skip

    @property
    def log(self) -> list[dict[str, Any]]:
        """Return the log's entries so far."""
        entries = []
        for line in self.log_file.read_text(encoding="utf-8").splitlines():
            with suppress(ValueError):
                entries.append(json.loads(line))
        return entries

    def entries(self, event: str) -> list[dict[str, Any]]:
        """Return the log's entries about one kind of event."""
        return [entry for entry in self.log if entry.get("event") == event]

    def wait_started(self) -> "PublisherProcess":
        """Wait until its loop runs."""
        wait_until(lambda: self.alive_file.exists() or self.process.poll() is not None)
        assert self.process.poll() is None, self.log_file.read_text(encoding="utf-8")
        return self

    def kill(self) -> None:
        """Send SIGKILL and reap."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


@contextmanager
def publishing(folder: Path, count: int = 1, **values: object) -> Iterator[list[PublisherProcess]]:
    """Run publishers for the length of a block; those that a test adds to the list end with the others."""
    started = [PublisherProcess(folder, **values) for _ in range(count)]
    try:
        for each in started:
            each.wait_started()
        yield started
    finally:
        for each in started:
            each.kill()


class Writer:
    """Writes events, as any client of the database would: one transaction each, over keys that count up."""

    def __init__(self, tenant_id: uuid.UUID, url: str = "") -> None:
        self.tenant_id = tenant_id
        self.url = url or test_database_url()
        self.numbers: Counter[str] = Counter()

    def write(self, count: int, keys: Sequence[str] = "abcdefgh", size: int = 0, *, at_once: bool = False) -> None:
        """Commit so many events, in turns of the keys; `at_once` in one transaction, so that one claim finds all."""
        with psycopg.connect(self.url) as session:
            for number in range(count):
                key = keys[number % len(keys)]
                self.numbers[key] += 1
                payload = json.dumps({"number": self.numbers[key], "text": "x" * size})
                session.execute(
                    "INSERT INTO outbox_events (id, tenant_id, topic, key, payload, occurred_at)"
                    " VALUES (%s, %s, %s, %s, %s, now())",
                    [new_id(), self.tenant_id, TOPIC, key, payload],
                )
                if not at_once:
                    session.commit()

    @property
    def total(self) -> int:
        """Return how many events were committed."""
        return self.numbers.total()


def count_left(url: str = "") -> int:
    """Return how many events have not left."""
    with psycopg.connect(url or test_database_url()) as session:
        row = session.execute("SELECT count(*) FROM outbox_events").fetchone()
    assert row is not None
    return int(row[0])


def rows(url: str, columns: str) -> Collection[tuple[Any, ...]]:
    """Return these columns of the events that have not left, in the order of the line."""
    with psycopg.connect(url) as session:
        return session.execute(f"SELECT {columns} FROM outbox_events ORDER BY seq").fetchall()


class Arrivals:
    """What a back end got: by key the numbers as they came, and how often each event id did."""

    def __init__(self, events: Iterable[tuple[str, str, int]]) -> None:
        self.by_key: defaultdict[str, list[int]] = defaultdict(list)
        self.ids: Counter[str] = Counter()
        self._id_of: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
        for event_id, key, number in events:
            self.by_key[key].append(number)
            self.ids[event_id] += 1
            self._id_of[key, number].add(event_id)

    @property
    def first(self) -> dict[str, list[int]]:
        """Return the numbers of each key in the order of their first arrival."""
        return {key: list(dict.fromkeys(numbers)) for key, numbers in self.by_key.items()}

    @property
    def repeated(self) -> int:
        """Return how many arrivals were repetitions."""
        return self.ids.total() - len(self.ids)

    def assert_complete(self, writer: Writer) -> None:
        """Assert that each event came, under one id, in the order of its key; repetitions aside."""
        assert self.first == {key: list(range(1, most + 1)) for key, most in writer.numbers.items()}
        assert {len(ids) for ids in self._id_of.values()} == {1}


def arrived_in_log(path: Path) -> Arrivals:
    """Return what an event log got; half a line is what a killed process left."""
    events = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        with suppress(ValueError):
            event = json.loads(line)
            events.append((event["id"], event["partitionkey"], event["data"]["payload"]["number"]))
    return Arrivals(events)
