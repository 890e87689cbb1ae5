"""Watch the deadlines of file triggers: say once for each anchor that no file came, and that one came after all.

The scan is of an index by the moment at which a deadline passes, as far as is known: a run that began since moved it,
which is found out when its turn comes. Runs of people and schedules need to tell nobody.
"""

import logging
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from flows.decisions.vocabulary import TriggerSource
from flows.selectors.live import LivePipeline, live_pipelines
from flows.services.missing import DEADLINE_MISSED, write_missed_run
from flows.services.placing import lock_pipelines
from kaireon.platform.budget import Budget
from kaireon.platform.health.decisions import Severity, Source
from kaireon.platform.health.services import raise_alert, resolve
from kaireon.platform.ids import new_id
from triggers.decisions.deadlines import Ruling, Watched, rule
from triggers.decisions.vocabulary import OccurrenceKind, OnMiss, Outcome, TriggerState, Via
from triggers.models import FileTrigger, Occurrence
from triggers.services.isolating import PUT_OFF, isolated
from triggers.services.telling import ACCEPTED, TickLine

logger = logging.getLogger(__name__)

LIMIT: Final = 500
TITLE: Final = "No file came in time for pipeline {name}"
CAME: Final = "A file came after all for pipeline {name}"
MESSAGE: Final = "{pattern} was expected in {place} by {deadline} UTC, {window} after {anchor} UTC."
DOUBTFUL: Final = " Its folder could not be looked at since: {error}"
CAME_MESSAGE: Final = "It came at {now} UTC."
LATE_BY: Final = " It was expected by {deadline} UTC, {late} earlier."


@dataclass(frozen=True, slots=True)
class _Miss:
    """A deadline that passed without a file."""

    trigger: FileTrigger
    live: LivePipeline
    ruling: Ruling
    now: datetime
    tick_id: uuid.UUID | None


def check_deadlines(
    *, now: datetime, budget: Budget, tenant_id: uuid.UUID | None = None, tick_id: uuid.UUID | None = None,
    limit: int = LIMIT,
) -> list[TickLine]:  # fmt: skip
    """Look at the deadlines that have passed, oldest first, and return a line for each that was missed.

    Each in a transaction of its own, its pipeline locked first; two ticks at once say it once. Not inside a
    transaction.
    """
    lines: list[TickLine] = []
    for trigger_id, pipeline_id in _passed(now, tenant_id, limit):
        if budget.is_spent:
            break
        line = None
        with isolated("triggers.deadline_failed", pipelineId=pipeline_id) as block, transaction.atomic(durable=True):
            lock_pipelines([pipeline_id])
            line = _look(trigger_id, now, tick_id)
        if block.error:
            _put_off(trigger_id, now)
        elif line is not None:
            lines.append(line)
    return lines


def _put_off(trigger_id: uuid.UUID, now: datetime) -> None:
    """Let the others come first for a while: of what fails again and again, none may stand before them."""
    with isolated("triggers.deadline_failed", triggerId=trigger_id):
        rows = FileTrigger.objects.across_tenants().filter(pk=trigger_id, deadline_at__lte=now)
        rows.update(deadline_at=now + PUT_OFF)


def count_passed(*, now: datetime, tenant_id: uuid.UUID | None = None, limit: int = LIMIT) -> int:
    """Return how many deadlines wait to be looked at, counted up to `limit`."""
    return len(_passed(now, tenant_id, limit))


def note_arrival(trigger: FileTrigger, now: datetime) -> None:
    """Note that a file has come and a run begins, in the transaction of both; the trigger's row is locked.

    A deadline that was missed is told to be over.
    """
    if trigger.deadline_minutes is None:
        return
    # Also without a missed anchor: it may have been forgotten by a pause since.
    was_open = resolve(tenant_id=trigger.tenant_id, dedupe_key=alert_key(trigger.pipeline_id), now=now)
    if was_open or trigger.missed_anchor is not None:
        _tell_recovery(trigger, now, is_news=bool(was_open))
    trigger.deadline_at, trigger.missed_anchor = now + timedelta(minutes=trigger.deadline_minutes), None
    FileTrigger.objects.for_tenant(trigger.tenant_id).filter(pk=trigger.pk).update(
        deadline_at=trigger.deadline_at, missed_anchor=None
    )


