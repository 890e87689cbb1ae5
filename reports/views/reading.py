"""Look at reports: what goes out next and what failed last, every report with its schedules, the runs of one."""

import json
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from kaireon.platform.api import parse_id
from kaireon.platform.badges import badge_of
from kaireon.platform.pages import page, page_context
from kaireon.platform.paging import newest_first, read_key, write_key
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.models import Tenant
from reports.models import ReportTemplate
from reports.selectors.overview import history_of, next_reports, report_row, report_rows, schedules_in_trouble
from reports.selectors.runs import deliveries_of_runs
from reports.selectors.templates import find_template
from reports.views.lines import ReportLine, names_of, report_line, schedule_line, state_of

REPORTS_SHOWN: Final = 30
RUNS_SHOWN: Final = 12
NEXT_SHOWN: Final = 3
TROUBLE_SHOWN: Final = 3


@require_http_methods(["GET"])
@page()
def report_list(request: TenantRequest) -> HttpResponse:
    """Show what goes out next and what failed last; then every report. `?q=` searches, `?after=` goes on."""
    assert request.tenant is not None
    context = _reports(request, request.tenant)
    name = "_live" if request.headers.get("HX-Request") else "reports"
    return render(request, f"reports/{name}.html", page_context(request, title="Reports", **context))


def _reports(request: TenantRequest, tenant: Tenant) -> dict[str, Any]:
    now, text, after = timezone.now(), request.GET.get("q", "").strip()[:120], request.GET.get("after", "")
    text = "".join(character for character in text if character.isprintable())
    found = report_rows(tenant, after=read_key(after), limit=REPORTS_SHOWN + 1, text=text)
    shown, names = found[:REPORTS_SHOWN], names_of(tenant)
    is_first_page = not after
    troubles = schedules_in_trouble(tenant, TROUBLE_SHOWN + 1) if is_first_page else []
    last = shown[-1].template if shown else None
    return {
        "lines": [report_line(each, names, now) for each in shown],
        "next_up": [schedule_line(each, names, now) for each in next_reports(tenant, NEXT_SHOWN)]
        if is_first_page
        else [],
        "troubles": [
            (schedule_line(each.schedule, names, now), each.last_run, each.template)
            for each in troubles[:TROUBLE_SHOWN]
        ],
        "has_more_trouble": len(troubles) > TROUBLE_SHOWN,
        "next_key": write_key(last.created_at, last.pk) if last and len(found) > REPORTS_SHOWN else "",
        "query": text,
        "is_first_page": is_first_page,
        "address": request.get_full_path(),
    }


@require_http_methods(["GET"])
@page()
def row(request: TenantRequest, template_id: str) -> HttpResponse:
    """Return one row of the list, which asks for itself while its report is being made."""
    assert request.tenant is not None
    template = find_template(request.tenant, parse_id(template_id))
    answer, line = row_answer(request, template)
    run = line.row.last_run
    if run is not None and not line.is_running:
        # Asked for by a row whose report was being made: this is the news of its end.
        badge = badge_of(line.run_state)
        text = f"“{template.name}”: {badge.label.lower()}."
        answer["HX-Trigger"] = json.dumps({"k-say": {"text": text, "tone": badge.tone}})
    return answer


def row_answer(request: TenantRequest, template: ReportTemplate) -> tuple[HttpResponse, ReportLine]:
    """Answer with a report's row of the list."""
    assert request.tenant is not None
    line = report_line(report_row(request.tenant, template), names_of(request.tenant), timezone.now())
    return render(request, "reports/_row.html", page_context(request, title="", line=line)), line


@require_http_methods(["GET"])
@page()
def history(request: TenantRequest, template_id: str) -> HttpResponse:
    """Return the runs of a report, newest first, from `?after=` on; a fragment."""
    assert request.tenant is not None
    template = find_template(request.tenant, parse_id(template_id))
    context = {"template": template, **history_context(request, template)}
    return render(request, "reports/_runs.html", page_context(request, title="", **context))


def history_context(request: TenantRequest, template: ReportTemplate) -> dict[str, Any]:
    """Return what the history of a report's page shows."""
    assert request.tenant is not None
    found = newest_first(
        history_of(request.tenant, template=template).select_related("schedule"),
        after=request.GET.get("after", ""), limit=RUNS_SHOWN,
    )  # fmt: skip
    deliveries = deliveries_of_runs(found.rows)
    return {
        "runs": [(run, state_of(run), deliveries[run.pk]) for run in found.rows],
        "runs_key": found.next_key,
    }
