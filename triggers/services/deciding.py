"""Decide schedules that are due: rows of the ledger and runs in one transaction, a bounded batch at a time."""

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from django.db import connection, transaction
from django.db.models import Q

from flows.decisions.vocabulary import Overlap, TriggerSource
from flows.services.dispatching import RunRequest
from kaireon.platform.budget import Budget
from kaireon.platform.tenancy.scoping import TenantQuerySet
from triggers.decisions.due import Decision, Standing, Verdict, decide
from triggers.decisions.timetable import TimetableError, read_timetable
from triggers.decisions.vocabulary import HeldFor, OccurrenceKind, Outcome, TriggerState
from triggers.models import Occurrence, PipelineSchedule
from triggers.services.asking import (
    OF_PIPELINE,
    REQUESTED_BY,
    Asked,
    TickScope,
    ask_for_runs,
    line_of,
    occurrence_parameters,
)
from triggers.services.counting import change_counts
from triggers.services.ledger import insert_rows, instant_key, known_places
from triggers.services.parking import Parked, tell_parked
from triggers.services.telling import FAILED, TickLine

logger = logging.getLogger(__name__)

BATCH: Final = 500
# Of one schedule that catches up, so many at a time: the others have their turn before it goes on.
MOST_OF_ONE: Final = 100
MOST_OF_BATCH: Final = 2_000
# Seconds; the server ends a session that is silent for ten.
LONGEST_TURN: Final = 2.0
_MOVE: Final = """
UPDATE triggers_pipelineschedule AS schedule
SET decided_until = greatest(schedule.decided_until, moved.decided_until), next_due_at = moved.next_due_at,
    last_fired_at = coalesce(moved.fired_at, schedule.last_fired_at)
FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[])
     AS moved (id, decided_until, next_due_at, fired_at)
WHERE schedule.id = moved.id"""


class KnownAlready(Exception):
    """An occurrence was to be written that the ledger knows: the transaction must not go on."""


class Place(NamedTuple):
    """Where a pass over due schedules stands."""

    next_due_at: datetime
    schedule_id: uuid.UUID


@dataclass(slots=True)
class Batch:
    """What one batch did: how many it moved on, which it could not, where it ended, whether there was no more."""

    is_last: bool = True
    decided: int = 0
    failed: set[uuid.UUID] = field(default_factory=set)
    place: Place | None = None
    lines: list[TickLine] = field(default_factory=list)


@dataclass(slots=True)
class _Plan:
    """What is to become of one schedule: a decision, or why it is parked."""

    schedule: PipelineSchedule
    decision: Decision | None = None
    problem: str = ""
    rows: list[Occurrence] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)


def decide_due(scope: TickScope, *, after: Place | None = None, limit: int = BATCH) -> Batch:
    """Decide the schedules that are due longest, beyond a place; joins the transaction that holds the tick's lock.

    A schedule that cannot be read is parked, one whose writing fails is left as it is; neither stops the others.
    """
    batch, plans, verdicts, turn = Batch(), [], 0, Budget(LONGEST_TURN)
    due = _lock_due(scope, after, limit)
    for schedule in due:
        plan = _plan(schedule, scope)
        plans.append(plan)
        verdicts += len(plan.decision.verdicts) if plan.decision else 1
        if verdicts >= MOST_OF_BATCH or turn.is_spent:
            break
    batch.is_last = len(due) < limit and len(plans) == len(due)
    if plans:
        last = plans[-1].schedule
        batch.place = Place(last.next_due_at or scope.now, last.pk)
        _write_apart(plans, scope, batch)
    return batch


def due_schedules(scope: TickScope) -> TenantQuerySet[PipelineSchedule]:
    """Return the schedules whose turn has come."""
    rows = PipelineSchedule.objects.across_tenants().filter(state=TriggerState.ACTIVE, next_due_at__lte=scope.now)
    return rows if scope.tenant_id is None else rows.filter(tenant_id=scope.tenant_id)


def _lock_due(scope: TickScope, after: Place | None, limit: int) -> list[PipelineSchedule]:
    """Lock due schedules with their pipelines, those left out that somebody saves or runs just now.

    It waits for nobody: who saves holds the pipeline and wants the schedule's row.
    """
    rows = due_schedules(scope).select_related("pipeline")
    if after is not None:
        later = Q(next_due_at__gt=after.next_due_at) | Q(next_due_at=after.next_due_at, pk__gt=after.schedule_id)
        rows = rows.filter(later)
    rows = rows.select_for_update(skip_locked=True, no_key=True, of=("self", "pipeline"))
    wanted = rows.only("tenant_id", "version", "spec", "decided_until", "active_since", "next_due_at", *OF_PIPELINE)
    return list(wanted.order_by("next_due_at", "pk")[:limit])


