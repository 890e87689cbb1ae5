"""Pages of destinations: which one is broken, the form, Test."""

import uuid
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from kaireon.platform.api import parse_id
from kaireon.platform.errors import DomainError
from kaireon.platform.forms import add_refusal
from kaireon.platform.notifications import selectors, services
from kaireon.platform.notifications.decisions import DestinationState
from kaireon.platform.notifications.forms import FIELDS_OF_KINDS, FIELDS_OF_PATHS, DestinationForm
from kaireon.platform.notifications.models import Delivery, Destination
from kaireon.platform.notifications.selectors import DestinationOverview
from kaireon.platform.pages import page, page_context
from kaireon.platform.paging import newest_first
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.roles import Role

DELIVERIES_OF_ONE: Final = 25
_WORST_FIRST: Final = {DestinationState.BROKEN: 0, DestinationState.FAILING: 1, DestinationState.OK: 2}


@require_http_methods(["GET"])
@page()
def integrations(request: TenantRequest) -> HttpResponse:
    """Show which destination is broken, then all of them, the worst first."""
    assert request.tenant is not None
    found = selectors.list_destinations(request.tenant.pk)
    rows = sorted(found, key=lambda row: (_WORST_FIRST[DestinationState(row.destination.state)], row.destination.name))
    context = page_context(
        request, title="Integrations", rows=rows, kinds=_kind_names(),
        broken=[row for row in rows if row.destination.state == DestinationState.BROKEN],
        failing=[row for row in rows if row.destination.state == DestinationState.FAILING],
    )  # fmt: skip
    if request.headers.get("HX-Request"):
        return render(request, "notifications/_destinations.html", context)
    return render(request, "notifications/integrations.html", context)


@require_http_methods(["GET", "POST"])
@page(role=Role.ADMIN)
def new_destination(request: TenantRequest) -> HttpResponse:
    """Add a destination; a secret that was made is shown on this answer alone."""
    assert request.tenant is not None
    assert request.actor is not None
    kind = request.GET.get("kind", "")
    form = DestinationForm(
        request.POST if request.method == "POST" else None,
        initial={"kind": kind if kind in FIELDS_OF_KINDS else "webhook"},
    )
    if request.method == "POST" and form.is_valid():
        config, made = form.config()
        data = form.cleaned_data
        try:
            row = services.create_destination(
                tenant_id=request.tenant.pk, kind=data["kind"], name=data["name"], config=config,
                enabled=data["enabled"], actor=request.actor, now=timezone.now(),
            )  # fmt: skip
            return _saved(request, row, made, "is added; press Test to see a message arrive")
        except DomainError as refusal:
            add_refusal(form, refusal, FIELDS_OF_PATHS)
    return _form_page(request, form, None)


@require_http_methods(["GET", "POST"])
@page(role=Role.ADMIN)
def edit_destination(request: TenantRequest, destination_id: str) -> HttpResponse:
    """Change a destination; secrets that are left empty stay as they are."""
    assert request.tenant is not None
    assert request.actor is not None
    row = selectors.find_destination(request.tenant.pk, parse_id(destination_id))
    form = DestinationForm(request.POST if request.method == "POST" else None, row=row)
    if request.method == "POST" and form.is_valid():
        config, made = form.config()
        changes = {"name": form.cleaned_data["name"], "enabled": form.cleaned_data["enabled"], "config": config}
        try:
            saved = services.update_destination(
                tenant_id=request.tenant.pk, destination_id=row.pk, changes=changes, actor=request.actor,
                now=timezone.now(),
            )  # fmt: skip
            return _saved(request, saved, made, "is saved")
        except DomainError as refusal:
            add_refusal(form, refusal, FIELDS_OF_PATHS)
    return _form_page(request, form, row)


@require_http_methods(["GET"])
@page()
def destination_page(request: TenantRequest, destination_id: str) -> HttpResponse:
    """Show one destination with its deliveries; `?after=` goes on."""
    assert request.tenant is not None
    row = selectors.find_destination(request.tenant.pk, parse_id(destination_id))
    return _destination(request, row)


