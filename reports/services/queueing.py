"""Queue runs for schedules that are due, in a transaction of milliseconds."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import OuterRef, Q, Subquery

from kaireon.platform.audit.services import Entry, record_many
from kaireon.platform.cadence import Cadence, CadenceError, read_cadence
from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.guardrails import guardrails_of
from kaireon.platform.tenancy.models import Tenant
from reports.decisions.cadences import why_unreadable
from reports.decisions.occurrences import COALESCED, Decided, DueSchedule, decide_occurrences
from reports.decisions.vocabulary import (
    MissedPolicy,
    OccurrenceOutcome,
    RunStatus,
    ScheduleState,
    Stage,
)
from reports.metrics import DUE_LAG, RUNS
from reports.models import ReportOccurrence, ReportRun, ReportSchedule, ReportTemplate
from reports.services.snapshots import scheduled_run
from reports.services.telling import end_of_run, park

# What a waiting run takes from the one that it stands for.
MOVED_ON: Final = ("template", "definition", "zone", "destination_ids", "skip_if_empty", "occurrence_at", "data_until")
SWITCHED_OFF: Final = "The template is switched off."
_IS_DUE: Final = "enabled AND state = 'active' AND (next_run_at IS NULL OR next_run_at <= %(now)s)"
# Everybody's oldest first, then everybody's second: a thousand due schedules of one tenant delay no other's one.
_DUE: Final = f"""
SELECT id, tenant_id FROM (
    SELECT id, tenant_id, next_run_at,
           row_number() OVER (PARTITION BY tenant_id ORDER BY next_run_at NULLS FIRST, id) AS turn
    FROM reports_reportschedule
    WHERE {_IS_DUE} AND (%(tenant)s::uuid IS NULL OR tenant_id = %(tenant)s::uuid)
      AND NOT id = ANY(%(not_these)s::uuid[])
) AS waiting ORDER BY turn, next_run_at NULLS FIRST, id LIMIT %(limit)s"""  # noqa: S608 - constants
_LOCK: Final = f"""
SELECT id FROM reports_reportschedule WHERE id = ANY(%(ids)s::uuid[]) AND {_IS_DUE}
ORDER BY id FOR UPDATE SKIP LOCKED"""  # noqa: S608 - constants


@dataclass(slots=True)
class Queued:
    """What one pass over due schedules did: which it looked at, which runs wait now, which failed at once and why."""

    schedule_ids: list[uuid.UUID] = field(default_factory=list)
    run_ids: list[uuid.UUID] = field(default_factory=list)
    failed: list[tuple[uuid.UUID, uuid.UUID, str]] = field(default_factory=list)


@dataclass(slots=True)
class _Plan:
    """A schedule with what was decided for it: the occurrences' rows, the one that runs, and its run."""

    schedule: ReportSchedule
    rows: list[ReportOccurrence]
    running: ReportOccurrence | None = None
    run: ReportRun | None = None


@dataclass(frozen=True, slots=True)
class _Ground:
    """What the decisions of one batch need, read once for all of it."""

    templates: dict[uuid.UUID, ReportTemplate]
    fired: dict[uuid.UUID, datetime]
    waiting: dict[uuid.UUID, ReportRun]
    least_gaps: dict[uuid.UUID, timedelta]
    now: datetime


def due_schedules(
    *, now: datetime, limit: int, tenant_id: uuid.UUID | None = None, not_these: Collection[uuid.UUID] = ()
) -> dict[uuid.UUID, uuid.UUID]:
    """Return the schedules that are due, with their tenants, in the order in which they are to be looked at."""
    parameters: dict[str, Any] = {"now": now, "limit": limit, "tenant": tenant_id, "not_these": list(not_these)}
    with connection.cursor() as cursor:
        cursor.execute(_DUE, parameters)
        return dict(cursor.fetchall())


