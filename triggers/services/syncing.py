"""Derive schedules, file triggers and counts again from what is live: after an upgrade, a restore, an import.

Nothing of it is needed in the daily run: whoever saves, publishes, pauses or deletes keeps the copies himself.
"""

import logging
import uuid
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction

from flows.selectors.live import LiveTiming, live_timings
from flows.services.following import Change
from flows.services.placing import lock_pipelines
from kaireon.platform.tenancy.models import Tenant
from triggers.decisions.vocabulary import TriggerState
from triggers.models import FileTrigger, PipelineSchedule
from triggers.services.counting import count_anew
from triggers.services.mirroring import mirror_pipeline

logger = logging.getLogger(__name__)

Copies = dict[uuid.UUID, tuple[int, str]]
# A parked one may be readable by now: a zone came back, a newer release knows the rule.
TRIED_AGAIN: Final = TriggerState.PARKED


def sync_all(*, now: datetime) -> int:
    """Bring every copy into line with what is live and return how many pipelines it took; not inside a transaction.

    Idempotent, also beside people who save and ticks that fire. One pipeline that cannot be brought into line is
    logged and keeps no other.
    """
    timings = live_timings()
    schedules, triggers = _copies(PipelineSchedule), _copies(FileTrigger)
    stale = [
        timing for timing in timings
        if _is_stale(timing, timing.schedule, schedules.get(timing.pipeline_id))
        or _is_stale(timing, timing.trigger, triggers.get(timing.pipeline_id))
    ]  # fmt: skip
    synced = sum(_sync(timing.tenant_id, timing.pipeline_id, now) for timing in stale)
    for tenant_id in Tenant.objects.values_list("pk", flat=True):
        count_anew(tenant_id)
    return synced + _drop_without_live({timing.pipeline_id for timing in timings}, now)


def _copies(model: type[PipelineSchedule] | type[FileTrigger]) -> Copies:
    rows: Iterable[Any] = model.objects.across_tenants().values_list("pipeline_id", "version", "state")
    return {pipeline_id: (version, state) for pipeline_id, version, state in rows}


def _is_stale(timing: LiveTiming, kind: str | None, copy: tuple[int, str] | None) -> bool:
    if kind is None or copy is None:
        return (kind is None) != (copy is None)
    version, state = copy
    is_paused = timing.paused_at is not None
    return version != timing.version or state == TRIED_AGAIN or (state == TriggerState.PAUSED) != is_paused


def _drop_without_live(live: Collection[uuid.UUID], now: datetime) -> int:
    """Let go of copies of pipelines that have no live version."""
    rows = PipelineSchedule.objects.across_tenants().exclude(pipeline_id__in=live)
    return sum(_sync(tenant_id, pipeline_id, now) for tenant_id, pipeline_id in rows.values_list("tenant", "pipeline"))


def _sync(tenant_id: uuid.UUID, pipeline_id: uuid.UUID, now: datetime) -> bool:
    try:
        with transaction.atomic(durable=True):
            if pipeline_id not in lock_pipelines([pipeline_id]):
                return False
            mirror_pipeline(tenant_id=tenant_id, pipeline_id=pipeline_id, change=Change.UPDATED, now=now)
    except Exception:
        if not connection.is_usable():
            raise
        fields = {"event": "triggers.not_synced", "tenantId": str(tenant_id), "pipelineId": str(pipeline_id)}
        logger.exception("pipeline not synced", extra=fields)
        return False
    return True
