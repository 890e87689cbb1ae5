"""Ask flows for runs, and write into the ledger what each came to."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from flows.decisions.runs import NotBegun
from flows.decisions.vocabulary import TriggerSource
from flows.services.dispatching import Dispatched, RunRequest, dispatch_runs
from kaireon.platform.fields import format_time
from triggers.decisions.vocabulary import HeldFor, Outcome
from triggers.models import Occurrence
from triggers.services.telling import ACCEPTED, CONFLICT, CREATED, FAILED, TickLine

REQUESTED_BY: Final = "scheduler"
# What a tick and a dispatch read of a pipeline, behind a row that belongs to it.
OF_PIPELINE: Final = tuple(
    f"pipeline__{name}"
    for name in ("tenant_id", "name", "created_at", "last_run_at", "paused_at", "live_version", "execution_config")
)
_OUTCOMES: Final = {
    NotBegun.COALESCED: Outcome.COALESCED, NotBegun.OVERLAP: Outcome.SKIPPED_OVERLAP, NotBegun.PAUSED: Outcome.PAUSED,
}  # fmt: skip
_STATUSES: Final = {
    Outcome.FIRED: CREATED, Outcome.COALESCED: ACCEPTED, Outcome.HELD: ACCEPTED, Outcome.FAILED: FAILED,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TickScope:
    """Whose occurrences a tick decides, and what it knows of the ticks before it.

    `tenant_id` None is everybody. `grace`: what is older was missed, where catching up is not wished.
    """

    now: datetime
    tick_id: uuid.UUID
    tenant_id: uuid.UUID | None
    last_tick_at: datetime | None
    grace: timedelta


@dataclass(frozen=True, slots=True)
class Asked:
    """A run that is asked for, and the ledger's row of the occurrence that asks."""

    request: RunRequest
    row: Occurrence


def ask_for_runs(asked: Sequence[Asked], *, locked: Mapping[uuid.UUID, Any], now: datetime) -> None:
    """Dispatch the runs and put into each row what it came to; the caller writes the rows in the same transaction.

    `locked` are the pipelines, as `dispatch_runs` takes them.
    """
    answers = dispatch_runs([each.request for each in asked], now=now, locked=locked)
    for each, answer in zip(asked, answers, strict=True):
        _settle(each.row, answer, now)


def occurrence_parameters(at: datetime) -> dict[str, str]:
    """Return what a run of a schedule is told: which instant it stands for."""
    return {"occurrenceAt": format_time(at)}


def line_of(row: Occurrence, source: TriggerSource) -> TickLine:
    """Return what a tick says of an occurrence."""
    is_fired = row.outcome == Outcome.FIRED
    return TickLine(
        tenant_id=row.tenant_id, pipeline_id=row.pipeline_id, fired=is_fired,
        status=_STATUSES.get(Outcome(row.outcome), CONFLICT), trigger_source=source, occurrence=row.occurrence_at,
        run_id=row.run_id, reason="" if is_fired else row.reason or row.outcome,
    )  # fmt: skip


def _settle(row: Occurrence, answer: Dispatched, now: datetime) -> None:
    row.run_id, row.decided_at, row.due_at, row.held_for = answer.run_id, now, None, HeldFor.NOTHING
    row.outcome = Outcome.FAILED if answer.problem else _outcome_of(answer)
    row.reason = answer.reason or row.reason


def _outcome_of(answer: Dispatched) -> Outcome:
    return _OUTCOMES[NotBegun(answer.reason)] if answer.reason else Outcome.FIRED
