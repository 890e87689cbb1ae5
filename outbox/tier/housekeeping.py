"""What a publisher does beside publishing, every few seconds: heartbeat, lost claims, orphaned holds, history."""

import logging
import os
import socket
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import psycopg
from django.db import OperationalError, transaction

from kaireon.platform.telemetry.services import log_failure
from outbox.models import PublisherProcess
from outbox.services.history import drop_partitions, make_partitions
from outbox.services.holding import BEFORE_ALL, heal_holds
from outbox.services.reaping import reap_expired
from outbox.services.registering import forget_publisher, note_publisher

if TYPE_CHECKING:
    from outbox.tier.publisher import PublisherTier

logger = logging.getLogger(__name__)

BEAT_SECONDS: Final = 5.0
DROP_SECONDS: Final = 60.0
# Who keeps no history drops what nobody has written to for so long: other publishers may keep theirs.
OTHERS_HISTORY: Final = timedelta(days=1)


class Housekeeping:
    """The housekeeping of one publisher; `run` is called at every step and does something every few seconds."""

    def __init__(self, tier: "PublisherTier", now: datetime, started: float) -> None:
        self._tier = tier
        self._due_at = started
        self._reap_at = started
        self._lost_at = started
        self._drop_at = started
        self._healed_up_to = BEFORE_ALL
        self._history_error_id = ""
        self.row = PublisherProcess(
            id=tier.id, host=socket.gethostname()[:255], pid=os.getpid(), backend=tier.publisher.name, state="idle",
            started_at=now, heartbeat_at=now,
        )  # fmt: skip

    def run(self, now: datetime) -> None:
        """Do what is due; raises django.db.OperationalError when the database is away, and is due again then."""
        self.beat(now)
        self.reap(now)

    def beat(self, now: datetime) -> None:
        """Make room for history and say that the publisher lives, when that is due."""
        moment = self._tier.monotonic()
        if moment >= self._due_at:
            self._keep_history(now, moment)
            self._beat(now)
            self._due_at = moment + BEAT_SECONDS

    def reap(self, now: datetime) -> None:
        """Take back what ended and mend what was left, when that is due; after the own last claim was settled."""
        moment = self._tier.monotonic()
        if moment >= self._reap_at:
            self._take_back(now, moment)
            self._reap_at = moment + min(BEAT_SECONDS, self._tier.settings.lease_seconds / 2)

    def note_error(self, message: str, now: datetime) -> None:
        """Show the back end's refusal at the next heartbeat, which is due at once."""
        self.row.last_error, self.row.last_error_at = message[:2000], now
        self._due_at = float("-inf")

    def leave(self, now: datetime) -> None:
        """Take the publisher off the list."""
        forget_publisher(publisher_id=self._tier.id, now=now)

    def _keep_history(self, now: datetime, moment: float) -> None:
        """Make and drop partitions; what a lock forbids is told once and tried again."""
        hours = self._tier.settings.history_hours
        try:
            if hours:
                make_partitions(now=now)
            if moment >= self._drop_at:
                self._drop_at = moment + DROP_SECONDS
                drop_partitions(before=now - (timedelta(hours=hours) or OTHERS_HISTORY))
                self._history_error_id = ""
        except OperationalError as error:
            if not isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
                raise
            self._history_error_id = self._history_error_id or log_failure(
                logger, "outbox history waits for a lock; it is tried again", error, event="outbox.history_waits",
                level=logging.WARNING, publisherId=str(self._tier.id),
            )  # fmt: skip

    def _take_back(self, now: datetime, moment: float) -> None:
        """Reap and heal in two transactions: in one they could wait for a claim that waits for them."""
        is_due = moment >= self._lost_at
        reap_expired(now=now, with_lost=is_due)
        if is_due:
            # Before its lease has ended no event counts as lost.
            self._lost_at = moment + self._tier.settings.lease_seconds
        with transaction.atomic():
            healed = heal_holds(now=now, after=self._healed_up_to)
        self._healed_up_to = healed.after

    def _beat(self, now: datetime) -> None:
        row, meter = self.row, self._tier.meter
        row.published_total, row.published_per_second = meter.published_total, meter.per_second()
        row.state = self._state()
        row.heartbeat_at = now
        note_publisher(publisher=row)

    def _state(self) -> str:
        if self._tier.stopping.is_set():
            return "draining"
        if self._tier.is_backing_off:
            return "backend_down"
        return "publishing" if self.row.published_per_second > 0 else "idle"
