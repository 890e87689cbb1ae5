"""The secrets of a pipeline's push endpoint, as its Triggers tab shows them."""

import uuid
from datetime import datetime
from typing import Any, Final

from kaireon.platform.tenancy.middleware import TenantRequest
from triggers.models import TriggerSecret
from triggers.selectors.secrets import secrets_of
from triggers.services.secrets import LONGEST_OVERLAP_HOURS, OVERLAP_HOURS

SHOWN: Final = 20
HOURS: Final = (
    (0, "stops at once"), (1, "works for another hour"), (OVERLAP_HOURS, "works for another day"),
    (LONGEST_OVERLAP_HOURS, "works for another week"),
)  # fmt: skip


def secret_context(request: TenantRequest, pipeline_id: uuid.UUID, now: datetime) -> dict[str, Any]:
    """Return the secrets with their states, newest first, and what the push endpoint is called."""
    assert request.tenant is not None
    rows = secrets_of(request.tenant, pipeline_id).order_by("-created_at", "-pk")[:SHOWN]
    return {
        "secrets": [(row, secret_state(row, now)) for row in rows], "overlaps": HOURS, "overlap": OVERLAP_HOURS,
        "push_address": request.build_absolute_uri("/api/v1/triggers/file-arrival"),
    }  # fmt: skip


def secret_state(row: TriggerSecret, now: datetime) -> str:
    """Return the word of the badges for a secret."""
    if row.revoked_at is not None:
        return "revoked"
    if row.expires_at is not None:
        return "expired" if row.expires_at <= now else "secret_leaving"
    return "active"
