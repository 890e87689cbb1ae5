"""One event: what it says, where it stands, every step on its way."""

from typing import Final

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from kaireon.platform.api import parse_id
from kaireon.platform.errors import NotFound
from kaireon.platform.pages import page, page_context
from kaireon.platform.tenancy.middleware import TenantRequest
from outbox.selectors.event import EventStory, find_event
from outbox.selectors.stream import EventState
from outbox.views.settled import tier_settings
from outbox.views.story import headline, timeline, wire_form

FOLLOWED: Final = "event-live"


@require_http_methods(["GET"])
@page()
def event_page(request: TenantRequest, event_id: str) -> HttpResponse:
    """Show one event wherever it stands: a page, a drawer for HTMX, or what of them goes on by itself."""
    assert request.tenant is not None
    try:
        story = find_event(request.tenant.pk, parse_id(event_id))
    except NotFound:
        if not _is_followed(request):
            raise
        context = {"event_id": parse_id(event_id), "history_hours": tier_settings().history_hours}
        return render(request, "outbox/_event_gone.html", context)
    return _story(request, story)


@require_http_methods(["GET"])
@page()
def dead_letter_page(request: TenantRequest, event_id: str) -> HttpResponse:
    """Show one dead letter; one that was retried meanwhile is shown where it is now."""
    assert request.tenant is not None
    story = find_event(request.tenant.pk, parse_id(event_id))
    if story.state != EventState.DEAD and not request.headers.get("HX-Request"):
        return HttpResponseRedirect(reverse("outbox-event-page", args=[story.id]), status=303)
    return _story(request, story)


def _story(request: TenantRequest, story: EventStory) -> HttpResponse:
    crumbs = [{"title": "Outbox", "link": reverse("outbox-page")}]
    if story.state != EventState.DEAD:
        crumbs.append({"title": "Event stream", "link": reverse("outbox-stream-page")})
    context = page_context(
        request, title="Dead letter" if story.state == EventState.DEAD else "Event", story=story, crumbs=crumbs,
        headline=headline(story), lines=timeline(story), wire=wire_form(story), is_followed=not story.state.is_final,
    )  # fmt: skip
    if _is_followed(request):
        return render(request, "outbox/_event_state.html", context)
    is_fragment = bool(request.headers.get("HX-Request"))
    return render(request, f"outbox/{'_event_drawer' if is_fragment else 'event'}.html", context)


def _is_followed(request: TenantRequest) -> bool:
    """Tell whether the part that goes on by itself asks; HTMX names the element that it will put the answer in."""
    return request.headers.get("HX-Target") == FOLLOWED