def _plan(schedule: PipelineSchedule, scope: TickScope) -> _Plan:
    try:
        return _Plan(schedule, decision=_decide(schedule, scope))
    except TimetableError as error:
        return _Plan(schedule, problem=f"schedule.{error.field}: {error.message}")
    except Exception as error:
        # It would be due again at every tick, before all others.
        logger.exception("schedule not decided", extra={"event": "triggers.not_decided", **_names(schedule)})
        return _Plan(schedule, problem=f"It cannot be decided: {type(error).__name__}.")


def _decide(schedule: PipelineSchedule, scope: TickScope) -> Decision:
    spec, pipeline = schedule.spec, schedule.pipeline
    standing = Standing(
        pipeline_id=schedule.pipeline_id, timetable=read_timetable(spec, created_at=pipeline.created_at),
        catch_up=spec.get("catchUp", "latest"), overlap=spec.get("overlap", Overlap.QUEUE),
        jitter_seconds=spec.get("jitterSeconds", 0), decided_until=schedule.decided_until,
        last_run_at=pipeline.last_run_at, active_since=schedule.active_since,
    )  # fmt: skip
    return decide(standing, now=scope.now, last_tick_at=scope.last_tick_at, grace=scope.grace, most=MOST_OF_ONE)


def _write_apart(plans: Sequence[_Plan], scope: TickScope, batch: Batch) -> None:
    """Write the plans at once; where that fails, by halves, so that the one that fails stands alone."""
    try:
        rows = _write_at_once(plans, scope)
    except Exception:
        if not connection.is_usable():
            raise
        if len(plans) > 1:
            middle = len(plans) // 2
            _write_apart(plans[:middle], scope, batch)
            _write_apart(plans[middle:], scope, batch)
            return
        names = _names(plans[0].schedule)
        logger.exception("schedule not written", extra={"event": "triggers.not_written", **names})
        batch.failed.add(plans[0].schedule.pk)
        batch.lines.append(_failed_line(plans[0].schedule))
        return
    batch.decided += len(plans)
    batch.lines += [line_of(row, TriggerSource.SCHEDULE) for row in rows]


def _write_at_once(plans: Sequence[_Plan], scope: TickScope) -> list[Occurrence]:
    """Write the plans; only when the ledger refuses, look first at what it has."""
    try:
        with transaction.atomic():
            return _write(plans, scope, is_careful=False)
    except KnownAlready:
        with transaction.atomic():
            return _write(plans, scope, is_careful=True)


def _write(plans: Sequence[_Plan], scope: TickScope, *, is_careful: bool) -> list[Occurrence]:
    """Write what becomes of the schedules and return the rows that a tick speaks of."""
    for plan in plans:
        plan.rows, plan.asked = [], []
        for verdict in plan.decision.verdicts if plan.decision else ():
            _add_row(plan, verdict, scope)
        if plan.problem:
            plan.rows.append(_row(plan.schedule, plan.schedule.next_due_at or scope.now, Outcome.PARKED, scope))
            plan.rows[0].reason = plan.problem
    if is_careful:
        _leave_out_known(plans)
    pipelines = {plan.schedule.pipeline_id: plan.schedule.pipeline for plan in plans}
    ask_for_runs([asked for plan in plans for asked in plan.asked], locked=pipelines, now=scope.now)
    for plan in plans:
        _name_the_run(plan)
    rows = [row for plan in plans for row in plan.rows]
    if len(insert_rows(rows)) != len(rows):
        raise KnownAlready
    _move([plan for plan in plans if plan.decision], scope.now)
    _park([plan for plan in plans if plan.problem], scope.now)
    return [row for plan in plans for row in _spoken_of(plan)]


def _add_row(plan: _Plan, verdict: Verdict, scope: TickScope) -> None:
    schedule = plan.schedule
    row = _row(schedule, verdict.at, verdict.outcome, scope)
    row.reason, row.until, row.count, row.due_at = verdict.reason, verdict.until, verdict.count, verdict.due_at
    row.held_for = HeldFor.JITTER if verdict.outcome is Outcome.HELD else HeldFor.NOTHING
    plan.rows.append(row)
    if verdict.outcome is Outcome.FIRED:
        plan.asked.append(Asked(request_of(row), row))


