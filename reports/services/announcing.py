"""Tell the house what people did to templates and schedules: audit entries, and the end of a health alert."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kaireon.platform.audit.services import Entry
from kaireon.platform.health.services import resolve_many
from kaireon.platform.tenancy.actors import Actor
from reports.models import ReportSchedule, ReportTemplate

TEMPLATE, SCHEDULE = "report_template", "report_schedule"


def template_entry(
    template: ReportTemplate, action: str, actor: Actor, *, before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> Entry:  # fmt: skip
    """Return the audit entry of what a person did to a template."""
    return Entry(template.tenant_id, actor, action, TEMPLATE, str(template.pk), template.name, before, after)


def schedule_entry(
    schedule: ReportSchedule, action: str, actor: Actor, *, before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> Entry:  # fmt: skip
    """Return the audit entry of what a person did to a schedule."""
    return Entry(schedule.tenant_id, actor, action, SCHEDULE, str(schedule.pk), schedule.name, before, after)


def template_state(template: ReportTemplate) -> dict[str, Any]:
    """Return a template's settings as the audit log keeps them."""
    return {
        "name": template.name,
        "description": template.description,
        "ownerUserId": template.owner_id and str(template.owner_id),
        "dataSources": template.data_sources,
        "sections": template.sections,
        "formats": list(template.formats),
        "narrative": template.narrative,
        "destinations": [str(row_id) for row_id in template.destination_ids],
        "enabled": template.enabled,
    }


def schedule_state(schedule: ReportSchedule) -> dict[str, Any]:
    """Return a schedule's settings and state as the audit log keeps them."""
    return {
        "templateId": str(schedule.template_id),
        "name": schedule.name,
        "cronExpression": schedule.cron_expression,
        "timezone": schedule.timezone,
        "destinations": [str(row_id) for row_id in schedule.destination_ids],
        "enabled": schedule.enabled,
        "missedPolicy": schedule.missed_policy,
        "skipIfEmpty": schedule.skip_if_empty,
        "state": schedule.state,
        "stateReason": schedule.state_reason,
    }


def schedule_health_key(schedule_id: object) -> str:
    """Return the key under which a schedule's failures stand in system health."""
    return f"report-schedule:{schedule_id}"


def settle_schedule_health(*schedules: ReportSchedule, now: datetime) -> None:
    """Resolve the schedules' system-health alerts, where one is open."""
    resolve_many([(row.tenant_id, schedule_health_key(row.pk)) for row in schedules], now=now)
