"""The event stream: the newest events of the tenant, narrowed, followed live, and further back."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from kaireon.platform.fields import read_uuid
from kaireon.platform.pages import page, page_context
from kaireon.platform.tenancy.middleware import TenantRequest
from outbox.decisions import DECISION_MADE, INTERACTION_RECORDED, OUTCOME_RECORDED
from outbox.decisions.events import MAX_KEY, MAX_TOPIC
from outbox.selectors.stream import (
    EventState,
    StreamEvent,
    StreamFilter,
    first_id,
    moment_of,
    read_events,
    read_news,
    read_stream,
)
from outbox.views.settled import tier_settings

WATCHED_AT_MOST: Final = 100
KNOWN_TOPICS: Final = (DECISION_MADE, INTERACTION_RECORDED, OUTCOME_RECORDED)


@require_http_methods(["GET"])
@page()
def stream_page(request: TenantRequest) -> HttpResponse:
    """Show the newest events; `?topic=`, `?find=` and `?state=` narrow them, `?before=` goes further back."""
    assert request.tenant is not None
    now, wanted, before = timezone.now(), _wanted(request), read_uuid(request.GET.get("before", ""))
    found = read_stream(request.tenant.pk, wanted=wanted, before=before)
    events = found.events if before else _with_named(request.tenant.pk, wanted, found.events)
    query = _query(wanted)
    context = page_context(
        request, title="Event stream", events=events, wanted=wanted, states=list(EventState),
        topics=KNOWN_TOPICS, is_narrowed=bool(query), is_first_page=before is None,
        looked_back_to=found.looked_back_to, older=_address("outbox-stream-page", query, before=found.next_id),
        has_older=found.next_id is not None, newest=_address("outbox-stream-page", query),
        news=_address("outbox-stream-news", query), since=first_id(now),
        history_hours=tier_settings().history_hours,
        crumbs=[{"title": "Outbox", "link": reverse("outbox-page")}],
    )  # fmt: skip
    return render(request, "outbox/stream.html", context)


@require_http_methods(["GET"])
@page()
def stream_news(request: TenantRequest) -> HttpResponse:
    """Return rows: events newer than `?since=`, and those of `?watch=` that stand elsewhere now; a fragment."""
    assert request.tenant is not None
    now, wanted = timezone.now(), _wanted(request)
    news, has_more = read_news(request.tenant.pk, wanted=wanted, since=_since(request, now))
    watched = _watched(request)
    known = read_events(request.tenant.pk, watched)
    rows = {event.id: event for event in [*known.values(), *news]}
    context = {
        "events": sorted(rows.values(), key=lambda event: event.id, reverse=True),
        "gone": [each for each in watched if each not in known],
        "gap": news[-1] if has_more else None,
        "gap_address": _address("outbox-stream-page", _query(wanted), before=news[-1].id) if has_more else "",
        "since": first_id(now),
        "history_hours": tier_settings().history_hours,
    }
    return render(request, "outbox/_stream_news.html", context)


def _with_named(tenant_id: uuid.UUID, wanted: StreamFilter, events: Sequence[StreamEvent]) -> Sequence[StreamEvent]:
    """Add the event that is looked for by its id: the search stops at its bound, an id is found however old it is."""
    if wanted.event_id is None or any(event.id == wanted.event_id for event in events):
        return events
    named = read_events(tenant_id, [wanted.event_id]).values()
    fits = [each for each in named if each.topic.startswith(wanted.topic) and wanted.state in {None, each.state}]
    return sorted([*events, *fits], key=lambda event: event.id, reverse=True)


def _wanted(request: HttpRequest) -> StreamFilter:
    state = request.GET.get("state", "")
    return StreamFilter(
        topic=_text(request, "topic", MAX_TOPIC), find=_text(request, "find", MAX_KEY),
        state=EventState(state) if state in set(EventState) else None,
    )  # fmt: skip


def _text(request: HttpRequest, name: str, most: int) -> str:
    return request.GET.get(name, "").strip()[:most]


def _since(request: HttpRequest, now: datetime) -> datetime:
    given = read_uuid(request.GET.get("since", ""))
    return min(moment_of(given), now) if given else now


def _watched(request: HttpRequest) -> list[uuid.UUID]:
    ids = (read_uuid(text) for text in request.GET.getlist("watch")[:WATCHED_AT_MOST])
    return [each for each in ids if each is not None]


def _query(wanted: StreamFilter) -> dict[str, Any]:
    values = {"topic": wanted.topic, "find": wanted.find, "state": wanted.state}
    return {name: str(value) for name, value in values.items() if value}


def _address(name: str, query: dict[str, Any], before: uuid.UUID | None = None) -> str:
    values = query | ({"before": str(before)} if before else {})
    return reverse(name) + (f"?{urlencode(values)}" if values else "")
