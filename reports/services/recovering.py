"""Find runs that nobody can finish: begun three times, and each time whoever worked on them was gone.

A run whose lease has run out before that needs nobody to find it: the next claim takes it, with the same occurrence.
"""

import uuid
from datetime import datetime
from typing import Final, NamedTuple

from django.db import transaction
from django.db.models import Q

from kaireon.platform.audit.services import record_many
from reports.decisions.runs import MAX_ATTEMPTS, STOPPED
from reports.decisions.vocabulary import RunStatus, Stage
from reports.metrics import RUNS
from reports.models import ReportRun, ReportSchedule
from reports.selectors.runs import is_free
from reports.services.claims import BUILDING
from reports.services.isolating import isolated
from reports.services.telling import end_of_run

BATCH: Final = 100


class Recovered(NamedTuple):
    """A run that ended as failed, and why."""

    tenant_id: uuid.UUID
    schedule_id: uuid.UUID | None
    error: str


def recover_runs(*, now: datetime, tenant_id: uuid.UUID | None = None) -> list[Recovered]:
    """End as failed what was begun too often; return which."""
    rows = ReportRun.objects.across_tenants().filter(_is_lost(now))
    rows = rows if tenant_id is None else rows.filter(tenant_id=tenant_id)
    lost = list(rows.order_by("created_at", "pk")[:BATCH])
    ended = []
    for run in lost:
        with isolated("reports.not_recovered", run.tenant_id, run.pk):
            ended += [Recovered(run.tenant_id, run.schedule_id, STOPPED)] if _end(run, now) else []
    return ended


def _is_lost(now: datetime) -> Q:
    return is_free(now) & Q(status=RunStatus.RUNNING, stage__in=BUILDING, attempts__gte=MAX_ATTEMPTS)


@transaction.atomic(durable=True)
def _end(run: ReportRun, now: datetime) -> bool:
    schedules = ReportSchedule.objects.for_tenant(run.tenant_id).select_for_update()
    schedule = schedules.filter(pk=run.schedule_id).first() if run.schedule_id else None
    mine = ReportRun.objects.for_tenant(run.tenant_id).filter(_is_lost(now), pk=run.pk)
    changed = mine.update(
        status=RunStatus.FAILED, stage=Stage.DONE, finished_at=now, error=STOPPED, claim_token=None, lease_until=None
    )
    if not changed:
        return False
    run.refresh_from_db()
    record_many(end_of_run(schedule, run, now=now) if schedule else [], now=now)
    RUNS.labels(RunStatus.FAILED.value).inc()
    return True
