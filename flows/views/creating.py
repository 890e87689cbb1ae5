"""Make a pipeline from a connector and a schema, and change what stands beside its versions."""

from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from flows.forms.pipelines import (
    FIELDS_OF_PATHS,
    NewPipelineForm,
    PipelineSettingsForm,
    folder_of,
    slug_of,
    store_of,
)
from flows.ir.starter import starter_ir
from flows.models import Connector, DataSchema, Pipeline
from flows.selectors.connectors import list_connectors
from flows.selectors.overview import find_pipeline_page, schemas_of
from flows.services.pipelines import create_pipeline, update_pipeline
from kaireon.platform.api import parse_id
from kaireon.platform.errors import DomainError
from kaireon.platform.forms import add_refusal
from kaireon.platform.pages import page, page_context
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.roles import Role

MOST_OFFERED: Final = 500


@require_http_methods(["GET", "POST"])
@page(role=Role.EDITOR)
def new_pipeline(request: TenantRequest) -> HttpResponse:
    """Ask for a name, a connector and a schema; make the pipeline with a starter IR and open its editor."""
    connectors, schemas = _choices(request)
    data = request.POST if request.method == "POST" else None
    form = NewPipelineForm(data, connectors=connectors, schemas=schemas)
    if data is not None and form.is_valid():
        try:
            return _made(request, form)
        except DomainError as refusal:
            add_refusal(form, refusal, FIELDS_OF_PATHS)
    context = page_context(
        request, title="New pipeline", form=form, has_schemas=bool(schemas),
        crumbs=[{"title": "Flow pipelines", "link": reverse("flow-pipelines-page")}],
    )  # fmt: skip
    name = "_new" if request.headers.get("HX-Request") else "new"
    return render(request, f"flows/pipelines/{name}.html", context, status=400 if form.errors else 200)


def _choices(request: TenantRequest) -> tuple[list[Connector], list[DataSchema]]:
    assert request.tenant is not None
    connectors = list(list_connectors(request.tenant).order_by("name")[:MOST_OFFERED])
    return connectors, list(schemas_of(request.tenant).order_by("display_name")[:MOST_OFFERED])


def _made(request: TenantRequest, form: NewPipelineForm) -> HttpResponse:
    assert request.tenant is not None
    assert request.actor is not None
    name, connector, schema = form.cleaned_data["name"], form.chosen_connector(), form.chosen_schema()
    assert schema is not None
    kind: Any = store_of(connector)
    ir = starter_ir(
        name=name, slug=slug_of(name), connector=kind, path=folder_of(connector), pattern="*.csv", format="csv",
        table=f"public.{schema.table_name}",
    )  # fmt: skip
    values = {
        "name": name, "ir": ir, "connector_id": connector.pk if connector else None, "data_schema_id": schema.pk,
        "comment": "Starter",
    }  # fmt: skip
    made = create_pipeline(tenant=request.tenant, values=values, actor=request.actor, now=timezone.now())
    messages.success(request, f"“{made.name}” is made, with a source and a target to begin with.")
    return _go_to(request, made)


@require_http_methods(["GET", "POST"])
@page(role=Role.EDITOR)
def settings(request: TenantRequest, pipeline_id: str) -> HttpResponse:
    """Change name, description, connector and schema of a pipeline."""
    assert request.tenant is not None
    assert request.actor is not None
    pipeline = find_pipeline_page(request.tenant, parse_id(pipeline_id))
    connectors, schemas = _choices(request)
    data = request.POST if request.method == "POST" else None
    form = PipelineSettingsForm(data, pipeline=pipeline, connectors=connectors, schemas=schemas)
    if data is not None and form.is_valid():
        try:
            saved = update_pipeline(
                tenant=request.tenant, pipeline_id=pipeline.pk, changes=form.changes(), actor=request.actor,
                now=timezone.now(),
            )  # fmt: skip
            messages.success(request, f"“{saved.name}” is saved.")
            return _go_to(request, saved)
        except DomainError as refusal:
            add_refusal(form, refusal, FIELDS_OF_PATHS)
    context = page_context(
        request, title=pipeline.name, form=form, pipeline=pipeline,
        crumbs=[{"title": "Flow pipelines", "link": reverse("flow-pipelines-page")}],
    )  # fmt: skip
    name = "_settings" if request.headers.get("HX-Request") else "settings"
    return render(request, f"flows/pipelines/{name}.html", context, status=400 if form.errors else 200)


def _go_to(request: TenantRequest, pipeline: Pipeline) -> HttpResponse:
    address = reverse("flow-pipeline-page", args=[pipeline.pk])
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return HttpResponseRedirect(address, status=303)
