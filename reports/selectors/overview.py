"""What the pages of reports read: every template with its schedules and last run, what is next, what needs somebody."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import OuterRef, Q

from kaireon.platform.paging import Key
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.scoping import TenantQuerySet
from reports.decisions.vocabulary import LastStatus, RunStatus, ScheduleState
from reports.models import ReportOccurrence, ReportRun, ReportSchedule, ReportTemplate

# What lists do not show and what may be a megabyte.
HEAVY = ("sections_data", "definition", "narrative_output")
SCHEDULES_SHOWN = 200


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A template with its schedules and its newest run."""

    template: ReportTemplate
    schedules: list[ReportSchedule] = field(default_factory=list)
    last_run: ReportRun | None = None

    @property
    def next_schedule(self) -> ReportSchedule | None:
        """Return the schedule that is due first, if one may fire at all."""
        waiting = [each for each in self.schedules if may_fire(each) and self.template.enabled]
        # One without a time is due at the next tick.
        return min(waiting, key=lambda each: (each.next_run_at is not None, each.next_run_at), default=None)

    @property
    def held(self) -> list[ReportSchedule]:
        """Return the schedules that are paused or parked."""
        return [each for each in self.schedules if each.state != ScheduleState.ACTIVE]

    @property
    def recipient_ids(self) -> list[uuid.UUID]:
        """Return everybody who gets it: by a schedule, or when it is run by hand."""
        found = [each for schedule in self.schedules for each in schedule.destination_ids]
        return list(dict.fromkeys([*found, *self.template.destination_ids]))


@dataclass(frozen=True, slots=True)
class Trouble:
    """A schedule that failed last, or that somebody has to free, with its newest run; no template: it is gone."""

    schedule: ReportSchedule
    template: ReportTemplate | None
    last_run: ReportRun | None


def may_fire(schedule: ReportSchedule) -> bool:
    """Tell whether ticks look at a schedule."""
    return schedule.enabled and schedule.state == ScheduleState.ACTIVE


def report_rows(tenant: Tenant, *, after: Key | None, limit: int, text: str = "") -> list[ReportRow]:
    """Return the tenant's templates, newest first, from the key on; three queries."""
    newest = ReportRun.objects.for_tenant(tenant).filter(template=OuterRef("pk")).order_by("-created_at", "-pk")
    rows = ReportTemplate.objects.for_tenant(tenant).annotate(last_run_id=newest.values("pk")[:1])
    if text:
        rows = rows.filter(Q(name__icontains=text) | Q(description__icontains=text))
    if after is not None:
        at, row_id = after
        rows = rows.filter(Q(created_at__lt=at) | Q(created_at=at, pk__lt=row_id))
    return _with_runs(tenant, list(rows.order_by("-created_at", "-pk")[:limit]))


def report_row(tenant: Tenant, template: ReportTemplate) -> ReportRow:
    """Return one template as the list shows it; three queries."""
    newest = ReportRun.objects.for_tenant(tenant).filter(template=OuterRef("pk")).order_by("-created_at", "-pk")
    rows = ReportTemplate.objects.for_tenant(tenant).annotate(last_run_id=newest.values("pk")[:1])
    return _with_runs(tenant, list(rows.filter(pk=template.pk)))[0]


def _with_runs(tenant: Tenant, templates: Sequence[ReportTemplate]) -> list[ReportRow]:
    runs = _runs(tenant, (getattr(each, "last_run_id", None) for each in templates))
    schedules: dict[uuid.UUID, list[ReportSchedule]] = defaultdict(list)
    mine = ReportSchedule.objects.for_tenant(tenant).filter(template__in=[each.pk for each in templates])
    for schedule in mine.order_by("created_at", "pk"):
        schedules[schedule.template_id].append(schedule)
    return [
        ReportRow(each, schedules[each.pk], runs.get(getattr(each, "last_run_id", None))) for each in templates
    ]  # fmt: skip


def _runs(tenant: Tenant, run_ids: Iterable[uuid.UUID | None]) -> dict[uuid.UUID | None, ReportRun]:
    wanted = [each for each in run_ids if each is not None]
    found = ReportRun.objects.for_tenant(tenant).filter(pk__in=wanted).defer(*HEAVY)
    return {run.pk: run for run in found}


