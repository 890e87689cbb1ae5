"""Limit requests per credential: an API key or a user. Strangers are refused before anything is counted."""

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from kaireon.platform.tenancy.models import ApiKey


class PerCredentialThrottle(SimpleRateThrottle):
    """Count in the cache: shared through Redis when REDIS_URL is set, per process otherwise."""

    scope = "credential"

    def get_cache_key(self, request: Request, view: Any) -> str:
        """Return the key under which this caller is counted."""
        if isinstance(request.auth, ApiKey):
            ident = f"key-{request.auth.pk}"
        elif getattr(request.user, "is_authenticated", False):
            ident = f"user-{request.user.pk}"
        else:
            ident = f"address-{self.get_ident(request)}"
        return f"throttle-{self.scope}-{ident}"
