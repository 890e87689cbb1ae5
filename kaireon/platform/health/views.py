"""The system-health page and its drawer: what needs a person now, then what is over."""

from typing import Any, Final

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from kaireon.platform.api import parse_id
from kaireon.platform.errors import NotFound
from kaireon.platform.health.decisions import Severity, Source
from kaireon.platform.health.selectors import (
    COUNTED_UP_TO,
    filter_alerts,
    newest_alerts,
    open_alerts,
    unread_count,
    visible_alerts,
)
from kaireon.platform.health.services import delete_alert, mark_all_read, mark_read, pin_alert, resolve_alert
from kaireon.platform.pages import page, page_context
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.roles import Role

OPEN_SHOWN: Final = 200
RESOLVED_SHOWN: Final = 50


@require_http_methods(["GET"])
@page()
def system_health(request: TenantRequest) -> HttpResponse:
    """Show what is open, worst first, then what was resolved last; `?severity=` and `?source=` narrow it."""
    context = page_context(request, title="System health", **_lists(request))
    return render(request, "health/page.html", context)


@require_http_methods(["GET"])
@page()
def drawer(request: TenantRequest) -> HttpResponse:
    """Return the drawer's fragment: the 20 newest, read and unread."""
    return _drawer(request)


def _drawer(request: TenantRequest) -> HttpResponse:
    tenant, user_id = _who(request)
    unread = unread_count(tenant, user_id)
    context = {
        "alerts": newest_alerts(tenant, user_id),
        "unread": unread,
        "unread_label": f"{COUNTED_UP_TO - 1}+" if unread >= COUNTED_UP_TO else str(unread),
    }
    return render(request, "health/_drawer.html", context)


@require_http_methods(["POST"])
@page()
def read(request: TenantRequest, alert_id: str) -> HttpResponse:
    """Mark one alert as read by the person who clicked."""
    assert request.actor is not None
    mark_read(alert=_find(request, alert_id), actor=request.actor, now=timezone.now())
    return _row_or_page(request, alert_id)


@require_http_methods(["POST"])
@page()
def read_all(request: TenantRequest) -> HttpResponse:
    """Mark everything as read."""
    assert request.tenant is not None
    assert request.actor is not None
    mark_all_read(tenant=request.tenant, actor=request.actor, now=timezone.now())
    return _drawer(request) if _wants_drawer(request) else _back()


@require_http_methods(["POST"])
@page(role=Role.EDITOR)
def resolve(request: TenantRequest, alert_id: str) -> HttpResponse:
    """Mark one alert as dealt with."""
    assert request.actor is not None
    resolve_alert(alert=_find(request, alert_id), actor=request.actor, now=timezone.now())
    return _row_or_page(request, alert_id)


@require_http_methods(["POST"])
@page(role=Role.EDITOR)
def pin(request: TenantRequest, alert_id: str) -> HttpResponse:
    """Pin an alert, or unpin it with `pinned=0`."""
    assert request.actor is not None
    is_pinned = request.POST.get("pinned", "1") != "0"
    pin_alert(alert=_find(request, alert_id), is_pinned=is_pinned, actor=request.actor, now=timezone.now())
    return _row_or_page(request, alert_id)


@require_http_methods(["POST"])
@page()
def delete(request: TenantRequest, alert_id: str) -> HttpResponse:
    """Delete an alert for everybody."""
    assert request.actor is not None
    delete_alert(alert=_find(request, alert_id), actor=request.actor, now=timezone.now())
    return HttpResponse("") if request.headers.get("HX-Request") else _back()


def _lists(request: TenantRequest) -> dict[str, Any]:
    tenant, user_id = _who(request)
    severity, source = request.GET.get("severity", ""), request.GET.get("source", "")
    severities = [severity] if severity in list(Severity) else []
    sources = [source] if source in list(Source) else []
    rows = filter_alerts(visible_alerts(tenant, user_id), severities=severities, sources=sources, state="resolved")
    shown = open_alerts(tenant, user_id, limit=OPEN_SHOWN, severities=severities, sources=sources)
    return {
        "open_alerts": shown,
        "has_more_open": len(shown) == OPEN_SHOWN,
        "resolved_alerts": list(rows.order_by("-resolved_at", "-pk")[:RESOLVED_SHOWN]),
        "unread": unread_count(tenant, user_id),
        "severities": list(Severity),
        "sources": list(Source),
        "severity": severity,
        "source": source,
    }


def _who(request: TenantRequest) -> tuple[Any, Any]:
    assert request.actor is not None
    return request.tenant, request.actor.user_id


def _find(request: TenantRequest, alert_id: str) -> Any:
    tenant, user_id = _who(request)
    alert = visible_alerts(tenant, user_id).filter(pk=parse_id(alert_id)).first()
    if alert is None:
        raise NotFound("There is no such alert for you.")
    return alert


def _row_or_page(request: TenantRequest, alert_id: str) -> HttpResponse:
    """Answer HTMX with the row as it stands now, a plain form with the page."""
    if not request.headers.get("HX-Request"):
        return _back()
    context = {"alert": _find(request, alert_id), "can_edit": _may_edit(request)}
    return render(request, "health/_row.html", context)


def _may_edit(request: TenantRequest) -> bool:
    return request.actor is not None and request.actor.role.allows(Role.EDITOR)


def _wants_drawer(request: TenantRequest) -> bool:
    return request.headers.get("HX-Target", "") == "health-drawer"


def _back() -> HttpResponse:
    return HttpResponseRedirect(reverse("system-health-page"), status=303)
