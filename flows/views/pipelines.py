"""Look at pipelines: which are failing or late, then every one with where it reads and writes and its last run."""

import json
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from flows.selectors.overview import open_runs, pipeline_row, pipeline_rows, pipelines_in_trouble
from flows.views.lines import PipelineLine, pipeline_line, run_line
from kaireon.platform.api import parse_id
from kaireon.platform.badges import badge_of
from kaireon.platform.pages import page, page_context
from kaireon.platform.paging import read_key, write_key
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.models import Tenant

PIPELINES_SHOWN: Final = 30
TROUBLE_SHOWN: Final = 3
OPEN_LOOKED_AT: Final = 50


@require_http_methods(["GET"])
@page()
def pipeline_list(request: TenantRequest) -> HttpResponse:
    """Show what fails or is late; then every pipeline. `?q=` searches, `?after=` goes on."""
    assert request.tenant is not None
    context = _pipelines(request, request.tenant)
    name = "_live" if request.headers.get("HX-Request") else "pipelines"
    return render(request, f"flows/pipelines/{name}.html", page_context(request, title="Flow pipelines", **context))


def _pipelines(request: TenantRequest, tenant: Tenant) -> dict[str, Any]:
    now, text, after = timezone.now(), request.GET.get("q", "").strip()[:120], request.GET.get("after", "")
    rows = pipeline_rows(tenant, after=read_key(after), limit=PIPELINES_SHOWN + 1, text=text)
    shown = rows[:PIPELINES_SHOWN]
    last = shown[-1].pipeline if len(rows) > PIPELINES_SHOWN else None
    troubles = pipelines_in_trouble(tenant, TROUBLE_SHOWN + 1)
    under_way = [run_line(run, now) for run in open_runs(tenant, OPEN_LOOKED_AT)]
    return {
        "lines": [pipeline_line(row, now) for row in shown],
        "troubles": [pipeline_line(row, now) for row in troubles[:TROUBLE_SHOWN]],
        "has_more_trouble": len(troubles) > TROUBLE_SHOWN,
        "late": [line for line in under_way if line.is_waiting_long][:TROUBLE_SHOWN],
        "under_way": [line for line in under_way if not line.is_waiting_long],
        "query": text,
        "next_key": write_key(last.created_at, last.pk) if last else "",
        "is_first_page": not after,
        "address": request.get_full_path(),
    }


@require_http_methods(["GET"])
@page()
def row(request: TenantRequest, pipeline_id: str) -> HttpResponse:
    """Return one row of the list, which asks for itself while its pipeline runs."""
    answer, line = row_answer(request, pipeline_id)
    if line.run is not None and not line.is_running:
        # Asked for by a row whose pipeline was running: this is the news of its end.
        badge = badge_of(line.state)
        text = f"“{line.pipeline.name}”: {badge.label.lower()}."
        answer["HX-Trigger"] = json.dumps({"k-say": {"text": text, "tone": badge.tone}})
    return answer


def row_answer(request: TenantRequest, pipeline_id: str) -> tuple[HttpResponse, PipelineLine]:
    """Answer with a pipeline's row of the list."""
    assert request.tenant is not None
    line = pipeline_line(pipeline_row(request.tenant, parse_id(pipeline_id)), timezone.now())
    return render(request, "flows/pipelines/_row.html", page_context(request, title="", line=line)), line