@transaction.atomic(durable=True)
def queue_due(*, schedule_ids: Sequence[uuid.UUID], now: datetime) -> Queued:
    """Decide the occurrences of these schedules, if they are still due, and queue a run for each that is to run.

    The schedules' rows are locked and skipped by whoever else ticks; an occurrence that has its row is never decided
    again. `next_run_at` is counted from `now`. What cannot be read is parked, with the reason. A few statements for any
    number of schedules.
    """
    schedules = _lock(schedule_ids, now)
    ground = _survey(schedules, now)
    queued = Queued(schedule_ids=[schedule.pk for schedule in schedules])
    entries: list[Entry] = []
    plans: list[_Plan] = []
    for schedule in schedules:
        try:
            plans.append(_decide(schedule, ground))
        except CadenceError:
            entries += park(schedule, why_unreadable(schedule.cron_expression, schedule.timezone), now=now)
    _keep(plans, ground)
    entries += _end_failed(plans, queued, now)
    # The audit's locks are the last ones taken; see record_many.
    record_many(entries, now=now)
    return queued


def count_due(*, now: datetime, tenant_id: uuid.UUID | None = None) -> int:
    """Count the schedules that are due and were not looked at."""
    rows = ReportSchedule.objects.across_tenants().filter(enabled=True, state=ScheduleState.ACTIVE)
    rows = rows.filter(Q(next_run_at=None) | Q(next_run_at__lte=now))
    return (rows if tenant_id is None else rows.filter(tenant_id=tenant_id)).count()


def _lock(schedule_ids: Sequence[uuid.UUID], now: datetime) -> list[ReportSchedule]:
    """Lock those that are still due and that nobody else has; return them in the order of the ids."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, {"ids": list(schedule_ids), "now": now})
        locked = [row[0] for row in cursor.fetchall()]
    rows = ReportSchedule.objects.across_tenants().in_bulk(locked)
    return [rows[each] for each in schedule_ids if each in rows]


def _survey(schedules: Sequence[ReportSchedule], now: datetime) -> _Ground:
    ids = [schedule.pk for schedule in schedules]
    runs = ReportRun.objects.across_tenants().filter(
        schedule_id__in=ids, status=RunStatus.RUNNING, stage=Stage.QUEUED, attempts=0
    )
    tenants = Tenant.objects.filter(pk__in={schedule.tenant_id for schedule in schedules})
    templates = ReportTemplate.objects.across_tenants().filter(pk__in={each.template_id for each in schedules})
    return _Ground(
        templates={template.pk: template for template in templates},
        fired=latest_fired(ids),
        waiting={run.schedule_id: run for run in runs.select_for_update(skip_locked=True) if run.schedule_id},
        least_gaps={row.pk: timedelta(minutes=guardrails_of(row).min_cadence_minutes) for row in tenants},
        now=now,
    )


def latest_fired(schedule_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, datetime]:
    """Return the latest occurrence of each schedule that got a run; however many there are, it reads the newest."""
    ran = ReportOccurrence.objects.across_tenants().filter(schedule=OuterRef("pk"), outcome=OccurrenceOutcome.RUN)
    latest = Subquery(ran.order_by("-occurrence_at").values("occurrence_at")[:1])
    rows = ReportSchedule.objects.across_tenants().filter(pk__in=schedule_ids).annotate(latest=latest)
    return {pk: at for pk, at in rows.values_list("pk", "latest") if at is not None}


def _decide(schedule: ReportSchedule, ground: _Ground) -> _Plan:
    """Decide a schedule's occurrences and move its times on, in memory; raises CadenceError."""
    cadence = read_cadence(schedule.cron_expression, schedule.timezone)
    decision = decide_occurrences(_due(schedule, cadence, ground), ground.now)
    DUE_LAG.observe((ground.now - (schedule.next_run_at or ground.now)).total_seconds())
    template = ground.templates.get(schedule.template_id)
    is_off = template is not None and not template.enabled
    decided = [_switched_off(each) if is_off else each for each in decision.decided]
    decided_before = [schedule.last_occurrence_at] if schedule.last_occurrence_at else []
    schedule.last_occurrence_at = max([each.at for each in decided] + decided_before, default=None)
    schedule.next_run_at, schedule.updated_at = decision.next_run_at, ground.now
    return _Plan(schedule, [_row(schedule, each, ground.now) for each in decided])


