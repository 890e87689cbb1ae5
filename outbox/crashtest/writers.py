"""Writers of the crash test: connections that commit events over many keys, each key with a counter of its own."""

import contextlib
import random
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from outbox.crashtest.judging import Written
from outbox.services import enqueue

WRITERS: Final = 4
_MOST_KEYS: Final = 3
# One transaction in so many is rolled back: none of its events may ever be seen.
_ROLLED_BACK: Final = 20
_AWAY_SECONDS: Final = 0.2


class _RolledBack(Exception):
    """Ends a transaction."""


class Writers:
    """Threads that write as many events as they are allowed, and remember what was committed.

    Several connections write to one key; its lock is held from the choice of the number to the commit, as a row that
    belongs to the customer would be. `doubtful` are events whose commit was not answered.
    """

    def __init__(self, tenant_id: uuid.UUID, *, topic: str, keys: int) -> None:
        self.written: dict[str, Written] = {}
        self.doubtful: set[str] = set()
        self._tenant_id = tenant_id
        self._topic = topic
        self._keys = [f"key-{number}-ключ" for number in range(keys)]
        self._numbers: defaultdict[str, int] = defaultdict(int)
        self._locks = {key: threading.Lock() for key in self._keys}
        self._allowed = threading.Semaphore(0)
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(WRITERS)]

    def start(self) -> None:
        """Start the threads; they wait for `allow`."""
        for thread in self._threads:
            thread.start()

    def allow(self, transactions: int) -> None:
        """Let so many more transactions begin."""
        self._allowed.release(transactions)

    def finish(self, at_least: int, *, each_turn: Callable[[], None]) -> None:
        """Go on until so many events are committed, then stop; what `each_turn` raises ends it before."""
        while len(self.written) < at_least and any(thread.is_alive() for thread in self._threads):
            each_turn()
            self.allow(WRITERS)
            time.sleep(0.005)
        self.stop()

    def stop(self) -> None:
        """Stop, and wait for what has begun."""
        self._stopping.set()
        self.allow(len(self._threads))
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def _run(self) -> None:
        chance = random.Random()  # noqa: S311 - no secret
        try:
            while self._allowed.acquire() and not self._stopping.is_set():
                self._write(
                    sorted(chance.sample(self._keys, min(len(self._keys), chance.randint(1, _MOST_KEYS)))), chance
                )
        finally:
            connection.close()

    def _write(self, keys: list[str], chance: random.Random) -> None:
        with contextlib.ExitStack() as locks:
            for key in keys:
                locks.enter_context(self._locks[key])
            events: dict[str, Written] = {}
            is_rolled_back = chance.randrange(_ROLLED_BACK) == 0
            try:
                with transaction.atomic():
                    for key in [*keys, chance.choice(keys)]:
                        self._enqueue(key, events, chance)
                    if is_rolled_back:
                        raise _RolledBack
            except _RolledBack:
                return
            except DatabaseError:
                self.doubtful.update(events)
                connection.close()
                time.sleep(_AWAY_SECONDS)
            else:
                self.written.update(events)
            for event in events.values():
                self._numbers[event.key] = max(self._numbers[event.key], event.number)

    def _enqueue(self, key: str, events: dict[str, Written], chance: random.Random) -> None:
        number = self._numbers[key] + 1 + sum(event.key == key for event in events.values())
        payload: dict[str, Any] = {"number": number, "text": "Ελλάς " * chance.randint(0, 40)}
        event_id = enqueue(tenant_id=self._tenant_id, topic=self._topic, payload=payload, now=timezone.now(), key=key)
        events[str(event_id)] = Written(key, number, payload)
