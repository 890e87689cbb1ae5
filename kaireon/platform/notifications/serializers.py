"""Wire shapes of destinations and deliveries; camelCase lives here only."""

from typing import Any

from rest_framework import serializers

from kaireon.platform.fields import (
    StrictBooleanField,
    StrictCharField,
    StrictDateTimeField,
    StrictIntegerField,
    StrictJSONField,
    StrictSerializer,
    StrictUUIDField,
    format_time,
)
from kaireon.platform.notifications.decisions import DestinationState, State
from kaireon.platform.notifications.models import MAX_NAME, Delivery, DeliveryAttempt, Destination
from kaireon.platform.notifications.selectors import DeliveryStory

SEVERITIES = ("info", "warning", "error", "critical")
STATE_CHOICES = [(state.value, state.value) for state in State]
DESTINATION_STATE_CHOICES = [(state.value, state.value) for state in DestinationState]
MAX_RECEIVERS = 50


class ProviderInput(StrictSerializer):
    """What creates a destination; `config` is checked by its kind."""

    kind = StrictCharField(max_length=50, help_text="slack, teams, webhook or ops_email")
    name = StrictCharField(max_length=MAX_NAME)
    config = StrictJSONField(help_text="By kind; see the list's `kinds`")
    enabled = StrictBooleanField(default=True)


class ProviderPatch(StrictSerializer):
    """What changes a destination; `config` is merged, null removes a key, the placeholder keeps a secret."""

    name = StrictCharField(max_length=MAX_NAME, required=False)
    config = StrictJSONField(required=False)
    enabled = StrictBooleanField(required=False)


class SendInput(StrictSerializer):
    """A message for some destinations."""

    providerIds = serializers.ListField(  # noqa: N815
        child=StrictUUIDField(), source="provider_ids", min_length=1, max_length=MAX_RECEIVERS
    )
    subject = StrictCharField(max_length=200)
    message = StrictCharField(max_length=10_000, multiline=True)
    severity = serializers.ChoiceField(choices=SEVERITIES, default="info")
    link = StrictCharField(max_length=2000, required=False, default="", allow_blank=True)
    extraPayload = StrictJSONField(source="extra_payload", required=False, default=dict)  # noqa: N815


class EmptyInput(StrictSerializer):
    """A call that says everything in its address."""


class CreatedProviderShape(StrictSerializer):
    """A destination without its config: the answer to its creation."""

    id = StrictUUIDField()
    kind = StrictCharField()
    name = StrictCharField()
    enabled = StrictBooleanField()
    createdAt = StrictDateTimeField()  # noqa: N815
    updatedAt = StrictDateTimeField()  # noqa: N815
    configSummary = StrictCharField(help_text="Host or recipients")  # noqa: N815
    state = serializers.ChoiceField(choices=DESTINATION_STATE_CHOICES)
    stateReason = StrictCharField(allow_blank=True)  # noqa: N815
    stateChangedAt = StrictDateTimeField()  # noqa: N815


class ProviderShape(CreatedProviderShape):
    """A destination; secrets in its config read as the placeholder."""

    config = serializers.DictField(child=StrictJSONField(allow_any=True))


class KindShape(StrictSerializer):
    """A kind of destination."""

    kind = StrictCharField()
    displayName = StrictCharField()  # noqa: N815


class ProviderListShape(StrictSerializer):
    """All destinations of the tenant, newest first, and the kinds there can be."""

    data = ProviderShape(many=True)  # type: ignore[assignment]
    kinds = KindShape(many=True)


class SendResultShape(StrictSerializer):
    """How a message to one destination went; `pending` waits for its next attempt."""

    providerId = StrictUUIDField()  # noqa: N815
    kind = StrictCharField(allow_blank=True)
    status = serializers.ChoiceField(choices=STATE_CHOICES)
    error = StrictCharField(allow_null=True)
    deliveryId = StrictUUIDField()  # noqa: N815
    attempts = StrictIntegerField()


class SendResultsShape(StrictSerializer):
    """One result for each destination, in the order of the request."""

    results = SendResultShape(many=True)


