"""Files that were held and whose time has come: each is looked at again, for it may be gone or be another by now."""

import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from django.db import transaction

from flows.selectors.taken_files import runs_that_took
from flows.storage.base import StoredFile
from kaireon.platform.budget import Budget
from triggers.decisions.arrivals import GONE, PARKED, PAUSED, REPLACED, TAKEN, UNMATCHED, wait_of
from triggers.decisions.vocabulary import HeldFor, OccurrenceKind, Outcome, TriggerState, Via
from triggers.models import FileTrigger, Occurrence
from triggers.services.arriving import arrive, hold, locked_trigger, told, waiting_of
from triggers.services.firing import fire
from triggers.services.holding import held_files
from triggers.services.isolating import PUT_OFF, isolated
from triggers.services.looking import Found, find_keys, reason_against
from triggers.services.telling import CONFLICT, FAILED, TickLine

# A store that does not answer is asked about a held file again after this.
LATER: Final = timedelta(seconds=30)
UNNAMED: Final = "its row does not say which file it is"
UNREACHED: Final = "its store did not tell whether it is still there: {reason}"
WRITTEN: Final = ("outcome", "reason", "due_at", "held_for", "decided_at")
Held = Mapping[uuid.UUID, Sequence[Occurrence]]


def release_files(
    *, now: datetime, budget: Budget, tenant_id: uuid.UUID | None = None, tick_id: uuid.UUID | None = None,
    limit: int = 500,
) -> list[TickLine]:  # fmt: skip
    """Look at held files whose time has come, oldest first, and fire those that are still there; one run a pipeline.

    A file of a paused or parked pipeline waits until it is resumed. Not inside a transaction.
    """
    held = _due(now, tenant_id, limit)
    if not held:
        return []
    triggers = _triggers(held)
    idle = [trigger for trigger in triggers if trigger.state != TriggerState.ACTIVE]
    awake, asleep = _awake([each for each in triggers if each.state == TriggerState.ACTIVE], now)
    wanted = {trigger: [key for row in held[trigger.pipeline_id] if (key := _key(row))] for trigger in awake}
    found = find_keys(wanted, budget=budget)
    lines: list[TickLine] = []
    for trigger in idle:
        lines += _apart(trigger, now, partial(_set_aside, trigger.pk, now))
    for trigger in asleep:
        lines += _apart(trigger, now, partial(_postpone, trigger, now))
    for trigger in awake:
        release = _Release(now, tick_id, found[trigger.pk])
        row_ids = [row.pk for row in held[trigger.pipeline_id]]
        lines += _apart(trigger, now, partial(release.execute, trigger.pk, row_ids))
    return lines


def _apart(trigger: FileTrigger, now: datetime, work: Callable[[], list[TickLine]]) -> list[TickLine]:
    """Do what is to be done for one trigger; if it fails, its files give way to those of all others for a while."""
    whose = {"tenantId": trigger.tenant_id, "pipelineId": trigger.pipeline_id}
    with isolated("triggers.release_failed", **whose) as block:
        return work()
    with isolated("triggers.release_failed", **whose):
        held_files(trigger.tenant_id, trigger.pipeline_id).filter(due_at__lte=now).update(
            due_at=now + PUT_OFF, reason=block.words
        )
    return [told(trigger, FAILED, block.words, now)]


