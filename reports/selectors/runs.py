"""Questions about runs: one, the history of a template, their deliveries, and what waits."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch, Q

from kaireon.platform.errors import NotFound
from kaireon.platform.notifications.decisions import State
from kaireon.platform.notifications.selectors import delivery_standings, newest_resends
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.scoping import TenantQuerySet
from reports.decisions.cadences import why_unreadable
from reports.decisions.runs import LONGEST_MAKING
from reports.decisions.vocabulary import RunStatus, ScheduleState, Stage
from reports.models import ReportArtifact, ReportRun, ReportSchedule, ReportTemplate

RUN_NOT_FOUND = "There is no such report run for this tenant."
# What a list does not show and what may be a megabyte.
HEAVY = ("sections_data", "definition", "narrative_output")


@dataclass(frozen=True, slots=True)
class RunDelivery:
    """How one destination stands; `delivery_id` is the newest try, a resend has an id of its own."""

    delivery_id: uuid.UUID
    provider_id: uuid.UUID
    kind: str
    name: str
    state: State
    attempts: int
    error: str


def find_run(tenant: Tenant, run_id: uuid.UUID) -> ReportRun:
    """Return one run of the tenant with its artifacts; raise NotFound."""
    run = ReportRun.objects.for_tenant(tenant).prefetch_related(_artifacts()).filter(pk=run_id).first()
    if run is None:
        raise NotFound(RUN_NOT_FOUND)
    return run


def find_signed_run(run_id: uuid.UUID) -> ReportRun:
    """Return a run for whoever brings a signed link to it: the signature says which, no tenant does."""
    run = ReportRun.objects.across_tenants().filter(pk=run_id).first()
    if run is None:
        raise NotFound("This run was deleted.")
    return run


def zone_of_template(template: ReportTemplate) -> str:
    """Return the zone in which a run by hand counts days: that of the template's first schedule, or the tenant's."""
    schedules = ReportSchedule.objects.for_tenant(template.tenant_id).filter(template=template)
    schedules = schedules.exclude(state=ScheduleState.PARKED).order_by("created_at", "pk")
    wished = [schedules.values_list("timezone", flat=True).first(), template.tenant.timezone]
    return next((name for name in wished if name and not why_unreadable("0 0 * * *", name)), "UTC")


def list_runs(
    tenant: Tenant, *, template_id: uuid.UUID | None = None, limit: int = 50, offset: int = 0
) -> list[ReportRun]:
    """Return the tenant's runs, newest first, without what they say; those of one template if one is given."""
    rows = runs_of(tenant, template_id).defer(*HEAVY).prefetch_related(_artifacts())
    return list(rows.order_by("-created_at", "-pk")[offset : offset + limit])


def runs_of(tenant: Tenant, template_id: uuid.UUID | None = None) -> TenantQuerySet[ReportRun]:
    """Return the tenant's runs, of one template if one is given; the caller orders and pages them."""
    rows: TenantQuerySet[ReportRun] = ReportRun.objects.for_tenant(tenant)
    return rows if template_id is None else rows.filter(template_id=template_id)


def deliveries_of(run: ReportRun) -> list[RunDelivery]:
    """Return how each destination of the run stands, in the run's order."""
    return deliveries_of_runs([run])[run.pk]


def deliveries_of_runs(runs: Sequence[ReportRun]) -> dict[uuid.UUID, list[RunDelivery]]:
    """Return the deliveries of each run; a destination that got it again stands as its newest try does."""
    ids = [delivery_id for run in runs for delivery_id in run.delivery_ids]
    newest = newest_resends(ids)
    latest = {each: newest.get(each, each) for each in ids}
    standings = delivery_standings(list(latest.values()))
    return {
        run.pk: [
            RunDelivery(
                delivery_id=latest[each], provider_id=found.provider_id, kind=found.provider_kind,
                name=found.provider_name, state=found.state, attempts=found.attempts, error=found.error,
            )
            for each in run.delivery_ids
            if (found := standings.get(latest[each]))
        ]
        for run in runs
    }  # fmt: skip


def is_in_hand(tenant_id: uuid.UUID, run_id: uuid.UUID) -> bool:
    """Tell whether a run is being made, or its messages are being sent: its end is a matter of moments."""
    run = ReportRun.objects.for_tenant(tenant_id).only("status", "stage", "delivery_ids", "lease_until").get(pk=run_id)
    if run.status != RunStatus.RUNNING or run.stage != Stage.DELIVERING:
        return run.status == RunStatus.RUNNING
    return any(each.state is State.SENDING for each in delivery_standings(run.delivery_ids).values())


def count_waiting(*, now: datetime, tenant_id: uuid.UUID | None = None) -> int:
    """Count the runs that wait to be made, or whose maker has not been heard of for a lease."""
    rows = ReportRun.objects.across_tenants().filter(status=RunStatus.RUNNING).exclude(stage=Stage.DELIVERING)
    rows = rows.filter(is_free(now))
    return (rows if tenant_id is None else rows.filter(tenant_id=tenant_id)).count()


def is_free(now: datetime) -> Q:
    """Return the condition that nobody holds a run; no lease that is given lasts beyond LONGEST_MAKING."""
    return Q(lease_until=None) | Q(lease_until__lte=now) | Q(lease_until__gt=now + LONGEST_MAKING)


def open_delivery_ids(tenant_id: uuid.UUID | None = None, run_id: uuid.UUID | None = None) -> list[uuid.UUID]:
    """Return the deliveries of the runs, or of one run, on their way; those that have ended are among them."""
    rows = ReportRun.objects.across_tenants().filter(status=RunStatus.RUNNING, stage=Stage.DELIVERING)
    rows = rows if tenant_id is None else rows.filter(tenant_id=tenant_id)
    rows = rows if run_id is None else rows.filter(pk=run_id)
    return [each for ids in rows.order_by("created_at", "pk").values_list("delivery_ids", flat=True) for each in ids]


def _artifacts() -> "Prefetch[str, TenantQuerySet[ReportArtifact], str]":
    return Prefetch("artifacts", ReportArtifact.objects.across_tenants().order_by("format"))
