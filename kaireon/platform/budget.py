"""A budget of seconds for one pass: past it nothing new is started, and the rest is counted."""

import time
from collections.abc import Callable


class Budget:
    """Count down from `seconds`, on a clock that no time change can move."""

    def __init__(self, seconds: float, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._ends_at = monotonic() + seconds

    def remaining(self) -> float:
        """Return the seconds left, never less than 0."""
        return max(0.0, self._ends_at - self._monotonic())

    @property
    def is_spent(self) -> bool:
        """Tell whether nothing new may be started."""
        return self.remaining() <= 0
