"""Act on a pipeline: run it now, pause it, resume it, delete it. Each is one service call."""

import json
from collections.abc import Callable
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from flows.selectors.pipelines import find_pipeline
from flows.services.pipelines import delete_pipeline, pause_pipeline, resume_pipeline
from flows.services.requesting import run_pipeline_now
from flows.views.pipelines import row_answer
from flows.views.runs import run_answer
from kaireon.platform.api import parse_id
from kaireon.platform.errors import Conflict
from kaireon.platform.pages import page
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.roles import Role

# What the editor's Run now fills: it watches the run without leaving the draft.
DRAWER: Final = "k-drawer-content"


@require_http_methods(["POST"])
@page(role=Role.EDITOR)
def run_now(request: TenantRequest, pipeline_id: str) -> HttpResponse:
    """Queue a run of the live version: its page shows how far it is; in the list, its row does."""
    assert request.tenant is not None
    assert request.actor is not None
    pipeline = find_pipeline(request.tenant, parse_id(pipeline_id))
    try:
        run = run_pipeline_now(
            tenant=request.tenant, pipeline_id=pipeline.pk, actor=request.actor, now=timezone.now()
        )  # fmt: skip
    except Conflict as refusal:
        return _answer(request, pipeline_id, refusal.message, "warn")
    if request.headers.get("HX-Target") == DRAWER:
        return run_answer(request, run)
    if request.headers.get("HX-Request"):
        return _answer(request, pipeline_id, f"“{pipeline.name}” is running.", "busy")
    return HttpResponseRedirect(reverse("flow-run-page", args=[run.pk]), status=303)


@require_http_methods(["POST"])
@page(role=Role.EDITOR)
def pause(request: TenantRequest, pipeline_id: str) -> HttpResponse:
    """Stop a pipeline's schedule and trigger until it is resumed."""
    return _hold(request, pipeline_id, pause_pipeline, "“{}” is paused: it runs only by hand until it is resumed.")


@require_http_methods(["POST"])
@page(role=Role.EDITOR)
def resume(request: TenantRequest, pipeline_id: str) -> HttpResponse:
    """Set a paused pipeline going again."""
    return _hold(request, pipeline_id, resume_pipeline, "“{}” runs by itself again.")


def _hold(request: TenantRequest, pipeline_id: str, service: Callable[..., Any], said: str) -> HttpResponse:
    assert request.tenant is not None
    assert request.actor is not None
    pipeline = service(
        tenant=request.tenant, pipeline_id=parse_id(pipeline_id), actor=request.actor, now=timezone.now()
    )  # fmt: skip
    return _answer(request, pipeline_id, said.format(pipeline.name), "good")


def _answer(request: TenantRequest, pipeline_id: str, said: str, tone: str) -> HttpResponse:
    """Answer an act with the pipeline's row for the list, else with the page that it was done on."""
    if request.headers.get("HX-Target") == DRAWER:
        return HttpResponse(status=204, headers={"HX-Trigger": json.dumps({"k-say": {"text": said, "tone": tone}})})
    if request.headers.get("HX-Request"):
        answer, _ = row_answer(request, pipeline_id)
        answer["HX-Trigger"] = json.dumps({"k-say": {"text": said, "tone": tone}})
        return answer
    messages.add_message(request, messages.WARNING if tone == "warn" else messages.SUCCESS, said)
    return HttpResponseRedirect(reverse("flow-pipeline-page", args=[parse_id(pipeline_id)]), status=303)


@require_http_methods(["POST"])
@page(role=Role.EDITOR)
def delete(request: TenantRequest, pipeline_id: str) -> HttpResponse:
    """Delete a pipeline with its versions and the history of its runs; the rows that it loaded stay."""
    assert request.tenant is not None
    assert request.actor is not None
    pipeline = find_pipeline(request.tenant, parse_id(pipeline_id))
    try:
        delete_pipeline(tenant=request.tenant, pipeline_id=pipeline.pk, actor=request.actor, now=timezone.now())
    except Conflict as refusal:
        messages.warning(request, refusal.message)
        return HttpResponseRedirect(reverse("flow-pipeline-page", args=[pipeline.pk]), status=303)
    messages.success(request, f"“{pipeline.name}” is deleted with its history; the rows it loaded stay.")
    return HttpResponseRedirect(reverse("flow-pipelines-page"), status=303)
