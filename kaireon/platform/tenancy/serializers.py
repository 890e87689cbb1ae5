"""Wire shapes of API keys and tenants."""

from typing import Any

from rest_framework import serializers

from kaireon.platform.fields import (
    StrictCharField,
    StrictChoiceField,
    StrictDateTimeField,
    StrictListField,
    StrictSerializer,
    StrictUUIDField,
    format_time,
)
from kaireon.platform.tenancy.models import ApiKey
from kaireon.platform.tenancy.roles import ROLE_CHOICES, Role

SCOPE_PATTERN = r"^[a-z][a-z-]{0,40}:(read|write)\Z"


class ApiKeyInput(StrictSerializer):
    """What creates a key; no scopes mean everything that the role allows."""

    name = StrictCharField(max_length=120)
    role = StrictChoiceField(choices=ROLE_CHOICES, default=Role.VIEWER.value)
    scopes = StrictListField(child=serializers.RegexField(SCOPE_PATTERN, max_length=60), default=list, max_length=50)
    expiresAt = StrictDateTimeField(source="expires_at", required=False, allow_null=True)  # noqa: N815


class ApiKeyShape(StrictSerializer):
    """A key as it is listed: the prefix, never the key."""

    id = StrictUUIDField()
    name = StrictCharField()
    prefix = StrictCharField(help_text="The first characters, to tell keys apart")
    role = serializers.ChoiceField(choices=ROLE_CHOICES)
    scopes = serializers.ListField(child=serializers.CharField())
    expiresAt = StrictDateTimeField(allow_null=True)  # noqa: N815
    revokedAt = StrictDateTimeField(allow_null=True)  # noqa: N815
    lastUsedAt = StrictDateTimeField(allow_null=True)  # noqa: N815
    createdAt = StrictDateTimeField()  # noqa: N815


class CreatedApiKeyShape(ApiKeyShape):
    """A key just made: the only answer that holds it."""

    key = StrictCharField(help_text="Shown once")


class TenantStatusShape(StrictSerializer):
    """The tenant that the caller's credentials lead to."""

    tenantId = StrictUUIDField()  # noqa: N815
    name = StrictCharField()
    slug = StrictCharField()
    timezone = StrictCharField()
    role = serializers.ChoiceField(choices=ROLE_CHOICES)


def api_key_json(row: ApiKey) -> dict[str, Any]:
    """Return a key as it is listed."""
    return {
        "id": str(row.pk),
        "name": row.name,
        "prefix": row.prefix,
        "role": row.role,
        "scopes": row.scopes,
        "expiresAt": row.expires_at and format_time(row.expires_at),
        "revokedAt": row.revoked_at and format_time(row.revoked_at),
        "lastUsedAt": row.last_used_at and format_time(row.last_used_at),
        "createdAt": format_time(row.created_at),
    }
