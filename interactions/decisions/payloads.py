"""The payloads of recorded events as JSON text: documented keys, absent values null.

The offer and the channel of an interaction are known only when its creative has been looked up, inside the statement
that writes: so its payload comes in three parts, and the two ids go between them.
"""

import json
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from interactions.decisions.recordings import NewDecision, NewInteraction


class InteractionPayload(NamedTuple):
    """The parts around the ids of offer and channel; `outcome_tail` ends the outcome event's payload instead."""

    head: str
    middle: str
    tail: str
    outcome_tail: str


def interaction_payload(new: NewInteraction, *, tenant_id: UUID, interaction_id: UUID) -> InteractionPayload:
    """Return the payload of `interaction.recorded.v1`, and of `outcome.recorded` for a conversion."""
    outcome = _quoted(new.outcome)
    # `interactionType` is the older name of the outcome and still stands beside the newer one.
    tail = (
        f',"interactionType":{outcome},"outcomeTypeKey":{outcome},"campaignId":null,'
        f'"recommendationId":{_quoted(new.recommendation_id)},"timestamp":"{_time(new.occurred_at)}",'
        f'"interactionId":"{interaction_id}"'
    )
    value, details = _amount(new.conversion_value), new.outcome_details or "null"
    return InteractionPayload(
        head=f'{{"tenantId":"{tenant_id}","customerId":{_quoted(new.customer_id)},"offerId":',
        middle=f',"creativeId":{_quoted(new.creative_id)},"channelId":',
        tail=f"{tail}}}",
        outcome_tail=f'{tail},"conversionValue":{value},"outcomeDetails":{details}}}',
    )


def decision_payload(new: NewDecision, *, tenant_id: UUID, decision_id: UUID) -> str:
    """Return the payload of `decision.made.v1`; the engine's flow is not known here."""
    return _encode(
        {
            "tenantId": str(tenant_id),
            "customerId": new.customer_id,
            "recommendationId": new.recommendation_id,
            "offersReturned": new.selected_count,
            "topOfferId": new.top_offer_id,
            "topPropensity": new.top_score,
            "decisionFlowKey": None,
            "timestamp": _time(new.occurred_at),
            "decisionId": str(decision_id),
        }
    )


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def _quoted(text: str | None) -> str:
    return "null" if text is None else _encode(text)


def _amount(value: Decimal | None) -> str:
    # As a plain number without the zeros that the column adds: 49.9, not 49.900000 and never 5E+1.
    if value is None:
        return "null"
    return format(value, "f").rstrip("0").rstrip(".")


def _time(moment: datetime) -> str:
    """Return ISO 8601 in UTC with milliseconds and `Z`, as every time on the wire."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
