"""The forms of the Schedule and the Triggers tab: what is typed goes into the draft at once; nothing is saved."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from flows.forms.checking import Checked, Problem, check_text
from flows.forms.controls import controls_of
from flows.forms.drafts import DraftUnreadable, read_draft, write_draft
from flows.forms.timing import PARTS, SCHEDULE, source_ids, take_typed, timing_of, timing_offers, timing_shape
from flows.models import Pipeline
from flows.selectors.overview import find_pipeline_page
from kaireon.platform.api import parse_id
from kaireon.platform.cadence.zones import zone_names
from kaireon.platform.errors import NotFound
from kaireon.platform.pages import page, page_context
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.roles import Role

# What is typed changes the draft and leaves the form alone: somebody is writing in it.
TYPED = "typed"


@require_http_methods(["POST"])
@page(role=Role.EDITOR)
def timing(request: TenantRequest, pipeline_id: str, part: str) -> HttpResponse:
    """Show the form of the schedule or the trigger of a draft; with `act`, take into the draft what was typed."""
    assert request.tenant is not None
    if part not in PARTS:
        raise NotFound("A draft has a schedule and a trigger.")
    pipeline = find_pipeline_page(request.tenant, parse_id(pipeline_id))
    act = _act(request)
    try:
        draft = read_draft(request.POST.get("draft", ""))
    except DraftUnreadable as error:
        context: dict[str, Any] = {"pipeline": pipeline, "error": error}
        return render(request, "flows/editor/_timing_unreadable.html", context)
    if act:
        draft = take_typed(draft, part, request.POST.dict(), act)
    checked = check_text(request.tenant, pipeline, write_draft(draft))
    if act == TYPED:
        return _tell(_taken(request, pipeline, part, checked))
    answer = _form(request, pipeline, part, draft, checked, is_changed=bool(act))
    if act:
        answer["HX-Retarget"], answer["HX-Reswap"] = f"#timing-{part}", "innerHTML"
        return _tell(answer)
    return answer


def _act(request: HttpRequest) -> str:
    # A button says what it does; the form itself, that something was typed in it.
    return request.POST.get("act") or (TYPED if TYPED in request.POST else "")


def take_pending(request: HttpRequest) -> str:
    """Return the draft that a save sends, with what was typed in these forms and has not got into it yet."""
    text = request.POST.get("draft", "")
    for part in PARTS:
        if part in request.POST.getlist("timing"):
            try:
                text = write_draft(take_typed(read_draft(text), part, request.POST.dict()))
            except DraftUnreadable:
                return text
    return text


def _form(
    request: TenantRequest, pipeline: Pipeline, part: str, draft: dict[str, Any], checked: Checked, *, is_changed: bool
) -> HttpResponse:
    whole = controls_of(timing_shape(part), timing_of(draft, part), _errors(checked, part), timing_offers(draft))
    (control,) = whole.front
    context: dict[str, Any] = {
        **_context(pipeline, part, checked), "control": control, "is_changed": is_changed, "zones": zone_names(),
        "form_address": request.path, "can_begin": part in draft or part == SCHEDULE or bool(source_ids(draft)),
    }  # fmt: skip
    return render(request, "flows/editor/_timing.html", page_context(request, title="", **context))


def _taken(request: TenantRequest, pipeline: Pipeline, part: str, checked: Checked) -> HttpResponse:
    context = {**_context(pipeline, part, checked), "is_changed": True}
    return render(request, "flows/editor/_timing_taken.html", page_context(request, title="", **context))


def _context(pipeline: Pipeline, part: str, checked: Checked) -> dict[str, Any]:
    return {
        "pipeline": pipeline, "part": part, "checked": checked, "draft_text": checked.text,
        "wrong": _of_part(checked.problems, part), "warnings": _of_part(checked.warnings, part),
    }  # fmt: skip


def _of_part(problems: Any, part: str) -> list[tuple[str, Problem]]:
    """Return the problems of the part, each with the id of the control that it belongs to."""
    found = [each for each in problems if each.path.replace("[", ".").split(".")[0] == part]
    return [("f-" + each.path.replace("[", "-").replace("]", "").replace(".", "-"), each) for each in found]


def _errors(checked: Checked, part: str) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    for _, problem in _of_part(checked.problems, part):
        errors.setdefault(problem.path, []).append(problem.message)
    return errors


def _tell(answer: HttpResponse) -> HttpResponse:
    # The draft has changed, and what is foretold of it with it.
    answer["HX-Trigger-After-Swap"] = json.dumps({"k-draft": {}, "k-timing": {}})
    return answer