class DeliveryShape(StrictSerializer):
    """One line of the ledger."""

    id = StrictUUIDField()
    providerId = StrictUUIDField()  # noqa: N815
    kind = StrictCharField(allow_blank=True)
    providerName = StrictCharField(allow_blank=True)  # noqa: N815
    eventType = StrictCharField()  # noqa: N815
    subject = StrictCharField()
    status = serializers.ChoiceField(choices=STATE_CHOICES)
    error = StrictCharField(allow_null=True)
    statusCode = StrictIntegerField(allow_null=True)  # noqa: N815
    attempts = StrictIntegerField()
    nextAttemptAt = StrictDateTimeField(allow_null=True)  # noqa: N815
    digestId = StrictUUIDField(allow_null=True)  # noqa: N815
    resendOf = StrictUUIDField(allow_null=True)  # noqa: N815
    createdAt = StrictDateTimeField()  # noqa: N815
    finishedAt = StrictDateTimeField(allow_null=True)  # noqa: N815


class AttemptShape(StrictSerializer):
    """One try."""

    number = StrictIntegerField()
    startedAt = StrictDateTimeField()  # noqa: N815
    finishedAt = StrictDateTimeField()  # noqa: N815
    outcome = StrictCharField(help_text="delivered, retry, failed or unknown")
    statusCode = StrictIntegerField(allow_null=True)  # noqa: N815
    error = StrictCharField(allow_null=True)


class DeliveryDetailShape(DeliveryShape):
    """A delivery with what it said and every attempt."""

    message = StrictCharField(allow_blank=True)
    severity = StrictCharField()
    link = StrictCharField(allow_blank=True)
    data = serializers.DictField(child=StrictJSONField(allow_any=True))  # type: ignore[assignment]
    attemptLog = AttemptShape(many=True)  # noqa: N815
    resendIds = serializers.ListField(child=StrictUUIDField())  # noqa: N815
    foldedIds = serializers.ListField(child=StrictUUIDField())  # noqa: N815


def created_provider_json(row: Destination) -> dict[str, Any]:
    """Return a destination without its config."""
    return {
        "id": str(row.pk),
        "kind": row.kind,
        "name": row.name,
        "enabled": row.enabled,
        "createdAt": format_time(row.created_at),
        "updatedAt": format_time(row.updated_at),
        "configSummary": row.config_summary,
        "state": row.state,
        "stateReason": row.state_reason,
        "stateChangedAt": format_time(row.state_changed_at),
    }


def provider_json(row: Destination) -> dict[str, Any]:
    """Return a destination; its shown config holds no secret."""
    return {**created_provider_json(row), "config": row.shown_config}


def send_result_json(row: Delivery) -> dict[str, Any]:
    """Return how one delivery went."""
    return {
        "providerId": str(row.provider_id),
        "kind": row.provider_kind,
        "status": row.state,
        "error": row.error or None,
        "deliveryId": str(row.pk),
        "attempts": row.attempts,
    }


def delivery_json(row: Delivery) -> dict[str, Any]:
    """Return one line of the ledger."""
    return {
        "id": str(row.pk),
        "providerId": str(row.provider_id),
        "kind": row.provider_kind,
        "providerName": row.provider_name,
        "eventType": row.event_type,
        "subject": row.subject,
        "status": row.state,
        "error": row.error or None,
        "statusCode": row.status_code,
        "attempts": row.attempts,
        "nextAttemptAt": row.next_attempt_at and format_time(row.next_attempt_at),
        "digestId": row.digest_id and str(row.digest_id),
        "resendOf": row.resend_of_id and str(row.resend_of_id),
        "createdAt": format_time(row.created_at),
        "finishedAt": row.finished_at and format_time(row.finished_at),
    }


def story_json(story: DeliveryStory) -> dict[str, Any]:
    """Return a delivery with its message and attempts; artifacts stay in the ledger."""
    kept = story.delivery.message
    return {
        **delivery_json(story.delivery),
        "message": kept["message"],
        "severity": kept["severity"],
        "link": kept["link"],
        "data": kept["data"],
        "attemptLog": [_attempt_json(row) for row in story.attempts],
        "resendIds": [str(row.pk) for row in story.resends],
        "foldedIds": [str(row.pk) for row in story.folded],
    }


def _attempt_json(row: DeliveryAttempt) -> dict[str, Any]:
    return {
        "number": row.number,
        "startedAt": format_time(row.started_at),
        "finishedAt": format_time(row.finished_at),
        "outcome": row.outcome,
        "statusCode": row.status_code,
        "error": row.error or None,
    }
