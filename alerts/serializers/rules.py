"""Wire shapes of alert rules; the only place where their names are camelCase."""
# ruff: noqa: N815 - the wire's names

import re
import uuid
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from alerts.decisions import NoDataPolicy, Operator
from alerts.models import NO_DATA_POLICIES, OPERATORS, STATUSES, AlertRule, Incident
from kaireon.platform.fields import (
    StrictBooleanField,
    StrictCharField,
    StrictDateTimeField,
    StrictFloatField,
    StrictIntegerField,
    StrictSerializer,
    StrictUUIDField,
    check_text,
    format_time,
)

MAX_CHANNELS = 50
MAX_WINDOW_MINUTES = 7 * 24 * 60
MAX_COOLDOWN_MINUTES = 30 * 24 * 60
MAX_PENDING_MINUTES = 24 * 60
METRIC_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
LEGACY_TYPES = ("webhook", "email")


CHANNEL_SCHEMA = {
    "oneOf": [
        {"type": "string", "format": "uuid"},
        {
            "type": "object",
            "properties": {"providerId": {"type": "string", "format": "uuid"}},
            "required": ["providerId"],
            "additionalProperties": False,
        },
        {
            "type": "object",
            "properties": {
                "type": {"type": "string", "enum": list(LEGACY_TYPES)},
                "target": {"type": "string", "minLength": 1, "maxLength": 2048},
            },
            "required": ["type", "target"],
            "additionalProperties": False,
        },
    ]
}


@extend_schema_field(CHANNEL_SCHEMA)
class ChannelField(serializers.Field[Any, Any, Any, Any]):
    """One of the three documented shapes, kept as it was sent."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the channel; raise ValidationError for any other shape."""
        if isinstance(data, str):
            _require_uuid(data)
        elif isinstance(data, dict) and set(data) == {"providerId"}:
            _require_uuid(data["providerId"])
        elif isinstance(data, dict) and set(data) == {"type", "target"}:
            _require_legacy(data)
        else:
            raise serializers.ValidationError(
                'Must be a destination\'s UUID, {"providerId": UUID} or {"type": "webhook"|"email", "target": …}.'
            )
        return data

    def to_representation(self, value: Any) -> Any:
        """Return the channel as it was sent."""
        return value


def _require_uuid(text: Any) -> None:
    try:
        if isinstance(text, str) and len(text) == 36:
            uuid.UUID(text)
            return
    except ValueError:
        pass
    raise serializers.ValidationError("Must be a UUID.")


def _require_legacy(channel: dict[str, Any]) -> None:
    if channel["type"] not in LEGACY_TYPES:
        raise serializers.ValidationError({"type": ["Must be webhook or email."]})
    target = channel["target"]
    if not isinstance(target, str) or not 1 <= len(target) <= 2048:
        raise serializers.ValidationError({"target": ["Must be a string of 1 to 2048 characters."]})
    check_text(target)


class AlertRuleInput(StrictSerializer):
    """The body of POST and PUT; PUT is partial."""

    name = StrictCharField(max_length=120)
    metric = StrictCharField(max_length=64)
    operator = serializers.ChoiceField(choices=[item.value for item in Operator])
    threshold = StrictFloatField()
    windowMinutes = StrictIntegerField(
        source="window_minutes", required=False, min_value=1, max_value=MAX_WINDOW_MINUTES
    )
    channels = serializers.ListField(child=ChannelField(), max_length=MAX_CHANNELS)
    cooldownMinutes = StrictIntegerField(
        source="cooldown_minutes", required=False, min_value=0, max_value=MAX_COOLDOWN_MINUTES
    )
    enabled = StrictBooleanField(required=False)
    pendingMinutes = StrictIntegerField(
        source="pending_minutes", required=False, min_value=0, max_value=MAX_PENDING_MINUTES
    )
    noDataPolicy = serializers.ChoiceField(
        source="no_data_policy", required=False, choices=[item.value for item in NoDataPolicy]
    )
    notifyResolved = StrictBooleanField(source="notify_resolved", required=False)

    def validate_metric(self, metric: str) -> str:
        """Require a name that a metric can have; whether one has it shows as `unsupported_metric`."""
        if not METRIC_NAME.fullmatch(metric):
            raise serializers.ValidationError("Must be a metric's name: lower case letters, digits and underscores.")
        return metric


class MuteInput(StrictSerializer):
    """The body of mute; `until: null` ends it."""

    until = StrictDateTimeField(allow_null=True)


class AlertRuleShape(StrictSerializer):
    """A rule: the documented keys in the documented order, then ours."""

    id = StrictUUIDField()
    tenantId = StrictUUIDField()
    name = StrictCharField()
    metric = StrictCharField()
    operator = serializers.ChoiceField(choices=OPERATORS)
    threshold = StrictFloatField()
    windowMinutes = StrictIntegerField()
    channels = serializers.ListField(child=ChannelField())
    cooldownMinutes = StrictIntegerField()
    enabled = StrictBooleanField()
    lastFiredAt = StrictDateTimeField(allow_null=True)
    status = serializers.ChoiceField(choices=STATUSES)
    createdAt = StrictDateTimeField()
    updatedAt = StrictDateTimeField()
    pendingMinutes = StrictIntegerField()
    noDataPolicy = serializers.ChoiceField(choices=NO_DATA_POLICIES)
    notifyResolved = StrictBooleanField()
    mutedUntil = StrictDateTimeField(allow_null=True)
    lastEvaluatedAt = StrictDateTimeField(allow_null=True)
    lastObserved = StrictFloatField(allow_null=True)


class IncidentShape(StrictSerializer):
    """The incident that was acknowledged."""

    ruleId = StrictUUIDField()
    incidentId = StrictUUIDField()
    openedAt = StrictDateTimeField()
    acknowledgedAt = StrictDateTimeField()
    acknowledgedBy = StrictCharField()


def rule_json(rule: AlertRule) -> dict[str, Any]:
    """Return a rule as it is read; channels as they were sent."""
    return {
        "id": str(rule.pk),
        "tenantId": str(rule.tenant_id),
        "name": rule.name,
        "metric": rule.metric,
        "operator": rule.operator,
        "threshold": rule.threshold,
        "windowMinutes": rule.window_minutes,
        "channels": rule.channels,
        "cooldownMinutes": rule.cooldown_minutes,
        "enabled": rule.enabled,
        "lastFiredAt": rule.last_fired_at and format_time(rule.last_fired_at),
        "status": rule.status,
        "createdAt": format_time(rule.created_at),
        "updatedAt": format_time(rule.updated_at),
        "pendingMinutes": rule.pending_minutes,
        "noDataPolicy": rule.no_data_policy,
        "notifyResolved": rule.notify_resolved,
        "mutedUntil": rule.muted_until and format_time(rule.muted_until),
        "lastEvaluatedAt": rule.last_evaluated_at and format_time(rule.last_evaluated_at),
        "lastObserved": rule.last_observed,
    }


def incident_json(incident: Incident) -> dict[str, Any]:
    """Return an acknowledged incident."""
    assert incident.acknowledged_at is not None
    return {
        "ruleId": str(incident.rule_id),
        "incidentId": str(incident.pk),
        "openedAt": format_time(incident.opened_at),
        "acknowledgedAt": format_time(incident.acknowledged_at),
        "acknowledgedBy": incident.acknowledged_by,
    }
