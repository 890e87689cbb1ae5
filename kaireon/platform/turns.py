"""Turns at what takes long while somebody waits: so many at once in a process, so that others always find a thread."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Final

from kaireon.platform.errors import Busy

# Short ones follow each other within it. Whoever waits holds a thread as well, so it is no longer.
PATIENCE: Final = 1.0
RETRY_AFTER: Final = 5


class Turns:
    """Let `most` of something (`what`) be made at once, and of one owner, such as a tenant, `most_of_one`."""

    def __init__(self, what: str, *, most: int, most_of_one: int, patience: float = PATIENCE) -> None:
        self._what = what
        self._most, self._most_of_one, self._patience = most, most_of_one, patience
        self._taken: Counter[Hashable] = Counter()
        self._freed = threading.Condition()

    @contextmanager
    def take(self, owner: Hashable, *, monotonic: Callable[[], float] = time.monotonic) -> Iterator[None]:
        """Hold a turn inside; raise Busy where none becomes free soon."""
        with self._freed:
            ends_at = monotonic() + self._patience
            while not self._is_free(owner):
                left = ends_at - monotonic()
                if left <= 0 or not self._freed.wait(left):
                    raise Busy(
                        f"Too many {self._what} are being made just now. Try again in a moment.", wait=RETRY_AFTER
                    )
            self._taken[owner] += 1
        try:
            yield
        finally:
            with self._freed:
                self._taken[owner] -= 1
                # Rows of owners who have gone are not kept.
                self._taken += Counter()
                self._freed.notify_all()

    def _is_free(self, owner: Hashable) -> bool:
        return self._taken.total() < self._most and self._taken[owner] < self._most_of_one
