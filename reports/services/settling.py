"""Settle runs: when every delivery of one has ended, so has the run, and its schedule says how.

Runs before and after a tick's own work and after each pass of the worker, so that whatever another process delivered,
or one that was killed left behind, is known.
"""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Q, Value
from django.db.models.functions import Coalesce

from kaireon.platform.audit.services import record_many
from kaireon.platform.notifications.decisions import State
from kaireon.platform.notifications.selectors import delivery_standings
from reports.decisions.runs import status_of
from reports.decisions.vocabulary import RunStatus, Stage
from reports.metrics import RUNS
from reports.models import ReportRun, ReportSchedule
from reports.services.isolating import isolated
from reports.services.telling import end_of_run

BATCH: Final = 500


def settle_runs(
    *, now: datetime, tenant_id: uuid.UUID | None = None, run_ids: Collection[uuid.UUID] | None = None
) -> int:
    """End the runs whose deliveries have all ended; return how many. A run is settled in a transaction of its own.

    All of them are looked at, a batch at a time: however many wait for their deliveries, they hold up no later one.
    """
    rows = ReportRun.objects.across_tenants().filter(status=RunStatus.RUNNING, stage=Stage.DELIVERING)
    rows = rows if tenant_id is None else rows.filter(tenant_id=tenant_id)
    rows = rows if run_ids is None else rows.filter(pk__in=run_ids)
    rows = rows.order_by("created_at", "pk").only("pk", "tenant_id", "schedule_id", "delivery_ids", "created_at")
    settled, batch = 0, list(rows[:BATCH])
    while batch:
        settled += _settle(batch, now)
        last = batch[-1]
        is_later = Q(created_at__gt=last.created_at) | Q(created_at=last.created_at, pk__gt=last.pk)
        batch = list(rows.filter(is_later)[:BATCH]) if len(batch) == BATCH else []
    return settled


def _settle(batch: Sequence[ReportRun], now: datetime) -> int:
    standings = delivery_standings([delivery_id for run in batch for delivery_id in run.delivery_ids])
    settled = 0
    for run in batch:
        # A row that is not there any more cannot tell whether it arrived.
        states = [standings[each].state if each in standings else State.UNKNOWN for each in run.delivery_ids]
        if (status := status_of(states)) is not None:
            with isolated("reports.not_settled", run.tenant_id, run.pk):
                settled += settle_run(run=run, status=status, now=now)
    return settled


@transaction.atomic(durable=True)
def settle_run(*, run: ReportRun, status: RunStatus, now: datetime) -> bool:
    """Write how a run has ended; False when somebody else has done so."""
    # The schedule before the run: as whoever deletes a schedule does.
    schedules = ReportSchedule.objects.for_tenant(run.tenant_id).select_for_update()
    schedule = schedules.filter(pk=run.schedule_id).first() if run.schedule_id else None
    mine = ReportRun.objects.for_tenant(run.tenant_id).filter(
        pk=run.pk, status=RunStatus.RUNNING, stage=Stage.DELIVERING
    )
    if not mine.update(status=status, stage=Stage.DONE, finished_at=Coalesce("finished_at", Value(now))):
        return False
    run.refresh_from_db()
    record_many(end_of_run(schedule, run, now=now) if schedule else [], now=now)
    RUNS.labels(status.value).inc()
    return True
