"""One tick of the Flow Scheduler: decide what is due, look into folders, watch deadlines, and say what happened."""

import logging
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q

from flows.services.holding import end_when_silent
from kaireon.platform.budget import Budget
from kaireon.platform.ids import new_id
from kaireon.platform.locks import lock_key, try_xact_lock
from triggers.decisions.vocabulary import TickSource
from triggers.models import SchedulerTick
from triggers.services.asking import TickScope
from triggers.services.counting import total_counts
from triggers.services.deadlines import check_deadlines, count_passed
from triggers.services.deciding import Batch, Place, decide_due, due_schedules
from triggers.services.polling import poll_folders
from triggers.services.releasing import due_held, release_held
from triggers.services.releasing_files import release_files
from triggers.services.sharing import archive_shared
from triggers.services.telling import FAILED, TickLine

logger = logging.getLogger(__name__)

# The seed's lock: whoever holds it decides.
SCHEDULER_LOCK: Final = 0x666C6F77
# A process that is frozen in the middle of a decision keeps nobody else from deciding for longer.
LONGEST_SILENCE_MS: Final = 10_000
GRACE: Final = timedelta(seconds=120)
KEPT: Final = timedelta(days=1)
TRIMMED_AT_ONCE: Final = 500
LONGEST_NAME: Final = 120
VAIN_PASSES: Final = 2
# Passes over held files, each of five hundred of them.
MOST_RELEASES: Final = 40
WRITTEN: Final = (
    "due", "dispatched", "failed", "listed", "remaining", "duration_ms", "decided_ms", "finished_at", "error",
)  # fmt: skip
_TRIM: Final = """
DELETE FROM triggers_schedulertick
WHERE id IN (SELECT id FROM triggers_schedulertick WHERE at < %s ORDER BY at LIMIT %s)"""


@dataclass(frozen=True, slots=True)
class TickResult:
    """What a tick did; with `was_locked` another one was deciding, and this one did nothing.

    `due` counts pipelines, `dispatched` runs. `remaining` is what the budget left to the next tick.
    """

    tick_at: datetime
    was_locked: bool
    total_pipelines: int = 0
    scheduled: int = 0
    due: int = 0
    dispatched: int = 0
    failed: int = 0
    lines: tuple[TickLine, ...] = ()
    remaining: int = 0
    duration_ms: int = 0


def tick_scheduler(
    *, now: datetime, budget: Budget, source: TickSource, tenant_id: uuid.UUID | None = None, ticker: str = ""
) -> TickResult:
    """Fire what is due, of every tenant or of one, and say what happened; not inside a transaction.

    Idempotent: a tick that is retried, or runs beside another one, fires nothing twice. Past the budget nothing new is
    begun. What fails in one part of it is logged and stands in the history of ticks; the other parts go on.
    """
    tick = _Tick(now, budget, source, tenant_id, ticker)
    if not tick.decide():
        return tick.give_way()
    tick.apart("files", tick.look_into_folders)
    tick.apart("held files", tick.release_held_files)
    tick.apart("sentinels", tick.put_sentinels_away)
    tick.apart("deadlines", tick.watch_deadlines)
    return tick.finish()


