"""Schemas: every table that pipelines fill; make one, look at its first rows, add columns, delete it."""

from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from flows.forms.controls import Offers, controls_of
from flows.forms.schemas import blank_schema, number_errors, schema_shape, values_of
from flows.forms.typed import act_on, read_typed
from flows.models import DataSchema
from flows.selectors.overview import pipelines_of_schema
from flows.selectors.schemas import find_schema, list_schemas
from flows.services.schema_rows import list_rows
from flows.services.schemas import create_schema, delete_schema, update_schema
from flows.views.samples import Sheet, sheet_of
from kaireon.platform.api import parse_id
from kaireon.platform.errors import Conflict, DomainError
from kaireon.platform.pages import page, page_context
from kaireon.platform.paging import newest_first
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.roles import Role

SHOWN: Final = 50
ROWS_SHOWN: Final = 20
CRUMBS: Final = "Schemas"


@require_http_methods(["GET"])
@page()
def schema_list(request: TenantRequest) -> HttpResponse:
    """Show every schema with its table and fields, newest first."""
    assert request.tenant is not None
    found = newest_first(list_schemas(request.tenant), after=request.GET.get("after", ""), limit=SHOWN)
    context = page_context(
        request, title="Schemas", rows=[(row, list(row.fields.all())) for row in found.rows], next_key=found.next_key,
        is_first_page="after" not in request.GET,
    )  # fmt: skip
    return render(request, "flows/schemas/schemas.html", context)


@require_http_methods(["GET", "POST"])
@page(role=Role.EDITOR)
def new_schema(request: TenantRequest) -> HttpResponse:
    """Make a schema and its table; buttons add and move fields of the form before that."""
    return _form(request, None)


@require_http_methods(["GET"])
@page()
def schema_page(request: TenantRequest, schema_id: str) -> HttpResponse:
    """Show a schema: its columns, its first rows, who uses it."""
    assert request.tenant is not None
    schema = find_schema(request.tenant, parse_id(schema_id))
    context = page_context(
        request, title=schema.display_name, schema=schema, fields=list(schema.fields.all()),
        used_by=pipelines_of_schema(schema), **_rows(request, schema),
        crumbs=[{"title": CRUMBS, "link": reverse("schemas-page")}],
    )  # fmt: skip
    return render(request, "flows/schemas/schema.html", context)


def _rows(request: TenantRequest, schema: DataSchema) -> dict[str, Any]:
    assert request.tenant is not None
    try:
        total, rows = list_rows(tenant=request.tenant, schema_id=schema.pk, limit=ROWS_SHOWN, offset=0)
    except DomainError as refusal:
        return {"total": None, "sheet": Sheet([], []), "problem": refusal.message}
    names = [field.name for field in schema.fields.all()]
    return {"total": total, "sheet": sheet_of(rows, names)}


@require_http_methods(["GET", "POST"])
@page(role=Role.EDITOR)
def edit_schema(request: TenantRequest, schema_id: str) -> HttpResponse:
    """Change a schema's words and add columns to its table."""
    assert request.tenant is not None
    return _form(request, find_schema(request.tenant, parse_id(schema_id)))


def _form(request: TenantRequest, schema: DataSchema | None) -> HttpResponse:
    shape = schema_shape(is_new=schema is None)
    kept = {"displayName": schema.display_name, "description": schema.description} if schema else blank_schema()
    value: Any = read_typed(shape, request.POST.dict(), None) if request.method == "POST" else kept
    errors: dict[str, list[str]] = {}
    message = ""
    act = request.POST.get("act", "")
    if act == "save":
        errors = number_errors(value)
    if act == "save" and not errors:
        try:
            return _save(request, schema, value)
        except DomainError as refusal:
            added = 0 if schema is None else len(schema.fields.all())
            errors, message = {_control(path, added): texts for path, texts in refusal.fields.items()}, refusal.message
    value = act_on(shape, value, act)
    control = controls_of(shape, value, errors, Offers())
    wrong = [each for each in control.walk() if each.errors]
    context = page_context(
        request, title=f"Change {schema.display_name}" if schema else "New schema", schema=schema, control=control,
        wrong=wrong, message="" if wrong else message, crumbs=[{"title": CRUMBS, "link": reverse("schemas-page")}],
    )  # fmt: skip
    name = "_form" if request.headers.get("HX-Request") else "form"
    return render(request, f"flows/schemas/{name}.html", context, status=400 if errors or message else 200)


def _control(path: str, before: int) -> str:
    """Return the control of a service's path; `before` fields of the table stand before those of the form."""
    steps = path.replace("[", ".").replace("]", "").split(".")
    if steps[0] == "fields" and len(steps) > 1 and steps[1].isdigit():
        steps[1] = str(int(steps[1]) - before)
    return ".".join(steps)


def _save(request: TenantRequest, schema: DataSchema | None, typed: Any) -> HttpResponse:
    assert request.tenant is not None
    assert request.actor is not None
    who: dict[str, Any] = {"tenant": request.tenant, "actor": request.actor, "now": timezone.now()}
    values = values_of(typed)
    if schema is None:
        saved = create_schema(values=values, **who)
        messages.success(request, f"“{saved.display_name}” is made; its table is public.{saved.table_name}.")
    else:
        changes = {"description": "", **values, "fields": [{"name": each.name} for each in schema.fields.all()]}
        changes["fields"] += values["fields"]
        del changes["name"]
        saved = update_schema(schema_id=schema.pk, changes=changes, **who)
        messages.success(request, f"“{saved.display_name}” is saved.")
    address = reverse("schema-page", args=[saved.pk])
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return HttpResponseRedirect(address, status=303)


@require_http_methods(["POST"])
@page(role=Role.EDITOR)
def delete(request: TenantRequest, schema_id: str) -> HttpResponse:
    """Delete a schema and its table with all rows; one that pipelines use stays."""
    assert request.tenant is not None
    assert request.actor is not None
    schema = find_schema(request.tenant, parse_id(schema_id))
    try:
        delete_schema(tenant=request.tenant, schema_id=schema.pk, actor=request.actor, now=timezone.now())
    except Conflict as refusal:
        messages.warning(request, refusal.message)
        return HttpResponseRedirect(reverse("schema-page", args=[schema.pk]), status=303)
    messages.success(request, f"“{schema.display_name}” is deleted with its table.")
    return HttpResponseRedirect(reverse("schemas-page"), status=303)