def _destination(request: TenantRequest, row: Destination, made_secret: str = "") -> HttpResponse:
    assert request.tenant is not None
    deliveries = newest_first(
        selectors.list_deliveries(request.tenant.pk, provider_id=row.pk),
        after=request.GET.get("after", ""), limit=DELIVERIES_OF_ONE,
    )  # fmt: skip
    context = page_context(
        request, title=row.name, destination=row, kind_name=_kind_names().get(row.kind, row.kind),
        deliveries=deliveries.rows, next_key=deliveries.next_key, made_secret=made_secret,
        config=_lines_of(row.shown_config), crumbs=_crumbs(),
    )  # fmt: skip
    return render(request, "notifications/destination.html", context)


@require_http_methods(["POST"])
@page(role=Role.ADMIN)
def test_destination(request: TenantRequest, destination_id: str) -> HttpResponse:
    """Send a test the way every message goes; answers with the destination's row and how it went."""
    assert request.tenant is not None
    assert request.actor is not None
    destination_uuid = parse_id(destination_id)
    delivery = services.send_test(
        tenant_id=request.tenant.pk, destination_id=destination_uuid, actor=request.actor, now=timezone.now()
    )
    if not request.headers.get("HX-Request"):
        messages.info(request, f"The test ended as {delivery.state}. {delivery.error}")
        return HttpResponseRedirect(reverse("destination-page", args=[destination_uuid]), status=303)
    if request.headers.get("HX-Target") == "test-result":
        return render(request, "notifications/_tested.html", {"tested": delivery})
    context = page_context(request, title="", row=_row(request.tenant.pk, destination_uuid, delivery), tested=delivery)
    return render(request, "notifications/_row.html", {**context, "kinds": _kind_names()})


def _row(tenant_id: uuid.UUID, destination_id: uuid.UUID, last: Delivery) -> DestinationOverview:
    return DestinationOverview(selectors.find_destination(tenant_id, destination_id), last)


@require_http_methods(["POST"])
@page(role=Role.ADMIN)
def delete_destination(request: TenantRequest, destination_id: str) -> HttpResponse:
    """Delete a destination and its secrets."""
    assert request.tenant is not None
    assert request.actor is not None
    row = selectors.find_destination(request.tenant.pk, parse_id(destination_id))
    services.delete_destination(
        tenant_id=request.tenant.pk, destination_id=row.pk, actor=request.actor, now=timezone.now()
    )
    messages.success(request, f"“{row.name}” is deleted; its deliveries stay in the ledger.")
    return HttpResponseRedirect(reverse("integrations-page"), status=303)


def _saved(request: TenantRequest, row: Destination, made: str, words: str) -> HttpResponse:
    """Go to the destination; a secret that was made is shown instead, for a redirect could not carry it."""
    if made:
        return _destination(request, row, made)
    messages.success(request, f"“{row.name}” {words}.")
    return HttpResponseRedirect(reverse("destination-page", args=[row.pk]), status=303)


def _form_page(request: TenantRequest, form: DestinationForm, row: Destination | None) -> HttpResponse:
    crumbs = _crumbs()
    if row is not None:
        crumbs.append({"title": row.name, "link": reverse("destination-page", args=[row.pk])})
    context = page_context(
        request, title="Edit destination" if row else "Add Destination", form=form, destination=row, crumbs=crumbs,
        cancel=crumbs[-1]["link"],
    )  # fmt: skip
    return render(request, "notifications/form.html", context, status=400 if form.errors else 200)


def _crumbs() -> list[dict[str, Any]]:
    return [{"title": "Integrations", "link": reverse("integrations-page")}]


def _kind_names() -> dict[str, str]:
    return {each["kind"]: each["displayName"] for each in selectors.list_kinds()}


def _lines_of(config: dict[str, Any]) -> list[tuple[str, str]]:
    """Return a shown config as lines: a list on one line, each header on its own."""
    lines: list[tuple[str, str]] = []
    for name, value in config.items():
        if isinstance(value, dict):
            lines += [(f"{name} · {inner}", str(text)) for inner, text in value.items()]
        else:
            lines.append((name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)))
    return lines
