"""Bodies of respond and decisions read as tables: one deviation a row, each refused by the name of its field."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interactions.decisions.body_fields import BodyImpossible, BodyRefused
from interactions.decisions.payloads import decision_payload, interaction_payload
from interactions.decisions.recordings import (
    FREE_FORM_RESERVE,
    MAX_AHEAD,
    MOST_SELECTED,
    NewDecision,
    NewInteraction,
    read_decision,
    read_interaction,
)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ROOM = 100_000
TENANT, ROW = UUID(int=1), UUID(int=2)
CLICK = {"customerId": "c", "outcome": "click", "idempotencyKey": "k", "recommendationId": "r", "rank": 1}
COUNTS = {"afterQualification": 3, "afterContactPolicy": 2, "finalCount": 1}
DECISION = {
    "customerId": "c", "idempotencyKey": "k", "counts": COUNTS, "selected": [{"offerId": "o", "rank": 1}],
    "totalLatencyMs": 1,
}  # fmt: skip


def respond(body: Any, *, key: str | None = None, room: int = ROOM) -> NewInteraction:
    """Read a body of respond."""
    return read_interaction(body, header_key=key, most_bytes=room, now=NOW)


def decide(body: Any) -> NewDecision:
    """Read a body of decisions."""
    return read_decision(body, header_key=None, now=NOW)


def refused(body: Any, read: Any = respond) -> dict[str, list[str]]:
    """Return what a body is refused for."""
    with pytest.raises(BodyRefused) as error:
        read(body)
    return error.value.fields


NO_TEXT = [5, 1.5, True, [], {}, "", "  ", "a\0b", "a\ud800", "a\nb", "a\u202eb", "a\x7fb", "x" * 256]
NO_PLACE = [0, -1, 2**31, 10**30, 1.0, "1", True, [], {}]
NO_AMOUNT = [float("inf"), 10**14, -(10**14), 10**400, "5", True, [], {}]
NO_TIME = [
    5, "", "now", "2026-01-31", "2026-01-31T08:00:00", "2026-02-30T08:00:00Z", "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59-23:59", "2026-01-31T25:00:00Z", "2026-01-31T08:00:00Z" + "0" * 30, True, [], {},
]  # fmt: skip
NO_OBJECT = [5, "x", [], True, {"a": "a\0b"}, {"a\0": 1}, {"a": "\ud800"}, {"a": [float("inf")]}]
TABLE = [
    *(("customerId", value) for value in NO_TEXT),
    *(("outcome", value) for value in NO_TEXT),
    *(("idempotencyKey", value) for value in NO_TEXT),
    *((name, NO_TEXT[0]) for name in ("recommendationId", "creativeId", "treatmentId", "interactionId", "offerId")),
    *((name, NO_TEXT[-1]) for name in ("channelId", "placementId", "interactionType")),
    *(("rank", value) for value in NO_PLACE),
    *(("direction", value) for value in ("sideways", "", 1, ["inbound"])),
    *(("conversionValue", value) for value in NO_AMOUNT),
    *(("timestamp", value) for value in NO_TIME),
    *((name, value) for name in ("context", "outcomeDetails", "attributes") for value in NO_OBJECT),
]


@pytest.mark.parametrize(("name", "value"), TABLE, ids=lambda each: repr(each)[:30])
def test_a_wrong_value_is_refused_by_the_name_of_its_field(name: str, value: Any) -> None:
    assert list(refused(CLICK | {name: value})) == [name]


@pytest.mark.parametrize("name", ["customerId", "outcome", "idempotencyKey", "recommendationId", "rank"])
@pytest.mark.parametrize("is_null", [False, True])
def test_what_is_missing_or_null_is_named(name: str, *, is_null: bool) -> None:
    body = {key: value for key, value in CLICK.items() if key != name} | ({name: None} if is_null else {})

    assert list(refused(body)) == [name]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"recommendationId": None, "rank": None}, ["recommendationId", "rank", "creativeId"]),
        ({"recommendationId": None, "rank": None, "treatmentId": None}, ["recommendationId", "rank", "treatmentId"]),
        ({"outcome": None, "interactionType": None}, ["outcome", "interactionType"]),
        ({"interactionType": "accept"}, ["interactionType"]),
        ({"creativeId": "a", "treatmentId": "b"}, ["treatmentId"]),
        ({"nonsense": 1, "tenantId": "t"}, ["nonsense", "tenantId"]),
        ({"customerId": 5, "rank": "1", "x": 1}, ["customerId", "rank", "x"]),
    ],
    ids=str,
)
def test_what_does_not_go_together_is_named_too(changes: dict[str, Any], named: list[str]) -> None:
    assert list(refused(CLICK | changes)) == named


@pytest.mark.parametrize("body", [None, [], "x", 5, True])
def test_what_is_no_object_is_refused_as_a_whole(body: Any) -> None:
    assert refused(body) == refused(body, decide) == {"body": ["Must be an object."]}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"counts": None}, "counts"),
        ({"counts": 5}, "counts"),
        ({"counts": COUNTS | {"finalCount": -1}}, "counts.finalCount"),
        ({"counts": COUNTS | {"more": 1}}, "counts.more"),
        ({"counts": {"afterQualification": 1, "afterContactPolicy": 1}}, "counts.finalCount"),
        ({"selected": None}, "selected"),
        ({"selected": {}}, "selected"),
        ({"selected": ["o"]}, "selected[0]"),
        ({"selected": [{"offerId": "o", "rank": 1}, {"offerId": "o"}]}, "selected[1].rank"),
        ({"selected": [{"offerId": "o", "rank": 0}]}, "selected[0].rank"),
        ({"selected": [{"offerId": "o", "rank": 1, "score": "1"}]}, "selected[0].score"),
        ({"selected": [{"offerId": "o", "rank": 1, "score": float("inf")}]}, "selected[0].score"),
        ({"selected": [{"offerId": "o", "rank": 1}] * (MOST_SELECTED + 1)}, "selected"),
        ({"totalLatencyMs": None}, "totalLatencyMs"),
        ({"totalLatencyMs": -0.1}, "totalLatencyMs"),
        ({"totalLatencyMs": 10**400}, "totalLatencyMs"),
        ({"degradedScoring": 1}, "degradedScoring"),
        ({"statusCode": 99}, "statusCode"),
        ({"statusCode": 600}, "statusCode"),
        ({"outcome": "click"}, "outcome"),
    ],
    ids=str,
)
def test_a_wrong_part_of_a_decision_is_named_with_its_path(changes: dict[str, Any], named: str) -> None:
    assert list(refused(DECISION | changes, decide)) == [named]


def test_everything_that_was_not_told_is_none() -> None:
    new = respond({"customerId": "c", "outcome": "click", "idempotencyKey": "k", "creativeId": "cr"})

    told = {"idempotency_key": "k", "customer_id": "c", "outcome": "click", "creative_id": "cr", "occurred_at": NOW}
    rest = {"request_hash", "outcome_field", *told}
    assert {name: getattr(new, name) for name in told} == told
    assert {getattr(new, name) for name in NewInteraction.__dataclass_fields__ if name not in rest} == {None}


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-01-31T08:00:00Z", datetime(2026, 1, 31, 8, tzinfo=UTC)),
        ("2026-01-31T08:00:00.5+05:45", datetime(2026, 1, 31, 2, 15, 0, 500_000, tzinfo=UTC)),
        ("2026-03-01T00:30:00+02:00", datetime(2026, 2, 28, 22, 30, tzinfo=UTC)),
        ("1970-01-01T00:00:00+14:00", datetime(1969, 12, 31, 10, tzinfo=UTC)),
    ],
)
def test_a_time_with_any_offset_is_kept_in_utc(text: str, at: datetime) -> None:
    new = respond(CLICK | {"timestamp": text})

    assert (new.occurred_at, new.occurred_at.tzinfo) == (at, UTC)


@pytest.mark.parametrize(("seconds", "is_taken"), [(0, True), (0.001, False)])
def test_a_time_may_be_a_day_ahead_and_no_more(seconds: float, *, is_taken: bool) -> None:
    at = (NOW + MAX_AHEAD + timedelta(seconds=seconds)).astimezone(timezone(timedelta(hours=-9))).isoformat()

    if is_taken:
        assert respond(CLICK | {"timestamp": at}).occurred_at == NOW + MAX_AHEAD
        return
    with pytest.raises(BodyImpossible) as error:
        respond(CLICK | {"timestamp": at})
    assert list(error.value.fields) == ["timestamp"]


def test_free_form_content_is_measured_in_bytes_together_and_the_largest_is_named() -> None:
    most = ROOM - FREE_FORM_RESERVE
    small, large = {"a": "x" * 100}, {"a": "é" * ((most - 10) // 2)}

    respond(CLICK | {"attributes": large})
    with pytest.raises(BodyImpossible) as error:
        respond(CLICK | {"context": small, "attributes": large})

    assert list(error.value.fields) == ["attributes"]
    assert f"at most {most:,}" in error.value.fields["attributes"][0]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (49.9, "49.9"), (50, "50"), (1e3, "1000"), (0, "0"), (-0.5, "-0.5"), (0.1 + 0.2, "0.3"), (1e-9, "0"),
        (99_999_999_999_999, "99999999999999"), (0.000001, "0.000001"), (100.10, "100.1"),
    ],
)  # fmt: skip
def test_an_amount_is_published_as_a_plain_number(value: float, text: str) -> None:
    new = respond(CLICK | {"conversionValue": value})

    tail = interaction_payload(new, tenant_id=TENANT, interaction_id=ROW).outcome_tail

    assert f'"conversionValue":{text},' in tail


@pytest.mark.parametrize(
    ("changes", "is_conversion"),
    [({}, False), ({"outcome": "convert"}, True), ({"conversionValue": 0}, True), ({"outcome": "accept"}, False)],
    ids=str,
)
def test_a_conversion_is_one_by_name_or_by_value(changes: dict[str, Any], *, is_conversion: bool) -> None:
    assert respond(CLICK | changes).is_conversion is is_conversion


SAME = [
    ({"rank": 1}, {"rank": 1}),
    ({"offerId": None}, {}),
    ({"conversionValue": 5}, {"conversionValue": 5.0}),
    ({"context": {"a": 1, "b": 2}}, {"context": {"b": 2, "a": 1}}),
    ({"timestamp": "2026-01-31T08:00:00Z"}, {"timestamp": "2026-01-31T09:00:00+01:00"}),
    ({"idempotencyKey": "k"}, {"idempotencyKey": "another"}),
    ({"outcome": "click"}, {"outcome": None, "interactionType": "click"}),
]
OTHER = [
    ({}, {"offerId": "o"}),
    ({"customerId": "c"}, {"customerId": "C"}),
    ({"context": {"a": 1}}, {"context": {"a": "1"}}),
    ({"context": {"a": 1}}, {"attributes": {"a": 1}}),
    ({"offerId": "x", "channelId": None}, {"offerId": None, "channelId": "x"}),
    ({"conversionValue": 0}, {}),
]


@pytest.mark.parametrize(("one", "other"), SAME, ids=str)
def test_two_bodies_that_say_the_same_have_the_same_hash(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert respond(CLICK | one).request_hash == respond(CLICK | other).request_hash


@pytest.mark.parametrize(("one", "other"), OTHER, ids=str)
def test_two_bodies_that_say_something_else_differ(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert respond(CLICK | one).request_hash != respond(CLICK | other).request_hash


def test_selected_offers_are_kept_by_rank() -> None:
    offers = [{"offerId": "b", "rank": 2}, {"offerId": "a", "rank": 1, "score": 0.5}]

    new = decide(DECISION | {"selected": offers})

    assert [item["offerId"] for item in json.loads(new.selected)] == ["a", "b"]
    assert (new.selected_count, new.top_offer_id, new.top_score) == (2, "a", 0.5)
    assert (new.degraded_scoring, new.status_code, new.occurred_at) == (False, 200, NOW)


# A loaded machine draws slowly; what is tested is not its speed.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=255).filter(
    lambda text: text.strip() != "" and not set(text) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
)


@UNHURRIED
@given(
    customer=WORDS, offer=WORDS, value=st.none() | st.integers(-(10**9), 10**9), details=st.none() | st.just({"a": "ü"})
)
def test_the_parts_of_a_payload_make_json_around_any_words(
    customer: str, offer: str, value: int | None, details: dict[str, str] | None
) -> None:
    body = CLICK | {"customerId": customer, "creativeId": offer, "conversionValue": value, "outcomeDetails": details}

    parts = interaction_payload(respond(body), tenant_id=TENANT, interaction_id=ROW)

    between = json.dumps(offer)
    first = json.loads(parts.head + between + parts.middle + "null" + parts.tail)
    second = json.loads(parts.head + between + parts.middle + "null" + parts.outcome_tail)
    assert (first["customerId"], first["offerId"], first["channelId"]) == (customer, offer, None)
    assert second == first | {"conversionValue": value, "outcomeDetails": details}


@UNHURRIED
@given(customer=WORDS, score=st.floats(-1e300, 1e300))
def test_a_decisions_payload_is_json_with_the_keys_in_their_order(customer: str, score: float) -> None:
    new = decide(DECISION | {"customerId": customer, "selected": [{"offerId": customer, "rank": 1, "score": score}]})

    payload = json.loads(decision_payload(new, tenant_id=TENANT, decision_id=ROW))

    assert list(payload) == [
        "tenantId", "customerId", "recommendationId", "offersReturned", "topOfferId", "topPropensity",
        "decisionFlowKey", "timestamp", "decisionId",
    ]  # fmt: skip
    assert (payload["topOfferId"], payload["topPropensity"]) == (customer, score)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@UNHURRIED
@given(st.dictionaries(st.sampled_from([*CLICK, *DECISION, "context", "timestamp", "conversionValue"]), JSON_VALUES))
def test_whatever_is_sent_is_read_or_refused_by_name_and_nothing_else(body: dict[str, Any]) -> None:
    for read, example in ((respond, CLICK), (decide, DECISION)):
        assert is_read_or_named(read, example | body)


def is_read_or_named(read: Any, body: dict[str, Any]) -> bool:
    """Tell whether a body is read, or refused with at least one field."""
    try:
        return bool(read(body).request_hash)
    except BodyRefused as refusal:
        return bool(refusal.fields)


def test_an_amount_keeps_six_decimals() -> None:
    assert respond(CLICK | {"conversionValue": 1.23456789}).conversion_value == Decimal("1.234568")
