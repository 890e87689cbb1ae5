"""Take in a push: find whom it is for by one look at an index, look at the file, and let it arrive.

A push never decides by what it says: the file is looked at in its store (settled 31), and its identity there is what
fires once. Whatever is not taken in time is found by the next tick.
"""

import logging
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db.models import BooleanField, Func, Q, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Replace

from flows.selectors.live import live_pipelines
from flows.storage.base import StorageError, StoredFile
from flows.storage.keys import key_problem, shown
from flows.storage.patterns import matches
from flows.storage.places import folder_of
from kaireon.platform.budget import Budget
from kaireon.platform.errors import NotFound, Unprocessable
from kaireon.platform.fields import format_time
from triggers.decisions.pushes import NativePush, ObjectsPush, Push, PushedObject, key_within
from triggers.decisions.vocabulary import OccurrenceKind, Outcome, TriggerState, Via
from triggers.models import FileTrigger, Occurrence, TriggerSecret
from triggers.services.arriving import arrive
from triggers.services.looking import NOT_THERE, find_keys
from triggers.services.matching import read_pattern
from triggers.services.telling import TickLine

logger = logging.getLogger(__name__)

NOT_FOUND: Final = "There is no such pipeline."
NO_TRIGGER: Final = "The pipeline's live version has no file-arrival trigger."
ELSEWHERE: Final = "{key} does not lie in the folder that the pipeline watches."
NO_MATCH: Final = "{name} does not match the pattern {pattern} that the pipeline waits for."
STILL: Final = {
    TriggerState.PAUSED: "The pipeline is paused.",
    TriggerState.OFF: "The trigger is off.",
    TriggerState.PARKED: "The trigger is parked: {reason}",
}
KEPT: Final = "kept: fires at {at} ({reason})"
TAKEN: Final = "{reason}; the run {run} took it"
_BOOLEAN: Final = BooleanField()
LATE: Final = "There was no time left to look at it; the next tick does."


@dataclass(slots=True)
class Pushed:
    """What became of a push: runs that began, and pipelines for which none did, each with the reason.

    `is_kept` says that something waits, for its debounce say, and fires by itself later.
    """

    dispatched: list[tuple[uuid.UUID, uuid.UUID]] = field(default_factory=list)
    ignored: list[tuple[uuid.UUID, str]] = field(default_factory=list)
    is_kept: bool = False


def take_push(*, push: Push, owner: TriggerSecret | None, now: datetime, budget: Budget) -> Pushed:
    """Take in a push; `owner` is the secret that sent it, None for a CRON_SECRET, which speaks for every pipeline.

    Raises NotFound for a pipeline that is not there, is another tenant's or another secret's, and Unprocessable for a
    key that no store could have. Not inside a transaction.
    """
    pushed = Pushed()
    if isinstance(push, NativePush):
        _take_native(push, owner, pushed, now, budget)
    else:
        _take_objects(push, owner, pushed, now, budget)
    logger.info(
        "push taken in",
        extra={
            "event": "triggers.push", "dispatched": len(pushed.dispatched), "ignored": len(pushed.ignored),
            "isNative": isinstance(push, NativePush),
        },
    )  # fmt: skip
    return pushed


def _take_native(
    push: NativePush, owner: TriggerSecret | None, pushed: Pushed, now: datetime, budget: Budget
) -> None:  # fmt: skip
    _require_pipeline(push, owner)
    if problem := key_problem(push.key):
        text = f"{shown(push.key)} is no name of a file: {problem}."
        raise Unprocessable(text, fields={"objectKey": [text]})
    rows = FileTrigger.objects.for_tenant(push.tenant_id).filter(pipeline_id=push.pipeline_id)
    row = rows.select_related("folder").first()
    if row is None:
        pushed.ignored.append((push.pipeline_id, NO_TRIGGER))
        return
    if (reason := _standstill(row)) or row.folder is None:
        pushed.ignored.append((row.pipeline_id, reason))
        return
    key = key_within(row.folder.store, row.folder.folder, push.key)
    if key is None:
        pushed.ignored.append((row.pipeline_id, ELSEWHERE.format(key=shown(push.key))))
    elif not _fits(row, key, now):
        words = NO_MATCH.format(name=shown(key.rpartition("/")[2]), pattern=row.pattern.get("value", ""))
        pushed.ignored.append((row.pipeline_id, words))
    else:
        _look_and_take([row], key, pushed, now, budget)


