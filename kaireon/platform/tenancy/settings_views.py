"""The guardrails page: what is used of each cap, and the form that changes them."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from kaireon.platform.pages import page, page_context
from kaireon.platform.tenancy.guardrails import guardrails_of, usage_of
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.roles import Role
from kaireon.platform.tenancy.settings_forms import GuardrailsForm
from kaireon.platform.tenancy.settings_services import update_tenant_settings


@require_http_methods(["GET", "POST"])
@page(write_role=Role.ADMIN)
def guardrails(request: TenantRequest) -> HttpResponse:
    """Show usage against caps, the fullest first; admins change caps, and what was typed stays on an error."""
    assert request.tenant is not None
    assert request.actor is not None
    initial = guardrails_of(request.tenant).model_dump(by_alias=True)
    form = GuardrailsForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        update_tenant_settings(tenant=request.tenant, patch=form.patch(), actor=request.actor, now=timezone.now())
        messages.success(request, "The guardrails are saved.")
        return HttpResponseRedirect(reverse("guardrails-page"), status=303)
    usage = sorted(usage_of(request.tenant), key=lambda item: -item.percent)
    context = page_context(request, title="Guardrails", form=form, usage=usage)
    return render(request, "tenancy/guardrails.html", context, status=400 if form.errors else 200)
