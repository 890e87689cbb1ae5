"""Fragments of the editor that change a draft and save nothing: add, edit and remove a node, check what is typed."""

import json
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from flows.forms.checking import Checked, check_text, errors_by_control
from flows.forms.controls import Offers, controls_of
from flows.forms.drafts import (
    ADDABLE,
    DraftUnreadable,
    find_node,
    new_node,
    node_list,
    outputs_of,
    put_node,
    read_draft,
    remove_node,
    write_draft,
)
from flows.forms.shapes import SETTINGS, shape_of
from flows.forms.typed import act_on, read_typed
from flows.models import Pipeline
from flows.selectors.connectors import list_connectors
from flows.selectors.overview import find_pipeline_page, schemas_of
from flows.selectors.showing import KINDS, text_of
from flows.views.editor import work_context
from kaireon.platform.api import parse_id
from kaireon.platform.errors import NotFound
from kaireon.platform.pages import page, page_context
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.roles import Role

MOST_OFFERED: Final = 200


@require_http_methods(["POST"])
@page(role=Role.EDITOR)
def draft(request: TenantRequest, pipeline_id: str) -> HttpResponse:
    """Show the draft as cards, after `remove:<node>` if that is the act; nothing is saved."""
    pipeline = _pipeline(request, pipeline_id)
    text = request.POST.get("draft", "")
    verb, _, node_id = request.POST.get("act", "").partition(":")
    if verb == "remove":
        try:
            text = write_draft(remove_node(read_draft(text), node_id))
        except DraftUnreadable:
            verb = ""
    answer = _work(request, pipeline, text, is_changed=verb == "remove")
    if verb == "remove":
        _tell(answer, {"k-draft": {"focus": "flow-add-transform"}})
    return answer


@require_http_methods(["POST"])
@page(role=Role.EDITOR)
def check(request: TenantRequest, pipeline_id: str) -> HttpResponse:
    """Say what is wrong with the JSON as it is typed, each problem at its path and line."""
    pipeline = _pipeline(request, pipeline_id)
    checked = _checked(request, pipeline, request.POST.get("draft", ""))
    return render(request, "flows/editor/_problems.html", {"checked": checked})


@require_http_methods(["POST"])
@page(role=Role.EDITOR)
def node(request: TenantRequest, pipeline_id: str) -> HttpResponse:
    """Show the form of a node, or of a new one; take it into the draft with `act=apply` once it is sound."""
    pipeline = _pipeline(request, pipeline_id)
    try:
        whole = read_draft(request.POST.get("draft", ""))
    except DraftUnreadable as error:
        return render(request, "flows/editor/_unreadable.html", {"error": error}, status=400)
    before, kind = request.POST.get("before", ""), request.POST.get("kind", "")
    kept = find_node(whole, before) if before else None
    if kind == SETTINGS:
        kept = {name: whole[name] for name in ("metadata", "errorHandling") if name in whole}
    elif kept is not None:
        kind = text_of(kept, "kind")
    if kind not in KINDS and kind != SETTINGS:
        raise NotFound("The draft has no such node.")
    act = request.POST.get("act", "")
    value = _typed(request, kind, kept) if act else kept or new_node(whole, _addable(kind))
    if act == "apply":
        return _apply(request, pipeline, whole, value, kept, kind)
    return _form(request, pipeline, whole, act_on(shape_of(kind), value, act), kind, {})


def _addable(kind: str) -> str:
    if kind not in ADDABLE:
        raise NotFound("The draft has no such node.")
    return kind


def _typed(request: TenantRequest, kind: str, kept: Any) -> dict[str, Any]:
    value: dict[str, Any] = read_typed(shape_of(kind), request.POST.dict(), kept)
    return value


