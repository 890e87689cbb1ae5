"""The pages that stand above every subsystem: the overview and the tenant switcher."""

import zoneinfo
from datetime import datetime, timedelta
from typing import Any, Final

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods

from alerts.selectors.outlook import Tally, happened_since, tally, upcoming
from flows.selectors.outlook import under_way
from flows.selectors.overview import newest_failures
from kaireon.overview import SHOWN, Clock, Open, place_marks, worst_concerns
from kaireon.platform.api import parse_id
from kaireon.platform.errors import NotFound
from kaireon.platform.health.selectors import open_alerts
from kaireon.platform.notifications.decisions import State
from kaireon.platform.notifications.selectors import list_deliveries, list_destinations
from kaireon.platform.pages import page, page_context
from kaireon.platform.tenancy.middleware import TenantRequest, switch_tenant
from kaireon.platform.tenancy.models import Tenant
from reports.selectors.outlook import due_reports
from triggers.selectors.status import clock_of
from triggers.selectors.timeline import next_fires

NEXT: Final = timedelta(hours=1)
HAPPENED: Final = 20
PIPELINES: Final = 50
LOST_STATES: Final = (State.FAILED, State.UNKNOWN, State.CAPPED)


@require_http_methods(["GET"])
@page()
def overview(request: TenantRequest) -> HttpResponse:
    """Answer "is all well?" first: the worst three things, the next hour, what happened today."""
    assert request.tenant is not None
    context = _overview(request, request.tenant)
    if request.headers.get("HX-Request"):
        return render(request, "kaireon/_overview.html", page_context(request, title="", **context))
    return render(request, "kaireon/overview.html", page_context(request, title="Overview", **context))


def _overview(request: TenantRequest, tenant: Tenant) -> dict[str, Any]:
    assert request.actor is not None
    now, counts = timezone.now(), tally(tenant)
    found = open_alerts(tenant, request.actor.user_id, limit=SHOWN + 1)
    alerts = [Open(row.severity, row.source, row.title, row.message, row.link, row.created_at) for row in found]
    concerns = worst_concerns(
        alerts, enabled_rules=counts.enabled, last_tick_at=counts.last_tick_at, clock=Clock(*clock_of(tenant, now=now)),
        now=now,
    )  # fmt: skip
    destinations = list_destinations(tenant.pk)
    return {
        "concerns": concerns,
        "has_more": len(alerts) > SHOWN,
        "marks": place_marks(_events(tenant, now), now),
        "happened": _today(tenant, now),
        "under_way": under_way(tenant),
        "tally": counts,
        "steps": _steps(counts, len(destinations)),
        "destinations": destinations[:8],
        "now": now,
    }


def _events(tenant: Tenant, now: datetime) -> list[tuple[datetime, str, str, str]]:
    rules = [
        (each.at, each.name, each.text, reverse("alert-page", args=[each.rule_id]))
        for each in upcoming(tenant, now=now, span=NEXT)
    ]
    reports = [
        (each.at, each.name, each.text, reverse("report-page", args=[each.template_id]))
        for each in due_reports(tenant, now=now, span=NEXT)
    ]
    pipelines = [
        (max(each.at, now), each.name, "runs", reverse("flow-pipeline-page", args=[each.pipeline_id]))
        for each in next_fires(tenant, until=now + NEXT, limit=PIPELINES)
    ]
    return [*rules, *reports, *pipelines]


def _today(tenant: Tenant, now: datetime) -> list[tuple[datetime, str, Any]]:
    """Return what fired, resolved or failed to arrive since midnight in the tenant's zone, newest first."""
    midnight = now.astimezone(zoneinfo.ZoneInfo(tenant.timezone)).replace(hour=0, minute=0, second=0, microsecond=0)
    lost = list_deliveries(tenant.pk, since=midnight).filter(state__in=LOST_STATES).order_by("-created_at", "-pk")
    happened: list[tuple[datetime, str, Any]] = [
        (each.transition.at, "transition", each) for each in happened_since(tenant, midnight, HAPPENED)
    ]
    happened += [(row.created_at, "delivery", row) for row in lost[:HAPPENED]]
    failed = newest_failures(tenant, since=midnight, limit=HAPPENED)
    happened += [(run.finished_at or run.created_at, "run", run) for run in failed]
    return sorted(happened, key=lambda each: each[0], reverse=True)[:HAPPENED]


def _steps(counts: Tally, destinations: int) -> list[tuple[bool, str, str]]:
    """Return the first steps of a new tenant (done?, words, address); none once all are done."""
    steps = [
        (destinations > 0, "Add a destination: where messages go", reverse("destination-new")),
        (counts.rules > 0, "Make an alert rule", reverse("alert-new")),
        (counts.last_tick_at is not None, "Let a scheduler call POST /api/cron/tick", reverse("docs")),
    ]
    return [] if all(is_done for is_done, _, _ in steps) else steps


@require_http_methods(["POST"])
@page()
def switch(request: TenantRequest) -> HttpResponse:
    """Work in another tenant of the user's; a tenant they are no member of is not found."""
    if not switch_tenant(request, parse_id(request.POST.get("tenant", ""))):
        raise NotFound("There is no such tenant for you.")
    target = request.POST.get("next", "/")
    is_ours = url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()})
    return HttpResponseRedirect(target if is_ours else "/", status=303)
