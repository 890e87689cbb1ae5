"""The editor of a report: its form, its sections as they are added and moved, and the preview beside it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from kaireon.platform.api import parse_id
from kaireon.platform.errors import Busy, DomainError
from kaireon.platform.forms import add_refusal
from kaireon.platform.notifications.selectors import DestinationOverview, list_destinations
from kaireon.platform.pages import page, page_context
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.roles import Role
from reports.decisions.definition import ReportDefinition, read_definition
from reports.forms import TEMPLATE_FIELDS, Composition, TemplateForm
from reports.forms.blocks import DEFAULT_SOURCE, MOST_BLOCKS, TypedBlock, act_on, kept_blocks, typed_blocks
from reports.forms.blocks import unshown_sources as count_unshown
from reports.models import ReportTemplate
from reports.selectors.live_preview import live_preview, zone_of_tenant
from reports.selectors.runs import zone_of_template
from reports.selectors.templates import definition_of, find_template
from reports.services.templates import create_template, update_template
from reports.sources import source_list
from reports.views.reading import history_context
from reports.views.scheduling import schedules_context

UNTITLED: Final = "Untitled report"


@require_http_methods(["GET", "POST"])
@page(role=Role.EDITOR)
def new_report(request: TenantRequest) -> HttpResponse:
    """Make a report."""
    return _editor(request, None)


@require_http_methods(["GET", "POST"])
@page(write_role=Role.EDITOR)
def edit_report(request: TenantRequest, template_id: str) -> HttpResponse:
    """Change a report; whoever may not change it sees what it is made of, its preview, schedules and runs."""
    assert request.tenant is not None
    return _editor(request, find_template(request.tenant, parse_id(template_id)))


@require_http_methods(["POST"])
@page(role=Role.EDITOR)
def compose(request: TenantRequest) -> HttpResponse:
    """Add, remove, move or exchange a section of what was typed; a fragment, nothing is saved."""
    act = request.POST.get("act", "")
    typed = typed_blocks(request.POST)
    blocks = act_on(typed, act)
    context = {"composition": Composition(blocks, source_list()), **_limits(blocks), **_focus(typed, blocks, act)}
    answer = render(request, "reports/_compose.html", context)
    # The preview listens for it: what moves without being typed is a change as well.
    answer["HX-Trigger"] = "k-composed"
    return answer


@require_http_methods(["POST"])
@page(role=Role.EDITOR)
def preview(request: TenantRequest) -> HttpResponse:
    """Show a new report as it stands typed; a fragment, nothing is saved and nobody is told."""
    assert request.tenant is not None
    return _preview(request, _typed_definition(request, request.tenant), zone_of_tenant(request.tenant))


@require_http_methods(["GET", "POST"])
@page(write_role=Role.EDITOR)
def saved_preview(request: TenantRequest, template_id: str) -> HttpResponse:
    """Show a kept report as its data stands, with what is typed of it when that is posted; a fragment."""
    assert request.tenant is not None
    template = find_template(request.tenant, parse_id(template_id))
    is_typed = request.method == "POST"
    definition = _typed_definition(request, request.tenant) if is_typed else definition_of(template)
    return _preview(request, definition, zone_of_template(template))


def _typed_definition(request: TenantRequest, tenant: Tenant) -> ReportDefinition:
    form, _ = _form(request, tenant, None)
    values = {**form.values(), **Composition.of_post(request.POST, source_list()).values()}
    return _definition({**values, "name": values["name"] or UNTITLED})


def _preview(request: TenantRequest, definition: ReportDefinition, zone: str) -> HttpResponse:
    assert request.tenant is not None
    now = timezone.now()
    try:
        shown = live_preview(tenant=request.tenant, definition=definition, now=now, zone=zone)
    except Busy:
        return render(request, "reports/_preview_busy.html", {"address": request.path, "method": request.method})
    context = {"shown": shown, "now": now, "zone": zone, "definition": definition}
    return render(request, "reports/_preview.html", context)


def _editor(request: TenantRequest, template: ReportTemplate | None) -> HttpResponse:
    assert request.tenant is not None
    form, destinations = _form(request, request.tenant, template)
    composition = _composition(request, template)
    if request.method == "POST" and _is_sound(form, composition):
        try:
            return _save(request, {**form.values(), **composition.values()}, template)
        except DomainError as refusal:
            _place_refusal(form, composition, refusal)
    wrong = [bound for bound in form if bound.errors] + composition.wrong()
    errors = [*form.non_field_errors(), *([composition.error] if composition.error else [])]
    context = {
        **_context(request.tenant, form, composition, destinations, template),
        "wrong": wrong, "problems": errors, "has_errors": bool(wrong or errors),
    }  # fmt: skip
    if template is not None:
        context |= schedules_context(request, template, destinations)
        context |= history_context(request, template)
    title = template.name if template else "New report"
    answer = page_context(request, title=title, **context)
    return render(request, "reports/editor.html", answer, status=400 if wrong or errors else 200)


def _context(
    tenant: Tenant, form: TemplateForm, composition: Composition, destinations: list[DestinationOverview],
    template: ReportTemplate | None,
) -> dict[str, Any]:  # fmt: skip
    chosen, known = form.chosen("destinations"), {row.destination.pk for row in destinations}
    definition = definition_of(template) if template else None
    return {
        "form": form,
        "template": template,
        "seen": template.updated_at.isoformat() if template else "",
        "composition": composition,
        **_limits([each.block for each in composition.forms]),
        "formats": [(key, label, key in form.chosen("formats")) for key, label in form.format_choices()],
        "choices": [(row, str(row.destination.pk) in chosen) for row in destinations],
        "deleted": [each for each in (template.destination_ids if template else ()) if each not in known],
        "definition": definition,
        "unshown": count_unshown(definition) if definition else 0,
        "crumbs": [{"title": "Reports", "link": reverse("reports-page")}],
        "zone": tenant.timezone,
    }


def _form(
    request: TenantRequest, tenant: Tenant, template: ReportTemplate | None
) -> tuple[TemplateForm, list[DestinationOverview]]:
    destinations = list_destinations(tenant.pk)
    ids = [row.destination.pk for row in destinations]
    data = request.POST if request.method == "POST" else None
    return TemplateForm(data, destination_ids=ids, template=template), destinations


def _composition(request: TenantRequest, template: ReportTemplate | None) -> Composition:
    if request.method == "POST":
        return Composition.of_post(request.POST, source_list())
    blocks = kept_blocks(definition_of(template)) if template else [TypedBlock(1, DEFAULT_SOURCE)]
    return Composition(blocks, source_list())


def _limits(blocks: list[TypedBlock]) -> dict[str, Any]:
    return {"is_full": len(blocks) >= MOST_BLOCKS, "most_blocks": MOST_BLOCKS}


def _focus(typed: list[TypedBlock], blocks: list[TypedBlock], act: str) -> dict[str, Any]:
    """Return where the keyboard goes on: into what was added, back to what was left when something was removed."""
    before = {each.token for each in typed}
    added = next((each.token for each in blocks if each.token not in before), None)
    return {"focus": f"block-{added}-key" if added else "compose-add" if act.startswith("remove:") else ""}


def _definition(values: Mapping[str, Any]) -> ReportDefinition:
    return read_definition(
        {
            "name": values["name"], "description": values["description"], "dataSources": values["data_sources"],
            "sections": values["sections"], "formats": values["formats"], "narrative": values["narrative"],
        }
    )  # fmt: skip


def _is_sound(form: TemplateForm, composition: Composition) -> bool:
    # Both are checked, so that everything that is wrong is said at once.
    is_sound = form.is_valid()
    return composition.is_valid() and is_sound


def _place_refusal(form: TemplateForm, composition: Composition, refusal: DomainError) -> None:
    left = composition.add_errors(refusal.fields)
    if left or not refusal.fields:
        add_refusal(form, DomainError(refusal.message, fields=left), TEMPLATE_FIELDS)


def _seen_at(text: str) -> datetime | None:
    """Return when the report was saved that the form was made of; None for a form that does not say."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _save(request: TenantRequest, values: Mapping[str, Any], template: ReportTemplate | None) -> HttpResponse:
    assert request.tenant is not None
    assert request.actor is not None
    now = timezone.now()
    if template is None:
        saved = create_template(tenant=request.tenant, values=values, actor=request.actor, now=now)
        messages.success(request, f"“{saved.name}” is saved. Run it now, or give it a schedule below.")
    else:
        saved = update_template(
            tenant=request.tenant, template_id=template.pk, changes=values, actor=request.actor, now=now,
            seen_at=_seen_at(request.POST.get("seen", "")),
        )  # fmt: skip
        messages.success(request, f"“{saved.name}” is saved.")
    return HttpResponseRedirect(reverse("report-page", args=[saved.pk]), status=303)