def _apply(
    request: TenantRequest, pipeline: Pipeline, whole: dict[str, Any], value: dict[str, Any], kept: Any, kind: str
) -> HttpResponse:
    """Take a node into the draft; where that makes it wrong, show the form with what is wrong beside its fields."""
    before = request.POST.get("before", "")
    if kind == SETTINGS:
        changed, place = {**whole, **value}, None
    else:
        is_between = "between" in request.POST and kept is None
        changed = put_node(whole, value, before=before if kept is not None else "", is_between=is_between)
        place = next(at for at, each in enumerate(node_list(changed)) if each is value)
    checked = _checked(request, pipeline, write_draft(changed))
    wrong = [each for each in checked.problems if each.place == place] if place is not None else []
    if kind == SETTINGS:
        wrong = [each for each in checked.of_whole if each.path.startswith(("metadata", "errorHandling"))]
    if wrong and "anyway" not in request.POST:
        errors = errors_by_control(wrong) if place is not None else {each.path: [each.message] for each in wrong}
        return _form(request, pipeline, whole, value, kind, errors, status=400)
    answer = _work(request, pipeline, checked.text, is_changed=True, checked=checked)
    answer["HX-Retarget"], answer["HX-Reswap"] = "#flow-visual", "innerHTML"
    _tell(answer, {"k-draft": {"focus": f"card-edit-{text_of(value, 'id')}"}})
    return answer


def _form(
    request: TenantRequest, pipeline: Pipeline, whole: dict[str, Any], value: Any, kind: str,
    errors: dict[str, list[str]], *, status: int = 200,
) -> HttpResponse:  # fmt: skip
    assert request.tenant is not None
    before = request.POST.get("before", "")
    control = controls_of(shape_of(kind), value, errors, offers_of(request.tenant, whole, before))
    known = {each.path for each in control.walk()}
    placed = {path for path in errors if path in known}
    context: dict[str, Any] = {
        "pipeline": pipeline, "control": control, "kind": kind, "before": before,
        "label": "Pipeline" if kind == SETTINGS else KINDS[kind][0], "is_new": not before and kind != SETTINGS,
        "can_go_between": not before and kind not in {"source", "target", SETTINGS},
        "is_between": "between" in request.POST or not request.POST.get("act"),
        "unplaced": [
            f"{path}: {text}" if path else text for path in errors if path not in placed for text in errors[path]
        ],
        "wrong": [each for each in control.walk() if each.errors],
    }  # fmt: skip
    return render(request, "flows/editor/_node.html", page_context(request, title="", **context), status=status)


def offers_of(tenant: Tenant, whole: dict[str, Any], before: str) -> Offers:
    """Return what the form of a node can offer: whose rows it may read, the tenant's connectors and tables."""
    reads = [(each, each) for each in outputs_of(whole, except_for=before)]
    connectors = [(str(row.pk), row.name) for row in list_connectors(tenant).order_by("name")[:MOST_OFFERED]]
    return Offers(
        choices={"input": reads, "left": reads, "right": reads, "config.connectorId": connectors},
        suggested={"schema": "flow-tables"},
    )


def table_names(tenant: Tenant) -> list[str]:
    """Return the tables that a target may fill, as the IR names them."""
    names = schemas_of(tenant).order_by("name").values_list("table_name", flat=True)[:MOST_OFFERED]
    return [f"public.{name}" for name in names]


def _pipeline(request: TenantRequest, pipeline_id: str) -> Pipeline:
    assert request.tenant is not None
    return find_pipeline_page(request.tenant, parse_id(pipeline_id))


def _checked(request: TenantRequest, pipeline: Pipeline, text: str) -> Checked:
    assert request.tenant is not None
    return check_text(request.tenant, pipeline, text)


def _work(
    request: TenantRequest, pipeline: Pipeline, text: str, *, is_changed: bool, checked: Checked | None = None
) -> HttpResponse:
    """Answer with the cards; a draft that a button changed also goes back into the text area."""
    found = checked or _checked(request, pipeline, text)
    context: dict[str, Any] = {**work_context(found), "pipeline": pipeline, "is_changed": is_changed}
    return render(request, "flows/editor/_work.html", page_context(request, title="", **context))


def _tell(answer: HttpResponse, events: dict[str, Any]) -> None:
    answer["HX-Trigger"] = json.dumps(events)
