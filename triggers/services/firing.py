"""One run for the files of a pipeline whose turn has come, and what the ledger says of each."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import product
from typing import Any, Final

from flows.decisions.vocabulary import TriggerSource
from flows.services import dispatch_run
from kaireon.platform.errors import Conflict, NotFound
from triggers.decisions.arrivals import TOGETHER
from triggers.decisions.vocabulary import HeldFor, Outcome
from triggers.models import FileTrigger, Occurrence
from triggers.services.deadlines import note_arrival
from triggers.services.telling import CREATED, FAILED, TickLine

REQUESTED_BY: Final = "file arrival"


def fire(trigger: FileTrigger, rows: Sequence[Occurrence], *, now: datetime) -> TickLine:
    """Begin one run for files that are due together: the first has fired, the others are coalesced into its run.

    `rows` are in the ledger already; they are written again. The pipeline and the trigger are locked. Joins the
    caller's transaction, so that a row that fired and its run are there both or neither.
    """
    first = rows[0]
    try:
        begun = dispatch_run(
            tenant_id=trigger.tenant_id, pipeline_id=trigger.pipeline_id, trigger_source=TriggerSource.FILE_ARRIVAL,
            requested_by=REQUESTED_BY, parameters=_parameters(trigger, rows), now=now,
        )  # fmt: skip
    except (Conflict, NotFound) as refusal:
        return _failed(trigger, rows, str(refusal), now)
    if begun.run_id is None:
        return _failed(trigger, rows, begun.reason, now)
    _write(rows[:1], trigger, now, outcome=Outcome.FIRED, run_id=begun.run_id)
    together = TOGETHER.format(key=first.detail["key"])
    _write(rows[1:], trigger, now, outcome=Outcome.COALESCED, reason=together, run_id=begun.run_id)
    trigger.last_fired_at = now
    trigger.save(update_fields=["last_fired_at"])
    note_arrival(trigger, now)
    return _line(trigger, first, CREATED)


def _parameters(trigger: FileTrigger, rows: Sequence[Occurrence]) -> Mapping[str, Any]:
    # Date templates of the data's names are read as of the file's coming, however long it was held.
    given: dict[str, Any] = {"occurrenceAt": min(row.occurrence_at for row in rows).isoformat()}
    if trigger.is_control and not trigger.allow_overlap:
        controls = [
            {"nodeId": trigger.source_id, "key": row.detail["key"], "identity": row.key} for row in rows
        ]  # fmt: skip
        given |= {"controlFile": controls[0], "controlFiles": controls}
    return given


def _failed(trigger: FileTrigger, rows: Sequence[Occurrence], reason: str, now: datetime) -> TickLine:
    _write(rows, trigger, now, outcome=Outcome.FAILED, reason=reason)
    return _line(trigger, rows[0], FAILED)


def _write(
    rows: Sequence[Occurrence], trigger: FileTrigger, now: datetime, *, outcome: Outcome, reason: str = "",
    run_id: uuid.UUID | None = None,
) -> None:  # fmt: skip
    """Write what became of rows, which is the same for all of them: of files that come together there may be many."""
    if not rows:
        return
    same = {
        "outcome": outcome, "reason": reason, "run_id": run_id, "decided_at": now, "due_at": None,
        "held_for": HeldFor.NOTHING, "version": trigger.version, "tick_id": rows[0].tick_id,
    }  # fmt: skip
    Occurrence.objects.for_tenant(trigger.tenant_id).filter(pk__in=[row.pk for row in rows]).update(**same)
    for row, (name, value) in product(rows, same.items()):
        setattr(row, name, value)


def _line(trigger: FileTrigger, first: Occurrence, status: int) -> TickLine:
    return TickLine(
        tenant_id=trigger.tenant_id, pipeline_id=trigger.pipeline_id, fired=status == CREATED, status=status,
        trigger_source=TriggerSource.FILE_ARRIVAL, occurrence=first.occurrence_at, run_id=first.run_id,
        reason=first.reason,
    )  # fmt: skip