def request_of(row: Occurrence) -> RunRequest:
    """Return the run that an occurrence of a schedule asks for."""
    return RunRequest(
        tenant_id=row.tenant_id, pipeline_id=row.pipeline_id, trigger_source=TriggerSource.SCHEDULE,
        requested_by=REQUESTED_BY, parameters=occurrence_parameters(row.occurrence_at),
        overlap=Overlap(row.detail["overlap"]), coalesces=row.detail["catchUp"] != "all",
    )  # fmt: skip


def _row(schedule: PipelineSchedule, at: datetime, outcome: Outcome, scope: TickScope) -> Occurrence:
    spec = schedule.spec
    return Occurrence(
        tenant_id=schedule.tenant_id, pipeline_id=schedule.pipeline_id, kind=OccurrenceKind.SCHEDULE,
        key=instant_key(at), occurrence_at=at, outcome=outcome, decided_at=scope.now, tick_id=scope.tick_id,
        version=schedule.version,
        detail={"overlap": spec.get("overlap", "queue"), "catchUp": spec.get("catchUp", "latest")},
    )  # fmt: skip


def _leave_out_known(plans: Sequence[_Plan]) -> None:
    """Leave out what has its row: the backstop of a window that somebody opened again over it."""
    known = known_places(OccurrenceKind.SCHEDULE, [(row.pipeline_id, row.key) for plan in plans for row in plan.rows])
    if known:
        for plan in plans:
            plan.rows = [row for row in plan.rows if (row.pipeline_id, row.key) not in known]
            plan.asked = [each for each in plan.asked if (each.row.pipeline_id, each.row.key) not in known]


def _name_the_run(plan: _Plan) -> None:
    """Name, with the occurrences that coalesced, the run that stands for them; a person's run before is not known.

    One that is held has no run yet: it keeps from where on it stands for others, and its release names the run.
    """
    last_run_at = plan.schedule.pipeline.last_run_at
    own, stands = {each.row.pk for each in plan.asked}, None
    for row in reversed(plan.rows):
        if row.pk in own or row.outcome == Outcome.HELD:
            stands = row
        elif row.outcome == Outcome.COALESCED and stands and (not last_run_at or row.occurrence_at > last_run_at):
            row.run_id = stands.run_id
            if stands.outcome == Outcome.HELD:
                stands.detail["standsFrom"] = row.key


def _spoken_of(plan: _Plan) -> list[Occurrence]:
    """Return the rows of runs that were asked for, or the last one where none was."""
    return [each.row for each in plan.asked] or plan.rows[-1:]


def _move(plans: Sequence[_Plan], now: datetime) -> None:
    decisions = [plan.decision for plan in plans if plan.decision]
    if not decisions:
        return
    fired = [now if any(each.row.outcome == Outcome.FIRED for each in plan.asked) else None for plan in plans]
    with connection.cursor() as cursor:
        cursor.execute(
            _MOVE,
            [
                [plan.schedule.pk for plan in plans], [each.decided_until for each in decisions],
                [each.next_due_at for each in decisions], fired,
            ],
        )  # fmt: skip


def _park(plans: Sequence[_Plan], now: datetime) -> None:
    for plan in plans:
        rows = PipelineSchedule.objects.for_tenant(plan.schedule.tenant_id).filter(pk=plan.schedule.pk)
        rows.update(state=TriggerState.PARKED, reason=plan.problem, next_due_at=None, updated_at=now)
    names = {plan.schedule.pk: plan.schedule.pipeline.name for plan in plans}
    tell_parked(
        [Parked(p.schedule.tenant_id, p.schedule.pipeline_id, names[p.schedule.pk], p.problem) for p in plans], now=now
    )
    for plan in sorted(plans, key=lambda each: each.schedule.tenant_id):
        change_counts(plan.schedule.tenant_id, scheduled=-1)


def _failed_line(schedule: PipelineSchedule) -> TickLine:
    return TickLine(
        tenant_id=schedule.tenant_id, pipeline_id=schedule.pipeline_id, fired=False, status=FAILED,
        trigger_source=TriggerSource.SCHEDULE, occurrence=schedule.next_due_at,
        reason="It could not be written; the log has the trace, and the next tick tries again.",
    )  # fmt: skip


def _names(schedule: PipelineSchedule) -> dict[str, str]:
    return {"tenantId": str(schedule.tenant_id), "pipelineId": str(schedule.pipeline_id)}
