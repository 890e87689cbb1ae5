"""Take in files: the one way for poll, push and inotify, so that whoever sees a file first, it fires once.

A row of the ledger, unique by pipeline and version of the file, decides; the run is written in its transaction.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F

from flows.decisions.vocabulary import TriggerSource
from flows.selectors.taken_files import keys_in_hand, runs_that_put_back
from flows.services.placing import lock_pipelines
from flows.storage.base import StoredFile
from kaireon.platform.ids import new_id
from triggers.decisions.arrivals import PARKED, PAUSED_NEW, PUT_BACK, REPLACED, Wait, Waiting, seen_before, wait_of
from triggers.decisions.vocabulary import HeldFor, OccurrenceKind, Outcome, TriggerState, Via
from triggers.models import FileTrigger, Occurrence
from triggers.services.firing import fire
from triggers.services.holding import held_files
from triggers.services.ledger import insert_rows
from triggers.services.telling import ACCEPTED, CONFLICT, TickLine

JOINS: Final = "kept: it joins files that were held and are due now"
OFF: Final = "the trigger is off"
# Of very many files so many are taken in at once, while saves and pushes wait; the next look finds the others.
MOST_AT_ONCE: Final = 5_000


@dataclass(frozen=True, slots=True)
class Arrival:
    """How files came: through what, when, in which tick."""

    via: Via
    now: datetime
    tick_id: uuid.UUID | None = None


def arrive(
    *, trigger_id: uuid.UUID, files: Sequence[StoredFile], via: Via, now: datetime, tick_id: uuid.UUID | None = None
) -> list[TickLine]:
    """Take in files that match a trigger's pattern and lie in its folder; return what became of those not seen before.

    Each version of a file gets one row, whoever brings it and however often. What is due makes one run; what must
    still wait is held. A poll that sees a file again writes nothing; a push or a watcher that tells of it again counts
    as a duplicate, and gets a line that says so. While the pipeline is paused no row is written: a file that still lies
    there after that is found by the next poll. Not inside a transaction.
    """
    if not files:
        return []
    arrival = Arrival(via, now, tick_id)
    with transaction.atomic(durable=True):
        trigger = locked_trigger(trigger_id)
        if trigger is None:
            return []
        if trigger.state != TriggerState.ACTIVE:
            return [told(trigger, CONFLICT, _idle(trigger), now)]
        # What a run is putting back this moment is looked at again when it lies there.
        moving = keys_in_hand(trigger.pipeline_id)
        fresh, seen = _divide(trigger, [file for file in files if file.key not in moving])
        lines = _refuse(trigger, seen, arrival)
        first = sorted(fresh, key=lambda file: file.key)[:MOST_AT_ONCE]
        return lines + (_take(trigger, first, arrival) if first else [])


def locked_trigger(trigger_id: uuid.UUID) -> FileTrigger | None:
    """Lock a trigger, its pipeline first, and return it with its folder; None when it is gone."""
    rows = FileTrigger.objects.across_tenants().filter(pk=trigger_id)
    # The pipeline of a trigger never changes.
    lock_pipelines(list(rows.values_list("pipeline_id", flat=True)))
    return rows.select_related("folder").select_for_update(no_key=True, of=("self",)).first()


def waiting_of(trigger: FileTrigger) -> Waiting:
    """Return how a trigger's next fire stands."""
    kind = "" if trigger.folder is None else trigger.folder.kind
    return Waiting(kind, trigger.stable_seconds, trigger.debounce_seconds, trigger.last_fired_at)


def told(trigger: FileTrigger, status: int, reason: str, at: datetime) -> TickLine:
    """Return a line for a trigger that did not fire."""
    return TickLine(
        tenant_id=trigger.tenant_id, pipeline_id=trigger.pipeline_id, fired=False, status=status,
        trigger_source=TriggerSource.FILE_ARRIVAL, occurrence=at, reason=reason,
    )  # fmt: skip


def hold(row: Occurrence, wait: Wait) -> None:
    """Note in a row what it waits for."""
    row.outcome, row.held_for, row.due_at, row.reason = Outcome.HELD, wait.held_for, wait.until, wait.reason


def _idle(trigger: FileTrigger) -> str:
    if trigger.state == TriggerState.PAUSED:
        return PAUSED_NEW
    return PARKED.format(reason=trigger.reason) if trigger.state == TriggerState.PARKED else OFF


