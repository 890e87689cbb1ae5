"""Pages of the delivery ledger: the list, one delivery with every attempt, Resend."""

import json
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from kaireon.platform.api import parse_id
from kaireon.platform.errors import Conflict
from kaireon.platform.notifications import selectors, services
from kaireon.platform.notifications.decisions import RESENDABLE_STATES, State
from kaireon.platform.notifications.forms import DeliveryFilterForm
from kaireon.platform.pages import page, page_context
from kaireon.platform.paging import newest_first
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.roles import Role

SHOWN: Final = 50


@require_http_methods(["GET"])
@page()
def deliveries(request: TenantRequest) -> HttpResponse:
    """List deliveries, newest first; `?state=` and `?destination=` narrow it, `?after=` goes on."""
    assert request.tenant is not None
    form = DeliveryFilterForm(request.GET)
    form.is_valid()
    state, destination = form.cleaned_data.get("state", ""), form.cleaned_data.get("destination")
    state = state if state in set(State) else ""
    rows = selectors.list_deliveries(request.tenant.pk, provider_id=destination, state=state)
    found = newest_first(rows, after=request.GET.get("after", ""), limit=SHOWN)
    context = page_context(
        request, title="Deliveries", deliveries=found.rows, next_key=found.next_key, state=state,
        destination_id=destination, states=list(State), is_first_page="after" not in request.GET,
        destinations=[row.destination for row in selectors.list_destinations(request.tenant.pk)],
        crumbs=[{"title": "Integrations", "link": reverse("integrations-page")}],
    )  # fmt: skip
    return render(request, "notifications/deliveries.html", context)


@require_http_methods(["GET"])
@page()
def delivery(request: TenantRequest, delivery_id: str) -> HttpResponse:
    """Show one delivery: what was said, every attempt, what repeated it; a drawer for HTMX, else a page."""
    assert request.tenant is not None
    story = selectors.delivery_story(request.tenant.pk, parse_id(delivery_id))
    context = page_context(
        request, title="Delivery", story=story, delivery=story.delivery, payload=_payload(story.delivery.message),
        can_resend=State(story.delivery.state) in RESENDABLE_STATES,
        crumbs=[{"title": "Deliveries", "link": reverse("deliveries-page")}],
    )  # fmt: skip
    is_fragment = bool(request.headers.get("HX-Request"))
    return render(request, f"notifications/{'_drawer' if is_fragment else 'delivery'}.html", context)


@require_http_methods(["POST"])
@page(role=Role.EDITOR)
def resend(request: TenantRequest, delivery_id: str) -> HttpResponse:
    """Send a delivery again as a new one, and show that."""
    assert request.tenant is not None
    assert request.actor is not None
    shown = parse_id(delivery_id)
    try:
        row = services.resend_delivery(
            tenant_id=request.tenant.pk, delivery_id=shown, actor=request.actor, now=timezone.now()
        )
        messages.success(request, f"Sent again as a new delivery, which is {row.state} now.")
        shown = row.pk
    except Conflict as refusal:
        messages.warning(request, refusal.message)
    return HttpResponseRedirect(reverse("delivery-page", args=[shown]), status=303)


def _payload(message: dict[str, Any]) -> str:
    """Return the message as JSON to look at; a report's artifacts stay in the ledger."""
    extra = {name: "…" if name == "artifacts" else value for name, value in message.get("extraPayload", {}).items()}
    return json.dumps({**message, "extraPayload": extra}, indent=2, ensure_ascii=False, sort_keys=False)
