"""The pages that stand above every subsystem: the overview and the tenant switcher."""

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods

from kaireon.platform.api import parse_id
from kaireon.platform.errors import NotFound
from kaireon.platform.pages import page, page_context
from kaireon.platform.tenancy.middleware import TenantRequest, switch_tenant


@require_http_methods(["GET"])
@page()
def overview(request: TenantRequest) -> HttpResponse:
    """Answer "is all well?" first."""
    return render(request, "kaireon/overview.html", page_context(request, title="Overview"))


@require_http_methods(["POST"])
@page()
def switch(request: TenantRequest) -> HttpResponse:
    """Work in another tenant of the user's; a tenant they are no member of is not found."""
    if not switch_tenant(request, parse_id(request.POST.get("tenant", ""))):
        raise NotFound("There is no such tenant for you.")
    target = request.POST.get("next", "/")
    is_ours = url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()})
    return HttpResponseRedirect(target if is_ours else "/")
