"""The crash test from the first event to the verdict."""

import contextlib
import json
import shutil
import signal
import tempfile
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from django.utils import timezone

from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.models import Tenant
from outbox.crashtest.judging import Kill, Verdict, judge
from outbox.crashtest.places import TARGETS, Target, place_of_death
from outbox.crashtest.readers.base import BackendUnreadable, Reader
from outbox.crashtest.tenant import (
    TOPIC,
    count_leftovers,
    count_waiting,
    in_flight,
    make_tenant,
    other_publishers,
    remove_remnants,
    remove_tenant,
    rows_left,
)
from outbox.crashtest.victims import Pace, Victim
from outbox.crashtest.writers import Writers

LEASE_SECONDS: Final = 3
# A round that finds no publisher there within this time shoots where it is.
ROUND_SECONDS: Final = 20.0
# A publisher that ends in good order before it is hit was no kill; so often another one takes its place, each shot
# sooner than the one before and the last at once.
_MOST_TRIES: Final = 5
_GLANCE_SECONDS: Final = 0.01
_MORE_EVERY_SECONDS: Final = 0.25
_LOOK_EVERY_SECONDS: Final = 0.1
# The longest history: a shorter one than the operator's would drop hours that are not ours to drop.
_ENVIRONMENT: Final = {
    "OUTBOX_LEASE_SECONDS": str(LEASE_SECONDS), "OUTBOX_BATCH_SIZE": "40", "OUTBOX_POLL_INTERVAL_MS": "100",
    "OUTBOX_SHUTDOWN_DRAIN_TIMEOUT_MS": "2000", "OUTBOX_REDIS_MAXLEN": "0", "OUTBOX_HISTORY_HOURS": "744",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Options:
    """How long and how wide: rounds are kills, `events` the least number written, `publishers` live at any time.

    After the last round, `patience` seconds and a lease without one event leaving, and the rest counts as stuck.
    """

    rounds: int = 50
    events: int = 10_000
    keys: int = 300
    publishers: int = 3
    patience: int = 15


@dataclass(slots=True)
class Findings:
    """What came out: the verdict, and what stands beside it."""

    verdict: Verdict
    wanted: Options
    backend: str
    written: int
    seconds: float
    leftovers: int = 0
    dead: int = 0
    ended_alone: list[int] = field(default_factory=list)
    leases_lost: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    others: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Tell whether the outbox kept its word, and was asked as often as it should have been."""
        return self.verdict.is_clean and self.is_complete and not self.ended_alone

    @property
    def is_complete(self) -> bool:
        """Tell whether as much was written and killed as was asked for: nothing is proved by nothing."""
        return self.written >= self.wanted.events and self.verdict.total.kills >= self.wanted.rounds


class CrashTest:
    """One run. `tell` gets a word after each round; `publishers` has the ids of all publishers that were started."""

    def __init__(self, options: Options, reader: Reader, *, backend: str, tell: Callable[[int], None]) -> None:
        self._options = options
        self._reader = reader
        self._backend = backend
        self._tell = tell
        self._run_id = new_id().hex[-12:]
        self._topic = TOPIC + self._run_id
        self._pace = Pace(LEASE_SECONDS)
        self._line: deque[Victim] = deque()
        self._unburied: list[Victim] = []
        self._kills: list[Kill] = []
        self._ended_alone: list[int] = []
        self._folder = Path(tempfile.mkdtemp(prefix="kaireon-crashtest-"))
        self.publishers: list[uuid.UUID] = []
        self._is_interrupted = threading.Event()

    def interrupt(self) -> None:
        """Ask the run to end; it does so between two steps, never in the middle of a statement or of a start."""
        self._is_interrupted.set()

    def _go_on(self) -> None:
        """Raise KeyboardInterrupt when the run was asked to end."""
        if self._is_interrupted.is_set():
            raise KeyboardInterrupt

    def run(self) -> Findings:
        """Run the rounds and judge; whatever happens, no process and no row of the test is left."""
        started = time.monotonic()
        self._reader.begin(self._topic)
        try:
            with self._tenant() as tenant, self._writing(tenant) as writers:
                others = [name for name, _ in other_publishers(self.publishers, timezone.now())]
                self._kill_in_rounds(tenant, writers)
                self._let_finish(tenant)
                findings = self._judge(tenant, writers, time.monotonic() - started)
                findings.others = others
                return findings
        finally:
            with contextlib.suppress(BackendUnreadable):
                self._reader.end(self._topic)
            shutil.rmtree(self._folder, ignore_errors=True)

    @contextlib.contextmanager
    def _tenant(self) -> Iterator[Tenant]:
        remove_remnants(timezone.now())
        tenant = make_tenant(self._run_id)
        try:
            yield tenant
        finally:
            for victim in list(self._unburied):
                victim.kill()
                self._bury(victim)
            remove_tenant(tenant, self.publishers)

    @contextlib.contextmanager
    def _writing(self, tenant: Tenant) -> Iterator[Writers]:
        writers = Writers(tenant.pk, topic=self._topic, keys=self._options.keys)
        writers.start()
        try:
            yield writers
        finally:
            writers.stop()

    def _kill_in_rounds(self, tenant: Tenant, writers: Writers) -> None:
        for _ in range(self._options.publishers):
            self._start(tenant)
        for number in range(self._options.rounds):
            target = TARGETS[number % len(TARGETS)]
            for tries_left in reversed(range(_MOST_TRIES)):
                self._go_on()
                haste = tries_left / (_MOST_TRIES - 1)
                is_killed = self._round(tenant, writers, self._next_ready(), target, haste)
                self._start(tenant)
                if is_killed:
                    break
            self._tell(number + 1)
        writers.finish(self._options.events, each_turn=self._go_on)

    def _start(self, tenant: Tenant) -> None:
        victim = Victim(tenant.pk, _ENVIRONMENT, str(self._folder / "publishers.log"), self._pace)
        self._unburied.append(victim)
        victim.start()
        self._line.append(victim)

    def _bury(self, victim: Victim) -> None:
        """Wait until one is gone; until then an interrupted run still has it to kill."""
        victim.bury()
        self._unburied.remove(victim)
        self.publishers.append(victim.publisher_id)

    def _next_ready(self) -> Victim:
        """Return the one that has lived longest."""
        victim = self._line.popleft()
        victim.wait_ready()
        return victim

    def _round(self, tenant: Tenant, writers: Writers, victim: Victim, target: Target, haste: float) -> bool:
        """Kill one publisher; tell whether it was alive until then."""
        if target.is_held:
            victim.hold_at(target.step)
        else:
            victim.shoot_after(target.step, in_drain=target.is_drain, haste=haste)
        self._wait_for_it(tenant, writers, victim, target)
        victim.kill()
        self._bury(victim)
        if victim.exit_code == -signal.SIGKILL:
            self._kills.append(Kill(place_of_death(target, victim.last), in_flight(tenant, victim.publisher_id)))
            return True
        # A drain may have been quicker than the shot.
        if victim.exit_code or not target.is_drain:
            self._ended_alone.append(victim.exit_code or 0)
        return False

    def _wait_for_it(self, tenant: Tenant, writers: Writers, victim: Victim, target: Target) -> None:
        """Wait until the publisher is where it is wanted, or dead; write while waiting, so that it gets there."""
        share = max(1, self._options.events // (self._options.rounds * 4))
        ends_at = time.monotonic() + ROUND_SECONDS
        more_at = float("-inf")
        while victim.is_alive and not victim.is_shot.is_set() and time.monotonic() < ends_at:
            self._go_on()
            if time.monotonic() >= more_at:
                writers.allow(share)
                more_at = time.monotonic() + _MORE_EVERY_SECONDS
            if victim.is_held.wait(_GLANCE_SECONDS):
                # A claim that brought nothing is no boundary worth dying at.
                if target.step != "c" or in_flight(tenant, victim.publisher_id):
                    return
                victim.go_on()

    def _let_finish(self, tenant: Tenant) -> None:
        """Let the living publish the rest, and stop them in good order."""
        count, moved_at = count_waiting(tenant), time.monotonic()
        while count and time.monotonic() - moved_at < self._options.patience + LEASE_SECONDS:
            time.sleep(_LOOK_EVERY_SECONDS)
            self._go_on()
            if (now_waiting := count_waiting(tenant)) != count:
                count, moved_at = now_waiting, time.monotonic()
        while self._line:
            victim = self._next_ready()
            victim.stop()
            self._bury(victim)
            if victim.exit_code:
                self._ended_alone.append(victim.exit_code)

    def _judge(self, tenant: Tenant, writers: Writers, seconds: float) -> Findings:
        left = rows_left(tenant)
        findings = Findings(Verdict(), self._options, self._backend, len(writers.written), seconds)
        findings.ended_alone = self._ended_alone
        self._read_log(findings)
        findings.verdict = judge(
            written=writers.written, doubtful=writers.doubtful, delivered=self._reader.read(self._topic),
            kills=self._kills, left=left, excused=findings.leases_lost if self._pace.overdue else 0,
        )  # fmt: skip
        findings.leftovers = count_leftovers(self.publishers)
        findings.dead = len(left) - count_waiting(tenant)
        return findings

    def _read_log(self, findings: Findings) -> None:
        path = self._folder / "publishers.log"
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []:
            with contextlib.suppress(ValueError):
                entry = json.loads(line)
                if entry.get("event") == "outbox.lease_lost":
                    findings.leases_lost += int(entry["events"])
                if entry.get("level") in {"ERROR", "CRITICAL"}:
                    findings.errors[_in_one_line(entry)] += 1


def _in_one_line(entry: dict[str, Any]) -> str:
    """Return a log entry's message with the last line of its trace."""
    trace = str(entry.get("exc_info", "")).strip().splitlines()
    return f"{entry['message']} ({trace[-1].strip()[:200]})" if trace else str(entry["message"])
