"""One run of a report: how far it is, what it says, its files, who got it, and what changed since the last one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from kaireon.platform.api import parse_id
from kaireon.platform.notifications.decisions import RESENDABLE_STATES
from kaireon.platform.pages import page, page_context
from kaireon.platform.tenancy.middleware import TenantRequest
from reports.decisions.definition import ReportDefinition, read_definition
from reports.decisions.section_json import read_sections
from reports.decisions.vocabulary import Format, RunStatus, Stage
from reports.models import ReportRun
from reports.renderers import RENDERERS
from reports.selectors.overview import issue_before
from reports.selectors.runs import deliveries_of, find_run
from reports.selectors.showing import ShownSection, show_section
from reports.views.lines import state_of
from reports.views.news import news_of

ROWS_SHOWN: Final = 25
NEWS_SHOWN: Final = 12
# A worker looks for runs every second or so; a run that waits longer than this has nobody who makes it.
UNUSUAL_WAIT: Final = timedelta(seconds=20)
STAGES: Final = (
    (Stage.QUEUED, "Queued"),
    (Stage.QUERYING, "Reading the data"),
    (Stage.NARRATING, "Writing the words"),
    (Stage.RENDERING, "Making the files"),
    (Stage.DELIVERING, "Sending"),
    (Stage.DONE, "Done"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """A stage of a run: `state` is `done`, `now` or `ahead`."""

    label: str
    state: str


@require_http_methods(["GET"])
@page()
def run_page(request: TenantRequest, run_id: str) -> HttpResponse:
    """Show a run; while it is being made, the page asks for itself again."""
    assert request.tenant is not None
    run = find_run(request.tenant, parse_id(run_id))
    context = page_context(request, title=f"Run of {_when(run)}", **_context(request, run))
    name = "_run" if request.headers.get("HX-Request") else "run"
    return render(request, f"reports/{name}.html", context)


def _context(request: TenantRequest, run: ReportRun) -> dict[str, Any]:
    assert request.tenant is not None
    now, deliveries = timezone.now(), deliveries_of(run)
    before = issue_before(request.tenant, run) if run.sections_data else None
    crumbs = [{"title": "Reports", "link": reverse("reports-page")}]
    if run.template is not None:
        crumbs.append({"title": run.template.name, "link": reverse("report-page", args=[run.template.pk])})
    artifacts = list(run.artifacts.all())
    news = news_of(before.sections_data, run.sections_data, run.zone) if before else []
    return {
        "run": run,
        "definition": read_definition({"name": "", **run.definition}),
        "state": state_of(run),
        "is_running": run.status == RunStatus.RUNNING,
        "is_stuck": _is_stuck(run, now),
        "steps": steps_of(run),
        "narrative": run.narrative_output,
        "sections": _sections(run),
        "artifacts": [(each, RENDERERS[each.format].label) for each in artifacts],
        "has_csv": any(each.format == Format.CSV for each in artifacts),
        "deliveries": deliveries,
        "to_resend": [each for each in deliveries if each.state in RESENDABLE_STATES],
        "before": before,
        "news": news[:NEWS_SHOWN],
        "more_news": max(0, len(news) - NEWS_SHOWN),
        "crumbs": crumbs,
    }


def _when(run: ReportRun) -> str:
    at = run.occurrence_at or run.created_at
    return f"{at.astimezone(ZoneInfo(run.zone)):%-d %b %Y, %H:%M}"


def steps_of(run: ReportRun) -> list[Step]:
    """Return the stages with how far the run has come; those that its definition leaves out are not among them."""
    definition: ReportDefinition = read_definition({"name": "", **run.definition})
    left_out = set() if definition.narrative.is_enabled else {Stage.NARRATING}
    left_out |= set() if run.destination_ids else {Stage.DELIVERING}
    stages = [(stage, label) for stage, label in STAGES if stage not in left_out]
    order = [stage for stage, _ in STAGES]
    reached = order.index(Stage(run.stage))
    is_over = run.status != RunStatus.RUNNING
    return [
        Step(label, "done" if order.index(stage) < reached or is_over else "now" if stage == run.stage else "ahead")
        for stage, label in stages
    ]


def _is_stuck(run: ReportRun, now: datetime) -> bool:
    return run.status == RunStatus.RUNNING and run.stage == Stage.QUEUED and now - run.created_at > UNUSUAL_WAIT


def _sections(run: ReportRun) -> list[ShownSection]:
    words = _paragraphs(run.narrative_output or {})
    counts = {each["id"]: int(each["rowCount"]) for each in run.sections_data}
    return [
        show_section(
            each, zone=run.zone, rows=ROWS_SHOWN, words=words.get(each.id, ""), row_count=counts.get(each.id)
        )
        for each in read_sections(run.sections_data)
    ]  # fmt: skip


def _paragraphs(narrative: Mapping[str, Any]) -> Mapping[str, str]:
    sections = narrative.get("sections") or {}
    if isinstance(sections, Mapping):
        return sections
    return {str(each.get("id", "")): str(each.get("text", "")) for each in sections}
