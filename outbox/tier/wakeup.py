"""Wake the publisher when an event commits: the bell at the door, and polling for when it does not ring.

While the publisher sleeps it holds the door lock exclusively; writers that cannot share the lock notify on commit.
While it works under load it lets go of the lock, and nobody notifies: a NOTIFY makes commits wait for each other.
Both LISTEN and the lock belong to a session. Behind a pooler in transaction mode there is none: a test at the start
finds out, and the publisher polls. Nothing here can lose an event; what it can lose is a fraction of the poll interval.

With several publishers one of them keeps the door; the others listen too, and the keeper calls them to a backlog.
While the keeper has the door open, they nap instead of sleeping: nobody rings, and it may be slow with what it has.
"""

import logging
import select
import time
import uuid
from collections.abc import Callable
from typing import Any, Final

import psycopg
from django.db import Error, connection

from kaireon.platform.loops import StopSignal
from kaireon.platform.telemetry.services import log_failure
from outbox.services.enqueueing import BELL, DOOR_LOCK

logger = logging.getLogger(__name__)

KEEPER_LOCK: Final = 0x6B61_6972_656F_6E03
TEST_SECONDS: Final = 2.0
RECONNECT_SECONDS: Final = 10.0
# A server that was busy may be heard a moment later, a pooler never: test again, less and less often.
LONGEST_UNTESTED_SECONDS: Final = 3600.0
# Writers in the middle of a transaction keep the door open: look again soon, then less and less often.
KEEPERS_NAPS: Final = (0.001, 0.02)
# Beside a keeper that works: each of these ends with a claim.
NAPS_OF_OTHERS: Final = (0.02, 0.05)
CALL_EVERY_SECONDS: Final = 0.1


class Bell:
    """The listening session of one publisher. Every method is safe without a database: it says so once and naps."""

    def __init__(
        self, connect: Callable[[], "psycopg.Connection[Any]"], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._connect = connect
        self._monotonic = monotonic
        self._session: psycopg.Connection[Any] | None = None
        self._retry_at = float("-inf")
        self._called_at = float("-inf")
        self._untested_seconds = RECONNECT_SECONDS
        self._nap = 0.0
        self._is_keeper = False
        self.is_door_closed = False

    @property
    def rings(self) -> bool:
        """Tell whether a commit after this moment is sure to be heard: the door is closed."""
        return self._session is not None and self.is_door_closed

    def close_door(self) -> bool:
        """Try to close the door; tell whether it was open until now, so that one more look is needed."""
        if self.is_door_closed or not self._is_open():
            return False
        self._is_keeper = self._is_keeper or self._ask(f"SELECT pg_try_advisory_lock({KEEPER_LOCK})")
        if self._is_keeper:
            self.is_door_closed = self._ask(f"SELECT pg_try_advisory_lock({DOOR_LOCK})")
        return self.is_door_closed

    def open_door(self) -> None:
        """Let go of the door: writers stop notifying. The other publishers hear of it, for they relied on that."""
        if self.is_door_closed:
            self.is_door_closed = False
            self._ask(f"SELECT pg_advisory_unlock({DOOR_LOCK}), pg_notify('{BELL}', '')")

    def call_the_others(self) -> None:
        """Tell the other publishers that there is a backlog; at most ten times a second."""
        if self._session is not None and self._monotonic() - self._called_at >= CALL_EVERY_SECONDS:
            self._called_at = self._monotonic()
            self._ask(f"SELECT pg_notify('{BELL}', '') IS NOT NULL")

    def wait(self, seconds: float, stopping: StopSignal) -> None:
        """Wait for the bell, a stop or the end of `seconds`; shorter while the door is open."""
        is_open = not self.is_door_closed and (self._is_keeper or self._is_door_open())
        if self._session is None:
            stopping.wait(seconds)
            return
        first, last = KEEPERS_NAPS if self._is_keeper else NAPS_OF_OTHERS
        self._nap = min(max(self._nap * 2, first), last) if is_open else 0.0
        try:
            # What came with an answer of the server is no more to be seen at the socket.
            if not self._has_heard():
                longest = min(seconds, self._nap) if is_open else seconds
                select.select([self._session.fileno(), stopping.fileno()], [], [], longest)
                self._has_heard()
        except (psycopg.Error, OSError, ValueError) as error:
            self._lose(error)

    def close(self) -> None:
        """End the session; its locks end with it."""
        if self._session is not None:
            self._session.close()
        self._session, self._is_keeper, self.is_door_closed = None, False, False

    def _has_heard(self) -> bool:
        """Tell whether it rang since it was asked last; raises psycopg.OperationalError when the session has ended."""
        assert self._session is not None
        has_heard = bool(list(self._session.notifies(timeout=0)))
        # A closed session is readable too, and says so when it is asked.
        if self._session.closed or self._session.broken:
            raise psycopg.OperationalError("the listening session ended")
        return has_heard

    def _is_door_open(self) -> bool:
        """Tell whether writers can share the door's lock, so that they do not ring."""
        return self._session is not None and self._ask(f"SELECT pg_try_advisory_xact_lock_shared({DOOR_LOCK})")

    def _ask(self, question: str) -> bool:
        assert self._session is not None
        try:
            row = self._session.execute(question).fetchone()
        except psycopg.Error as error:
            self._lose(error)
            return False
        return bool(row and row[0])

    def _lose(self, error: Exception) -> None:
        log_failure(
            logger, "outbox bell lost", error, event="outbox.bell_lost", level=logging.WARNING, isTransient=True
        )
        self.close()
        self._retry_at = self._monotonic() + RECONNECT_SECONDS

    def _is_open(self) -> bool:
        """Open the session when there is none, now and then; tell whether there is one that hears."""
        if self._session is None and self._monotonic() >= self._retry_at:
            self._retry_at = self._monotonic() + RECONNECT_SECONDS
            try:
                self._session = self._connect()
                self._session.execute(f"LISTEN {BELL}")
                if self._hears():
                    self._untested_seconds = RECONNECT_SECONDS
                else:
                    self._give_up()
            # The word is sent by the tier's own session, whose failures are Django's.
            except (psycopg.Error, Error) as error:
                self._lose(error)
        return self._session is not None

    def _give_up(self) -> None:
        """Poll, and test again later: it was a pooler, or a server that was busy."""
        if self._untested_seconds == RECONNECT_SECONDS:
            logger.info("outbox bell cannot be heard", extra={"event": "outbox.bell_unheard"})
        self.close()
        self._retry_at = self._monotonic() + self._untested_seconds
        self._untested_seconds = min(self._untested_seconds * 2, LONGEST_UNTESTED_SECONDS)

    def _hears(self) -> bool:
        """Ring from another session and listen: a pooler takes LISTEN and delivers nothing."""
        assert self._session is not None
        word = f"test-{uuid.uuid4()}"
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [BELL, word])
        ends_at = time.monotonic() + TEST_SECONDS
        while (left := ends_at - time.monotonic()) > 0:
            if any(note.payload == word for note in self._session.notifies(timeout=left, stop_after=1)):
                return True
        return False


def listening_session(url: str, parameters: dict[str, Any]) -> "psycopg.Connection[Any]":
    """Open a session for listening: at `url` when there is one (past a pooler), else where the database is."""
    if url:
        return psycopg.connect(url, autocommit=True, connect_timeout=5)
    return psycopg.connect(**parameters, autocommit=True)
