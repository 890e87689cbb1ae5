"""Publishers as the test sees them: started, held, shot and buried."""

import contextlib
import multiprocessing
import os
import random
import signal
import statistics
import threading
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Final

from outbox.crashtest.child import GO_ON, HELD, run_publisher
from outbox.crashtest.places import Step

START_SECONDS: Final = 30.0
END_SECONDS: Final = 15.0
_REMEMBERED: Final = 50
_FIRST_GUESS_SECONDS: Final = 0.002


class Pace:
    """How long publishers take from each step to the next: a shot in between must not come too late.

    `overdue` counts the claims that took longer than their lease, of publishers that lived to settle them.
    """

    def __init__(self, lease_seconds: float) -> None:
        self.lease_seconds = lease_seconds
        self.overdue = 0
        self._seconds: defaultdict[Step, deque[float]] = defaultdict(lambda: deque(maxlen=_REMEMBERED))

    def note(self, step: Step, seconds: float) -> None:
        """Remember the time that passed after a step."""
        self._seconds[step].append(seconds)

    def moment_after(self, step: Step) -> float:
        """Return a random time after the step that is probably before the next one."""
        kept = self._seconds[step]
        return random.uniform(0, statistics.median(kept) if kept else _FIRST_GUESS_SECONDS)  # noqa: S311 - no secret


class Victim:
    """A publisher process, and the thread that listens to it, from `start` on."""

    def __init__(self, tenant_id: uuid.UUID, environment: Mapping[str, str], log_file: str, pace: Pace) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["outbox.crashtest.preload"])
        self._line, self._childs_end = context.Pipe()
        self._process = context.Process(
            target=run_publisher, args=(self._childs_end, tenant_id, dict(environment), log_file), daemon=True
        )  # fmt: skip
        self.publisher_id = uuid.UUID(int=0)
        self.last = Step.SETTLED
        self.is_held = threading.Event()
        self.is_shot = threading.Event()
        self._is_ready = threading.Event()
        self._aim: Step | None = None
        self._is_for_drain = False
        self._haste = 1.0
        self._pace = pace
        self._listener = threading.Thread(target=self._listen, args=(self._line,), daemon=True)

    def start(self) -> None:
        """Start it. An interrupt in the middle of this leaves something that `bury` takes away all the same."""
        self._process.start()
        self._childs_end.close()
        self._listener.start()

    @property
    def is_alive(self) -> bool:
        """Tell whether the process runs."""
        return self._process.is_alive()

    @property
    def exit_code(self) -> int | None:
        """Return how it ended; negative for a signal, None while it runs."""
        return self._process.exitcode

    def wait_ready(self) -> bool:
        """Wait until it has said its id; tell whether it has."""
        return self._is_ready.wait(START_SECONDS)

    def hold_at(self, step: Step) -> None:
        """Ask it to stop at its next such step; `is_held` tells that it has."""
        self._say(step.encode())

    def go_on(self) -> None:
        """Let a held one go on, to be held at its next such step again."""
        self.is_held.clear()
        gate = self.last
        self._say(GO_ON)
        self._say(gate.encode())

    def shoot_after(self, step: Step, *, in_drain: bool, haste: float = 1.0) -> None:
        """Kill it at a random moment after its next such step, or tell it to stop there and kill it while it drains.

        `haste` is a part of the time that the step usually takes: at 0 the shot follows at once.
        """
        self._is_for_drain = in_drain
        self._haste = haste
        self._aim = step

    def kill(self) -> None:
        """Kill it; `bury` waits for its end."""
        self._signal(signal.SIGKILL)

    def bury(self) -> None:
        """Wait until it is gone and everything that it said was heard; kill it when it does not go."""
        if self._process.pid is not None:
            self._process.join(END_SECONDS)
            if self._process.is_alive():
                self._process.kill()
                self._process.join(END_SECONDS)
        self._childs_end.close()
        if self._listener.ident is not None:
            self._listener.join(END_SECONDS)
        # Whoever is left without anybody on the line stops.
        self._line.close()

    def stop(self) -> None:
        """Tell it to stop in good order."""
        self._signal(signal.SIGTERM)

    def _say(self, word: bytes) -> None:
        try:
            self._line.send_bytes(word)
        except OSError:
            # It is dead, which its last words will tell.
            return

    def _listen(self, line: Connection) -> None:
        try:
            self.publisher_id = uuid.UUID(bytes=line.recv_bytes())
            self._is_ready.set()
            at = claimed_after = time.monotonic()
            while True:
                word = line.recv_bytes()
                if word == HELD:
                    self.is_held.set()
                    continue
                before, at = at, time.monotonic()
                self._pace.note(self.last, at - before)
                self.last = Step(word.decode())
                if self.last is Step.CLAIMED:
                    # The lease began somewhere between the step before and this one.
                    claimed_after = before
                elif self.last is Step.SETTLED:
                    self._pace.overdue += at - claimed_after >= self._pace.lease_seconds
                if self.last is self._aim:
                    self._shoot()
        except (EOFError, OSError):
            return

    def _shoot(self) -> None:
        self._aim = None
        if self._is_for_drain:
            self._signal(signal.SIGTERM)
        time.sleep(self._haste * self._pace.moment_after(Step.PUBLISHING if self._is_for_drain else self.last))
        self._signal(signal.SIGKILL)
        self.is_shot.set()

    def _signal(self, number: signal.Signals) -> None:
        if self._process.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, number)