def _divide(trigger: FileTrigger, files: Sequence[StoredFile]) -> tuple[list[StoredFile], list[Occurrence]]:
    """Return the files that were not seen before, each once, and the rows of the others."""
    by_key = {file.identity: file for file in files}
    rows = Occurrence.objects.for_tenant(trigger.tenant_id).filter(
        pipeline_id=trigger.pipeline_id, kind=OccurrenceKind.FILE, key__in=list(by_key)
    )
    seen = {row.key: row for row in rows}
    return [file for key, file in by_key.items() if key not in seen], list(seen.values())


def _refuse(trigger: FileTrigger, seen: Sequence[Occurrence], arrival: Arrival) -> list[TickLine]:
    """Count what is told of again; a poll sees what lies there again and again, which is no news of anything."""
    if not seen or arrival.via is Via.POLL:
        return []
    rows = Occurrence.objects.for_tenant(trigger.tenant_id).filter(pk__in=[row.pk for row in seen])
    rows.update(repeats=F("repeats") + 1, repeated_at=arrival.now)
    first = seen[0]
    reason = seen_before(first.outcome, due_at=first.due_at, run_id=first.run_id)
    return [replace(told(trigger, CONFLICT, reason, arrival.now), run_id=first.run_id)]


def _take(trigger: FileTrigger, files: Sequence[StoredFile], arrival: Arrival) -> list[TickLine]:
    _replace(trigger, files, arrival.now)
    put_back = runs_that_put_back(trigger.pipeline_id, [file.identity for file in files])
    is_behind = held_files(trigger.tenant_id, trigger.pipeline_id).filter(
        held_for=HeldFor.DEBOUNCE, due_at__lte=arrival.now
    )
    joins = Wait(arrival.now, HeldFor.DEBOUNCE, JOINS) if is_behind.exists() else None
    # A microsecond apart, so that they keep their order.
    times = (arrival.now + timedelta(microseconds=number) for number in range(len(files)))
    rows = [_row(trigger, file, at, arrival) for file, at in zip(files, times, strict=True)]
    for row in rows:
        _settle(trigger, row, put_back.get(row.key), joins)
    rows = insert_rows(rows)
    due = [row for row in rows if row.outcome == Outcome.FIRED]
    rest = [row for row in rows if row.outcome != Outcome.FIRED]
    lines = [fire(trigger, due, now=arrival.now)] if due else []
    # One line speaks for all that are held alike.
    told_of = {row.reason: row for row in rest}.values()
    return lines + [replace(told(trigger, ACCEPTED, row.reason, arrival.now), run_id=row.run_id) for row in told_of]


def _replace(trigger: FileTrigger, files: Sequence[StoredFile], now: datetime) -> None:
    """End what is held of a file whose later version has come: the version that was held is nowhere any more."""
    held = held_files(trigger.tenant_id, trigger.pipeline_id).filter(detail__key__in=[file.key for file in files])
    held.update(outcome=Outcome.GONE, reason=REPLACED, decided_at=now, due_at=None, held_for=HeldFor.NOTHING)


def _row(trigger: FileTrigger, file: StoredFile, at: datetime, arrival: Arrival) -> Occurrence:
    return Occurrence(
        id=new_id(), tenant_id=trigger.tenant_id, pipeline_id=trigger.pipeline_id, kind=OccurrenceKind.FILE,
        key=file.identity, occurrence_at=at, decided_at=arrival.now, outcome=Outcome.FIRED, via=arrival.via,
        tick_id=arrival.tick_id, version=trigger.version, detail=_detail(trigger, file),
        is_shared=trigger.is_control and trigger.allow_overlap,
    )  # fmt: skip


def _settle(trigger: FileTrigger, row: Occurrence, run_id: uuid.UUID | None, joins: Wait | None) -> None:
    """Note in a new row what becomes of its file: it fires unless a run has put it back, or it must wait."""
    if run_id is not None:
        row.outcome, row.run_id, row.reason = Outcome.COALESCED, run_id, PUT_BACK.format(run=run_id)
        return
    text = row.detail["modifiedAt"]
    modified_at = None if text is None else datetime.fromisoformat(text)
    wait = wait_of(
        waiting_of(trigger), first_seen_at=row.occurrence_at, modified_at=modified_at, now=row.occurrence_at
    )  # fmt: skip
    if (held := wait or joins) is not None:
        hold(row, held)


def _detail(trigger: FileTrigger, file: StoredFile) -> dict[str, Any]:
    return {
        "store": file.store, "key": file.key, "size": file.size, "nodeId": trigger.source_id,
        "modifiedAt": None if file.modified_at is None else file.modified_at.isoformat(),
        "isControl": trigger.is_control,
    }  # fmt: skip
