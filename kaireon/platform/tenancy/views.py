"""The API key page."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from kaireon.platform.api import parse_id
from kaireon.platform.errors import NotFound, Unprocessable
from kaireon.platform.pages import page, page_context
from kaireon.platform.tenancy.forms import ApiKeyForm
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.models import ApiKey
from kaireon.platform.tenancy.roles import Role
from kaireon.platform.tenancy.services import create_api_key, revoke_api_key

SHOWN = 200


@require_http_methods(["GET", "POST"])
@page(role=Role.ADMIN)
def api_keys(request: TenantRequest) -> HttpResponse:
    """List keys and make one; the new key is shown on this answer alone."""
    assert request.tenant is not None
    assert request.actor is not None
    form = ApiKeyForm(request.POST if request.method == "POST" else None)
    new_key, now = "", timezone.now()
    if request.method == "POST" and form.is_valid():
        lifetime = form.lifetime_delta()
        try:
            _, new_key = create_api_key(
                tenant=request.tenant, name=form.cleaned_data["name"], role=Role(form.cleaned_data["role"]),
                expires_at=now + lifetime if lifetime else None, actor=request.actor, now=now,
            )  # fmt: skip
            form = ApiKeyForm()
        except Unprocessable as error:
            form.add_error("name", error.message)
    keys = ApiKey.objects.for_tenant(request.tenant).order_by("revoked_at", "-created_at")[:SHOWN]
    context = page_context(request, title="API keys", form=form, keys=keys, new_key=new_key, now=now)
    return render(request, "tenancy/api_keys.html", context, status=400 if form.errors else 200)


@require_http_methods(["POST"])
@page(role=Role.ADMIN)
def revoke(request: TenantRequest, key_id: str) -> HttpResponse:
    """Revoke a key at once."""
    assert request.actor is not None
    key = ApiKey.objects.for_tenant(request.tenant).filter(pk=parse_id(key_id)).first()
    if key is None:
        raise NotFound("There is no such key.")
    revoke_api_key(key=key, actor=request.actor, now=timezone.now())
    messages.success(request, f"The key {key.name} is revoked.")
    return HttpResponseRedirect(reverse("api-keys-page"), status=303)
