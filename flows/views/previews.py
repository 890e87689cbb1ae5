"""What a draft would do, before it does: the SQL of its nodes in a dialect, and the first rows that leave a node."""

from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from flows.engines.base import EngineError, Sample
from flows.formats.base import UnreadableFile
from flows.forms.checking import check_text
from flows.ir.parsing import IrInvalid, parse_pipeline_ir
from flows.ir.pipeline import PipelineIR
from flows.models import Pipeline
from flows.selectors.overview import find_pipeline_page
from flows.selectors.showing import KINDS
from flows.services.previewing import preview_sql, sample_node
from flows.storage.base import StorageError
from flows.views.samples import sheet_of
from kaireon.platform.api import parse_id
from kaireon.platform.pages import page
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.roles import Role

ROWS: Final = 20
DIALECTS: Final = (("duckdb", "DuckDB"), ("spark", "Spark"))
SOUND_FIRST: Final = "The draft is not sound yet. Correct what stands at its nodes first."


@require_http_methods(["POST"])
@page()
def sql(request: TenantRequest, pipeline_id: str) -> HttpResponse:
    """Show the SQL of every node of the draft; a fragment, nothing is read or kept."""
    pipeline = _pipeline(request, pipeline_id)
    dialect = request.POST.get("dialect", "")
    parsed, problem = _read(request, pipeline)
    nodes, failed = _sql_of(parsed, dialect if dialect in dict(DIALECTS) else "duckdb") if parsed else ([], "")
    context = {"pipeline": pipeline, "nodes": nodes, "problem": problem or failed}
    return render(request, "flows/editor/_sql.html", context)


@require_http_methods(["POST"])
@page(role=Role.EDITOR)
def sample(request: TenantRequest, pipeline_id: str) -> HttpResponse:
    """Show the first rows that leave a node of the draft, with its SQL; files stay where they are."""
    pipeline = _pipeline(request, pipeline_id)
    wanted = request.POST.get("node", "")
    parsed, problem = _read(request, pipeline)
    context: dict[str, Any] = {"pipeline": pipeline, "node": wanted, "problem": problem}
    found = next((each for each in parsed.nodes if each.id == wanted), None) if parsed else None
    if parsed is not None and found is None:
        context["problem"] = "The draft has no such node."
    if parsed is not None and found is not None:
        context |= {"label": KINDS[found.kind][0], **_rows_of(pipeline, parsed, found.id)}
        nodes, _ = _sql_of(parsed, "duckdb")
        context["sql"] = next((text for name, _, text in nodes if name == wanted), "")
    return render(request, "flows/editor/_sample.html", context)


def _pipeline(request: TenantRequest, pipeline_id: str) -> Pipeline:
    assert request.tenant is not None
    return find_pipeline_page(request.tenant, parse_id(pipeline_id))


def _read(request: TenantRequest, pipeline: Pipeline) -> tuple[PipelineIR | None, str]:
    """Return the draft as a pipeline, or why it is none."""
    assert request.tenant is not None
    checked = check_text(request.tenant, pipeline, request.POST.get("draft", ""))
    if checked.problems or checked.draft is None:
        return None, SOUND_FIRST
    try:
        return parse_pipeline_ir(checked.draft), ""
    except IrInvalid:
        return None, SOUND_FIRST


def _sql_of(parsed: PipelineIR, dialect: str) -> tuple[list[tuple[str, str, str]], str]:
    try:
        found = preview_sql(parsed, dialect=dialect)
    except EngineError as error:
        return [], f"{error.node_id}: {error.message}" if error.node_id else error.message
    return [(node.id, KINDS[node.kind][0], found.get(node.id, "")) for node in parsed.nodes], ""


def _rows_of(pipeline: Pipeline, parsed: PipelineIR, node_id: str) -> dict[str, Any]:
    try:
        found: Sample = sample_node(pipeline=pipeline, ir=parsed, node_id=node_id, limit=ROWS, now=timezone.now())
    except (EngineError, StorageError, UnreadableFile) as error:
        return {"problem": error.message}
    names = [column.name for column in found.columns]
    return {"columns": found.columns, "sheet": sheet_of(found.rows, names), "count": len(found.rows)}
