"""Whom a sign-in attempt is about, for the lock-out."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

# What the table of attempts holds; no user has a longer address.
LONGEST = 254


def typed_address(request: HttpRequest, credentials: Mapping[str, Any] | None) -> str:
    """Return the address as the user table knows it.

    Sign-in ignores case and surrounding space, so the lock-out must too: otherwise each spelling of one
    address would have its own five attempts.
    """
    typed = (credentials or request.POST).get("username", "")
    return str(typed or "").strip().lower()[:LONGEST]