def next_reports(tenant: Tenant, limit: int) -> list[ReportSchedule]:
    """Return the schedules that go out next, soonest first, each with its template; one query."""
    waiting = ReportSchedule.objects.for_tenant(tenant).filter(
        enabled=True, state=ScheduleState.ACTIVE, next_run_at__isnull=False, template__enabled=True
    )
    return list(waiting.select_related("template").order_by("next_run_at", "pk")[:limit])


def schedules_in_trouble(tenant: Tenant, limit: int) -> list[Trouble]:
    """Return the schedules that failed last or that are held, worst first, each with its newest run; three queries."""
    failed = Q(last_status__in=[LastStatus.FAILED, LastStatus.COMPLETED_WITH_ERRORS], enabled=True)
    held = Q(state=ScheduleState.PARKED) | Q(state=ScheduleState.PAUSED, failures_in_a_row__gt=0)
    newest = ReportRun.objects.for_tenant(tenant).filter(schedule=OuterRef("pk")).order_by("-created_at", "-pk")
    rows = ReportSchedule.objects.for_tenant(tenant).filter(failed | held)
    found = list(rows.annotate(newest_run_id=newest.values("pk")[:1]).order_by("-updated_at", "-pk")[:SCHEDULES_SHOWN])
    worst = sorted(found, key=_badness, reverse=True)[:limit]
    runs = _runs(tenant, (getattr(each, "newest_run_id", None) for each in worst))
    # Not joined: a template that is gone all the same is trouble that must be seen.
    templates = ReportTemplate.objects.for_tenant(tenant).in_bulk([each.template_id for each in worst])
    return [
        Trouble(each, templates.get(each.template_id), runs.get(getattr(each, "newest_run_id", None))) for each in worst
    ]


def _badness(schedule: ReportSchedule) -> tuple[bool, bool]:
    return schedule.state != ScheduleState.ACTIVE, schedule.last_status == LastStatus.FAILED


def schedules_of(tenant: Tenant, template: ReportTemplate) -> list[ReportSchedule]:
    """Return a template's schedules, oldest first; one query."""
    rows = ReportSchedule.objects.for_tenant(tenant).filter(template=template)
    return list(rows.order_by("created_at", "pk")[:SCHEDULES_SHOWN])


def history_of(
    tenant: Tenant, *, template: ReportTemplate | None = None, schedule: ReportSchedule | None = None
) -> TenantQuerySet[ReportRun]:
    """Return the runs of a template or of a schedule without what lists do not show; the caller pages them."""
    runs: TenantQuerySet[ReportRun] = ReportRun.objects.for_tenant(tenant).defer(*HEAVY).prefetch_related("artifacts")
    if schedule is not None:
        runs = runs.filter(schedule=schedule)
    return runs if template is None else runs.filter(template=template)


def occurrences_of(tenant: Tenant, schedule: ReportSchedule) -> TenantQuerySet[ReportOccurrence]:
    """Return the times at which a schedule was due, with what became of each; the caller pages them."""
    rows: TenantQuerySet[ReportOccurrence] = ReportOccurrence.objects.for_tenant(tenant)
    return rows.filter(schedule=schedule).select_related("run").defer(*(f"run__{name}" for name in HEAVY))


def issue_before(tenant: Tenant, run: ReportRun) -> ReportRun | None:
    """Return the issue before this run: of its schedule, else of its template; one query.

    What somebody ran by hand between two issues of a schedule is none of them, nor is a run that told nobody because
    it was empty.
    """
    if run.template_id is None:
        return None
    ended = [RunStatus.COMPLETED, RunStatus.COMPLETED_WITH_ERRORS]
    rows = ReportRun.objects.for_tenant(tenant).filter(
        template=run.template_id, status__in=ended, created_at__lt=run.created_at
    )
    rows = rows.exclude(is_empty=True, skip_if_empty=True)
    rows = rows if run.schedule_id is None else rows.filter(schedule=run.schedule_id)
    return rows.order_by("-created_at", "-pk").first()


def is_late(schedule: ReportSchedule, now: datetime, *, minutes: int = 5) -> bool:
    """Tell whether a schedule should have gone out a while ago: nobody has ticked since."""
    if not may_fire(schedule) or schedule.next_run_at is None:
        return False
    return (now - schedule.next_run_at).total_seconds() > minutes * 60
