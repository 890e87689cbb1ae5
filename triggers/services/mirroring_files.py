"""The copy of a live version's file-arrival trigger, and of the folder that it watches."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Q

from flows.ir.sources import SourceNode
from flows.ir.timing import FileArrivalTrigger
from flows.selectors.live import LivePipeline, live_pipelines
from flows.services.placing import Place, place_of
from flows.storage.base import StorageError
from kaireon.platform.health.services import resolve
from kaireon.platform.ids import new_id
from triggers.decisions.arrivals import stable_seconds_of
from triggers.decisions.deadlines import deadline_of
from triggers.decisions.vocabulary import TriggerState
from triggers.models import FileTrigger, WatchedFolder
from triggers.services.counting import change_counts
from triggers.services.deadlines import forget_deadline
from triggers.services.holding import end_held, wake_held
from triggers.services.telling_folders import folder_alert_key, tell_parking

PAUSED: Final = "The pipeline is paused."
# What says how it watches; a change of any of them is a new beginning.
WATCHES: Final = ("folder_id", "source_id", "pattern", "is_control", "state")
WRITTEN: Final = (
    "folder", "version", "source_id", "pattern", "is_control", "allow_overlap", "debounce_seconds", "stable_seconds",
    "state", "reason", "active_since", "deadline_minutes", "on_miss", "deadline_at", "updated_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Seen:
    """A trigger's folder, and how it stands."""

    folder_id: uuid.UUID | None
    state: TriggerState
    reason: str = ""


def mirror_trigger(*, live: LivePipeline, now: datetime) -> int:
    """Bring the trigger's row into line with what is live; return by how many the triggers that watch are more.

    Joins the caller's transaction, which holds the pipeline's row, and changes the counts in the end.

    Where its place cannot be told (no connector serves it, what is live cannot be read) it is parked and says why.
    """
    return _mirror(live, now)


def forget_trigger(*, tenant_id: uuid.UUID, pipeline_id: uuid.UUID, now: datetime) -> int:
    """Let go of the folder of a pipeline that is about to go, if nobody else watches it; return what changes."""
    rows = FileTrigger.objects.for_tenant(tenant_id)
    return _remove(rows.select_for_update().filter(pipeline_id=pipeline_id).first(), now)


def mirror_connector(tenant_id: uuid.UUID, connector_id: uuid.UUID, now: datetime) -> None:
    """Look again where the triggers lead that read through a connector, and list their folders at the next tick."""
    folders = WatchedFolder.objects.for_tenant(tenant_id).filter(connector_id=connector_id)
    folders.update(next_look_at=None)
    # One that is parked may be so for this connector. Pipelines are not locked: whoever saves one waits here in turn.
    concerned = Q(folder__connector_id=connector_id) | Q(state=TriggerState.PARKED)
    rows = FileTrigger.objects.for_tenant(tenant_id).filter(concerned)
    locked = rows.order_by("pipeline_id").select_for_update(no_key=True, of=("self",))
    lives = live_pipelines(list(locked.values_list("pipeline_id", flat=True)))
    # The row of the counts is the last that anybody locks.
    change_counts(tenant_id, file_triggers=sum(_mirror(live, now) for live in lives))


def _mirror(live: LivePipeline, now: datetime) -> int:
    """Return by how many the triggers that watch have become more."""
    rows = FileTrigger.objects.for_tenant(live.tenant_id)
    row = rows.select_for_update(no_key=True).filter(pipeline_id=live.pipeline_id).first()
    if live.ir is None and live.problem and row is not None:
        return _write(row, live, _Seen(row.folder_id, TriggerState.PARKED, live.problem), now)
    if live.trigger is None or live.watched is None:
        return _remove(row, now)
    return _keep(row, live, live.trigger, live.watched, now)


def _keep(
    row: FileTrigger | None, live: LivePipeline, trigger: FileArrivalTrigger, source: SourceNode, now: datetime
) -> int:
    is_new = row is None
    row = row or FileTrigger(id=new_id(), tenant_id=live.tenant_id, pipeline_id=live.pipeline_id, created_at=now)
    pattern = trigger.control_file_pattern or source.config.pattern
    before = None if is_new else {name: getattr(row, name) for name in WATCHES}
    row.source_id, row.is_control = source.id, trigger.control_file_pattern is not None
    row.pattern = pattern.model_dump(mode="json", by_alias=True)
    row.allow_overlap, row.debounce_seconds = trigger.allow_overlap, trigger.debounce_seconds
    row.stable_seconds = stable_seconds_of(trigger.stable_seconds, kind=source.connector, is_control=row.is_control)
    deadline = trigger.deadline
    row.deadline_minutes = None if deadline is None else deadline.window_minutes
    row.on_miss = "" if deadline is None else deadline.on_miss
    return _write(row, live, _seen(live, now), now, before=before)


