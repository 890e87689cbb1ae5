"""The audit page: who changed what, newest first, and whether the chain holds."""

from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from kaireon.platform.audit.selectors import Filters, entity_types, entries_before, verify_chain
from kaireon.platform.pages import page, page_context
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.roles import Role

SHOWN: Final = 50


@require_http_methods(["GET"])
@page(role=Role.ADMIN)
def audit_log(request: TenantRequest) -> HttpResponse:
    """Show a page of the log; `?entityType=`, `?entityId=` and `?action=` narrow it, `?before=` goes on."""
    assert request.tenant is not None
    filters = Filters(
        entity_type=request.GET.get("entityType", ""),
        entity_id=request.GET.get("entityId", ""),
        action=request.GET.get("action", ""),
    )
    before = request.GET.get("before", "")
    rows = entries_before(
        request.tenant,
        filters,
        before=int(before) if before.isascii() and before.isdigit() and len(before) <= 15 else None,
        limit=SHOWN + 1,
    )
    shown = rows[:SHOWN]
    context: dict[str, Any] = {
        "entries": shown,
        "next_before": shown[-1].sequence if len(rows) > SHOWN else None,
        "entity_types": entity_types(request.tenant),
        "filters": filters,
    }
    if request.headers.get("HX-Request"):
        return render(request, "audit/_rows.html", context)
    return render(request, "audit/page.html", page_context(request, title="Audit log", **context))


@require_http_methods(["POST"])
@page(role=Role.ADMIN)
def verify(request: TenantRequest) -> HttpResponse:
    """Follow the chain and return what was found, as a fragment."""
    assert request.tenant is not None
    after = request.POST.get("after", "0")
    start = int(after) if after.isascii() and after.isdigit() and len(after) <= 15 else 0
    return render(request, "audit/_verification.html", {"found": verify_chain(request.tenant, after=start)})
