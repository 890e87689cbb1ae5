"""Connectors: which is broken, then every one; make, change, test and delete one. Secrets never come into a page."""

import json
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from flows.decisions.connector_types import TYPES
from flows.decisions.vocabulary import ConnectorStatus, ConnectorType
from flows.forms.connectors import ConnectorForm, parts_of, place_refusal, typed_config, values_of
from flows.models import Connector
from flows.selectors.connectors import find_connector, list_connectors, pipelines_using
from flows.services.connection_tests import test_connector
from flows.services.connectors import create_connector, delete_connector, update_connector
from kaireon.platform.api import parse_id
from kaireon.platform.errors import Conflict, DomainError
from kaireon.platform.pages import page, page_context
from kaireon.platform.paging import newest_first
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.roles import Role

SHOWN: Final = 50
BROKEN_SHOWN: Final = 3
WRITES: Final = Role.EDITOR
CRUMBS: Final = "Connectors"


@require_http_methods(["GET"])
@page()
def connector_list(request: TenantRequest) -> HttpResponse:
    """Show which connectors failed their last test, then every one."""
    assert request.tenant is not None
    rows = list_connectors(request.tenant)
    found = newest_first(rows, after=request.GET.get("after", ""), limit=SHOWN)
    is_first_page = "after" not in request.GET
    broken = (
        rows.filter(status=ConnectorStatus.FAILED).order_by("-last_tested_at", "-pk") if is_first_page else rows.none()
    )
    context = page_context(
        request, title="Connectors", rows=[(row, _title(row), place_of(row)) for row in found.rows],
        next_key=found.next_key, is_first_page=is_first_page, broken=list(broken[:BROKEN_SHOWN]),
    )  # fmt: skip
    return render(request, "flows/connectors/connectors.html", context)


def _title(row: Connector) -> str:
    return TYPES[ConnectorType(row.type)].title


def place_of(row: Connector) -> str:
    """Return where a connector leads, in one line: nothing in its config is secret."""
    config = row.config
    for name in ("bucket", "container", "host", "url", "basePath", "bootstrapServers"):
        if config.get(name):
            port = f":{config['port']}" if name == "host" and config.get("port") else ""
            return f"{config[name]}{port}"
    return "any folder that the server allows" if row.type == ConnectorType.LOCAL_FS else ""


@require_http_methods(["GET", "POST"])
@page(role=WRITES)
def new_connector(request: TenantRequest) -> HttpResponse:
    """Make a connector."""
    return _edit(request, None)


@require_http_methods(["GET", "POST"])
@page(write_role=WRITES)
def connector_page(request: TenantRequest, connector_id: str) -> HttpResponse:
    """Show a connector with its last test; whoever may changes it here."""
    assert request.tenant is not None
    return _edit(request, find_connector(request.tenant, parse_id(connector_id)))


def _edit(request: TenantRequest, row: Connector | None) -> HttpResponse:
    assert request.tenant is not None
    data = request.POST if request.method == "POST" else None
    form = ConnectorForm(data, row=row)
    errors: dict[str, list[str]] = {}
    config: Any = dict(row.config) if row else {}
    if data is not None:
        config = typed_config(form, data, row.config if row else None)
        if form.is_valid():
            try:
                return _save(request, form, row)
            except DomainError as refusal:
                errors = place_refusal(form, refusal)
    parts = parts_of(form, config, errors)
    wrong = [
        control for part in parts for tree in (part.config, part.secret) for control in tree.walk() if control.errors
    ]
    known = {text for control in wrong for text in control.errors}
    context = page_context(
        request, title=row.name if row else "New connector", form=form, parts=parts, connector=row, wrong=wrong,
        unplaced=[text for texts in errors.values() for text in texts if text not in known],
        fields_wrong=[bound for bound in form if bound.errors],
        used_by=pipelines_using(request.tenant, row.pk) if row else [], type_title=_title(row) if row else "",
        crumbs=[{"title": CRUMBS, "link": reverse("connectors-page")}],
    )  # fmt: skip
    return render(request, "flows/connectors/form.html", context, status=400 if errors or form.errors else 200)


def _save(request: TenantRequest, form: ConnectorForm, row: Connector | None) -> HttpResponse:
    assert request.tenant is not None
    assert request.actor is not None
    who: dict[str, Any] = {"tenant": request.tenant, "actor": request.actor, "now": timezone.now()}
    values = values_of(form, request.POST)
    if row is None:
        saved = create_connector(values=values, **who)
        messages.success(request, f"“{saved.name}” is saved. Test it: nothing was asked of it yet.")
    else:
        saved = update_connector(connector_id=row.pk, changes=values, **who)
        messages.success(request, f"“{saved.name}” is saved.")
    return HttpResponseRedirect(reverse("connector-page", args=[saved.pk]), status=303)


@require_http_methods(["POST"])
@page(role=WRITES)
def test(request: TenantRequest, connector_id: str) -> HttpResponse:
    """Test a connector with what is saved of it, and say what was found."""
    assert request.tenant is not None
    assert request.actor is not None
    row = find_connector(request.tenant, parse_id(connector_id))
    tested = test_connector(tenant=request.tenant, connector_id=row.pk, actor=request.actor, now=timezone.now())
    if request.headers.get("HX-Request"):
        context = page_context(request, title="", connector=find_connector(request.tenant, row.pk), tested=tested)
        answer = render(request, "flows/connectors/_tested.html", context)
        tone = "good" if tested.status == ConnectorStatus.OK else "bad"
        answer["HX-Trigger"] = json.dumps({"k-say": {"text": f"“{row.name}”: {tested.message}", "tone": tone}})
        return answer
    level = messages.SUCCESS if tested.status == ConnectorStatus.OK else messages.ERROR
    messages.add_message(request, level, f"“{row.name}”: {tested.message}")
    return HttpResponseRedirect(reverse("connector-page", args=[row.pk]), status=303)


@require_http_methods(["POST"])
@page(role=WRITES)
def delete(request: TenantRequest, connector_id: str) -> HttpResponse:
    """Delete a connector with its secret; one that pipelines use stays."""
    assert request.tenant is not None
    assert request.actor is not None
    row = find_connector(request.tenant, parse_id(connector_id))
    try:
        delete_connector(tenant=request.tenant, connector_id=row.pk, actor=request.actor, now=timezone.now())
    except Conflict as refusal:
        messages.warning(request, refusal.message)
        return HttpResponseRedirect(reverse("connector-page", args=[row.pk]), status=303)
    messages.success(request, f"“{row.name}” is deleted with its credentials.")
    return HttpResponseRedirect(reverse("connectors-page"), status=303)
