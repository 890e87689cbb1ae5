"""Authenticate API requests by key or by browser session; either one brings the tenant."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from kaireon.platform.tenancy.actors import Actor
from kaireon.platform.tenancy.keys import PREFIX
from kaireon.platform.tenancy.models import ApiKey
from kaireon.platform.tenancy.roles import Role
from kaireon.platform.tenancy.selectors import find_live_key

LAST_USED_RESOLUTION = timedelta(minutes=1)


class KeyPrincipal:
    """What `request.user` is for an API key: authenticated, and not a person."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, key: ApiKey) -> None:
        self.key = key
        self.pk = key.pk


class ApiKeyAuthentication(BaseAuthentication):
    """Accept `X-API-Key: krn_…` or `Authorization: Bearer krn_…`; `X-Tenant-Id` is ignored."""

    def authenticate(self, request: Request) -> tuple[Any, ApiKey] | None:
        """Return the principal and key, or None when no key was sent; raise AuthenticationFailed for a bad one."""
        text = _sent_key(request)
        if text is None:
            return None
        now = timezone.now()
        key = find_live_key(text, now) if text.isascii() and "\0" not in text else None
        if key is None:
            raise AuthenticationFailed("The API key is unknown, revoked or expired.")
        if key.last_used_at is None or now - key.last_used_at > LAST_USED_RESOLUTION:
            ApiKey.objects.for_tenant(key.tenant_id).filter(pk=key.pk).update(last_used_at=now)
        http_request: Any = request._request
        http_request.tenant = key.tenant
        http_request.actor = Actor(
            kind="api_key", name=key.name, role=Role(key.role), api_key_id=key.pk, scopes=tuple(key.scopes),
            expires_at=key.expires_at,
        )  # fmt: skip
        return KeyPrincipal(key), key

    def authenticate_header(self, request: Request) -> str:
        """Make a missing credential a 401, not a 403."""
        return "Bearer"


class BrowserSessionAuthentication(SessionAuthentication):
    """Accept the browser's session; CSRF is enforced."""


def _sent_key(request: Request) -> str | None:
    header = request.headers.get("X-API-Key")
    if header:
        return header.strip()
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and credentials.strip().startswith(PREFIX):
        return credentials.strip()
    return None
