"""Allow an API call by the role and scopes of who makes it."""

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from kaireon.platform.errors import Forbidden
from kaireon.platform.tenancy.actors import Actor
from kaireon.platform.tenancy.roles import Role


class HasTenantRole(BasePermission):
    """Require credentials (401), a tenant (403), the view's role (403), and for a restricted key its scope (403)."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Check in that order; the message says what is missing."""
        http_request: Any = request._request
        if not getattr(request.user, "is_authenticated", False):
            return False
        actor: Actor | None = getattr(http_request, "actor", None)
        if actor is None or http_request.tenant is None:
            raise Forbidden("No tenant: this user is a member of none.", code="NO_TENANT")
        require_permission(actor, view, str(request.method))
        return True


def require_permission(actor: Actor, view: Any, method: str) -> None:
    """Raise Forbidden unless the actor has the view's role for the method, and with a restricted key its scope."""
    is_read = method in SAFE_METHODS or getattr(view, "only_reads", False)
    required: Role = view.read_role if is_read else view.write_role_for(method)
    if not actor.role.allows(required):
        raise Forbidden(f"This needs the role {required}; you have {actor.role}.")
    if actor.scopes:
        wanted = {f"{view.scope}:read", f"{view.scope}:write"} if is_read else {f"{view.scope}:write"}
        if not wanted & set(actor.scopes):
            raise Forbidden(f"This key lacks the scope {view.scope}:{'read' if is_read else 'write'}.")
