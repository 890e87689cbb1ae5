"""Sentinels that several pipelines share (`trigger.allowOverlap`): put away when the last of their runs has ended."""

import logging
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from django.db.models import Exists, OuterRef, Q

from flows.decisions.vocabulary import RunStatus
from flows.services.placing import WatchAccess
from flows.services.putting_away import put_away
from flows.storage.places import folder_of
from kaireon.platform.budget import Budget
from triggers.decisions.vocabulary import Outcome, TriggerState
from triggers.models import FileTrigger, Occurrence
from triggers.services.isolating import PUT_OFF, isolated
from triggers.services.looking import reason_against
from triggers.services.reaching import Question, access_to_each, reach

logger = logging.getLogger(__name__)

MOST: Final = 1_000
UNNAMED: Final = "its rows do not say where it lies"
UNFINISHED: Final = (RunStatus.PENDING, RunStatus.RUNNING)
Place = tuple[uuid.UUID, str, str]


@dataclass(frozen=True, slots=True)
class _Sentinel:
    """A version of a shared sentinel whose runs have all ended, with the rows of the pipelines that it concerned."""

    rows: Sequence[Occurrence]

    @property
    def key(self) -> str:
        return str(self.rows[0].detail["key"])

    @property
    def place(self) -> Place:
        return (self.rows[0].tenant_id, str(self.rows[0].detail["store"]), folder_of(self.key))

    @property
    def has_failed(self) -> bool:
        return any(row.run is not None and row.run.status == RunStatus.FAILED for row in self.rows)


def archive_shared(*, now: datetime, budget: Budget, tenant_id: uuid.UUID | None = None) -> int:
    """Put away every shared sentinel whose runs have all ended and return how many: as failed if one of them did.

    One that a pipeline which waits for it has not seen yet stays where it is. Not inside a transaction.
    """
    sentinels = [each for each in _settled(tenant_id, now) if _is_named(each)]
    if not sentinels:
        return 0
    watching = _watching(sentinels)
    ready = [each for each in sentinels if _is_ready(each, watching[each.place], now)]
    questions = _questions(ready, watching, now)
    moved = 0
    for reached in (each for batch in reach(questions, budget=budget) for each in batch):
        if reached.answer is None:
            _log_left(reached.whom, reached.error)
        else:
            moved += reached.answer
            with isolated("triggers.sentinel_failed", tenantId=reached.whom.rows[0].tenant_id):
                _forget(reached.whom)
    return moved


def _settled(tenant_id: uuid.UUID | None, now: datetime) -> list[_Sentinel]:
    shared = Occurrence.objects.across_tenants().filter(is_shared=True)
    rows = shared if tenant_id is None else shared.filter(tenant_id=tenant_id)
    still = shared.filter(tenant_id=OuterRef("tenant_id"), key=OuterRef("key"))
    unsettled = still.filter(Q(outcome=Outcome.HELD) | Q(run__status__in=UNFINISHED))
    # What failed has been put off.
    ripe = rows.filter(Q(due_at=None) | Q(due_at__lte=now))
    settled = ripe.filter(~Exists(unsettled)).order_by("decided_at", "pk")
    keys = set(settled.values_list("tenant_id", "key")[:MOST])
    grouped: dict[tuple[uuid.UUID, str], list[Occurrence]] = defaultdict(list)
    for row in shared.filter(key__in={key for _, key in keys}).select_related("run").order_by("decided_at", "pk"):
        if (row.tenant_id, row.key) in keys:
            grouped[(row.tenant_id, row.key)].append(row)
    return [_Sentinel(found) for found in grouped.values()]


def _watching(sentinels: Sequence[_Sentinel]) -> Mapping[Place, Sequence[FileTrigger]]:
    """Return by place the triggers that share what lies there."""
    _, stores, folders = zip(*(each.place for each in sentinels), strict=True)
    rows = FileTrigger.objects.across_tenants().filter(
        folder__store__in=stores, folder__folder__in=folders, allow_overlap=True, is_control=True,
        state=TriggerState.ACTIVE,
    )  # fmt: skip
    found: dict[Place, list[FileTrigger]] = defaultdict(list)
    for trigger in rows.select_related("folder").order_by("pk"):
        if trigger.folder is not None:
            found[(trigger.tenant_id, trigger.folder.store, trigger.folder.folder)].append(trigger)
    return found


def _is_named(sentinel: _Sentinel) -> bool:
    """Tell whether its rows say where it lies; one whose do not can be put away by nobody, and is forgotten."""
    detail = sentinel.rows[0].detail
    if isinstance(detail, dict) and detail.get("key") and detail.get("store"):
        return True
    with isolated("triggers.sentinel_failed", tenantId=sentinel.rows[0].tenant_id):
        _log_left(sentinel, UNNAMED)
        _forget(sentinel)
    return False


def _is_ready(sentinel: _Sentinel, triggers: Sequence[FileTrigger], now: datetime) -> bool:
    """Tell whether it may be put away; one of which nobody can tell is put off."""
    whose = {"tenantId": sentinel.rows[0].tenant_id}
    with isolated("triggers.sentinel_failed", **whose):
        return not _is_awaited(sentinel, triggers)
    with isolated("triggers.sentinel_failed", **whose):
        rows = Occurrence.objects.across_tenants().filter(pk__in=[row.pk for row in sentinel.rows])
        rows.update(due_at=now + PUT_OFF)
    return False


def _is_awaited(sentinel: _Sentinel, triggers: Sequence[FileTrigger]) -> bool:
    """Tell whether a trigger waits for it that has not seen it yet."""
    seen, first = {row.pipeline_id for row in sentinel.rows}, sentinel.rows[0]
    missing = [trigger for trigger in triggers if trigger.pipeline_id not in seen]
    return any(not reason_against(trigger, sentinel.key, now=first.occurrence_at) for trigger in missing)


def _questions(
    ready: Sequence[_Sentinel], watching: Mapping[Place, Sequence[FileTrigger]], now: datetime
) -> list[Question[_Sentinel, bool]]:
    """Return what to ask the stores; a sentinel that nobody watches any more is nobody's to put away."""
    access = access_to_each({trigger.pipeline_id for each in ready for trigger in watching[each.place][:1]})
    questions = []
    for sentinel in ready:
        if any(trigger.folder and trigger.folder.is_left_alone(now) for trigger in watching[sentinel.place][:1]):
            continue
        watch = next((access.get(trigger.pipeline_id) for trigger in watching[sentinel.place][:1]), None)
        if isinstance(watch, WatchAccess):
            ask = partial(
                put_away, watch, sentinel.key, sentinel.rows[0].key, is_failed=sentinel.has_failed, at=now
            )  # fmt: skip
            questions.append(Question(sentinel, ask))
        else:
            with isolated("triggers.sentinel_failed", tenantId=sentinel.rows[0].tenant_id):
                _forget(sentinel)
    return questions


def _forget(sentinel: _Sentinel) -> None:
    rows = Occurrence.objects.across_tenants().filter(pk__in=[row.pk for row in sentinel.rows])
    rows.update(is_shared=False, due_at=None)


def _log_left(sentinel: _Sentinel, reason: str) -> None:
    fields = {"event": "triggers.sentinel_left", "tenantId": str(sentinel.rows[0].tenant_id), "reason": reason}
    logger.warning("shared control file not put away yet", extra=fields)
