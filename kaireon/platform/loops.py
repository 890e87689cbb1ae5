"""One loop for every worker: step until told to stop; signals, liveness file, failure budget, jittered waits."""

import logging
import queue
import random
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from django.db import InterfaceError, OperationalError, close_old_connections, connection

from kaireon.platform.ids import new_id
from kaireon.platform.telemetry.services import bound_request_id

logger = logging.getLogger(__name__)
EXIT_OK, EXIT_FAILURES = 0, 3
JITTER = 0.1


class StopSignal:
    """Ask a loop to stop, also from a signal handler.

    A threading.Event is not made for that: its lock is not reentrant, so a handler that sets it while the
    same thread is entering wait() hangs the process. SimpleQueue.put is reentrant. A signal that comes in the
    instant before a wait is seen when that wait ends.
    """

    def __init__(self) -> None:
        self._is_set = False
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()

    def set(self) -> None:
        """Ask; from any thread or signal handler, as often as one likes."""
        self._is_set = True
        self._wake.put(None)

    def is_set(self) -> bool:
        """Tell whether somebody asked."""
        return self._is_set

    def wait(self, seconds: float) -> bool:
        """Wait until somebody asks, at most so long; tell whether somebody did."""
        if not self._is_set:
            try:
                self._wake.get(timeout=max(0.0, seconds))
            except queue.Empty:
                return False
        return True


@dataclass
class Loop:
    """Call `step` until a signal arrives; a step returns whether it did work, and then is called again at once.

    A transient failure (the database is away) is waited out; `failure_budget` consecutive failures of
    another kind end the loop with exit code 3.
    """

    name: str
    step: Callable[[], bool]
    idle_seconds: float = 2.0
    liveness_file: Path | None = None
    failure_budget: int = 30
    drain: Callable[[], None] | None = None
    stopping: StopSignal = field(default_factory=StopSignal)
    consecutive_failures: int = 0
    last_error_id: str = ""

    def run(self) -> int:
        """Run until stopped and return the exit code."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        logger.info("loop started", extra={"event": "loop.started", "loop": self.name})
        while not self.stopping.is_set():
            did_work = self.turn()
            if self.consecutive_failures >= self.failure_budget:
                logger.error("loop gave up", extra={"event": "loop.gave_up", "loop": self.name})
                return EXIT_FAILURES
            if not did_work:
                spread = self.idle_seconds * JITTER
                self.stopping.wait(self.idle_seconds + random.uniform(-spread, spread))  # noqa: S311 - no secret
        if self.drain is not None:
            self.drain()
        logger.info("loop stopped", extra={"event": "loop.stopped", "loop": self.name})
        return EXIT_OK

    def turn(self) -> bool:
        """Run one step; return whether it did work. A failure is logged with an id that the next turn's log carries."""
        try:
            if self.liveness_file is not None:
                self.liveness_file.touch()
            close_old_connections()
            with bound_request_id():
                did_work = self.step()
        except Exception as error:  # noqa: BLE001 - the loop outlives every failure of one step
            self._note_failure(error)
            return False
        self.consecutive_failures, self.last_error_id = 0, ""
        return did_work

    def _note_failure(self, error: Exception) -> None:
        is_transient = isinstance(error, OperationalError | InterfaceError)
        self.consecutive_failures += 0 if is_transient else 1
        previous, self.last_error_id = self.last_error_id, str(new_id())
        fields = {"event": "loop.failed", "loop": self.name, "errorId": self.last_error_id, "isTransient": is_transient}
        logger.error("loop step failed", exc_info=error, extra=fields | {"previousErrorId": previous})
        if is_transient:
            connection.close()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.stopping.set()
