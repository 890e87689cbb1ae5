"""The scheduler's page: is it alive, what fires next, what was missed and why, every occurrence and every tick."""

import uuid
from datetime import datetime, timedelta
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from flows.selectors.pipelines import list_pipelines
from kaireon.platform.fields import read_uuid
from kaireon.platform.pages import page, page_context
from kaireon.platform.paging import newest_first
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.models import Tenant
from triggers.decisions.pulse import late_after
from triggers.decisions.vocabulary import Outcome
from triggers.selectors.attention import coming_deadlines, parked, watched_folders
from triggers.selectors.occurrences import held, list_occurrences, newest_of
from triggers.selectors.status import COUNTED_UP_TO, DAY, HOUR, scheduler_status
from triggers.selectors.ticks import held_locks, recent_ticks
from triggers.selectors.timeline import Bar, next_fires, timeline_of
from triggers.views.answer import answer, bounded
from triggers.views.deadlines import deadline_lines
from triggers.views.lines import OccurrenceLine, outcome_choices, source_words, tick_bars

SHOWN: Final = 8
OCCURRENCES_SHOWN: Final = 20
TICKS_DRAWN: Final = 90
TICKS_SHOWN: Final = 8
FIGURES: Final = ("overdue", "due_soon", "missed", "failed", "held")
SPANS: Final = {"hour": HOUR, "day": DAY}
FOUND_BY_NAME: Final = 20


@require_http_methods(["GET"])
@page()
def dashboard(request: TenantRequest) -> HttpResponse:
    """Show how the scheduler is; `?span=day` widens the timeline, `?q=&pipeline=&outcome=&after=` narrow the list."""
    assert request.tenant is not None
    now, is_first_page = timezone.now(), "after" not in request.GET
    context: dict[str, Any] = {
        "is_first_page": is_first_page, "address": request.get_full_path(), "now": now,
        **_occurrences(request, request.tenant),
    }  # fmt: skip
    if is_first_page:
        context |= _pulse(request.tenant, now) | _next(request, request.tenant, now) | _ticks(request.tenant, now)
    name = "_live" if request.headers.get("HX-Request") else "scheduler"
    return render(request, f"triggers/{name}.html", page_context(request, title="Scheduler", **context))


def _pulse(tenant: Tenant, now: datetime) -> dict[str, Any]:
    """Return the first answer, and what needs somebody."""
    status = scheduler_status(tenant, now=now)
    counts, since = status.counts, now - DAY
    folders = watched_folders(tenant, now=now, limit=SHOWN)
    failing = [each for each in folders if each.is_failing]
    return {
        "status": status, "counts": counts, "answer": answer(status, failing_folders=len(failing)),
        "source": source_words(status.last.source) if status.last else "",
        "figures": {name: bounded(getattr(counts, name)) for name in FIGURES},
        "parked_figure": bounded(counts.all_parked),
        "parked": parked(tenant, limit=SHOWN) if counts.all_parked else [],
        "wrong": _wrong(tenant, since, [
            (Outcome.FAILED, counts.failed), (Outcome.MISSED, counts.missed),
            (Outcome.DEADLINE_MISSED, counts.deadline_missed),
        ]),
        "overdue": next_fires(tenant, limit=SHOWN, until=now - late_after(status.interval)) if counts.overdue else [],
        "waiting": [OccurrenceLine(row) for row in held(tenant, limit=SHOWN)] if counts.held else [],
        "folders": folders, "deadlines": deadline_lines(tenant, coming_deadlines(tenant, limit=SHOWN), now),
        "locks": held_locks(), "counted_up_to": COUNTED_UP_TO,
    }  # fmt: skip


def _wrong(tenant: Tenant, since: datetime, counted: list[tuple[Outcome, int]]) -> list[OccurrenceLine]:
    """Return what failed or was missed lately, newest first; an outcome that did not happen costs no query."""
    rows = [
        row for outcome, count in counted if count for row in newest_of(tenant, outcome, since=since, limit=SHOWN)
    ]  # fmt: skip
    return [OccurrenceLine(row) for row in sorted(rows, key=lambda row: row.occurrence_at, reverse=True)[:SHOWN]]


def _next(request: TenantRequest, tenant: Tenant, now: datetime) -> dict[str, Any]:
    span = request.GET.get("span", "hour")
    span = span if span in SPANS else "hour"
    timeline = timeline_of(tenant, now=now, span=SPANS[span])
    return {
        "span": span, "timeline": timeline, "fires": next_fires(tenant, limit=SHOWN),
        "bars": [_rectangle(place, bar) for place, bar in enumerate(timeline.bars)],
        "marks": [now + share * SPANS[span] / 4 for share in range(5)],
    }  # fmt: skip


def _rectangle(place: int, bar: Bar) -> tuple[int, int, int, Bar]:
    """Return where a bar stands in a picture of 720 by 64: left, top, height."""
    height = max(3, round(0.64 * bar.share)) if bar.share else 0
    return 12 * place, 64 - height, height, bar


def _ticks(tenant: Tenant, now: datetime) -> dict[str, Any]:
    ticks = recent_ticks(tenant, since=now - timedelta(hours=3), limit=TICKS_DRAWN)
    took = [tick.duration_ms for tick in ticks if tick.duration_ms is not None and not tick.was_locked]
    return {
        "ticks": [(tick, source_words(tick.source)) for tick in ticks[:TICKS_SHOWN]],
        "tick_bars": tick_bars(ticks, width=8), "slowest_ms": max(took, default=0), "ticks_drawn": len(ticks),
    }  # fmt: skip


def _occurrences(request: TenantRequest, tenant: Tenant) -> dict[str, Any]:
    outcome, text = request.GET.get("outcome", ""), request.GET.get("q", "").strip()[:120]
    outcome = outcome if outcome in set(Outcome) else ""
    wanted = request.GET.get("pipeline", "")[:60]
    pipeline_id = read_uuid(wanted)
    rows = list_occurrences(tenant, outcome=outcome, pipeline_id=pipeline_id)
    if wanted and pipeline_id is None:
        rows = rows.none()
    if text:
        rows = rows.filter(pipeline_id__in=_named(tenant, text))
    found = newest_first(rows, after=request.GET.get("after", ""), limit=OCCURRENCES_SHOWN, time_field="occurrence_at")
    return {
        "lines": [OccurrenceLine(row) for row in found.rows], "next_key": found.next_key, "outcome": outcome,
        "query": text, "pipeline_id": wanted, "outcomes": outcome_choices(),
        "is_narrowed": bool(outcome or text or wanted), "older": _address(request, after=found.next_key),
        "newest": _address(request, after=""),
        "narrowed_to": found.rows[0].pipeline if wanted and found.rows else None,
    }  # fmt: skip


def _named(tenant: Tenant, text: str) -> list[uuid.UUID]:
    rows = list_pipelines(tenant).filter(name__icontains=text).order_by("name")
    return list(rows.values_list("pk", flat=True)[:FOUND_BY_NAME])


def _address(request: TenantRequest, *, after: str) -> str:
    query = request.GET.copy()
    query.pop("after", None)
    if after:
        query["after"] = after
    return f"{request.path}?{query.urlencode()}" if query else request.path
