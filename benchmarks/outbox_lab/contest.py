"""Run contenders in turn, each as processes of its own, and read what they took of the clock and of the CPU."""

import json
import os
import statistics
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.outbox_lab.lab import ROOT, connect, settle

Environment = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to drain: how its table is filled, and the command that drains it.

    `part` lets a slow one drain that part of the events only, which is to its advantage: its table is smaller.
    """

    name: str
    database: str
    fill: Callable[[int], None]
    command: Sequence[str | Path]
    processes: int = 1
    part: int = 1


@dataclass(frozen=True, slots=True)
class Result:
    """What one run took: the clock from the start to the last process's end, and CPU of clients and their backends."""

    events: int
    seconds: float
    client_cpu: float
    server_cpu: float

    @property
    def rate(self) -> float:
        """Return events per second."""
        return self.events / self.seconds

    @property
    def cpu_per_thousand(self) -> float:
        """Return CPU seconds per 1,000 events."""
        return (self.client_cpu + self.server_cpu) / self.events * 1000


class Worker:
    """A contender's process, spoken to by `benchmarks/peers/protocol.py`."""

    def __init__(self, command: Sequence[str | Path]) -> None:
        self._process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", cwd=ROOT,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
        self._usage = psutil.Process(self._process.pid)

    def read(self) -> str:
        """Wait for a line."""
        assert self._process.stdout is not None
        line: str = self._process.stdout.readline().strip()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended with {self._process.wait()}")
        return line

    def say(self) -> None:
        """Let it go on."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def cpu(self) -> float:
        """Return the CPU seconds it has used."""
        return _seconds(self._usage)

    def end(self) -> None:
        """Let it leave, and wait."""
        self.say()
        self._process.wait(timeout=60)

    def kill(self) -> None:
        """Kill it if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def run(contender: Contender, events: int) -> Result:
    """Fill, start the processes, let them go at once, and take the figures while they still hold their connections."""
    contender.fill(events)
    settle(contender.database)
    workers = [Worker(contender.command) for _ in range(contender.processes)]
    try:
        for worker in workers:
            assert worker.read() == "ready"
        client, server = sum(worker.cpu() for worker in workers), _backend_cpu(contender.database)
        for worker in workers:
            worker.say()
        answers: list[dict[str, Any]] = [json.loads(worker.read()) for worker in workers]
        client = sum(worker.cpu() for worker in workers) - client
        after = _backend_cpu(contender.database)
        spent = sum(used - server.get(pid, 0.0) for pid, used in after.items())
        for worker in workers:
            worker.end()
    finally:
        for worker in workers:
            worker.kill()
    drained = sum(answer["events"] for answer in answers)
    assert drained == events, f"{contender.name}: {drained:,} of {events:,}"
    return Result(events, max(answer["seconds"] for answer in answers), client, spent)


def compete(contenders: Sequence[Contender], *, events: int, rounds: int) -> dict[str, Result]:
    """Run every contender once a round, in turn, so that whatever else the machine does hits all; return medians."""
    found: dict[str, list[Result]] = {contender.name: [] for contender in contenders}
    for number in range(rounds):
        for contender in contenders:
            result = run(contender, events // contender.part)
            found[contender.name].append(result)
            print(f"  round {number + 1}: {contender.name}: {result.rate:,.0f} events/s", flush=True)
    return {name: _median(results) for name, results in found.items()}


def _median(results: Sequence[Result]) -> Result:
    return sorted(results, key=lambda result: result.seconds)[len(results) // 2]


def spread(results: Sequence[float]) -> float:
    """Return how far the values lie apart, as a part of their median."""
    return (max(results) - min(results)) / statistics.median(results)


def _backend_cpu(database: str) -> dict[int, float]:
    """Return the CPU seconds of the backends that serve clients of a database, except the one that asks."""
    with connect(database) as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend' "
            "AND pid <> pg_backend_pid()",
            [database],
        ).fetchall()
    return {pid: _seconds(psutil.Process(pid)) for (pid,) in rows}


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
