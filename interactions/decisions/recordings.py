"""What is asked to be recorded, read from a body: an interaction (respond) or a decision of the engine.

Ids of offers, creatives, channels, placements and recommendations are the customer's own opaque text. Sources: the wire
contract §7 and the documented respond route with its older names.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from interactions.decisions.body_fields import (
    REQUIRED,
    BodyImpossible,
    BodyRefused,
    Reader,
    one_of,
    read_amount,
    read_duration,
    read_fields,
    read_flag,
    read_id,
    read_items,
    read_number,
    read_object,
    read_part,
    read_time,
    whole_number,
)
from interactions.decisions.outcomes import Direction

CONVERT: Final = "convert"
# A clock may be wrong by a time zone; what is further ahead is a mistake that metrics would show for years.
MAX_AHEAD: Final = timedelta(days=1)
MOST_SELECTED: Final = 1000
FREE_FORM: Final = ("context", "outcomeDetails", "attributes")
# The outcome event carries the details beside ids that may need six bytes a character.
FREE_FORM_RESERVE: Final = 16 * 1024
OLDER_NAMES: Final = {"interactionType": "outcome", "treatmentId": "creativeId"}

_INTERACTION: Final[Mapping[str, Reader]] = {
    "customerId": read_id, "outcome": read_id, "interactionType": read_id, "idempotencyKey": read_id,
    "recommendationId": read_id, "rank": whole_number(1), "creativeId": read_id, "treatmentId": read_id,
    "interactionId": read_id, "direction": one_of(*Direction), "offerId": read_id, "channelId": read_id,
    "placementId": read_id, "context": read_object, "outcomeDetails": read_object, "attributes": read_object,
    "conversionValue": read_amount, "timestamp": read_time,
}  # fmt: skip
_COUNTS: Final = {name: whole_number(0) for name in ("afterQualification", "afterContactPolicy", "finalCount")}
_SELECTED: Final[Mapping[str, Reader]] = {
    "offerId": read_id, "creativeId": read_id, "rank": whole_number(1), "score": read_number,
}  # fmt: skip
_DECISION: Final[Mapping[str, Reader]] = {
    "customerId": read_id, "idempotencyKey": read_id, "recommendationId": read_id, "channelId": read_id,
    "placementId": read_id, "counts": read_part(_COUNTS, tuple(_COUNTS)),
    "selected": read_items(read_part(_SELECTED, ("offerId", "rank")), MOST_SELECTED),
    "totalLatencyMs": read_duration, "degradedScoring": read_flag, "statusCode": whole_number(100, 599),
    "timestamp": read_time,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewInteraction:
    """An interaction that may be recorded; what is None was not told.

    `outcome_field` is the name under which the outcome was told, for whoever refuses it.
    """

    idempotency_key: str
    request_hash: bytes
    customer_id: str
    outcome: str
    occurred_at: datetime
    direction: str | None
    recommendation_id: str | None
    rank: int | None
    creative_id: str | None
    offer_id: str | None
    channel_id: str | None
    placement_id: str | None
    conversion_value: Decimal | None
    context: str | None
    outcome_details: str | None
    attributes: str | None
    outcome_field: str = "outcome"

    @property
    def is_conversion(self) -> bool:
        """Tell whether this is also an outcome of its own: a conversion, or anything that brought a value."""
        return self.outcome == CONVERT or self.conversion_value is not None


@dataclass(frozen=True, slots=True)
class NewDecision:
    """A decision that may be recorded; `selected` is JSON text."""

    idempotency_key: str
    request_hash: bytes
    customer_id: str
    occurred_at: datetime
    recommendation_id: str | None
    channel_id: str | None
    placement_id: str | None
    after_qualification: int
    after_contact_policy: int
    final_count: int
    selected: str
    selected_count: int
    top_offer_id: str | None
    top_score: float | None
    total_latency_ms: float
    degraded_scoring: bool
    status_code: int


def read_interaction(body: Any, *, header_key: str | None, most_bytes: int, now: datetime) -> NewInteraction:
    """Read the body of respond. Raises BodyRefused (400), or BodyImpossible (422), that names the fields."""
    values = read_fields(body, _INTERACTION, ("customerId",))
    told_as = _use_older_names(values)
    if "outcome" not in values:
        raise BodyRefused({name: [REQUIRED] for name in _told_empty(body, "outcome") or ("outcome",)})
    key = _take_key(values, header_key)
    _require_subject(values, _told_empty(body, "creativeId"))
    texts = {name: _json_text(values[name]) if name in values else None for name in FREE_FORM}
    _require_room(texts, most_bytes)
    get = values.get
    return NewInteraction(
        idempotency_key=key, request_hash=_hash(values), customer_id=values["customerId"], outcome=values["outcome"],
        occurred_at=_occurred_at(values, now), direction=get("direction"), recommendation_id=get("recommendationId"),
        rank=get("rank"), creative_id=get("creativeId"), offer_id=get("offerId"), channel_id=get("channelId"),
        placement_id=get("placementId"), conversion_value=get("conversionValue"), context=texts["context"],
        outcome_details=texts["outcomeDetails"], attributes=texts["attributes"],
        outcome_field=told_as.get("outcome", "outcome"),
    )  # fmt: skip


def read_decision(body: Any, *, header_key: str | None, now: datetime) -> NewDecision:
    """Read the body of a decision. Raises BodyRefused (400), or BodyImpossible (422), that names the fields."""
    values = read_fields(body, _DECISION, ("customerId", "counts", "selected", "totalLatencyMs"))
    key = _take_key(values, header_key)
    selected = sorted(values["selected"], key=lambda item: item["rank"])
    top = selected[0] if selected else {}
    counts, get = values["counts"], values.get
    return NewDecision(
        idempotency_key=key, request_hash=_hash(values), customer_id=values["customerId"],
        occurred_at=_occurred_at(values, now), recommendation_id=get("recommendationId"), channel_id=get("channelId"),
        placement_id=get("placementId"), after_qualification=counts["afterQualification"],
        after_contact_policy=counts["afterContactPolicy"], final_count=counts["finalCount"],
        selected=_json_text(selected), selected_count=len(selected), top_offer_id=top.get("offerId"),
        top_score=top.get("score"), total_latency_ms=values["totalLatencyMs"],
        degraded_scoring=get("degradedScoring", False), status_code=get("statusCode", 200),
    )  # fmt: skip


def _use_older_names(values: dict[str, Any]) -> dict[str, str]:
    """Put values under the names of today; return which older name each came under, where only that was told."""
    told_as = {}
    for older, name in OLDER_NAMES.items():
        if older in values:
            value = values.pop(older)
            if name not in values:
                told_as[name] = older
            if values.setdefault(name, value) != value:
                raise BodyRefused({older: [f"Is an older name of {name}, which says something else."]})
    return told_as


def _told_empty(body: Mapping[str, Any], name: str) -> list[str]:
    """Return the names, of today and older, under which null was told."""
    return [told for told in (name, *OLDER_NAMES) if told in body and OLDER_NAMES.get(told, told) == name]


def _take_key(values: dict[str, Any], header_key: str | None) -> str:
    """Take the key out of the values: it is not part of what is compared when it comes again."""
    key: str | None = values.pop("idempotencyKey", None)
    if header_key is None:
        if key is None:
            missing = "This field is required, here or as the header Idempotency-Key."
            raise BodyRefused({"idempotencyKey": [missing]})
        return key
    if not header_key.isascii():
        raise BodyRefused({"idempotencyKey": ["In the header it must be ASCII; the body takes any script."]})
    if key is not None and key != header_key:
        raise BodyRefused({"idempotencyKey": ["Differs from the header Idempotency-Key."]})
    return str(read_fields({"idempotencyKey": header_key}, _INTERACTION, ())["idempotencyKey"])


def _require_subject(values: Mapping[str, Any], creative_told_as: Sequence[str]) -> None:
    """Require that it is told what the customer reacted to: a place in a recommendation, or a creative."""
    if "creativeId" in values or ("recommendationId" in values and "rank" in values):
        return
    missing = [name for name in ("recommendationId", "rank") if name not in values]
    words = "Is required with its counterpart unless creativeId is given."
    creative = creative_told_as or ([] if len(missing) == 1 else ["creativeId"])
    raise BodyRefused({name: [words] for name in (*missing, *creative)})


def _require_room(texts: Mapping[str, str | None], most_bytes: int) -> None:
    """Refuse more free-form content than an event may carry; the largest field is named."""
    sizes = {name: len(text.encode()) for name, text in texts.items() if text is not None}
    total, most = sum(sizes.values()), most_bytes - FREE_FORM_RESERVE
    if total > most:
        largest = max(sizes, key=lambda name: sizes[name])
        what = f"{', '.join(FREE_FORM)} hold {total:,} bytes together; at most {most:,} can be published."
        raise BodyImpossible({largest: [what]})


def _occurred_at(values: Mapping[str, Any], now: datetime) -> datetime:
    at: datetime = values.get("timestamp", now)
    if at > now + MAX_AHEAD:
        raise BodyImpossible({"timestamp": ["Must not be more than a day ahead."]})
    return at


_dump = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_dump_sorted = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=str).encode


def _json_text(value: Any) -> str:
    return _dump(value)


def _hash(values: Mapping[str, Any]) -> bytes:
    """Return what two bodies share when they say the same, however they spell it."""
    return hashlib.sha256(_dump_sorted(values).encode()).digest()
