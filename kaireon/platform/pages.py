"""What every page shares: sign-in, tenant and role before the view, the Unfold frame, and error pages."""

import functools
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from kaireon.platform.envelope import json_error
from kaireon.platform.errors import DomainError
from kaireon.platform.site import site
from kaireon.platform.tenancy.middleware import TenantRequest
from kaireon.platform.tenancy.roles import Role

PageView = Callable[..., HttpResponse]


def page(
    *, role: Role = Role.VIEWER, write_role: Role | None = None
) -> Callable[[PageView], Callable[..., HttpResponse]]:
    """Require sign-in, a tenant and a role; `write_role` applies to POST.

    Inside the view `request.tenant` and `request.actor` are set. A DomainError that the view does not turn
    into a form error becomes an error page with its status.
    """

    def decorate(view: PageView) -> Callable[..., HttpResponse]:
        @never_cache
        @functools.wraps(view)
        def guarded(request: TenantRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return _sign_in_first(request)
            needed = write_role if write_role and request.method not in {"GET", "HEAD"} else role
            if request.tenant is None or request.actor is None:
                return error_page(request, 403, "You are not a member of any tenant", "Ask an administrator.")
            if not request.actor.role.allows(needed):
                return error_page(request, 403, f"This needs the role {needed}", f"You have {request.actor.role}.")
            try:
                return view(request, *args, **kwargs)
            except DomainError as error:
                return error_page(request, error.status, error.message, "Nothing was changed.")

        return guarded

    return decorate


def _sign_in_first(request: HttpRequest) -> HttpResponse:
    """Lead to the sign-in; a fragment's request moves the whole page there instead of showing it inside itself."""
    if request.headers.get("HX-Request"):
        here = urlsplit(request.headers.get("HX-Current-URL", "/"))
        query = urlencode({"next": here.path + (f"?{here.query}" if here.query else "")})
        return HttpResponse(status=204, headers={"HX-Redirect": f"{settings.LOGIN_URL}?{query}"})
    return HttpResponseRedirect(f"{settings.LOGIN_URL}?{urlencode({'next': request.get_full_path()})}")


def page_context(request: HttpRequest, *, title: str, subtitle: str = "", **more: Any) -> dict[str, Any]:
    """Return the context of a page inside the settings frame; templates extend `kaireon/page.html`."""
    tenant_request: Any = request
    return {
        **site.each_context(request),
        "title": title,
        "subtitle": subtitle,
        "tenant": tenant_request.tenant,
        "actor": tenant_request.actor,
        "memberships": tenant_request.memberships,
        "can_edit": bool(tenant_request.actor and tenant_request.actor.role.allows(Role.EDITOR)),
        "is_admin": bool(tenant_request.actor and tenant_request.actor.role.allows(Role.ADMIN)),
        **more,
    }


def error_page(request: HttpRequest, status: int, title: str, advice: str) -> HttpResponse:
    """Answer in the envelope for the API, with a page for people."""
    if request.path.startswith("/api/"):
        return json_error(request, status, title)
    context = {"title": title, "advice": advice, "status": status, "requestId": getattr(request, "request_id", "")}
    return render(request, "kaireon/error.html", context, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 400."""
    return error_page(request, 400, "The request cannot be read", "Go back and try again.")


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 403."""
    return error_page(request, 403, "You may not do this", "Ask an administrator of your tenant.")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 404."""
    return error_page(request, 404, "There is nothing here", "It may have been deleted, or belong to another tenant.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500."""
    return error_page(request, 500, "Something failed on our side", "It is logged; the request id helps to find it.")
