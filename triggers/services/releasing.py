"""Release occurrences that jitter held: each gets its run when its own offset has passed."""

import logging
import uuid
from collections.abc import Sequence
from typing import Final

from django.db import connection, transaction

from flows.decisions.vocabulary import TriggerSource
from kaireon.platform.tenancy.scoping import TenantQuerySet
from triggers.decisions.vocabulary import HeldFor, OccurrenceKind, Outcome, TriggerState
from triggers.models import Occurrence, PipelineSchedule
from triggers.services.asking import Asked, TickScope, ask_for_runs, line_of
from triggers.services.deciding import BATCH, Batch, request_of

logger = logging.getLogger(__name__)

NO_SCHEDULE: Final = "Its schedule was taken away or switched off before its turn came."
_RELEASE: Final = """
UPDATE triggers_occurrence AS held
SET outcome = released.outcome, reason = released.reason, run_id = released.run_id, decided_at = %s, due_at = NULL,
    held_for = '', tick_id = %s
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::uuid[]) AS released (id, outcome, reason, run_id)
WHERE held.id = released.id"""
# Those that the held one stands for; they have no run yet. What a person's run stands for lies before them.
_NAME: Final = """
UPDATE triggers_occurrence AS stood SET run_id = released.run_id
FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[], %s::uuid[])
     AS released (pipeline_id, since, until, run_id)
WHERE stood.pipeline_id = released.pipeline_id AND stood.kind = 'schedule' AND stood.outcome = 'coalesced'
  AND stood.run_id IS NULL AND stood.occurrence_at >= released.since AND stood.occurrence_at < released.until"""


def release_held(scope: TickScope, *, limit: int = BATCH) -> Batch:
    """Fire the held occurrences whose time has come, oldest first; return what became of them.

    Joins the transaction that holds the tick's lock. One that cannot be written keeps no other from its run.
    """
    rows = _lock_held(scope, limit)
    batch = Batch(is_last=len(rows) < limit)
    if rows:
        _release_apart(rows, scope, batch)
    return batch


def due_held(scope: TickScope) -> TenantQuerySet[Occurrence]:
    """Return the occurrences of schedules that are held no longer."""
    rows = Occurrence.objects.across_tenants().filter(outcome=Outcome.HELD, due_at__lte=scope.now)
    held = rows.filter(held_for=HeldFor.JITTER, kind=OccurrenceKind.SCHEDULE)
    return held if scope.tenant_id is None else held.filter(tenant_id=scope.tenant_id)


def _lock_held(scope: TickScope, limit: int) -> list[Occurrence]:
    """Lock held rows with their pipelines, those left out whose pipeline somebody saves just now."""
    locked = (
        due_held(scope)
        .select_related("pipeline")
        .select_for_update(skip_locked=True, no_key=True, of=("self", "pipeline"))
    )
    return list(locked.order_by("due_at", "pk")[:limit])


def _release_apart(rows: Sequence[Occurrence], scope: TickScope, batch: Batch) -> None:
    try:
        with transaction.atomic():
            _release(rows, scope)
    except Exception:
        if not connection.is_usable():
            raise
        if len(rows) > 1:
            middle = len(rows) // 2
            _release_apart(rows[:middle], scope, batch)
            _release_apart(rows[middle:], scope, batch)
            return
        fields = {"tenantId": str(rows[0].tenant_id), "pipelineId": str(rows[0].pipeline_id)}
        logger.exception("occurrence not released", extra={"event": "triggers.not_released", **fields})
        batch.failed.add(rows[0].pk)
        return
    batch.decided += len(rows)
    batch.lines += [line_of(row, TriggerSource.SCHEDULE) for row in rows]


def _release(rows: Sequence[Occurrence], scope: TickScope) -> None:
    without = _without_schedule(rows)
    for row in rows:
        if row.pipeline_id in without:
            row.outcome, row.reason, row.due_at = Outcome.PAUSED, NO_SCHEDULE, None
    asked = [Asked(request_of(row), row) for row in rows if row.pipeline_id not in without]
    ask_for_runs(asked, locked={row.pipeline_id: row.pipeline for row in rows}, now=scope.now)
    with connection.cursor() as cursor:
        cursor.execute(
            _RELEASE,
            [
                scope.now, scope.tick_id, [row.pk for row in rows], [row.outcome for row in rows],
                [row.reason for row in rows], [row.run_id for row in rows],
            ],
        )  # fmt: skip
        fired = [each.row for each in asked if each.row.run_id is not None]
        stands = [row for row in fired if "standsFrom" in row.detail]
        cursor.execute(
            _NAME,
            [
                [row.pipeline_id for row in stands], [row.detail["standsFrom"] for row in stands],
                [row.occurrence_at for row in stands], [row.run_id for row in stands],
            ],
        )  # fmt: skip
    of_fired = PipelineSchedule.objects.across_tenants().filter(pipeline_id__in=[row.pipeline_id for row in fired])
    of_fired.update(last_fired_at=scope.now)


def _without_schedule(rows: Sequence[Occurrence]) -> set[uuid.UUID]:
    """Return the pipelines whose schedule is gone or off; one that is paused says so itself."""
    pipelines = {row.pipeline_id for row in rows}
    known = PipelineSchedule.objects.across_tenants().filter(pipeline_id__in=pipelines)
    live = known.filter(state__in=[TriggerState.ACTIVE, TriggerState.PAUSED]).values_list("pipeline_id", flat=True)
    return pipelines - set(live)
