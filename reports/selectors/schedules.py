"""Questions about report schedules."""

import uuid

from kaireon.platform.errors import NotFound
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.scoping import TenantQuerySet
from reports.decisions.cadences import Standing, standing_of
from reports.models import ReportSchedule

SCHEDULE_NOT_FOUND = "There is no such report schedule for this tenant."


def list_schedules(tenant: Tenant, *, template_id: uuid.UUID | None = None) -> TenantQuerySet[ReportSchedule]:
    """Return the tenant's schedules, or those of one template; the caller orders and pages them."""
    rows: TenantQuerySet[ReportSchedule] = ReportSchedule.objects.for_tenant(tenant)
    return rows if template_id is None else rows.filter(template_id=template_id)


def find_schedule(tenant: Tenant, schedule_id: uuid.UUID) -> ReportSchedule:
    """Return one schedule of the tenant; raise NotFound."""
    row = ReportSchedule.objects.for_tenant(tenant).filter(pk=schedule_id).first()
    if row is None:
        raise NotFound(SCHEDULE_NOT_FOUND)
    return row


def count_schedules(tenant_id: uuid.UUID) -> int:
    """Return how many schedules count against the tenant's `maxReportSchedules`: all of them."""
    return ReportSchedule.objects.for_tenant(tenant_id).count()


def schedule_standing(schedule: ReportSchedule) -> Standing:
    """Return how a schedule stands now, also before a tick has parked one whose cadence cannot be read."""
    return standing_of(
        state=schedule.state, reason=schedule.state_reason, next_run_at=schedule.next_run_at,
        expression=schedule.cron_expression, timezone=schedule.timezone,
    )  # fmt: skip
