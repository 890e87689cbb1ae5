"""Authenticate API requests by key or by browser session; either one brings the tenant."""

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest
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
        text = sent_key(request._request)
        if text is None:
            return None
        key = require_live_key(text, timezone.now())
        http_request: Any = request._request
        http_request.tenant = key.tenant
        http_request.actor = actor_of(key)
        return KeyPrincipal(key), key

    def authenticate_header(self, request: Request) -> str:
        """Make a missing credential a 401, not a 403."""
        return "Bearer"


class BrowserSessionAuthentication(SessionAuthentication):
    """Accept the browser's session; CSRF is enforced."""


def sent_key(request: HttpRequest) -> str | None:
    """Return the API key that a request carries, in either header, or None."""
    header: str = request.META.get("HTTP_X_API_KEY", "")
    if header:
        return header.strip()
    scheme, _, credentials = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() == "bearer" and credentials.strip().startswith(PREFIX):
        return str(credentials.strip())
    return None


def require_live_key(text: str, now: datetime) -> ApiKey:
    """Return the key's row with its tenant, and note that it is used; raise AuthenticationFailed unless it is live."""
    key = find_live_key(text, now) if text.isascii() and "\0" not in text else None
    if key is None:
        refusal = AuthenticationFailed("The API key is unknown, revoked or expired.")
        refusal.auth_header = "Bearer"  # type: ignore[attr-defined] # DRF sets it in its views; others need it too
        raise refusal
    if key.last_used_at is None or now - key.last_used_at > LAST_USED_RESOLUTION:
        ApiKey.objects.for_tenant(key.tenant_id).filter(pk=key.pk).update(last_used_at=now)
    return key


def actor_of(key: ApiKey) -> Actor:
    """Return who acts with a key."""
    return Actor(
        kind="api_key", name=key.name, role=Role(key.role), api_key_id=key.pk, scopes=tuple(key.scopes),
        expires_at=key.expires_at,
    )  # fmt: skip
