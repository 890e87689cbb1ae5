"""What the tests of report pages share: a report as a person fills its form in, and runs that are made."""

from typing import Any

from django.contrib.messages import get_messages
from django.utils import timezone

from kaireon.platform.budget import Budget
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from reports.models import ReportRun, ReportSchedule, ReportTemplate
from reports.services import run_template, work_off_runs

HTMX = {"HX-Request": "true"}
NEW = "/settings/reports/new"
LIST = "/settings/reports"


def typed(**changes: Any) -> dict[str, Any]:
    """Return a report's form as a person fills it in: one section of the funnel, as PDF."""
    return {
        "name": "Board report", "description": "For the board", "enabled": "on", "formats": ["pdf"],
        "narrative_enabled": "on", "block": ["1"], "block-1-key": "funnel", "block-1-was": "funnel",
        "block-1-title": "", "block-1-id": "", "block-1-param-days": "7", **changes,
    }  # fmt: skip


def scheduled(**changes: Any) -> dict[str, Any]:
    """Return a schedule's form as a person fills it in."""
    return {
        "name": "Every morning", "timezone": "Europe/Berlin", "cron_expression": "0 8 * * *", "missed_policy": "once",
        **changes,
    }  # fmt: skip


def page_of(row: ReportTemplate | ReportSchedule | ReportRun) -> str:
    """Return the address of a thing's page."""
    parts = {ReportTemplate: "", ReportSchedule: "schedules/", ReportRun: "runs/"}
    return f"{LIST}/{parts[type(row)]}{row.pk}"


def templates(tenant: Tenant) -> list[ReportTemplate]:
    """Return the tenant's templates."""
    return list(ReportTemplate.objects.for_tenant(tenant).order_by("created_at"))


def made_run(template: ReportTemplate) -> ReportRun:
    """Make a run of a template and return it."""
    return run_template(
        tenant=template.tenant, template_id=template.pk, actor=SYSTEM, triggered_by="manual", now=timezone.now()
    )


def queued_run(template: ReportTemplate) -> ReportRun:
    """Queue a run of a template and return it."""
    return run_template(
        tenant=template.tenant, template_id=template.pk, actor=SYSTEM, triggered_by="manual", now=timezone.now(),
        wait_seconds=0,
    )  # fmt: skip


def make_what_waits() -> int:
    """Do what a worker does and return how many runs it made."""
    return work_off_runs(now=timezone.now(), budget=Budget(30))


def said(answer: Any) -> str:
    """Return what the next page will say."""
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))
