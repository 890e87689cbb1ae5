"""Respond and decisions over HTTP: what is taken, what is answered, what is written, and how a refusal reads."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from prometheus_client import REGISTRY

from interactions.models import Channel, Creative, DecisionTrace, Offer, OutcomeType
from outbox.decisions.events import MAX_PAYLOAD_BYTES
from tests.interactions.recording import (
    DECISIONS,
    RESPOND,
    click,
    decision,
    events,
    fields_of,
    post,
    recorded,
)
from tests.people import Person

pytestmark = pytest.mark.django_db
INTERACTION_KEYS = [
    "tenantId", "customerId", "offerId", "creativeId", "channelId", "interactionType", "outcomeTypeKey", "campaignId",
    "recommendationId", "timestamp", "interactionId",
]  # fmt: skip


def test_a_recorded_interaction_is_answered_with_its_two_ids(engine: Person) -> None:
    response = post(engine, click())

    row, event = recorded(engine.tenant)[0], events(engine.tenant)[0]
    assert response.status_code == 201
    assert response.json() == {"interactionId": str(row.pk), "eventId": str(event.pk), "status": "recorded"}
    assert (row.pk.version, event.pk.version, row.event_id) == (7, 7, event.pk)
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"


def test_an_interaction_is_written_as_it_was_told(engine: Person) -> None:
    body = click(
        outcome="convert", direction="outbound", creativeId="cr-1", offerId="o-1", channelId="web", placementId="top",
        context={"page": "/offers"}, outcomeDetails={"sku": ["a", 1]}, attributes={"ü": None}, conversionValue=49.9,
        timestamp="2026-01-31T08:00:00.123456+02:00",
    )  # fmt: skip

    post(engine, body)

    row = recorded(engine.tenant)[0]
    assert (row.customer_id, row.outcome, row.direction) == ("c-1", "convert", "outbound")
    assert (row.recommendation_id, row.rank) == ("r-1", 1)
    assert (row.creative_id, row.offer_id, row.channel_id, row.placement_id) == ("cr-1", "o-1", "web", "top")
    assert (row.context, row.outcome_details, row.attributes) == (
        {"page": "/offers"}, {"sku": ["a", 1]}, {"ü": None},
    )  # fmt: skip
    assert (str(row.conversion_value), row.classification, row.category) == ("49.900000", "positive", "response")
    assert row.occurred_at.isoformat() == "2026-01-31T06:00:00.123456+00:00"
    assert (row.idempotency_key, row.tenant_id) == (body["idempotencyKey"], engine.tenant.pk)


def test_the_event_has_the_documented_keys_and_null_for_what_was_not_told(engine: Person) -> None:
    answer = post(engine, click(timestamp="2026-01-31T08:00:00.5Z")).json()

    event = events(engine.tenant)[0]
    assert (event.topic, event.key) == ("interaction.recorded.v1", "c-1")
    assert list(event.payload) == INTERACTION_KEYS
    assert event.payload == {
        "tenantId": str(engine.tenant.pk), "customerId": "c-1", "offerId": None, "creativeId": None, "channelId": None,
        "interactionType": "click", "outcomeTypeKey": "click", "campaignId": None, "recommendationId": "r-1",
        "timestamp": "2026-01-31T08:00:00.500Z", "interactionId": answer["interactionId"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "value"),
    [({"outcome": "convert"}, None), ({"conversionValue": 12}, 12), ({"conversionValue": 0.1}, 0.1)],
    ids=str,
)
def test_a_conversion_also_writes_an_outcome_event(engine: Person, changes: dict[str, Any], value: Any) -> None:
    answer = post(engine, click(**changes, outcomeDetails={"order": 7})).json()

    first, second = events(engine.tenant)
    assert [first.topic, second.topic] == ["interaction.recorded.v1", "outcome.recorded"]
    assert str(first.pk) == answer["eventId"] != str(second.pk)
    assert list(second.payload) == [*INTERACTION_KEYS, "conversionValue", "outcomeDetails"]
    assert (second.payload["conversionValue"], second.payload["outcomeDetails"]) == (value, {"order": 7})
    assert second.payload["interactionId"] == answer["interactionId"]


def test_a_decision_is_recorded_with_its_event(engine: Person) -> None:
    response = post(engine, decision(recommendationId="r-1", degradedScoring=True, statusCode=503), DECISIONS)

    row, event = DecisionTrace.objects.for_tenant(engine.tenant).get(), events(engine.tenant)[0]
    assert response.status_code == 201
    assert response.json() == {"decisionId": str(row.pk), "eventId": str(event.pk), "status": "recorded"}
    assert (row.after_qualification, row.after_contact_policy, row.final_count, row.selected_count) == (9, 5, 2, 2)
    assert (row.total_latency_ms, row.degraded_scoring, row.status_code) == (12.5, True, 503)
    assert [item["rank"] for item in row.selected] == [1, 2]
    assert (event.topic, event.key) == ("decision.made.v1", "c-1")
    assert event.payload == {
        "tenantId": str(engine.tenant.pk), "customerId": "c-1", "recommendationId": "r-1", "offersReturned": 2,
        "topOfferId": "o-1", "topPropensity": 0.82, "decisionFlowKey": None, "decisionId": str(row.pk),
        "timestamp": event.payload["timestamp"],
    }  # fmt: skip
    assert event.payload["timestamp"].endswith("Z")


def test_a_decision_that_selected_nothing_is_one_too(engine: Person) -> None:
    response = post(engine, decision(selected=[]), DECISIONS)

    event = events(engine.tenant)[0]
    assert response.status_code == 201
    assert (event.payload["offersReturned"], event.payload["topOfferId"], event.payload["topPropensity"]) == (
        0, None, None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("outcome", "direction"),
    [("click", "inbound"), ("convert", "inbound"), ("impression", "outbound"), ("not_presented", "outbound")],
)
def test_without_a_direction_an_impression_went_out_and_anything_else_came_in(
    engine: Person, outcome: str, direction: str
) -> None:
    post(engine, click(outcome=outcome))

    assert recorded(engine.tenant)[0].direction == direction


def test_older_names_of_outcome_and_creative_are_taken(engine: Person) -> None:
    body = click(outcome=None, interactionType="accept", recommendationId=None, rank=None, treatmentId="cr-1")

    response = post(engine, body)

    row = recorded(engine.tenant)[0]
    assert response.status_code == 201
    assert (row.outcome, row.creative_id) == ("accept", "cr-1")


def test_a_known_creative_resolves_offer_and_channel(engine: Person) -> None:
    offer = Offer.objects.create(tenant=engine.tenant, key='gold "card"', name="Gold")
    channel = Channel.objects.create(tenant=engine.tenant, key="wéb", name="Web")
    Creative.objects.create(tenant=engine.tenant, key="cr-1", name="C", offer=offer, channel=channel)

    post(engine, click(creativeId="cr-1", offerId="other", channelId="other"))

    row, event = recorded(engine.tenant)[0], events(engine.tenant)[0]
    assert (row.offer_id, row.channel_id) == ('gold "card"', "wéb")
    assert (event.payload["offerId"], event.payload["channelId"]) == ('gold "card"', "wéb")


def test_another_tenants_creative_resolves_nothing(engine: Person, charlie: Person) -> None:
    offer = Offer.objects.create(tenant=charlie.tenant, key="secret", name="Secret")
    Creative.objects.create(tenant=charlie.tenant, key="cr-1", name="C", offer=offer)

    post(engine, click(creativeId="cr-1"))

    assert recorded(engine.tenant)[0].offer_id is None


def test_a_tenant_without_outcome_types_gets_the_systems_at_its_first_interaction(eve: Person) -> None:
    response = post(eve, click())

    assert response.status_code == 201
    assert OutcomeType.objects.for_tenant(eve.tenant).count() == 10


def test_an_outcome_that_the_tenant_does_not_know_is_422(engine: Person, charlie: Person) -> None:
    OutcomeType.objects.create(
        tenant=charlie.tenant, key="theirs", name="T", classification="positive", category="response"
    )

    responses = [post(engine, click(outcome=outcome)) for outcome in ("theirs", "Click", "x" * 255)]
    older = post(engine, click(outcome=None, interactionType="theirs"))

    assert [response.status_code for response in responses] == [422] * 3
    assert responses[0].json()["error"]["code"] == "UNKNOWN_OUTCOME"
    assert "/api/v1/outcome-types" in responses[0].json()["error"]["message"]
    assert (fields_of(responses[0]), fields_of(older)) == (["outcome"], ["interactionType"])
    assert (recorded(engine.tenant), events(engine.tenant)) == ([], [])


def test_an_outcome_type_that_was_deleted_is_unknown(engine: Person) -> None:
    OutcomeType.objects.for_tenant(engine.tenant).filter(key="click").update(deleted_at=timezone.now())

    assert post(engine, click()).status_code == 422
    assert OutcomeType.objects.for_tenant(engine.tenant).count() == 10


@pytest.mark.parametrize("hours", [-24 * 365 * 20, -1, 0, 23])
def test_a_time_in_the_past_or_within_a_day_ahead_is_taken(engine: Person, hours: int) -> None:
    at = timezone.now() + timedelta(hours=hours)

    assert post(engine, click(timestamp=at.isoformat())).status_code == 201
    assert recorded(engine.tenant)[0].occurred_at == at


def test_a_time_more_than_a_day_ahead_is_422(engine: Person) -> None:
    at = (timezone.now() + timedelta(hours=25)).isoformat()

    for path, body in ((RESPOND, click(timestamp=at)), (DECISIONS, decision(timestamp=at))):
        response = post(engine, body, path)

        assert (response.status_code, fields_of(response)) == (422, ["timestamp"])


def test_a_body_over_the_limit_is_413(engine: Person) -> None:
    body = click(context={"x": "x" * settings.MAX_BODY_BYTES})

    response = post(engine, body)

    assert response.status_code == 413
    assert response.json()["error"]["code"] == "PAYLOAD_TOO_LARGE"


@pytest.mark.parametrize("field", ["context", "outcomeDetails", "attributes"])
def test_more_than_an_event_may_carry_is_422_that_names_field_size_and_limit(engine: Person, field: str) -> None:
    response = post(engine, click(**{field: {"x": "é" * (MAX_PAYLOAD_BYTES // 2)}}))

    assert response.status_code == 422
    assert fields_of(response) == [field]
    assert "at most" in response.json()["error"]["message"]
    assert recorded(engine.tenant) == []


def test_the_largest_details_that_are_taken_fit_into_an_event(engine: Person) -> None:
    text = "x" * (MAX_PAYLOAD_BYTES - 16 * 1024 - 20)

    response = post(engine, click(outcome="convert", outcomeDetails={"x": text}, customerId="\u4e00" * 255))

    size = len(events(engine.tenant, "outcome.recorded")[0].payload["outcomeDetails"]["x"])
    assert (response.status_code, size) == (201, len(text))


def test_ids_in_any_script_and_with_any_sign_are_kept_as_they_are(engine: Person) -> None:
    for word in ("名前", "👩‍👩‍👧", "a'b\"c\\d", "%s %(x)s {}", " padded ", "'; DROP TABLE outbox_events; --"):
        response = post(engine, click(customerId=word, offerId=word, idempotencyKey=word))

        event = events(engine.tenant)[-1]
        assert response.status_code == 201, word
        assert (event.key, event.payload["customerId"], event.payload["offerId"]) == (word, word, word)
        assert recorded(engine.tenant)[-1].idempotency_key == word


def test_the_key_may_come_as_a_header(engine: Person) -> None:
    response = post(engine, click(idempotencyKey=None), **{"Idempotency-Key": "k-1"})

    assert response.status_code == 201
    assert recorded(engine.tenant)[0].idempotency_key == "k-1"


@pytest.mark.parametrize("key", ["ключ", "x" * 256, "  ", "a\x7fb"])
def test_a_key_in_the_header_is_as_strictly_read_as_in_the_body(engine: Person, key: str) -> None:
    header = key.encode().decode("latin-1")  # as WSGI hands bytes on

    response = post(engine, click(idempotencyKey=None), **{"Idempotency-Key": header})

    assert (response.status_code, fields_of(response)) == (400, ["idempotencyKey"])


def test_a_key_that_differs_between_header_and_body_is_refused(engine: Person) -> None:
    response = post(engine, click(idempotencyKey="a"), **{"Idempotency-Key": "b"})

    assert (response.status_code, fields_of(response)) == (400, ["idempotencyKey"])


@pytest.mark.parametrize("path", [RESPOND, DECISIONS])
def test_without_a_key_the_answer_is_400_that_names_it(engine: Person, path: str) -> None:
    body = click(idempotencyKey=None) if path == RESPOND else decision(idempotencyKey=None)

    for headers in ({}, {"Idempotency-Key": ""}):
        response = post(engine, body, path, **headers)

        assert (response.status_code, fields_of(response)) == (400, ["idempotencyKey"])


def test_every_wrong_field_is_named_at_once(engine: Person) -> None:
    response = post(engine, {"customerId": 5, "outcome": "", "rank": 0, "nonsense": 1, "idempotencyKey": "a\0b"})

    assert response.status_code == 400
    assert fields_of(response) == ["customerId", "outcome", "rank", "nonsense", "idempotencyKey"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "not JSON"),
        (b"[]", "Must be an object"),
        (b'{"customerId": "\xff"}', "not UTF-8"),
        (b'{"a": 1, "a": 2}', "stands twice"),
        (b'{"rank": NaN}', "NaN"),
        (b'{"rank": ' + b"9" * 5000 + b"}", "too many digits"),
        (b'{"context":' * 5000, "nests too deeply"),
    ],
)
def test_a_body_that_cannot_be_read_says_why(engine: Person, body: bytes, words: str) -> None:
    response = post(engine, body)

    assert response.status_code == 400
    assert words in response.json()["error"]["message"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_another_content_type_is_415(engine: Person, content_type: str) -> None:
    client = Client(headers={"X-API-Key": engine.key})

    response = client.generic("POST", RESPOND, b"{}", content_type=content_type)

    assert response.status_code == 415
    assert response.json()["error"]["code"] == "UNSUPPORTED_MEDIA_TYPE"


def test_a_charset_beside_the_content_type_does_no_harm(engine: Person) -> None:
    client = Client(headers={"X-API-Key": engine.key})

    assert client.post(RESPOND, click(), content_type="application/json; charset=utf-8").status_code == 201


def test_both_routes_work_with_a_slash_too(engine: Person) -> None:
    assert post(engine, click(), f"{RESPOND}/").status_code == 201
    assert post(engine, decision(), f"{DECISIONS}/").status_code == 201


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_another_method_is_405_in_the_envelope(engine: Person, method: str) -> None:
    response = Client(headers={"X-API-Key": engine.key}).generic(
        method, RESPOND, b"{}", content_type="application/json"
    )

    assert response.status_code == 405
    assert response.json()["error"]["code"] == "METHOD_NOT_ALLOWED"


def outcomes(outcome: str, classification: str) -> float:
    labels = {"outcomeType": outcome, "classification": classification}
    return REGISTRY.get_sample_value("kaireon_respond_outcome_total", labels) or 0.0


def test_what_is_recorded_is_counted_by_outcome_once(engine: Person) -> None:
    OutcomeType.objects.create(
        tenant=engine.tenant, key="shouted", name="S", classification="negative", category="response"
    )
    labels = [("click", "positive"), ("custom", "negative"), ("decision", "neutral")]
    before = [outcomes(*each) for each in labels]

    again, shouted = click(), click(outcome="shouted")
    for body in (again, again, shouted, click(outcome="nobody's"), again | {"rank": 2}):
        post(engine, body)
    post(engine, decision(), DECISIONS)

    assert [outcomes(*each) - was for each, was in zip(labels, before, strict=True)] == [1, 1, 1]
