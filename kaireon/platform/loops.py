"""One loop for every worker: step until told to stop; signals, liveness file, failure budget, jittered waits."""

import contextlib
import logging
import os
import random
import select
import signal
import weakref
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
READ_ONLY = "25006"


class StopSignal:
    """Ask a loop to stop, also from a signal handler.

    A threading.Event is not made for that: its lock is not reentrant, so a handler that sets it while the
    same thread is entering wait() hangs the process. A pipe is, and it can be waited for beside a socket.
    """

    def __init__(self) -> None:
        self._is_set = False
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        weakref.finalize(self, _close, self._reading, self._writing)

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when somebody asks: for those who wait for more than that."""
        return self._reading

    def set(self) -> None:
        """Ask; from any thread or signal handler, as often as one likes."""
        self._is_set = True
        # A full pipe wakes as well as another byte would.
        with contextlib.suppress(BlockingIOError):
            os.write(self._writing, b"!")

    def is_set(self) -> bool:
        """Tell whether somebody asked."""
        return self._is_set

    def wait(self, seconds: float) -> bool:
        """Wait until somebody asks, at most so long; tell whether somebody did."""
        if not self._is_set:
            select.select([self._reading], [], [], max(0.0, seconds))
        return self._is_set


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def is_database_away(error: Exception) -> bool:
    """Tell whether the database went away: a restart, a killed back end, a full pool, a failover.

    A session that only reads is one whose server became a standby; the next one finds the new primary.
    """
    return isinstance(error, OperationalError | InterfaceError) or sql_state(error) == READ_ONLY


def sql_state(error: Exception) -> str:
    """Return the five letters with which the server refused (PostgreSQL, appendix A), or none."""
    return getattr(error.__cause__, "sqlstate", None) or ""


def _nothing_left() -> None:
    """Drain a loop that holds nothing."""


@dataclass
class Loop:
    """Call `step` until a signal arrives; a step returns whether it did work, and then is called again at once.

    A transient failure (the database is away) is waited out; `failure_budget` consecutive failures of
    another kind end the loop with exit code 3. A step that returns None has tried nothing, so a row of failures goes
    on over it. `pause` waits in a way of its own after a step without work, told whether the last one that tried
    failed; `is_transient` tells which failures are waited out.
    """

    name: str
    step: Callable[[], bool | None]
    idle_seconds: float = 2.0
    liveness_file: Path | None = None
    failure_budget: int = 30
    drain: Callable[[], object] = _nothing_left
    pause: Callable[[bool], object] | None = None
    is_transient: Callable[[Exception], bool] = is_database_away
    failure_message: str = "loop step failed"
    stopping: StopSignal = field(default_factory=StopSignal)
    consecutive_failures: int = 0
    last_error_id: str = ""
    has_failed: bool = False

    def run(self) -> int:
        """Run until stopped and return the exit code."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        logger.info("loop started", extra={"event": "loop.started", "loop": self.name})
        while not self.stopping.is_set():
            did_work = self.turn()
            if self.consecutive_failures >= self.failure_budget:
                fields = {"event": "loop.gave_up", "loop": self.name, "errorId": self.last_error_id}
                logger.error("loop gave up", extra=fields)
                self._drain()
                return EXIT_FAILURES
            if not did_work:
                self._pause()
        self._drain()
        logger.info("loop stopped", extra={"event": "loop.stopped", "loop": self.name})
        return EXIT_OK

    def keep_turning(self) -> None:
        """Run until stopped in a thread of another program: it has the signals, and nobody would start this again."""
        while not self.stopping.is_set():
            if not self.turn():
                self._pause()
        self._drain()

    def turn(self) -> bool:
        """Run one step; return whether it did work. A failure is logged with an id that the next turn's log carries."""
        try:
            if self.liveness_file is not None:
                self.liveness_file.touch()
            close_old_connections()
            with bound_request_id():
                did_work = self.step()
        except Exception as error:  # noqa: BLE001 - the loop outlives every failure of one step
            self._note_failure(error, "loop.failed", self.failure_message)
            self.has_failed = True
            return False
        if did_work is None:
            return False
        if self.has_failed:
            fields = {"event": "loop.recovered", "loop": self.name, "previousErrorId": self.last_error_id}
            logger.info("loop recovered", extra=fields)
        self.consecutive_failures, self.last_error_id, self.has_failed = 0, "", False
        return did_work

    def _pause(self) -> None:
        if self.pause is not None:
            try:
                self.pause(self.has_failed)
            except Exception as error:  # noqa: BLE001 - a wait that fails is no end of the work
                self._note_failure(error, "loop.pause_failed", f"{self.name} pause failed")
                self.has_failed = True
            else:
                return
        spread = self.idle_seconds * JITTER
        self.stopping.wait(self.idle_seconds + random.uniform(-spread, spread))  # noqa: S311 - no secret

    def _drain(self) -> None:
        try:
            close_old_connections()
            with bound_request_id():
                self.drain()
        except Exception as error:  # noqa: BLE001 - a stop is a stop; what is left is reaped
            self._note_failure(error, "loop.drain_failed", f"{self.name} drain failed")

    def _note_failure(self, error: Exception, event: str, message: str) -> None:
        is_transient = self.is_transient(error)
        self.consecutive_failures += 0 if is_transient else 1
        previous, self.last_error_id = self.last_error_id, str(new_id())
        fields = {"event": event, "loop": self.name, "errorId": self.last_error_id, "isTransient": is_transient}
        logger.error(message, exc_info=error, extra=fields | {"previousErrorId": previous})
        if is_transient:
            connection.close()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.stopping.set()
