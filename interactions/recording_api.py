"""Respond and decisions: what happened, recorded once, with its event."""

from collections.abc import Callable
from typing import Final, TypeVar

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from interactions.decisions.body_fields import BodyImpossible, BodyRefused
from interactions.decisions.recordings import read_decision, read_interaction
from interactions.recording_serializers import (
    DecisionRecordedShape,
    DecisionRepeatedShape,
    DecisionShape,
    InteractionRecordedShape,
    InteractionRepeatedShape,
    InteractionShape,
)
from interactions.services import Recorded, record_decision, record_interaction
from kaireon.platform.direct import Answer, Call, DirectView
from kaireon.platform.errors import BadRequest, Unprocessable
from kaireon.platform.throttling import PerCredentialThrottle
from outbox.decisions.events import MAX_PAYLOAD_BYTES

KEY_HEADER: Final = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, description="In place of the field idempotencyKey"
)
RESPOND_EXAMPLE: Final = OpenApiExample(
    "A click",
    value={
        "customerId": "customer-1", "outcome": "click", "idempotencyKey": "0f9f2f44-click",
        "recommendationId": "rec-1", "rank": 1, "channelId": "web", "timestamp": "2026-01-31T08:00:00Z",
    },
    request_only=True,
)  # fmt: skip
DECISION_EXAMPLE: Final = OpenApiExample(
    "Two offers selected",
    value={
        "customerId": "customer-1", "idempotencyKey": "rec-1", "recommendationId": "rec-1", "channelId": "web",
        "counts": {"afterQualification": 12, "afterContactPolicy": 7, "finalCount": 2},
        "selected": [{"offerId": "offer-1", "rank": 1, "score": 0.82}, {"offerId": "offer-2", "rank": 2, "score": 0.4}],
        "totalLatencyMs": 38.5, "timestamp": "2026-01-31T08:00:00Z",
    },
    request_only=True,
)  # fmt: skip
Read = TypeVar("Read")


class RecordingThrottle(PerCredentialThrottle):
    """A rate of its own: one key of an engine records for all customers."""

    scope = "recording"


class RespondView(DirectView):
    """What a customer did."""

    scope = "respond"
    throttle_classes = [RecordingThrottle]

    @extend_schema(
        request=InteractionShape,
        parameters=[KEY_HEADER],
        examples=[RESPOND_EXAMPLE],
        responses={201: InteractionRecordedShape, 200: InteractionRepeatedShape},
    )
    def post(self, request: Request) -> Response:
        """Record an interaction and its event, both or neither; the same key and body again answers 200."""
        return self.by_session(request)

    def answer(self, call: Call) -> Answer:
        """Read the body and record it."""
        new = _read(
            lambda: read_interaction(
                call.body, header_key=_header_key(call), most_bytes=MAX_PAYLOAD_BYTES, now=call.now
            )
        )
        return _answer(
            "interactionId", record_interaction(tenant_id=call.tenant_id, key=call.key, new=new, now=call.now)
        )


class DecisionsView(DirectView):
    """What the engine decided."""

    scope = "decisions"
    throttle_classes = [RecordingThrottle]

    @extend_schema(
        request=DecisionShape,
        parameters=[KEY_HEADER],
        examples=[DECISION_EXAMPLE],
        responses={201: DecisionRecordedShape, 200: DecisionRepeatedShape},
    )
    def post(self, request: Request) -> Response:
        """Record a decision trace and its event, both or neither; the same key and body again answers 200."""
        return self.by_session(request)

    def answer(self, call: Call) -> Answer:
        """Read the body and record it."""
        new = _read(lambda: read_decision(call.body, header_key=_header_key(call), now=call.now))
        return _answer("decisionId", record_decision(tenant_id=call.tenant_id, key=call.key, new=new, now=call.now))


def _header_key(call: Call) -> str | None:
    # An empty header is how some clients say that they have none.
    return call.header("Idempotency-Key") or None


def _read(read: Callable[[], Read]) -> Read:
    try:
        return read()
    except BodyImpossible as refusal:
        raise Unprocessable(str(refusal), fields=refusal.fields) from None
    except BodyRefused as refusal:
        raise BadRequest(str(refusal), fields=refusal.fields) from None


def _answer(name: str, recorded: Recorded) -> Answer:
    body = {name: str(recorded.id), "eventId": str(recorded.event_id), "status": "recorded"}
    return Answer(200, {**body, "duplicate": True}) if recorded.is_duplicate else Answer(201, body)
