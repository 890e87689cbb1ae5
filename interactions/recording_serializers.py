"""What the API's description says of respond and decisions; `interactions/decisions` reads the bodies themselves."""

from rest_framework import serializers

from interactions.decisions import Direction
from interactions.decisions.recordings import MOST_SELECTED
from kaireon.platform.fields import (
    StrictBooleanField,
    StrictCharField,
    StrictChoiceField,
    StrictDateTimeField,
    StrictFloatField,
    StrictIntegerField,
    StrictJSONField,
    StrictListField,
    StrictSerializer,
    StrictUUIDField,
)

KEY_HELP = "Names this call for ever: the same key again records nothing. Required here or as Idempotency-Key."
TIME_HELP = "When it happened; now by default, at most a day ahead."


def _optional(help_text: str = "") -> StrictCharField:
    return StrictCharField(required=False, allow_null=True, help_text=help_text)


class _FreeForm(StrictJSONField):
    """Any JSON object."""


class InteractionShape(StrictSerializer):
    """What respond takes."""

    customerId = StrictCharField(help_text="Also the event's key: events of one customer leave in order")  # noqa: N815
    outcome = StrictCharField(required=False, help_text="Required: a key of GET /api/v1/outcome-types")
    interactionType = _optional("Older name of outcome")  # noqa: N815
    idempotencyKey = _optional(KEY_HELP)  # noqa: N815
    recommendationId = _optional("Required with rank, unless creativeId is given")  # noqa: N815
    rank = StrictIntegerField(required=False, allow_null=True, min_value=1, help_text="Place in the list, from 1")
    creativeId = _optional("A known one resolves offer and channel")  # noqa: N815
    treatmentId = _optional("Older name of creativeId")  # noqa: N815
    interactionId = _optional("Taken from older callers; the id is given here")  # noqa: N815
    direction = StrictChoiceField(
        choices=list(Direction), required=False, allow_null=True,
        help_text="inbound by default, outbound for outcomes of the category impression",
    )  # fmt: skip
    offerId = _optional()  # noqa: N815
    channelId = _optional()  # noqa: N815
    placementId = _optional()  # noqa: N815
    outcomeDetails = _FreeForm(required=False, allow_null=True)  # noqa: N815
    conversionValue = StrictFloatField(  # noqa: N815
        required=False, allow_null=True, help_text="Six decimals are kept; also writes outcome.recorded"
    )
    timestamp = StrictDateTimeField(required=False, allow_null=True, help_text=TIME_HELP)
    attributes = _FreeForm(required=False, allow_null=True)

    def get_fields(self) -> dict[str, serializers.Field]:  # type: ignore[type-arg]
        """Add `context`, a name that a serializer keeps for itself."""
        return {**super().get_fields(), "context": _FreeForm(required=False, allow_null=True)}


class CountsShape(StrictSerializer):
    """How many offers were left after each step."""

    afterQualification = StrictIntegerField(min_value=0)  # noqa: N815
    afterContactPolicy = StrictIntegerField(min_value=0)  # noqa: N815
    finalCount = StrictIntegerField(min_value=0)  # noqa: N815


class SelectedShape(StrictSerializer):
    """An offer that was selected."""

    offerId = StrictCharField()  # noqa: N815
    creativeId = _optional()  # noqa: N815
    rank = StrictIntegerField(min_value=1)
    score = StrictFloatField(required=False, allow_null=True)


class DecisionShape(StrictSerializer):
    """What decisions takes."""

    customerId = StrictCharField(help_text="Also the event's key: events of one customer leave in order")  # noqa: N815
    idempotencyKey = _optional(KEY_HELP)  # noqa: N815
    recommendationId = _optional()  # noqa: N815
    channelId = _optional()  # noqa: N815
    placementId = _optional()  # noqa: N815
    counts = CountsShape()
    selected = StrictListField(child=SelectedShape(), max_length=MOST_SELECTED)
    totalLatencyMs = StrictFloatField(min_value=0)  # noqa: N815
    degradedScoring = StrictBooleanField(required=False, allow_null=True, help_text="false by default")  # noqa: N815
    statusCode = StrictIntegerField(  # noqa: N815
        required=False, allow_null=True, min_value=100, max_value=599, help_text="200 by default"
    )
    timestamp = StrictDateTimeField(required=False, allow_null=True, help_text=TIME_HELP)


class InteractionRecordedShape(StrictSerializer):
    """What respond answers."""

    interactionId = StrictUUIDField()  # noqa: N815
    eventId = StrictUUIDField(help_text="The id under which interaction.recorded.v1 leaves")  # noqa: N815
    status = serializers.ChoiceField(choices=["recorded"])


class InteractionRepeatedShape(InteractionRecordedShape):
    """What respond answers to a call that it has answered before."""

    duplicate = serializers.BooleanField()


class DecisionRecordedShape(StrictSerializer):
    """What decisions answers."""

    decisionId = StrictUUIDField()  # noqa: N815
    eventId = StrictUUIDField(help_text="The id under which decision.made.v1 leaves")  # noqa: N815
    status = serializers.ChoiceField(choices=["recorded"])


class DecisionRepeatedShape(DecisionRecordedShape):
    """What decisions answers to a call that it has answered before."""

    duplicate = serializers.BooleanField()