def _require_pipeline(push: NativePush, owner: TriggerSecret | None) -> None:
    is_own = owner is None or (owner.pipeline_id == push.pipeline_id and owner.tenant_id == push.tenant_id)
    found = live_pipelines([push.pipeline_id]) if is_own else []
    if not any(live.tenant_id == push.tenant_id for live in found):
        raise NotFound(NOT_FOUND)


def _take_objects(
    push: ObjectsPush, owner: TriggerSecret | None, pushed: Pushed, now: datetime, budget: Budget
) -> None:  # fmt: skip
    found = _watching(push.objects, owner)
    for pushed_object in dict.fromkeys(push.objects):
        place = (pushed_object.store, folder_of(pushed_object.key))
        rows = [row for row in found if row.folder is not None and (row.folder.store, row.folder.folder) == place]
        meant = [row for row in rows if _fits(row, pushed_object.key, now)]
        awake: list[FileTrigger] = []
        for row in meant:
            if reason := _standstill(row):
                pushed.ignored.append((row.pipeline_id, reason))
            else:
                awake.append(row)
        _look_and_take(awake, pushed_object.key, pushed, now, budget)


def _watching(objects: Iterable[PushedObject], owner: TriggerSecret | None) -> list[FileTrigger]:
    """Return the triggers of any tenant that watch the objects' folders for such names: one look at an index."""
    wanted = Q(pk__in=[])
    for each in dict.fromkeys(objects):
        if not key_problem(each.key):
            named = Q(folder__store=each.store, folder__folder=folder_of(each.key))
            wanted |= named & Q(_may_take(each.key.rpartition("/")[2]))
    rows = FileTrigger.objects.across_tenants() if owner is None else FileTrigger.objects.for_tenant(owner.tenant_id)
    if owner is not None:
        rows = rows.filter(pipeline_id=owner.pipeline_id)
    return list(rows.filter(wanted).select_related("folder").order_by("pk"))


def _may_take(name: str) -> Q:
    """Return the condition that a trigger's pattern may take a name: globs are matched by the database.

    So of ten thousand that watch one folder only those come back that matter. Other kinds are matched afterwards.
    """
    expression: Any = KeyTextTransform("value", "pattern")
    for character, instead in (("\\", "\\\\"), ("%", "\\%"), ("_", "\\_"), ("*", "%"), ("?", "_")):
        expression = Replace(expression, Value(character), Value(instead))
    is_like = Func(Value(name), expression, arg_joiner=" LIKE ", template="(%(expressions)s)", output_field=_BOOLEAN)
    return ~Q(pattern__type="glob") | Q(is_like)


def _look_and_take(
    rows: Sequence[FileTrigger], key: str, pushed: Pushed, now: datetime, budget: Budget
) -> None:  # fmt: skip
    """Look at a file in its store, once for all who read it alike, and let it arrive for each."""
    if not rows:
        return
    found = find_keys({row: [key] for row in rows}, budget=budget)
    for row in rows:
        file = found[row.pk][key]
        if not isinstance(file, StoredFile):
            pushed.ignored.append((row.pipeline_id, file or NOT_THERE))
        elif budget.is_spent:
            pushed.ignored.append((row.pipeline_id, LATE))
        else:
            for line in arrive(trigger_id=row.pk, files=[file], via=Via.PUSH, now=now):
                _note(pushed, line, file)


def _note(pushed: Pushed, line: TickLine, file: StoredFile) -> None:
    """Take note of what an arrival came to: a run, or what the ledger says of this version of the file."""
    if line.fired and line.run_id is not None:
        pushed.dispatched.append((line.pipeline_id, line.run_id))
        return
    rows = Occurrence.objects.for_tenant(line.tenant_id).filter(
        pipeline_id=line.pipeline_id, kind=OccurrenceKind.FILE, key=file.identity
    )
    row = rows.first()
    reason = line.reason
    if row is not None and row.outcome == Outcome.HELD:
        pushed.is_kept = True
        reason = KEPT.format(at=format_time(row.due_at or row.occurrence_at), reason=reason)
    elif row is not None and row.run_id is not None and str(row.run_id) not in reason:
        reason = TAKEN.format(reason=reason, run=row.run_id)
    pushed.ignored.append((line.pipeline_id, reason))


def _fits(row: FileTrigger, key: str, now: datetime) -> bool:
    try:
        return matches(read_pattern(row.pattern), key.rpartition("/")[2], now=now)
    except StorageError:
        return False


def _standstill(row: FileTrigger) -> str:
    """Return why a trigger takes nothing now, or nothing."""
    return STILL.get(TriggerState(row.state), "").format(reason=row.reason)
