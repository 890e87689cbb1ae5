"""Runs: what is under way and how far, what failed and where; one run with its stages, files, log and errors."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_http_methods

from flows.decisions.vocabulary import FileState, RunStatus, Stage, TriggerSource
from flows.models import PipelineRun
from flows.selectors.overview import error_count, files_of, newest_failures, open_runs, runs_of, tally_runs
from flows.selectors.quarantine import quarantine_rows
from flows.selectors.runs import errors_of, find_run, log_of, seconds_left
from flows.views.lines import TRIGGERS, run_line
from flows.views.samples import text_of_value
from kaireon.platform.api import parse_id
from kaireon.platform.audit.csv_export import safe_cell
from kaireon.platform.fields import read_uuid
from kaireon.platform.pages import page, page_context
from kaireon.platform.paging import newest_first
from kaireon.platform.tenancy.middleware import TenantRequest

RUNS_SHOWN: Final = 30
OPEN_SHOWN: Final = 5
FAILED_SHOWN: Final = 3
FILES_SHOWN: Final = 50
ERRORS_SHOWN: Final = 20
REJECTS_SHOWN: Final = 50
LINES_SHOWN: Final = 200
DAY: Final = timedelta(days=1)
STAGES: Final = (
    (Stage.LISTING, "Looking for files"), (Stage.STAGING, "Taking files"), (Stage.READING, "Reading"),
    (Stage.TRANSFORMING, "Transforming"), (Stage.VALIDATING, "Validating"), (Stage.LOADING, "Loading"),
    (Stage.ARCHIVING, "Archiving files"),
)  # fmt: skip
STATUSES: Final = (
    (RunStatus.PENDING, "queued"), (RunStatus.RUNNING, "running"), (RunStatus.COMPLETED, "completed"),
    (RunStatus.COMPLETED_WITH_ERRORS, "completed_with_rejects"), (RunStatus.FAILED, "failed"),
    (RunStatus.CANCELLED, "cancelled"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class StageLine:
    """A stage of a run: `state` is `done`, `now`, `ahead`, `failed` or `skipped`."""

    label: str
    state: str
    seconds: float | None
    rows_in: int | None
    rows_out: int | None
    quarantined: int | None


@require_http_methods(["GET"])
@page()
def run_list(request: TenantRequest) -> HttpResponse:
    """Show what is under way and what failed; then every run. Narrowed by pipeline, status and trigger."""
    assert request.tenant is not None
    now = timezone.now()
    wanted = _wanted(request)
    pipeline_id = read_uuid(wanted["pipeline"])
    rows = runs_of(request.tenant, pipeline_id=pipeline_id, status=wanted["status"], trigger=wanted["trigger"])
    if wanted["pipeline"] and pipeline_id is None:
        rows = rows.none()
    found = newest_first(rows, after=request.GET.get("after", ""), limit=RUNS_SHOWN)
    is_first_page, is_narrowed = "after" not in request.GET, any(wanted.values())
    context: dict[str, Any] = {
        "lines": [run_line(run, now) for run in found.rows], "next_key": found.next_key, "wanted": wanted,
        "is_first_page": is_first_page, "is_narrowed": is_narrowed, "address": request.get_full_path(),
        "statuses": STATUSES, "triggers": list(TRIGGERS.items()),
        "narrowed_to": found.rows[0].pipeline if wanted["pipeline"] and found.rows else None,
        "older": _address(request, after=found.next_key), "newest": _address(request, after=""),
    }  # fmt: skip
    if is_first_page and not is_narrowed:
        context |= _first_answer(request, now)
    name = "_live" if request.headers.get("HX-Request") else "runs"
    return render(request, f"flows/runs/{name}.html", page_context(request, title="Pipeline runs", **context))


def _wanted(request: TenantRequest) -> dict[str, str]:
    status, trigger = request.GET.get("status", ""), request.GET.get("trigger", "")
    return {
        "pipeline": request.GET.get("pipeline", "").strip()[:60],
        "status": status if status in set(RunStatus) else "",
        "trigger": trigger if trigger in set(TriggerSource) else "",
    }


def _address(request: TenantRequest, *, after: str) -> str:
    query = request.GET.copy()
    query.pop("after", None)
    if after:
        query["after"] = after
    return f"{request.path}?{query.urlencode()}" if query else request.path


def _first_answer(request: TenantRequest, now: datetime) -> dict[str, Any]:
    assert request.tenant is not None
    under_way = open_runs(request.tenant, OPEN_SHOWN + 1)
    failed = newest_failures(request.tenant, since=now - DAY, limit=FAILED_SHOWN)
    return {
        "under_way": [run_line(run, now) for run in under_way[:OPEN_SHOWN]],
        "has_more_open": len(under_way) > OPEN_SHOWN,
        "failed": [run_line(run, now) for run in failed], "tally": tally_runs(request.tenant, since=now - DAY),
    }  # fmt: skip


@require_http_methods(["GET"])
@page()
def run_page(request: TenantRequest, run_id: str) -> HttpResponse:
    """Show a run as a page, or with `?drawer=1` in the drawer; while it is under way it asks for itself again."""
    assert request.tenant is not None
    run = find_run(request.tenant, parse_id(run_id))
    return run_answer(request, run)


def run_answer(request: TenantRequest, run: PipelineRun) -> HttpResponse:
    """Answer with a run: its page, the drawer, or the part of either that is live."""
    context = page_context(request, title=f"Run of {run.pipeline.name}", **run_context(run, timezone.now()))
    if not request.headers.get("HX-Request"):
        return render(request, "flows/runs/run.html", context)
    is_live_part = request.headers.get("HX-Target", "").startswith("run-live")
    return render(request, f"flows/runs/{'_run' if is_live_part else '_drawer'}.html", context)


def _attempt_of(run: PipelineRun) -> int:
    """Return which attempt it is at, or ended with, counted from 1; the run itself counts those that failed."""
    return run.attempt if run.status == RunStatus.FAILED and run.attempt else run.attempt + 1


def run_context(run: PipelineRun, now: datetime) -> dict[str, Any]:
    """Return what a run shows; six queries."""
    line = run_line(run, now)
    files = files_of(run, limit=FILES_SHOWN + 1)
    errors = list(errors_of(run, limit=ERRORS_SHOWN))
    return {
        "run": run, "line": line, "state": line.state, "attempt": _attempt_of(run), "stages": stage_lines(run, now),
        "files": files[:FILES_SHOWN], "has_more_files": len(files) > FILES_SHOWN,
        "errors": errors, "error_count": error_count(run) if len(errors) == ERRORS_SHOWN else len(errors),
        "log": log_of(run)[-LINES_SHOWN:], "left": seconds_left(run, now=now), "now": now,
        "took": None if run.started_at is None else ((run.finished_at or now) - run.started_at).total_seconds(),
        "nodes": _quarantine_nodes(run), "can_cancel": _can_cancel(run), "can_retry": _can_retry(run),
        "put_back": sum(each.state == FileState.RESTORED for each in files),
        "crumbs": [{"title": "Pipeline runs", "link": reverse("flow-runs-page")}],
    }  # fmt: skip


def _can_cancel(run: PipelineRun) -> bool:
    return not RunStatus(run.status).is_final and run.committed_at is None and run.cancel_requested_at is None


def _can_retry(run: PipelineRun) -> bool:
    return run.status in {RunStatus.FAILED, RunStatus.CANCELLED}


def _quarantine_nodes(run: PipelineRun) -> list[tuple[str, str]]:
    tables = run.metadata.get("quarantineTables") if isinstance(run.metadata, dict) else None
    return [(str(node), str(table)) for node, table in tables.items()] if isinstance(tables, dict) else []


def stage_lines(run: PipelineRun, now: datetime) -> list[StageLine]:
    """Return the stages in their order, each with its time and rows as far as the run has come."""
    passed = {each.get("stage"): each for each in run.stages if isinstance(each, dict)}
    is_over = RunStatus(run.status).is_final
    return [_stage_line(run, label, passed.get(stage.value), now, is_over=is_over) for stage, label in STAGES]


def _stage_line(
    run: PipelineRun, label: str, passed: dict[str, Any] | None, now: datetime, *, is_over: bool
) -> StageLine:  # fmt: skip
    if passed is None:
        return StageLine(label, "skipped" if is_over else "ahead", None, None, None, None)
    begun, ended = _instant(passed.get("startedAt")), _instant(passed.get("finishedAt"))
    is_last = passed is run.stages[-1]
    is_bad = is_over and is_last and run.status in {RunStatus.FAILED, RunStatus.CANCELLED}
    state = "failed" if is_bad else "done" if ended or is_over else "now"
    until = ended or (run.finished_at if is_over else now)
    seconds = (until - begun).total_seconds() if begun and until else None
    figures = [passed.get(name) for name in ("rowsIn", "rowsOut", "quarantined")]
    return StageLine(label, state, seconds, *figures)


def _instant(text: Any) -> datetime | None:
    return parse_datetime(text) if isinstance(text, str) else None


@require_http_methods(["GET"])
@page()
def rejects(request: TenantRequest, run_id: str) -> HttpResponse:
    """Show the rows that a run set aside, each to be opened in full; a fragment."""
    assert request.tenant is not None
    run = find_run(request.tenant, parse_id(run_id))
    found = quarantine_rows(request.tenant, run.pk, limit=REJECTS_SHOWN)
    context: dict[str, Any] = {
        "run": run, "found": found, "errors": [] if found.rows else list(errors_of(run, limit=ERRORS_SHOWN)),
        "rejects": [(each, _facts(each.row)) for each in found.rows],
    }  # fmt: skip
    return render(request, "flows/runs/_rejects.html", page_context(request, title="", **context))


def _facts(row: Any) -> list[tuple[str, str]]:
    """Return a quarantined row as names with values; one that could not be read is its text."""
    if isinstance(row, dict):
        return [(str(name), text_of_value(value)) for name, value in row.items()]
    return [("row", text_of_value(row))]


@require_http_methods(["GET"])
@page()
def errors_csv(request: TenantRequest, run_id: str) -> HttpResponse:
    """Download what was wrong with the rows of a run: Row, Column, Value, Error, and where the row stood."""
    assert request.tenant is not None
    run = find_run(request.tenant, parse_id(run_id))
    answer = HttpResponse("".join(_error_lines(run)), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="run-{run.pk}-errors.csv"'
    return answer


def _error_lines(run: PipelineRun) -> Iterator[str]:
    yield _csv_line(["Row", "Column", "Value", "Error", "Rule", "Node", "File"])
    for each in errors_of(run):
        row = "" if each.row is None else str(each.row)
        yield _csv_line([row, each.column, each.value, each.error, each.rule_id, each.node_id, each.file])


def _csv_line(cells: list[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow([safe_cell(cell) for cell in cells])
    return buffer.getvalue()
