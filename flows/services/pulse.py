"""Keep a run's lease, write its progress, and stop it: cancelled, out of time, taken over, or its worker is ending.

A thread of its own does, with a connection of its own: the run is in the middle of a query or a COPY meanwhile. It dies
with its process, and so does the lease.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import Error, connection

from flows.decisions.runs import SECONDS_TO_BEAT, SECONDS_TO_LOOK
from flows.services.claims import Claim, lease_after, mine
from flows.services.progressing import Progress
from kaireon.platform.beats import Beats
from kaireon.platform.budget import Budget
from kaireon.platform.notifications.services.dispatch import Clock

logger = logging.getLogger(__name__)

Interrupt = Callable[[], None]


class Why(StrEnum):
    """Why a run is to stop before its commit."""

    CANCELLED = "cancelled"
    OUT_OF_TIME = "out of time"
    LOST = "lost"
    ENDING = "ending"


class Stopped(Exception):
    """The run is to stop; nothing of it is kept."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why


def _never() -> bool:
    return False


class Pulse(Beats):
    """Beats for the length of a `with` block, and interrupts what the run is in the middle of when it is to stop."""

    def __init__(
        self, claim: Claim, progress: Progress, clock: Clock, *, seconds: float,
        is_ending: Callable[[], bool] = _never, every_seconds: float = SECONDS_TO_LOOK,
    ) -> None:  # fmt: skip
        super().__init__(name="run-pulse", every_seconds=every_seconds)
        self._claim, self._progress, self._clock = claim, progress, clock
        self._time, self._is_ending = Budget(seconds), is_ending
        self._lease = Budget(SECONDS_TO_BEAT)
        self._lock = threading.Lock()
        self._interrupts: list[Interrupt] = []
        self._may_end = False
        self.why: Why | None = None

    def check(self) -> None:
        """Raise Stopped when the run is to stop: called between steps, files and batches."""
        if self.why is not None:
            raise Stopped(self.why)

    def on_stop(self, interrupt: Interrupt) -> None:
        """Have this called, from the pulse's thread, when the run is to stop; at once if that is so already."""
        with self._lock:
            self._interrupts.append(interrupt)
            is_late = self.why is not None
        if is_late:
            interrupt()

    def forget(self, interrupt: Interrupt) -> None:
        """Call it no more: what it interrupts is over."""
        with self._lock:
            self._interrupts = [each for each in self._interrupts if each is not interrupt]

    def let_end(self) -> None:
        """Let nothing stop the run any more: its rows are committed, or it is being brought to its end."""
        with self._lock:
            self._may_end, self._interrupts, self.why = True, [], None

    def end(self) -> None:
        """Close the thread's connection."""
        connection.close()

    def beat(self) -> bool:
        """Renew, write, and stop the run when it is to stop; it goes on until the block ends."""
        now = self._clock()
        try:
            is_ours, cancelled_at = self._renew(now)
        except Error as error:
            connection.close()
            fields = {"event": "flows.lease_not_renewed", "runId": str(self._claim.run_id)}
            logger.warning("run lease not renewed", exc_info=error, extra=fields)
            return True
        if not is_ours:
            self._stop(Why.LOST)
        elif cancelled_at is not None:
            self._stop(Why.CANCELLED)
        elif self._time.is_spent:
            self._stop(Why.OUT_OF_TIME)
        elif self._is_ending():
            self._stop(Why.ENDING)
        return True

    def _renew(self, now: datetime) -> tuple[bool, datetime | None]:
        """Renew the lease when it is time and write what has changed; return whether the run is ours, and cancelled."""
        changes = self._progress.take()
        if changes:
            changes["progressed_at"] = now
        if self._lease.is_spent or changes:
            self._lease = Budget(SECONDS_TO_BEAT)
            self._write(changes, lease_after(now))
        self._progress.write_lines()
        row = mine(self._claim).values_list("cancel_requested_at", "committed_at").first()
        if row is None:
            return False, None
        return True, None if row[1] is not None else row[0]

    def _write(self, changes: dict[str, Any], lease_until: datetime) -> None:
        """Renew the lease, and write what has changed unless a commit came in between that knows it better."""
        rows = mine(self._claim) if self._may_end else mine(self._claim).filter(committed_at=None)
        if not rows.update(lease_until=lease_until, **changes):
            mine(self._claim).update(lease_until=lease_until)

    def _stop(self, why: Why) -> None:
        with self._lock:
            if self._may_end or self._is_over.is_set():
                return
            self.why = self.why or why
            interrupts = list(self._interrupts)
        for interrupt in interrupts:
            interrupt()
