"""Wire shapes of trigger secrets; the only place where their names are camelCase."""
# ruff: noqa: N815 - the wire's names

from datetime import datetime
from typing import Any

from rest_framework import serializers

from kaireon.platform.fields import (
    StrictCharField,
    StrictDateTimeField,
    StrictIntegerField,
    StrictSerializer,
    StrictUUIDField,
    format_time,
)
from triggers.models import TriggerSecret
from triggers.services.secrets import LONGEST_OVERLAP_HOURS, OVERLAP_HOURS

STATES = ["live", "rotated", "expired", "revoked"]


class TriggerSecretInput(StrictSerializer):
    """What makes a secret: a name that tells who has it, or nothing."""

    name = StrictCharField(max_length=120, required=False, allow_blank=True, default="")


class RotateInput(StrictSerializer):
    """How long the old secret works beside the new one."""

    overlapHours = StrictIntegerField(
        source="overlap_hours", required=False, default=OVERLAP_HOURS,
        help_text=f"0 to {LONGEST_OVERLAP_HOURS}; {OVERLAP_HOURS} unless given",
    )  # fmt: skip


class TriggerSecretShape(StrictSerializer):
    """A secret as it is listed: its first characters, never the secret. `rotated` works until `expiresAt`."""

    id = StrictUUIDField()
    pipelineId = StrictUUIDField()
    name = StrictCharField(allow_blank=True)
    prefix = StrictCharField(help_text="The first characters, to tell secrets apart")
    state = serializers.ChoiceField(choices=STATES)
    createdBy = StrictCharField(allow_blank=True)
    createdAt = StrictDateTimeField()
    expiresAt = StrictDateTimeField(allow_null=True)
    revokedAt = StrictDateTimeField(allow_null=True)
    lastUsedAt = StrictDateTimeField(allow_null=True)
    rotatedTo = StrictUUIDField(allow_null=True)


class MadeTriggerSecretShape(TriggerSecretShape):
    """A secret just made: the only answer that holds it."""

    secret = StrictCharField(help_text="Shown once")


def secret_json(row: TriggerSecret, *, now: datetime) -> dict[str, Any]:
    """Return a secret as it is listed."""
    return {
        "id": str(row.pk),
        "pipelineId": str(row.pipeline_id),
        "name": row.name,
        "prefix": row.prefix,
        "state": _state(row, now),
        "createdBy": row.created_by,
        "createdAt": format_time(row.created_at),
        "expiresAt": row.expires_at and format_time(row.expires_at),
        "revokedAt": row.revoked_at and format_time(row.revoked_at),
        "lastUsedAt": row.last_used_at and format_time(row.last_used_at),
        "rotatedTo": row.rotated_to_id and str(row.rotated_to_id),
    }


def _state(row: TriggerSecret, now: datetime) -> str:
    if row.revoked_at is not None:
        return "revoked"
    if row.expires_at is not None and row.expires_at <= now:
        return "expired"
    return "live" if row.rotated_to_id is None else "rotated"