def forget_deadline(trigger: FileTrigger, now: datetime) -> None:
    """Take back what was said about a trigger whose deadline is gone, in the transaction that changes it."""
    resolve(tenant_id=trigger.tenant_id, dedupe_key=alert_key(trigger.pipeline_id), now=now)


def alert_key(pipeline_id: uuid.UUID) -> str:
    """Return the key under which a pipeline's missed deadline stands in system health."""
    return f"trigger-deadline:{pipeline_id}"


def _passed(now: datetime, tenant_id: uuid.UUID | None, limit: int = LIMIT) -> list[tuple[uuid.UUID, uuid.UUID]]:
    rows = FileTrigger.objects.across_tenants() if tenant_id is None else FileTrigger.objects.for_tenant(tenant_id)
    # "Not null" for the planner: the index has only these.
    due = rows.filter(state=TriggerState.ACTIVE, deadline_at__isnull=False, deadline_at__lte=now)
    return list(due.order_by("deadline_at", "pk").values_list("pk", "pipeline_id")[:limit])


def _look(trigger_id: uuid.UUID, now: datetime, tick_id: uuid.UUID | None) -> TickLine | None:
    """Rule on one deadline; None when it was not missed, or another tick was faster."""
    rows = FileTrigger.objects.across_tenants().select_for_update(no_key=True, of=("self",)).select_related("folder")
    trigger = rows.filter(pk=trigger_id, state=TriggerState.ACTIVE, deadline_at__lte=now).first()
    if trigger is None or trigger.deadline_minutes is None:
        return None
    (live,) = live_pipelines([trigger.pipeline_id])
    ruling = rule(_watched(trigger, live), now=now)
    missed_anchor = ruling.anchor if ruling.is_missed else trigger.missed_anchor
    FileTrigger.objects.for_tenant(trigger.tenant_id).filter(pk=trigger.pk).update(
        deadline_at=ruling.look_again_at, missed_anchor=missed_anchor
    )
    return _act(_Miss(trigger, live, ruling, now, tick_id)) if ruling.is_missed else None


def _watched(trigger: FileTrigger, live: LivePipeline) -> Watched:
    held = Occurrence.objects.for_tenant(trigger.tenant_id).filter(
        pipeline_id=trigger.pipeline_id, kind=OccurrenceKind.FILE, outcome=Outcome.HELD
    )
    folder = trigger.folder
    return Watched(
        created_at=live.created_at, last_run_at=live.last_run_at, active_since=trigger.active_since,
        window=timedelta(minutes=trigger.deadline_minutes or 0), missed_anchor=trigger.missed_anchor,
        is_waiting=held.exists(), looked_at=None if folder is None else folder.looked_at,
        is_failing=folder is None or folder.failures > 0,
    )  # fmt: skip


def _act(miss: _Miss) -> TickLine | None:
    """Write the deadline into the ledger, whose key is its anchor, and do what `onMiss` says; None if it stands."""
    trigger, ruling = miss.trigger, miss.ruling
    row = Occurrence(
        id=new_id(), tenant_id=trigger.tenant_id, pipeline_id=trigger.pipeline_id, kind=OccurrenceKind.DEADLINE,
        key=ruling.anchor.isoformat(), occurrence_at=ruling.deadline_at, outcome=Outcome.DEADLINE_MISSED,
        decided_at=miss.now, via=Via.TICK, tick_id=miss.tick_id, version=trigger.version, reason=_words(miss),
        detail={"onMiss": trigger.on_miss, "windowMinutes": trigger.deadline_minutes, "nodeId": trigger.source_id},
    )  # fmt: skip
    scoped = Occurrence.objects.for_tenant(trigger.tenant_id)
    scoped.bulk_create([row], ignore_conflicts=True)
    if not scoped.filter(pk=row.pk).exists():
        return None
    if trigger.on_miss == OnMiss.FAIL:
        row.run_id = _fail(miss, row.reason)
        row.save(update_fields=["run"])
    if trigger.on_miss != OnMiss.SKIP:
        _alert(miss, row)
    logger.info(
        "deadline missed",
        extra={
            "event": "triggers.deadline_missed", "tenantId": str(trigger.tenant_id),
            "pipelineId": str(trigger.pipeline_id), "onMiss": trigger.on_miss, "deadlineAt": str(ruling.deadline_at),
        },
    )  # fmt: skip
    return TickLine(
        tenant_id=trigger.tenant_id, pipeline_id=trigger.pipeline_id, fired=False, status=ACCEPTED,
        trigger_source=TriggerSource.FILE_ARRIVAL, occurrence=ruling.deadline_at, run_id=row.run_id,
        reason=f"{DEADLINE_MISSED} ({trigger.on_miss}): {row.reason}",
    )  # fmt: skip