class _Tick:
    """A tick under way."""

    def __init__(
        self, now: datetime, budget: Budget, source: TickSource, tenant_id: uuid.UUID | None, ticker: str
    ) -> None:
        self._started = time.monotonic()
        self._now, self._budget, self._tenant_id = now, budget, tenant_id
        self._row = SchedulerTick(
            id=new_id(), at=now, source=source, ticker=ticker[:LONGEST_NAME], tenant_id=tenant_id
        )  # fmt: skip
        # One tenant's ticks give way to each other alone: nobody who presses a button keeps the others' from ticking.
        # Beside the tick of everybody they find its rows locked, and the ledger knows what it has written.
        self._lock = SCHEDULER_LOCK if tenant_id is None else lock_key("triggers.tick", tenant_id)
        self._scope: TickScope | None = None
        self._lines: list[TickLine] = []
        self._decided_s = 0.0
        self._failed: set[uuid.UUID] = set()
        self._remaining = 0

    def decide(self) -> bool:
        """Decide until nothing is left or the budget is spent; return False when another tick decides.

        One pass after the other: a schedule that has much to catch up goes on when all others have had their turn.
        """
        for again in count():
            decided = self._decide_pass()
            if self._scope is None:
                return False
            left = due_schedules(self._scope).count() + due_held(self._scope).count()
            # What somebody saves just now is left out; a moment later it is there.
            is_vain = decided == 0 and again >= VAIN_PASSES
            if left <= len(self._failed) or is_vain or self._budget.is_spent:
                self._remaining = left
                return True
        raise AssertionError("unreachable")

    def _decide_pass(self) -> int:
        """Go through all that is due once, batch by batch; return how many were moved on."""
        place, decided = None, 0
        while (batch := self._decide_batch(place)) is not None:
            place, decided = batch.place or place, decided + batch.decided
            if batch.is_last or self._budget.is_spent:
                break
        return decided

    def _decide_batch(self, place: Place | None) -> Batch | None:
        """Decide a batch in a transaction of its own under the lock; return None when another tick has that."""
        began = time.monotonic()
        with transaction.atomic(durable=True):
            end_when_silent(milliseconds=LONGEST_SILENCE_MS)
            if not try_xact_lock(self._lock):
                return None
            scope = self._scope or self._begin()
            # In this order: what is due counts from the last run, and would take those of released ones for its own.
            batch = decide_due(scope, after=place)
            held = release_held(scope)
        # Only what was committed counts.
        self._scope = scope
        self._decided_s += time.monotonic() - began
        self._lines += batch.lines + held.lines
        self._failed |= held.failed | batch.failed
        batch.decided += held.decided
        batch.is_last = batch.is_last and held.is_last
        return batch

    def _begin(self) -> TickScope:
        """Write the tick's row, in the transaction of its first decisions, and return what they need."""
        scope = TickScope(
            now=self._now, tick_id=self._row.pk, tenant_id=self._tenant_id, last_tick_at=self._last_tick_at(),
            grace=max(GRACE, 2 * timedelta(milliseconds=settings.FLOW_SCHEDULER_INTERVAL_MS)),
        )  # fmt: skip
        self._row.save(force_insert=True)
        return scope

    def _last_tick_at(self) -> datetime | None:
        mine = Q(tenant_id=None) if self._tenant_id is None else Q(tenant_id=None) | Q(tenant_id=self._tenant_id)
        rows = SchedulerTick.objects.filter(mine, was_locked=False, at__lte=self._now)
        return rows.order_by("-at", "-pk").values_list("at", flat=True).first()

    def look_into_folders(self) -> None:
        """List the folders that triggers watch, and fire what is new in them."""
        polled = poll_folders(
            now=self._now, budget=self._budget, tenant_id=self._tenant_id, tick_id=self._row.pk,
            is_eager=self._row.source != TickSource.TICKER,
        )  # fmt: skip
        self._lines += polled.lines
        self._row.listed = polled.listed
        self._remaining += polled.remaining

    def release_held_files(self) -> None:
        """Release the files that were held and whose time has come; after the folders were looked into."""
        for _ in range(MOST_RELEASES):
            released = release_files(
                now=self._now, budget=self._budget, tenant_id=self._tenant_id, tick_id=self._row.pk
            )  # fmt: skip
            self._lines += released
            if not released or self._budget.is_spent:
                return

    def put_sentinels_away(self) -> None:
        """Archive the sentinels that several pipelines read, when the last of them has."""
        archive_shared(now=self._now, budget=self._budget, tenant_id=self._tenant_id)

    def watch_deadlines(self) -> None:
        """Say which files did not come in time; after the folders were looked into."""
        self._lines += check_deadlines(
            now=self._now, budget=self._budget, tenant_id=self._tenant_id, tick_id=self._row.pk
        )  # fmt: skip
        self._remaining += count_passed(now=self._now, tenant_id=self._tenant_id)

    def apart(self, part: str, work: Callable[[], None]) -> None:
        """Do a part; what fails in it stops no other, unless it is the database itself that is gone."""
        try:
            work()
        except Exception as error:
            if not connection.is_usable():
                raise
            logger.exception("part of a tick failed", extra={"event": "triggers.tick_failed", "part": part})
            said = f"{part}: {type(error).__name__}"
            self._row.error = f"{self._row.error}; {said}" if self._row.error else said

    def give_way(self) -> TickResult:
        """Write that another tick was deciding."""
        self._row.was_locked, self._row.finished_at = True, self._now
        self._row.duration_ms = self._milliseconds()
        self._row.save(force_insert=True)
        return TickResult(tick_at=self._now, was_locked=True, duration_ms=self._row.duration_ms)

    def finish(self) -> TickResult:
        """Write what the tick did and return it; let go of the history of the day before."""
        assert self._scope is not None
        total, scheduled = total_counts(self._tenant_id)
        result = TickResult(
            tick_at=self._now, was_locked=False, total_pipelines=total, scheduled=scheduled,
            due=len({line.pipeline_id for line in self._lines}), dispatched=sum(line.fired for line in self._lines),
            failed=_failed(self._lines), lines=tuple(self._lines), remaining=self._remaining,
            duration_ms=self._milliseconds(),
        )  # fmt: skip
        self._write(result)
        logger.info("flow scheduler tick", extra={"event": "triggers.tick", **_logged(result)})
        return result

    def _write(self, result: TickResult) -> None:
        row = self._row
        row.due, row.dispatched, row.failed = result.due, result.dispatched, result.failed
        row.remaining, row.duration_ms = result.remaining, result.duration_ms
        row.decided_ms = round(self._decided_s * 1000)
        row.finished_at = self._now + timedelta(milliseconds=result.duration_ms)
        row.save(update_fields=WRITTEN)
        with connection.cursor() as cursor:
            cursor.execute(_TRIM, [self._now - KEPT, TRIMMED_AT_ONCE])

    def _milliseconds(self) -> int:
        return round((time.monotonic() - self._started) * 1000)


def _failed(lines: Sequence[TickLine]) -> int:
    return sum(line.status == FAILED for line in lines)


def _logged(result: TickResult) -> dict[str, int]:
    return {
        "due": result.due, "dispatched": result.dispatched, "failed": result.failed, "remaining": result.remaining,
        "durationMs": result.duration_ms,
    }  # fmt: skip