@dataclass(slots=True)
class _Release:
    """The held files of one trigger: what lies under their keys now, and what is made of it."""

    now: datetime
    tick_id: uuid.UUID | None
    found: Mapping[str, Found]
    changed: list[Occurrence] = field(default_factory=list)
    replaced: list[StoredFile] = field(default_factory=list)

    def execute(self, trigger_id: uuid.UUID, row_ids: Sequence[uuid.UUID]) -> list[TickLine]:
        """Decide upon each and fire what is due, in one transaction; then take in what has come in their place."""
        lines: list[TickLine] = []
        with transaction.atomic(durable=True):
            trigger = locked_trigger(trigger_id)
            if trigger is None or trigger.state != TriggerState.ACTIVE:
                return []
            rows = Occurrence.objects.for_tenant(trigger.tenant_id).filter(pk__in=row_ids, outcome=Outcome.HELD)
            due = [row for row in rows.order_by("due_at", "pk") if self._is_due(trigger, row)]
            rows.bulk_update(self.changed, WRITTEN, batch_size=1_000)
            lines += [told(trigger, CONFLICT, row.reason, row.occurrence_at) for row in self.changed if _is_over(row)]
            if due:
                for row in due:
                    row.tick_id = self.tick_id
                lines.append(fire(trigger, due, now=self.now))
        return lines + arrive(
            trigger_id=trigger_id, files=self.replaced, via=Via.POLL, now=self.now, tick_id=self.tick_id
        )  # fmt: skip

    def _is_due(self, trigger: FileTrigger, row: Occurrence) -> bool:
        """Tell whether a file fires now; else note in its row what becomes of it."""
        key = _key(row)
        found = self.found.get(key)
        if not key:
            self._end(row, UNNAMED)
        elif isinstance(found, str):
            row.due_at, row.reason = self.now + LATER, UNREACHED.format(reason=found)
        elif found is None:
            self._end(row, _whereabouts(row))
        elif reason_against(trigger, found.key, now=row.occurrence_at):
            self._end(row, UNMATCHED)
        elif found.identity != row.key:
            self._end(row, REPLACED)
            self.replaced.append(found)
        else:
            wait = wait_of(
                waiting_of(trigger), first_seen_at=row.occurrence_at, modified_at=found.modified_at, now=self.now
            )
            if wait is None:
                return True
            hold(row, wait)
        self.changed.append(row)
        return False

    def _end(self, row: Occurrence, reason: str) -> None:
        row.outcome, row.reason, row.due_at, row.held_for = Outcome.GONE, reason, None, HeldFor.NOTHING
        row.decided_at = self.now


def _due(now: datetime, tenant_id: uuid.UUID | None, limit: int) -> Held:
    rows = Occurrence.objects.across_tenants().filter(
        outcome=Outcome.HELD, kind=OccurrenceKind.FILE, due_at__lte=now
    )  # fmt: skip
    if tenant_id is not None:
        rows = rows.filter(tenant_id=tenant_id)
    held: dict[uuid.UUID, list[Occurrence]] = defaultdict(list)
    for row in rows.order_by("due_at", "pk")[:limit]:
        held[row.pipeline_id].append(row)
    return held


def _triggers(held: Held) -> list[FileTrigger]:
    rows = FileTrigger.objects.across_tenants().filter(pipeline_id__in=list(held)).select_related("folder")
    return list(rows.order_by("pipeline_id"))


def _awake(triggers: Sequence[FileTrigger], now: datetime) -> tuple[list[FileTrigger], list[FileTrigger]]:
    """Return the triggers whose stores answer, and those whose are left alone for a while."""
    asleep = [each for each in triggers if each.folder and each.folder.is_left_alone(now)]
    return [each for each in triggers if each not in asleep], asleep


@transaction.atomic(durable=True)
def _set_aside(trigger_id: uuid.UUID, now: datetime) -> list[TickLine]:
    """Let what is held rest until the trigger watches again, which wakes it."""
    trigger = locked_trigger(trigger_id)
    if trigger is None or trigger.state == TriggerState.ACTIVE:
        return []
    reason = PAUSED if trigger.state == TriggerState.PAUSED else PARKED.format(reason=trigger.reason)
    held_files(trigger.tenant_id, trigger.pipeline_id).filter(due_at__lte=now).update(due_at=None, reason=reason)
    return []


def _postpone(trigger: FileTrigger, now: datetime) -> list[TickLine]:
    folder = trigger.folder
    if folder is not None:
        reason = UNREACHED.format(reason=folder.error)
        held_files(trigger.tenant_id, trigger.pipeline_id).filter(due_at__lte=now).update(
            due_at=folder.next_look_at, reason=reason
        )
    return []


def _key(row: Occurrence) -> str:
    """Return the key of a row's file; none for a row of another release that does not say it."""
    return str(row.detail.get("key") or "") if isinstance(row.detail, dict) else ""


def _whereabouts(row: Occurrence) -> str:
    run_id = runs_that_took(row.pipeline_id, [row.key]).get(row.key)
    return GONE if run_id is None else TAKEN.format(run=run_id)


def _is_over(row: Occurrence) -> bool:
    return row.outcome != Outcome.HELD
