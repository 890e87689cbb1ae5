"""What the editor reads beside the draft: lineage as a walk with recent rows, versions with their differences."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from flows.forms.drafts import in_order, ranks_of
from flows.ir.diff import Change, diff_irs
from flows.models import Pipeline
from flows.selectors.lineage import lineage_rows
from flows.selectors.overview import find_pipeline_page
from flows.selectors.pipelines import find_version, list_versions
from flows.selectors.showing import KINDS, nodes_of, text_of
from flows.services.versions import publish_version
from flows.views.samples import sheet_of, text_of_value
from kaireon.platform.api import parse_id
from kaireon.platform.errors import DomainError
from kaireon.platform.pages import page, page_context
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.roles import Role

LINEAGE_ROWS: Final = 10
MOST_TABLES: Final = 5
VERSIONS_SHOWN: Final = 50
CHANGES_SHOWN: Final = 200
LONGEST: Final = 400


@dataclass(frozen=True, slots=True)
class Traced:
    """A table that the pipeline fills: its recent rows, and where each came from; or why there are none."""

    table: str
    heads: list[str]
    rows: list[tuple[list[tuple[str, bool]], Mapping[str, Any], str]]
    problem: str = ""


@require_http_methods(["GET"])
@page()
def lineage(request: TenantRequest, pipeline_id: str) -> HttpResponse:
    """Show how rows walk through the latest version, and the newest rows of its tables with where they came from."""
    assert request.tenant is not None
    pipeline = find_pipeline_page(request.tenant, parse_id(pipeline_id))
    ir = find_version(pipeline).ir
    targets = {text_of(node, "schema") for node in nodes_of(ir) if node.get("kind") == "target"}
    context: dict[str, Any] = {
        "pipeline": pipeline, "walk": walk_of(ir),
        "tables": [_traced(request.tenant, table, ir) for table in sorted(targets)[:MOST_TABLES]],
    }  # fmt: skip
    return render(request, "flows/editor/_lineage.html", page_context(request, title="", **context))


def walk_of(ir: Any) -> list[tuple[str, str, str]]:
    """Return the nodes in flow order: id, kind in words, icon."""
    ranks = ranks_of(ir) if isinstance(ir, Mapping) else []
    nodes = [node for rank in ranks for _, node in rank.nodes]
    return [(text_of(node, "id"), *KINDS.get(text_of(node, "kind"), ("Node", "help"))) for node in nodes]


def _traced(tenant: Tenant, table: str, ir: Any) -> Traced:
    try:
        found = lineage_rows(tenant, "public", table, LINEAGE_ROWS)
    except DomainError as refusal:
        return Traced(table, [], [], refusal.message)
    sheet = sheet_of([row for row, _ in found.rows])
    known = {text_of(node, "id") for node in nodes_of(ir)}
    traces = [(trace, _missing(trace, known)) for _, trace in found.rows]
    return Traced(
        table, sheet.heads, [(cells, *trace) for cells, trace in zip(sheet.rows, traces, strict=True)],
        "" if found.rows else "No row of it has lineage yet.",
    )  # fmt: skip


def _missing(trace: Mapping[str, Any], known: set[str]) -> str:
    source = str(trace.get("sourceNodeId", ""))
    if not source or source in known:
        return ""
    return f"Source node {source} not found in current IR — likely an older run from a previous IR version"


@require_http_methods(["GET"])
@page()
def versions(request: TenantRequest, pipeline_id: str) -> HttpResponse:
    """Show the versions, and with `?old=&new=` what changed between two of them; a fragment."""
    assert request.tenant is not None
    pipeline = find_pipeline_page(request.tenant, parse_id(pipeline_id))
    rows = list_versions(pipeline)
    newest = pipeline.latest_version
    old, new = _number(request, "old", max(1, newest - 1)), _number(request, "new", newest)
    changes = _changes(pipeline, old, new) if newest > 1 or "old" in request.GET else []
    context: dict[str, Any] = {
        "pipeline": pipeline, "versions": rows[:VERSIONS_SHOWN], "has_more": len(rows) > VERSIONS_SHOWN,
        "numbers": [row.version for row in rows], "old": old, "new": new, "changes": changes[:CHANGES_SHOWN],
        "more_changes": max(0, len(changes) - CHANGES_SHOWN),
    }  # fmt: skip
    return render(request, "flows/editor/_versions.html", page_context(request, title="", **context))


def _number(request: TenantRequest, name: str, otherwise: int) -> int:
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 10 else otherwise


def _changes(pipeline: Pipeline, old: int, new: int) -> list[tuple[Change, str, str]]:
    before, after = find_version(pipeline, old), find_version(pipeline, new)
    found = diff_irs(in_order(before.ir), in_order(after.ir))
    return [(change, _shown(change.before), _shown(change.after)) for change in found]


def _shown(value: Any) -> str:
    text = text_of_value(value) if value is not None else ""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


@require_http_methods(["POST"])
@page(role=Role.EDITOR)
def publish(request: TenantRequest, pipeline_id: str) -> HttpResponse:
    """Make a saved version the one that runs, an older one too."""
    assert request.tenant is not None
    assert request.actor is not None
    pipeline = find_pipeline_page(request.tenant, parse_id(pipeline_id))
    wanted = request.POST.get("version", "")
    number = int(wanted) if wanted.isdecimal() and len(wanted) < 10 else 0
    try:
        publish_version(
            tenant=request.tenant, pipeline_id=pipeline.pk, version=number, actor=request.actor, now=timezone.now()
        )
        messages.success(request, f"Version {number} of “{pipeline.name}” is live.")
    except DomainError as refusal:
        messages.warning(request, f"Version {wanted} cannot be published: {refusal.message}")
    return HttpResponseRedirect(f"{reverse('flow-pipeline-page', args=[pipeline.pk])}#versions", status=303)
