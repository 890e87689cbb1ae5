"""Backfill from the Schedule tab: first what it would run, then the runs."""

from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from flows.selectors.pipelines import find_pipeline
from kaireon.platform.api import parse_id
from kaireon.platform.errors import DomainError
from kaireon.platform.pages import page, page_context
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.roles import Role
from triggers.selectors.attention import schedule_of
from triggers.services.backfilling import backfill
from triggers.views.desk import zone_of

FORMAT: Final = "%Y-%m-%dT%H:%M"


@require_http_methods(["POST"])
@page(role=Role.EDITOR)
def backfill_range(request: TenantRequest, pipeline_id: str) -> HttpResponse:
    """Show what a backfill of a range would run, or with `act=run` ask for it. Times are in the schedule's zone."""
    assert request.tenant is not None
    assert request.actor is not None
    pipeline = find_pipeline(request.tenant, parse_id(pipeline_id))
    zone = zone_of(schedule_of(request.tenant, pipeline.pk), request.tenant)
    start, end = (_instant(request.POST.get(name, ""), zone) for name in ("from", "to"))
    is_dry_run = request.POST.get("act") != "run"
    context: dict[str, Any] = {
        "pipeline": pipeline, "zone": zone, "from": request.POST.get("from", ""), "to": request.POST.get("to", ""),
        "is_dry_run": is_dry_run,
    }  # fmt: skip
    if start is None or end is None:
        context["refusal"] = "Give both ends of the range, such as 2026-01-31 08:00."
    else:
        try:
            context["found"] = backfill(
                tenant=request.tenant, pipeline_id=pipeline.pk, start=start, end=end, is_dry_run=is_dry_run,
                actor=request.actor, now=timezone.now(),
            )  # fmt: skip
        except DomainError as error:
            context["refusal"] = error.message
    answer = page_context(request, title="", **context)
    return render(request, "triggers/_backfill.html", answer, status=400 if "refusal" in context else 200)


def _instant(text: str, zone: str) -> datetime | None:
    """Return a time as it was typed, which the zone's clock shows; a time that it shows twice is the first."""
    try:
        return datetime.strptime(text[:16], FORMAT).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    except (ValueError, OverflowError, KeyError):
        return None