def _fail(miss: _Miss, words: str) -> uuid.UUID | None:
    return write_missed_run(
        tenant_id=miss.trigger.tenant_id, pipeline_id=miss.trigger.pipeline_id, detail=words, now=miss.now,
        parameters={"deadlineAt": miss.ruling.deadline_at.isoformat(), "anchorAt": miss.ruling.anchor.isoformat()},
    )  # fmt: skip


def _alert(miss: _Miss, row: Occurrence) -> None:
    trigger = miss.trigger
    raise_alert(
        tenant_id=trigger.tenant_id, severity=Severity.WARNING, source=Source.FLOW,
        title=TITLE.format(name=miss.live.name), message=row.reason, link=_link(trigger),
        dedupe_key=alert_key(trigger.pipeline_id), now=miss.now,
        metadata={
            "pipelineId": str(trigger.pipeline_id), "occurrenceId": str(row.pk), "onMiss": trigger.on_miss,
            "runId": None if row.run_id is None else str(row.run_id),
            "deadlineAt": miss.ruling.deadline_at.isoformat(),
        },
    )  # fmt: skip


def _tell_recovery(trigger: FileTrigger, now: datetime, *, is_news: bool) -> None:
    """Leave a word of the good end for whoever read the alert, which is resolved; always in the log."""
    if is_news:
        (live,) = live_pipelines([trigger.pipeline_id])
        key = f"{alert_key(trigger.pipeline_id)}:recovered"
        raise_alert(
            tenant_id=trigger.tenant_id, severity=Severity.SUCCESS, source=Source.FLOW,
            title=CAME.format(name=live.name), message=_late_words(trigger, now), link=_link(trigger), dedupe_key=key,
            metadata={"pipelineId": str(trigger.pipeline_id)}, now=now,
        )  # fmt: skip
        # It is news, not a problem that stays open.
        resolve(tenant_id=trigger.tenant_id, dedupe_key=key, now=now)
    logger.info(
        "deadline recovered",
        extra={
            "event": "triggers.deadline_recovered", "tenantId": str(trigger.tenant_id),
            "pipelineId": str(trigger.pipeline_id),
        },
    )  # fmt: skip


def _late_words(trigger: FileTrigger, now: datetime) -> str:
    if trigger.missed_anchor is None:
        return CAME_MESSAGE.format(now=_clock(now))
    deadline_at = trigger.missed_anchor + timedelta(minutes=trigger.deadline_minutes or 0)
    late = LATE_BY.format(deadline=_clock(deadline_at), late=_span(now - deadline_at))
    return CAME_MESSAGE.format(now=_clock(now)) + late


def _words(miss: _Miss) -> str:
    trigger, ruling, folder = miss.trigger, miss.ruling, miss.trigger.folder
    place = "its folder" if folder is None else f"{folder.store} {folder.folder}"
    words = MESSAGE.format(
        pattern=trigger.pattern.get("value", ""), place=place, deadline=_clock(ruling.deadline_at),
        window=_span(timedelta(minutes=trigger.deadline_minutes or 0)), anchor=_clock(ruling.anchor),
    )  # fmt: skip
    if not ruling.is_doubtful:
        return words
    return words + DOUBTFUL.format(error=(folder and folder.error) or "no tick has listed it.")


def _link(trigger: FileTrigger) -> str:
    return f"/data/flow-pipelines/{trigger.pipeline_id}/edit"


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def _span(length: timedelta) -> str:
    minutes = max(1, round(length.total_seconds() / 60))
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if hours and rest else f"{hours} h" if hours else f"{rest} min"
