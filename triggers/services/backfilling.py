"""Backfills: a person has a schedule's past occurrences run, each once, however often it is asked for."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, Final

from django.db import transaction

from flows.decisions.vocabulary import TriggerSource
from flows.selectors.live import LivePipeline, live_pipelines
from flows.services.dispatching import RunRequest, dispatch_runs
from flows.services.placing import lock_pipelines
from kaireon.platform.audit.services import record
from kaireon.platform.errors import Conflict, NotFound, Unprocessable
from kaireon.platform.fields import format_time
from kaireon.platform.tenancy.actors import Actor
from kaireon.platform.tenancy.models import Tenant
from triggers.decisions.backfill import MOST_BACKFILLED, BackfillState, state_of_known
from triggers.decisions.timetable import Timetable, TimetableError, read_timetable
from triggers.decisions.vocabulary import OccurrenceKind, Outcome, Via
from triggers.models import Occurrence
from triggers.services.asking import occurrence_parameters
from triggers.services.ledger import insert_rows, instant_key

PIPELINE: Final = "pipeline"
_INSTANT: Final = timedelta(microseconds=1)
Known = dict[str, tuple[BackfillState, uuid.UUID | None]]


@dataclass(frozen=True, slots=True)
class Backfill:
    """Each occurrence of the range with its state and its run; `dispatched` runs begin, of a dry run would begin."""

    occurrences: list[tuple[datetime, BackfillState, uuid.UUID | None]]
    dispatched: int


@transaction.atomic(durable=True)
def backfill(
    *, tenant: Tenant, pipeline_id: uuid.UUID, start: datetime, end: datetime, is_dry_run: bool, actor: Actor,
    now: datetime,
) -> Backfill:  # fmt: skip
    """Ask for a run for each occurrence from `start` to `end`, both included, that has none of its own.

    The runs are of the live version, each with its own occurrence, one after the other; they do not move what the
    schedule counts from. A pipeline that is paused can be backfilled. Raises NotFound, Conflict without a live
    version, and Unprocessable for a range that is none, reaches into the future, or has more than 500 occurrences,
    and for a schedule that has no instants.
    """
    if pipeline_id not in lock_pipelines([pipeline_id]):
        raise NotFound("There is no such pipeline for this tenant.")
    (live,) = live_pipelines([pipeline_id])
    if live.tenant_id != tenant.pk:
        raise NotFound("There is no such pipeline for this tenant.")
    instants = _instants(_timetable_of(live), start, end, now)
    known = _known(live, instants)
    wanted = [at for at in instants if instant_key(at) not in known]
    runs = {} if is_dry_run else _dispatch(live, wanted, actor, now)
    if runs:
        _record(live, start, end, len(runs), actor, now)
    state = BackfillState.WOULD_RUN if is_dry_run else BackfillState.DISPATCHED
    found = [(at, *known.get(instant_key(at), (state, runs.get(at)))) for at in instants]
    return Backfill(found, len(wanted))


def _timetable_of(live: LivePipeline) -> Timetable:
    if live.version is None or live.ir is None:
        text = live.problem or "The pipeline has no live version yet; publish one first."
        raise Conflict(text, code="NOT_PUBLISHED")
    if live.schedule is None:
        raise Unprocessable("The live version has no schedule, so there is nothing to fill in.", code="NO_SCHEDULE")
    try:
        spec: dict[str, Any] = live.schedule.model_dump(mode="json", by_alias=True, exclude_none=True)
        timetable = read_timetable(spec, created_at=live.created_at)
    except TimetableError as error:
        raise Unprocessable(f"schedule.{error.field}: {error.message}", code="NO_SCHEDULE") from None
    if timetable.is_relative:
        text = "An interval without an anchor counts from the last run: it has no times of its own to fill in."
        raise Unprocessable(text, code="NO_SCHEDULE")
    return timetable


def _instants(timetable: Timetable, start: datetime, end: datetime, now: datetime) -> list[datetime]:
    if end < start:
        raise Unprocessable("to: lies before from.", fields={"to": ["Lies before from."]})
    if end > now:
        raise Unprocessable("to: lies in the future.", fields={"to": ["Lies in the future."]})
    # Counted by days and not one by one: the range may be of years.
    found = timetable.count(start - _INSTANT, end)
    if found > MOST_BACKFILLED:
        text = f"The range has {found:,} occurrences; at most {MOST_BACKFILLED} are filled in at a time."
        raise Unprocessable(text, code="TOO_MANY", fields={"to": [text]})
    return list(takewhile(lambda at: at <= end, timetable.upcoming(start - _INSTANT))) if found else []


def _known(live: LivePipeline, instants: Sequence[datetime]) -> Known:
    """Return by key what the ledger has against running an occurrence, and its run."""
    rows = Occurrence.objects.for_tenant(live.tenant_id).filter(
        pipeline_id=live.pipeline_id, kind__in=[OccurrenceKind.SCHEDULE, OccurrenceKind.BACKFILL],
        key__in=[instant_key(at) for at in instants],
    )  # fmt: skip
    known: Known = {}
    # Backfills come first by their name, and are what counts.
    for row in rows.order_by("kind"):
        is_backfilled = row.kind == OccurrenceKind.BACKFILL
        state = state_of_known(scheduled=None if is_backfilled else Outcome(row.outcome), is_backfilled=is_backfilled)
        if state is not None:
            known.setdefault(row.key, (state, row.run_id))
    return known


def _dispatch(
    live: LivePipeline, instants: Sequence[datetime], actor: Actor, now: datetime
) -> dict[datetime, uuid.UUID]:  # fmt: skip
    requests = [
        RunRequest(
            tenant_id=live.tenant_id, pipeline_id=live.pipeline_id, trigger_source=TriggerSource.BACKFILL,
            requested_by=actor.name, parameters=occurrence_parameters(at), coalesces=False,
        )
        for at in instants
    ]  # fmt: skip
    answers = dispatch_runs(requests, now=now)
    rows = [
        Occurrence(
            tenant_id=live.tenant_id, pipeline_id=live.pipeline_id, kind=OccurrenceKind.BACKFILL, key=instant_key(at),
            occurrence_at=at, outcome=Outcome.FIRED, run_id=answer.run_id, decided_at=now, via=Via.PERSON,
            version=live.version,
        )
        for at, answer in zip(instants, answers, strict=True)
    ]  # fmt: skip
    if len(insert_rows(rows)) != len(rows):
        raise RuntimeError("an occurrence was backfilled beside the lock of its pipeline")
    return {row.occurrence_at: row.run_id for row in rows if row.run_id is not None}


def _record(live: LivePipeline, start: datetime, end: datetime, runs: int, actor: Actor, now: datetime) -> None:
    record(
        tenant_id=live.tenant_id, actor=actor, action="backfill", entity_type=PIPELINE,
        entity_id=str(live.pipeline_id), entity_name=live.name,
        after={"from": format_time(start), "to": format_time(end), "runs": runs}, now=now,
    )  # fmt: skip
