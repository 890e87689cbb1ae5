"""One tick of reports: settle, decide what is due, make and deliver it. One schedule's failure stops no other's."""

import logging
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from django.db import connection

from kaireon.platform.budget import Budget
from kaireon.platform.notifications.services import deliver_due
from kaireon.platform.notifications.services.dispatch import running_clock
from reports.selectors.runs import count_waiting, open_delivery_ids
from reports.services.clocks import set_clocks_right
from reports.services.isolating import in_one_line
from reports.services.queueing import count_due, due_schedules, queue_due
from reports.services.recovering import recover_runs
from reports.services.running import WorkPass
from reports.services.settling import settle_runs

logger = logging.getLogger(__name__)

BATCH: Final = 100
SHARE_OF_THE_LEFT: Final = 0.5


class ReportError(NamedTuple):
    """A schedule whose run failed, in the documented words."""

    tenant_id: uuid.UUID
    schedule_id: uuid.UUID
    error: str


class TickFailure(NamedTuple):
    """What failed besides single runs; `tenant_id` is None where it was not one tenant's."""

    tenant_id: uuid.UUID | None
    error: str


@dataclass(slots=True)
class ReportTick:
    """What one tick did. `evaluated` counts schedules that were due, `ran` their runs that were made and did not fail.

    `remaining` counts what the budget left: due schedules, waiting runs and deliveries.
    """

    evaluated: int = 0
    ran: int = 0
    errors: list[ReportError] = field(default_factory=list)
    failures: list[TickFailure] = field(default_factory=list)
    remaining: int = 0


def run_tick(*, now: datetime, budget: Budget, tenant_id: uuid.UUID | None = None) -> ReportTick:
    """Fire every schedule that is due, make and deliver its report, and say what happened.

    Past the budget nothing new is begun: what is left is counted in `remaining` and is the worker's, or the next
    tick's. Two ticks at once share the work; an occurrence fires once, a destination gets a run once.
    """
    tick = ReportTick()
    clock = running_clock(now)
    settle_runs(now=now, tenant_id=tenant_id)
    set_clocks_right(now=now, tenant_id=tenant_id)
    for lost in recover_runs(now=now, tenant_id=tenant_id):
        _note(tick, lost.tenant_id, lost.schedule_id, lost.error)
    # First what others left: where making takes every tick's whole budget, it would never go out.
    _deliver_left(now, Budget(budget.remaining() * SHARE_OF_THE_LEFT), tenant_id)
    _queue_all(tick, now, budget, tenant_id)
    for worked in WorkPass(budget, clock, tenant_id).execute():
        # What somebody asked for by hand is made on the way, and is not the schedules'.
        tick.ran += worked.is_made and worked.claim.schedule_id is not None
        if worked.error:
            _note(tick, worked.claim.tenant_id, worked.claim.schedule_id, worked.error)
    tick.remaining += _deliver_left(now, budget, tenant_id)
    settle_runs(now=clock(), tenant_id=tenant_id)
    tick.remaining += count_waiting(now=clock(), tenant_id=tenant_id) + count_due(now=now, tenant_id=tenant_id)
    return tick


def _note(tick: ReportTick, tenant_id: uuid.UUID, schedule_id: uuid.UUID | None, error: str) -> None:
    """List a failure; that of a run which somebody asked for by hand is that person's, not the tick's."""
    if schedule_id is not None:
        tick.errors.append(ReportError(tenant_id, schedule_id, error))


def _queue_all(tick: ReportTick, now: datetime, budget: Budget, tenant_id: uuid.UUID | None) -> None:
    """Decide in batches. What failed, or another tick holds, is not looked at twice in one tick."""
    looked_at: set[uuid.UUID] = set()
    while not budget.is_spent:
        due = due_schedules(now=now, limit=BATCH, tenant_id=tenant_id, not_these=looked_at)
        if not due:
            return
        looked_at |= set(due)
        _queue(tick, due, now)


def _queue(tick: ReportTick, due: dict[uuid.UUID, uuid.UUID], now: datetime) -> None:
    """Decide a batch at once; where that fails one by one, so that a failure stands alone."""
    try:
        queued = queue_due(schedule_ids=list(due), now=now)
    except Exception as error:
        if not connection.is_usable():
            raise
        if len(due) > 1:
            for schedule_id, tenant_id in due.items():
                _queue(tick, {schedule_id: tenant_id}, now)
            return
        logger.exception("report schedule not decided", extra={"event": "reports.not_decided", **_names(due)})
        tick.evaluated += 1
        for schedule_id, tenant_id in due.items():
            _note(tick, tenant_id, schedule_id, in_one_line(error))
        return
    tick.evaluated += len(queued.schedule_ids)
    for tenant_id, schedule_id, reason in queued.failed:
        _note(tick, tenant_id, schedule_id, reason)


def _names(due: dict[uuid.UUID, uuid.UUID]) -> dict[str, str]:
    schedule_id, tenant_id = next(iter(due.items()))
    return {"scheduleId": str(schedule_id), "tenantId": str(tenant_id)}


def _deliver_left(now: datetime, budget: Budget, tenant_id: uuid.UUID | None) -> int:
    """Send what an earlier tick left, or a process that was killed; return how many are due and not sent yet."""
    ids = open_delivery_ids(tenant_id)
    if not ids:
        return 0
    return deliver_due(now=now, budget=budget, tenant_id=tenant_id, delivery_ids=ids).remaining
