"""The small world of templates and schedules: a tenant's report, its schedule, a destination to send it to."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from kaireon.platform.notifications.services import create_destination
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from reports.models import ReportSchedule, ReportTemplate
from reports.services import create_schedule, create_template

# A Saturday, the day before Berlin's clocks go back.
NOW = datetime(2026, 10, 24, 12, 0, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
NOBODYS = "0192f0c1-7e5a-7cc0-8a55-0123456789ab"
FUNNEL: dict[str, Any] = {"sourceKey": "funnel", "params": {"days": 7}}
TREND: dict[str, Any] = {"sourceKey": "daily_trend", "params": {}}


def section(section_id: str, index: int = 0) -> dict[str, Any]:
    """Return a section of a source."""
    return {"id": section_id, "title": f"Section {section_id}", "dataSourceIndex": index}


def make_template(tenant: Tenant, **changes: Any) -> ReportTemplate:
    """Create the plain report: one source, no sections of its own, PDF."""
    values = {"name": "Weekly", "data_sources": [FUNNEL], **changes}
    return create_template(tenant=tenant, values=values, actor=SYSTEM, now=NOW)


def make_schedule(tenant: Tenant, template: ReportTemplate | None = None, **changes: Any) -> ReportSchedule:
    """Create the plain schedule: every day at 08:00 in Berlin, to nobody."""
    template_id = (template or make_template(tenant)).pk
    values = {"template_id": template_id, "name": "Daily", "cron_expression": "0 8 * * *", **changes}
    return create_schedule(tenant=tenant, values={"timezone": "Europe/Berlin", **values}, actor=SYSTEM, now=NOW)


def make_mail(tenant: Tenant, name: str = "Mail") -> uuid.UUID:
    """Create an e-mail destination and return its id."""
    row = create_destination(
        tenant_id=tenant.pk, kind="ops_email", name=name, enabled=True, actor=SYSTEM, now=NOW,
        config={"fromEmail": "a@example.com", "recipients": ["b@example.com"]},
    )  # fmt: skip
    return row.pk


def spoil(schedule: ReportSchedule, **columns: Any) -> None:
    """Write columns past the services, as an import or an older release would have."""
    ReportSchedule.objects.for_tenant(schedule.tenant_id).filter(pk=schedule.pk).update(**columns)
    schedule.refresh_from_db()
