"""What is done with a pipeline's schedule and its file trigger: tick, pause, backfill, secrets; what became of each."""

from datetime import datetime
from itertools import islice, takewhile
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from flows.selectors.live import LivePipeline, live_pipelines
from flows.selectors.pipelines import find_pipeline
from kaireon.platform.api import parse_id
from kaireon.platform.pages import page, page_context
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.models import Tenant
from triggers.decisions.timetable import TimetableError, read_timetable
from triggers.decisions.vocabulary import OccurrenceKind, Outcome, TriggerState
from triggers.models import Occurrence, PipelineSchedule
from triggers.selectors.attention import FolderLine, schedule_of, trigger_of
from triggers.selectors.occurrences import NEWEST, list_occurrences
from triggers.views.deadlines import deadline_lines
from triggers.views.lines import OccurrenceLine
from triggers.views.secret_lines import secret_context

SHOWN: Final = 10
MOST_COUNTED: Final = 1_000
_OF_CLOCK: Final = (OccurrenceKind.SCHEDULE, OccurrenceKind.BACKFILL)
_OF_FILES: Final = (OccurrenceKind.FILE, OccurrenceKind.DEADLINE)


@require_http_methods(["GET"])
@page()
def schedule_desk(request: TenantRequest, pipeline_id: str) -> HttpResponse:
    """Show where the live schedule stands, what can be done with it, and its last occurrences; a fragment."""
    assert request.tenant is not None
    pipeline = find_pipeline(request.tenant, parse_id(pipeline_id))
    (live,) = live_pipelines([pipeline.pk])
    now, kept = timezone.now(), schedule_of(request.tenant, pipeline.pk)
    context: dict[str, Any] = {
        **_common(request.tenant, pipeline.pk, _OF_CLOCK), "pipeline": pipeline, "live": live, "schedule": kept,
        "zone": zone_of(kept, request.tenant), "now": now, **(_held_up(kept, live, now) if kept else {}),
    }  # fmt: skip
    return render(request, "triggers/_schedule_desk.html", page_context(request, title="", **context))


@require_http_methods(["GET"])
@page()
def trigger_desk(request: TenantRequest, pipeline_id: str) -> HttpResponse:
    """Show what the live file trigger watches, its secrets, and the files that came; a fragment."""
    assert request.tenant is not None
    pipeline = find_pipeline(request.tenant, parse_id(pipeline_id))
    now, kept = timezone.now(), trigger_of(request.tenant, pipeline.pk)
    folder = kept.folder if kept else None
    lines = deadline_lines(request.tenant, [kept], now) if kept and kept.deadline_at else []
    context: dict[str, Any] = {
        **_common(request.tenant, pipeline.pk, _OF_FILES), "pipeline": pipeline, "trigger": kept,
        "folder": FolderLine(folder, bool(folder.lease_until and folder.lease_until > now)) if folder else None,
        "deadline": lines[0] if lines else None, **secret_context(request, pipeline.pk, now),
    }  # fmt: skip
    return render(request, "triggers/_trigger_desk.html", page_context(request, title="", **context))


def zone_of(schedule: PipelineSchedule | None, tenant: Tenant) -> str:
    """Return the zone in which people speak of a schedule: its own, else the tenant's."""
    named = schedule.spec.get("timezone") if schedule and isinstance(schedule.spec, dict) else None
    return named if isinstance(named, str) else tenant.timezone


def _common(tenant: Tenant, pipeline_id: Any, kinds: tuple[OccurrenceKind, ...]) -> dict[str, Any]:
    rows = list_occurrences(tenant, pipeline_id=pipeline_id).filter(kind__in=kinds)
    held = Occurrence.objects.for_tenant(tenant).filter(pipeline_id=pipeline_id, outcome=Outcome.HELD)
    return {
        "lines": [OccurrenceLine(row) for row in rows.order_by(*NEWEST)[:SHOWN]], "held": held.count(),
    }  # fmt: skip


def _held_up(kept: PipelineSchedule, live: LivePipeline, now: datetime) -> dict[str, Any]:
    """Return what a resume would do: how much fell into the pause, and what is next."""
    if kept.state != TriggerState.PAUSED or live.paused_at is None:
        return {}
    paused_at = live.paused_at
    try:
        timetable = read_timetable(kept.spec, created_at=kept.created_at)
        fallen = list(islice(takewhile(lambda at: at <= now, timetable.upcoming(paused_at)), MOST_COUNTED + 1))
        return {
            "fallen": len(fallen), "most": MOST_COUNTED, "is_more": len(fallen) > MOST_COUNTED,
            "after_resume": timetable.next(now),
        }  # fmt: skip
    except (TimetableError, LookupError):
        return {}
