"""The database's clock, by which leases and back-offs go: publishers on machines whose clocks differ agree on it."""

import contextlib
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import DatabaseError, InterfaceError, connection

ASK_EVERY_SECONDS: Final = 5.0


class ServerClock:
    """Tells the server's time, in UTC; asks for it every few seconds and counts on by itself in between.

    While the database is away it goes on counting, from this machine's time if it never heard the server's. A jump of
    this machine's clock changes nothing.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._set_at, self._time = monotonic(), datetime.now(UTC)
        self._ask_at = float("-inf")

    def __call__(self) -> datetime:
        """Return the time."""
        if self._monotonic() >= self._ask_at:
            self._ask()
        return self._time + timedelta(seconds=self._monotonic() - self._set_at)

    def _ask(self) -> None:
        self._ask_at = self._monotonic() + ASK_EVERY_SECONDS
        # Whoever asked for the time has a statement of their own to make, which fails too and is told about.
        with contextlib.suppress(DatabaseError, InterfaceError), connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            self._time, self._set_at = cursor.fetchone()[0].astimezone(UTC), self._monotonic()
