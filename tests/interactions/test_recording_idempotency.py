"""The same key again: the same ids, no second row, no second event; whoever else uses the word is somebody else."""

from typing import Any

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from interactions.models import DecisionTrace, Interaction, OutcomeType
from tests.interactions.recording import (
    DECISIONS,
    RESPOND,
    at_once,
    click,
    decision,
    events,
    fields_of,
    post,
    recorded,
    seeded,
)
from tests.people import Person

POSTERS = 50


@pytest.mark.django_db
@pytest.mark.parametrize(("path", "name"), [(RESPOND, "interactionId"), (DECISIONS, "decisionId")])
def test_the_same_call_again_is_answered_200_with_the_same_ids(engine: Person, path: str, name: str) -> None:
    body = click(conversionValue=5) if path == RESPOND else decision()
    first = post(engine, body, path)
    written = len(events(engine.tenant))

    again = [post(engine, body, path) for _ in range(3)]

    assert first.status_code == 201
    assert [each.status_code for each in again] == [200] * 3
    assert all(each.json() == first.json() | {"duplicate": True} for each in again)
    assert list(first.json()) == [name, "eventId", "status"]
    assert len(events(engine.tenant)) == written


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changes",
    [{"rank": 2}, {"customerId": "c-2"}, {"outcome": "accept"}, {"context": {"a": 1}}, {"conversionValue": 1},
     {"timestamp": "2026-01-31T08:00:00Z"}],
    ids=str,
)  # fmt: skip
def test_the_same_key_with_another_body_is_409_and_writes_nothing(engine: Person, changes: dict[str, Any]) -> None:
    body = click()
    post(engine, body)

    response = post(engine, body | changes)

    assert response.status_code == 409
    assert response.json()["error"]["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert fields_of(response) == ["idempotencyKey"]
    assert (len(recorded(engine.tenant)), len(events(engine.tenant))) == (1, 1)


@pytest.mark.django_db
def test_another_spelling_of_the_same_words_is_the_same_call(engine: Person) -> None:
    body = click(creativeId="cr-1", conversionValue=5, timestamp="2026-01-31T08:00:00Z", context={"a": 1, "b": [1, 2]})
    other = {
        "context": {"b": [1, 2], "a": 1}, "timestamp": "2026-01-31T10:00:00.000+02:00", "conversionValue": 5.0,
        "treatmentId": "cr-1", "interactionType": "click", "rank": 1, "recommendationId": "r-1", "customerId": "c-1",
        "offerId": None,
    }  # fmt: skip
    first = post(engine, body)

    second = post(engine, other, **{"Idempotency-Key": body["idempotencyKey"]})

    assert (second.status_code, second.json()["interactionId"]) == (200, first.json()["interactionId"])


@pytest.mark.django_db
def test_without_a_time_of_its_own_a_later_retry_is_still_the_same_call(engine: Person) -> None:
    body = click()
    first = post(engine, body)
    at = recorded(engine.tenant)[0].occurred_at

    assert post(engine, body).json()["eventId"] == first.json()["eventId"]
    assert recorded(engine.tenant)[0].occurred_at == at


@pytest.mark.django_db
def test_another_tenants_same_key_is_another_interaction(engine: Person, charlie: Person) -> None:
    seeded(charlie.tenant)
    body = click()

    ours, theirs = post(engine, body), post(charlie, body)

    assert (ours.status_code, theirs.status_code) == (201, 201)
    assert not set(ours.json().values()) & {theirs.json()["interactionId"], theirs.json()["eventId"]}
    assert [len(recorded(each.tenant)) for each in (engine, charlie)] == [1, 1]


@pytest.mark.django_db
def test_interactions_and_decisions_do_not_share_their_keys(engine: Person) -> None:
    assert post(engine, click(idempotencyKey="k")).status_code == 201
    assert post(engine, decision(idempotencyKey="k"), DECISIONS).status_code == 201


@pytest.mark.django_db
def test_a_key_of_imported_history_is_taken(engine: Person) -> None:
    Interaction.objects.create(
        tenant=engine.tenant, idempotency_key="k", customer_id="c-1", outcome="click", classification="positive",
        category="response", direction="inbound", occurred_at=timezone.now(),
    )  # fmt: skip

    assert post(engine, click(idempotencyKey="k")).status_code == 409


@pytest.mark.django_db
def test_a_retry_after_its_outcome_type_was_deleted_still_finds_what_was_recorded(engine: Person) -> None:
    body = click()
    first = post(engine, body)
    OutcomeType.objects.for_tenant(engine.tenant).filter(key="click").update(deleted_at=timezone.now())

    again = post(engine, body)

    assert (again.status_code, again.json()["eventId"]) == (200, first.json()["eventId"])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", [RESPOND, DECISIONS])
def test_fifty_who_post_the_same_key_make_one_row_and_one_event(engine: Person, path: str) -> None:
    body = click(idempotencyKey="k") if path == RESPOND else decision(idempotencyKey="k")

    responses = at_once(POSTERS, lambda _: post(engine, body, path))

    assert sorted(each.status_code for each in responses) == [200] * (POSTERS - 1) + [201]
    ids = [{name: each.json()[name] for name in each.json() if name.endswith("Id")} for each in responses]
    assert all(each == ids[0] for each in ids)
    rows = Interaction if path == RESPOND else DecisionTrace
    assert [str(row.event_id) for row in rows.objects.for_tenant(engine.tenant)] == [ids[0]["eventId"]]
    assert [str(event.pk) for event in events(engine.tenant)] == [ids[0]["eventId"]]


@pytest.mark.django_db(transaction=True)
def test_fifty_bodies_under_one_key_make_one_interaction_and_conflicts(engine: Person) -> None:
    responses = at_once(POSTERS, lambda number: post(engine, click(idempotencyKey="k", rank=number + 1)))

    assert sorted(each.status_code for each in responses) == [201] + [409] * (POSTERS - 1)
    assert (len(recorded(engine.tenant)), len(events(engine.tenant))) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_many_who_are_first_in_a_tenant_without_outcome_types_are_all_recorded(eve: Person) -> None:
    responses = at_once(8, lambda _: post(eve, click()))

    assert [each.status_code for each in responses] == [201] * 8
    assert len(recorded(eve.tenant)) == 8


@pytest.mark.django_db(transaction=True)
def test_whoever_comes_second_waits_for_the_first_and_records_when_that_one_fails(engine: Person) -> None:
    body = click()
    with psycopg.connect(**connection.get_connection_params()) as first:
        first.execute(
            "INSERT INTO interactions_interaction (id, tenant_id, idempotency_key, customer_id, occurred_at, outcome, "
            "classification, category, direction) VALUES (gen_random_uuid(), %s, %s, 'c', now(), 'click', 'positive', "
            "'response', 'inbound')",
            [engine.tenant.pk, body["idempotencyKey"]],
        )

        def roll_back_or_post(number: int) -> Any:
            if number:
                return post(engine, body)
            wait_for_a_lock()
            first.rollback()
            return None

        _, response = at_once(2, roll_back_or_post)

    assert response.status_code == 201
    assert len(recorded(engine.tenant)) == 1


def wait_for_a_lock() -> None:
    """Return when somebody waits for another's transaction in this database."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    found = 0
    with connection.cursor() as cursor:
        while not found:
            cursor.execute(waiting)
            found = cursor.fetchone()[0]
