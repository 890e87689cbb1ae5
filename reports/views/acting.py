"""Act on a report: run it now, delete it, send again what did not arrive. Each is one service call."""

import json

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from kaireon.platform.api import parse_id
from kaireon.platform.errors import Conflict
from kaireon.platform.pages import page
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.roles import Role
from reports import services
from reports.decisions.vocabulary import TriggeredBy
from reports.selectors.templates import find_template
from reports.views.reading import row_answer


@require_http_methods(["POST"])
@page(role=Role.EDITOR)
def run_now(request: TenantRequest, template_id: str) -> HttpResponse:
    """Queue a run: its page shows how far it is; in the list, its row does."""
    assert request.tenant is not None
    assert request.actor is not None
    template = find_template(request.tenant, parse_id(template_id))
    run = services.run_template(
        tenant=request.tenant, template_id=template.pk, actor=request.actor, triggered_by=TriggeredBy.MANUAL,
        now=timezone.now(), wait_seconds=0,
    )  # fmt: skip
    if request.headers.get("HX-Request"):
        answer, _ = row_answer(request, template)
        answer["HX-Trigger"] = json.dumps({"k-say": {"text": f"“{template.name}” is running.", "tone": "busy"}})
        return answer
    return HttpResponseRedirect(reverse("report-run-page", args=[run.pk]), status=303)


@require_http_methods(["POST"])
@page(role=Role.EDITOR)
def delete(request: TenantRequest, template_id: str) -> HttpResponse:
    """Delete a report with its schedules; past runs stay."""
    assert request.tenant is not None
    assert request.actor is not None
    template = find_template(request.tenant, parse_id(template_id))
    services.delete_template(
        tenant=request.tenant, template_id=template.pk, actor=request.actor, now=timezone.now()
    )  # fmt: skip
    messages.success(request, f"“{template.name}” is deleted with its schedules; its runs stay.")
    return HttpResponseRedirect(reverse("reports-page"), status=303)


@require_http_methods(["POST"])
@page(role=Role.EDITOR)
def resend(request: TenantRequest, run_id: str) -> HttpResponse:
    """Send a run again to the destinations that did not get it, or may not have got it."""
    assert request.tenant is not None
    assert request.actor is not None
    shown = parse_id(run_id)
    try:
        services.resend_run(tenant=request.tenant, run_id=shown, actor=request.actor, now=timezone.now())
        messages.success(request, "Sent again to those that did not get it; what became of it stands below.")
    except Conflict as refusal:
        messages.warning(request, refusal.message)
    return HttpResponseRedirect(reverse("report-run-page", args=[shown]), status=303)