def _due(schedule: ReportSchedule, cadence: Cadence, ground: _Ground) -> DueSchedule:
    return DueSchedule(
        cadence, MissedPolicy(schedule.missed_policy), schedule.next_run_at, schedule.last_occurrence_at,
        ground.fired.get(schedule.pk), ground.least_gaps.get(schedule.tenant_id, timedelta(0)),
    )  # fmt: skip


def _switched_off(each: Decided) -> Decided:
    return Decided(each.at, OccurrenceOutcome.MISSED, SWITCHED_OFF) if each.outcome is OccurrenceOutcome.RUN else each


def _row(schedule: ReportSchedule, each: Decided, now: datetime) -> ReportOccurrence:
    return ReportOccurrence(
        id=new_id(), tenant_id=schedule.tenant_id, schedule=schedule, occurrence_at=each.at, outcome=each.outcome,
        reason=each.reason, created_at=now,
    )  # fmt: skip


def _keep(plans: Sequence[_Plan], ground: _Ground) -> None:
    """Write what was decided, and give each occurrence that runs its run; those that have a row already get none."""
    taken = _insert([row for plan in plans for row in plan.rows])
    moved: list[ReportRun] = []
    for plan in plans:
        runs = (row for row in plan.rows if row.outcome == OccurrenceOutcome.RUN and row.pk in taken)
        plan.running = next(runs, None)
        if plan.running is None:
            continue
        template = ground.templates.get(plan.schedule.template_id)
        plan.run = scheduled_run(plan.schedule, template, plan.running, ground.now)
        waiting = ground.waiting.get(plan.schedule.pk)
        if waiting is not None and plan.run.status == RunStatus.RUNNING:
            plan.run = _move_on(waiting, plan.run)
            moved.append(waiting)
        plan.running.run = plan.run
    ReportRun.objects.bulk_create([plan.run for plan in plans if plan.run and plan.run not in moved])
    ReportRun.objects.across_tenants().bulk_update(moved, MOVED_ON)
    running = [plan.running for plan in plans if plan.running]
    ReportOccurrence.objects.across_tenants().bulk_update(running, ["run"])
    schedules = [plan.schedule for plan in plans]
    changed = ["next_run_at", "last_occurrence_at", "updated_at"]
    ReportSchedule.objects.across_tenants().bulk_update(schedules, changed)


def _insert(rows: Sequence[ReportOccurrence]) -> set[uuid.UUID]:
    """Write the rows that are not there yet and return their ids."""
    ReportOccurrence.objects.bulk_create(rows, ignore_conflicts=True)
    ids = [row.pk for row in rows]
    return set(ReportOccurrence.objects.across_tenants().filter(pk__in=ids).values_list("pk", flat=True))


def _move_on(waiting: ReportRun, new: ReportRun) -> ReportRun:
    """Let a run that has waited since an earlier occurrence, and was not begun, become the new one: one report, now.

    It is made of what template and schedule are now, and goes to whom they name now.
    """
    earlier = ReportOccurrence.objects.for_tenant(waiting.tenant_id).filter(run=waiting)
    earlier.update(outcome=OccurrenceOutcome.COALESCED, reason=COALESCED)
    for name in MOVED_ON:
        setattr(waiting, name, getattr(new, name))
    return waiting


def _end_failed(plans: Sequence[_Plan], queued: Queued, now: datetime) -> list[Entry]:
    """Sort the runs: those that wait, and those that could not even be queued, of which their schedules are told."""
    entries: list[Entry] = []
    for schedule, run in ((plan.schedule, plan.run) for plan in plans):
        if run is None:
            continue
        if run.status == RunStatus.FAILED:
            queued.failed.append((schedule.tenant_id, schedule.pk, run.error))
            RUNS.labels(run.status).inc()
            entries += end_of_run(schedule, run, now=now)
        else:
            queued.run_ids.append(run.pk)
    return entries
