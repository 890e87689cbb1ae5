"""Wire shapes of system health."""

from typing import Any

from rest_framework import serializers

from kaireon.platform.fields import (
    StrictBooleanField,
    StrictCharField,
    StrictDateTimeField,
    StrictSerializer,
    StrictUUIDField,
    format_time,
)
from kaireon.platform.health.decisions import Severity, Source
from kaireon.platform.schema import PaginationSerializer


class NothingInput(StrictSerializer):
    """A body without fields: an empty object, or none at all."""


class PinInput(StrictSerializer):
    """Pin or unpin."""

    pinned = StrictBooleanField()


class HealthAlertShape(serializers.Serializer[Any]):
    """One alert; `userId` is null when it is for everybody."""

    id = StrictUUIDField()
    tenantId = StrictUUIDField()  # noqa: N815
    userId = StrictUUIDField(allow_null=True)  # noqa: N815
    severity = serializers.ChoiceField(choices=[severity.value for severity in Severity])
    source = serializers.ChoiceField(choices=[source.value for source in Source])  # type: ignore[assignment]
    title = StrictCharField()
    message = StrictCharField(allow_blank=True, max_length=None)
    link = StrictCharField(allow_blank=True, max_length=None)
    metadata = serializers.DictField()
    pinned = StrictBooleanField()
    createdAt = StrictDateTimeField()  # noqa: N815
    read = StrictBooleanField(help_text="By you; always false for an API key")
    occurrences = serializers.IntegerField(help_text="How often it was raised while open")
    lastRaisedAt = StrictDateTimeField()  # noqa: N815
    resolvedAt = StrictDateTimeField(allow_null=True)  # noqa: N815
    resolvedBy = StrictCharField(allow_null=True)  # noqa: N815


class HealthPageShape(serializers.Serializer[Any]):
    """A page of alerts, with the words that the filters understand."""

    data = HealthAlertShape(many=True)  # type: ignore[assignment]
    pagination = PaginationSerializer()
    sources = serializers.ListField(child=serializers.CharField())
    severities = serializers.ListField(child=serializers.CharField())


class ReadAllShape(serializers.Serializer[Any]):
    """How many were unread."""

    updated = serializers.IntegerField()


def health_alert_json(row: Any) -> dict[str, Any]:
    """Return an alert that `visible_alerts` found, as the wire has it."""
    return {
        "id": str(row.pk),
        "tenantId": str(row.tenant_id),
        "userId": str(row.user_id) if row.user_id else None,
        "severity": row.severity,
        "source": row.source,
        "title": row.title,
        "message": row.message,
        "link": row.link,
        "metadata": row.metadata,
        "pinned": row.pinned,
        "createdAt": format_time(row.created_at),
        "read": row.is_read,
        "occurrences": row.occurrences,
        "lastRaisedAt": format_time(row.last_raised_at),
        "resolvedAt": row.resolved_at and format_time(row.resolved_at),
        "resolvedBy": row.resolved_by or None,
    }
