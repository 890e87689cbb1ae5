"""Act on a run: try it again, or cancel it."""

import json
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from flows.selectors.runs import find_run
from flows.services.cancelling import cancel_run
from flows.services.requesting import retry_run
from flows.views.runs import run_answer
from kaireon.platform.api import parse_id
from kaireon.platform.errors import Conflict
from kaireon.platform.pages import page
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.roles import Role


@require_http_methods(["POST"])
@page(role=Role.EDITOR)
def retry(request: TenantRequest, run_id: str) -> HttpResponse:
    """Queue a new run of what a failed or cancelled one was to do, and show that."""
    return _act(request, run_id, retry_run, "A new run tries it again.")


@require_http_methods(["POST"])
@page(role=Role.EDITOR)
def cancel(request: TenantRequest, run_id: str) -> HttpResponse:
    """Cancel a run: its files go back, nothing of it is kept."""
    return _act(request, run_id, cancel_run, "It is being cancelled; its files go back and nothing of it is kept.")


def _act(request: TenantRequest, run_id: str, service: Callable[..., Any], said: str) -> HttpResponse:
    assert request.tenant is not None
    assert request.actor is not None
    shown = find_run(request.tenant, parse_id(run_id))
    tone = "good"
    try:
        shown = service(tenant=request.tenant, run_id=shown.pk, actor=request.actor, now=timezone.now())
    except Conflict as refusal:
        said, tone = refusal.message, "warn"
    if request.headers.get("HX-Request"):
        answer = run_answer(request, find_run(request.tenant, shown.pk))
        answer["HX-Trigger"] = json.dumps({"k-say": {"text": said, "tone": tone}})
        return answer
    messages.add_message(request, messages.SUCCESS if tone == "good" else messages.WARNING, said)
    return HttpResponseRedirect(reverse("flow-run-page", args=[shown.pk]), status=303)