def _seen(live: LivePipeline, now: datetime) -> _Seen:
    try:
        folder_id = _folder(live.tenant_id, place_of(live), now)
    except StorageError as error:
        return _Seen(None, TriggerState.PARKED, error.message)
    if live.paused_at is not None:
        return _Seen(folder_id, TriggerState.PAUSED, PAUSED)
    return _Seen(folder_id, TriggerState.ACTIVE)


def _folder(tenant_id: uuid.UUID, place: Place, now: datetime) -> uuid.UUID:
    """Return the folder's row, locked against whoever finds nobody watching it."""
    rows = WatchedFolder.objects.for_tenant(tenant_id)
    key: dict[str, Any] = {"connector_id": place.connector_id, "store": place.store, "folder": place.folder}
    made = WatchedFolder(id=new_id(), tenant_id=tenant_id, kind=place.kind, created_at=now, **key)
    # Another save may make it, or let go of it, at this moment.
    while True:
        rows.bulk_create([made], ignore_conflicts=True)
        found = rows.filter(**key).select_for_update(no_key=True).values_list("pk", flat=True).first()
        if found is not None:
            return uuid.UUID(str(found))


def _write(
    row: FileTrigger, live: LivePipeline, seen: _Seen, now: datetime, *, before: dict[str, Any] | None = None
) -> int:
    is_new = row._state.adding
    old_state, old_folder = None if is_new else row.state, row.folder_id
    row.folder_id, row.state, row.reason = seen.folder_id, seen.state, seen.reason
    row.version, row.updated_at = live.version or 0, now
    if before is None or before != {name: getattr(row, name) for name in WATCHES}:
        row.active_since = now
    row.deadline_at = _deadline_at(row, live)
    if row.deadline_minutes is None:
        forget_deadline(row, now)
    if is_new:
        row.save(force_insert=True)
    else:
        row.save(update_fields=WRITTEN)
    if row.state == TriggerState.ACTIVE and old_state not in {None, TriggerState.ACTIVE}:
        wake_held(live.tenant_id, live.pipeline_id, now)
    if (row.state == TriggerState.PARKED) != (old_state == TriggerState.PARKED):
        tell_parking(row, live.name, now)
    if old_folder is not None and old_folder != row.folder_id:
        _let_go(row.tenant_id, old_folder, now)
    return int(row.state == TriggerState.ACTIVE) - int(old_state == TriggerState.ACTIVE)


def _deadline_at(row: FileTrigger, live: LivePipeline) -> datetime | None:
    if row.deadline_minutes is None or row.state != TriggerState.ACTIVE:
        return None
    return deadline_of(
        last_run_at=live.last_run_at, created_at=live.created_at, active_since=row.active_since,
        window=timedelta(minutes=row.deadline_minutes),
    )  # fmt: skip


def _remove(row: FileTrigger | None, now: datetime) -> int:
    if row is None:
        return 0
    forget_deadline(row, now)
    end_held(row, now)
    row.delete()
    if row.state == TriggerState.PARKED:
        row.state = TriggerState.OFF
        tell_parking(row, "", now)
    if row.folder_id is not None:
        _let_go(row.tenant_id, row.folder_id, now)
    return -int(row.state == TriggerState.ACTIVE)


def _let_go(tenant_id: uuid.UUID, folder_id: uuid.UUID, now: datetime) -> None:
    """Forget a folder that nobody watches any more."""
    rows = WatchedFolder.objects.for_tenant(tenant_id)
    # Whoever begins to watch it holds its row.
    rows.filter(pk=folder_id).select_for_update().first()
    if not FileTrigger.objects.for_tenant(tenant_id).filter(folder_id=folder_id).exists():
        rows.filter(pk=folder_id).delete()
        resolve(tenant_id=tenant_id, dedupe_key=folder_alert_key(folder_id), now=now)
