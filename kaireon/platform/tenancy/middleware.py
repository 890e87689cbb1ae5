"""Resolve the tenant of a browser session; API keys bring their own."""

import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from kaireon.platform.tenancy.actors import Actor
from kaireon.platform.tenancy.models import Membership, Tenant, User
from kaireon.platform.tenancy.roles import Role
from kaireon.platform.tenancy.selectors import memberships_of

SESSION_KEY = "tenant_id"


class TenantRequest(HttpRequest):
    """A request with its tenant and actor resolved; both are None for a stranger."""

    tenant: Tenant | None
    actor: Actor | None
    memberships: list[Membership]


class CurrentTenantMiddleware:
    """Set `request.tenant`, `request.actor` and `request.memberships` from the session."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: TenantRequest) -> HttpResponse:
        """Resolve the membership that the switcher chose, or the first one."""
        request.tenant, request.actor, request.memberships = None, None, []
        if request.session.session_key is not None and request.user.is_authenticated:
            resolve_session(request, request.user)
        return self.get_response(request)


def resolve_session(request: TenantRequest, user: User) -> None:
    """Set tenant and actor from the user's memberships; a membership that was taken away counts at once."""
    request.memberships = memberships_of(user)
    chosen = request.session.get(SESSION_KEY, "")
    membership = next((row for row in request.memberships if str(row.tenant_id) == chosen), None)
    membership = membership or (request.memberships[0] if request.memberships else None)
    if membership is not None:
        request.tenant = membership.tenant
        request.actor = Actor(kind="user", name=user.email, role=Role(membership.role), user_id=user.pk)


def switch_tenant(request: TenantRequest, tenant_id: uuid.UUID) -> bool:
    """Remember the tenant that the user chose; False when they are not its member."""
    is_member = any(row.tenant_id == tenant_id for row in request.memberships)
    if is_member:
        request.session[SESSION_KEY] = str(tenant_id)
    return is_member
