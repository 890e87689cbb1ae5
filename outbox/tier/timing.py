"""How long a publish may take, also while the process is told to stop."""

import time
from collections.abc import Callable

from kaireon.platform.loops import StopSignal


class PublishTime:
    """Count down the seconds of one publish; from the moment of a stop, those of the drain if they are fewer."""

    def __init__(
        self,
        seconds: float,
        *,
        drain_seconds: float,
        stopping: StopSignal,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._ends_at = monotonic() + seconds
        self._drain_seconds = drain_seconds
        self._stopping = stopping
        self._is_stopping = False

    def remaining(self) -> float:
        """Return the seconds left, never less than 0."""
        if self._stopping.is_set() and not self._is_stopping:
            self._is_stopping = True
            self._ends_at = min(self._ends_at, self._monotonic() + self._drain_seconds)
        return max(0.0, self._ends_at - self._monotonic())
