"""Events are written with what they tell about, or not at all."""

import uuid
from datetime import timedelta

import psycopg
import pytest
from django.db import connection, transaction

from kaireon.platform.tenancy.models import Tenant
from outbox.models import OutboxEvent
from outbox.services import EventTooLarge, NewEvent, enqueue, enqueue_many, prepare_event
from outbox.services.enqueueing import BELL, DOOR_LOCK
from tests.outbox.world import START, fresh, line, put


@transaction.atomic
def fail(tenant: Tenant) -> None:
    """Write an event in a transaction that fails."""
    put(tenant.pk, "a")
    transaction.set_rollback(True)


@transaction.atomic
def rename_with(tenant: Tenant, event: NewEvent) -> None:
    """Change a row and write the event that tells about it."""
    Tenant.objects.filter(pk=tenant.pk).update(name="Renamed")
    enqueue_many(events=[event])


def test_an_event_is_written_as_it_was_given(acme: Tenant) -> None:
    event_id = enqueue(tenant_id=acme.pk, topic="order.paid.v1", payload={"customerId": "c-1", "n": 1}, now=START)

    row = OutboxEvent.objects.for_tenant(acme).get()
    assert (row.pk, row.topic, row.key, row.payload, row.occurred_at) == (
        event_id, "order.paid.v1", "c-1", {"customerId": "c-1", "n": 1}, START,
    )  # fmt: skip
    assert (row.status, row.is_held, row.attempts, row.claim_token) == ("pending", False, 0, None)


def test_the_id_is_a_uuid_of_version_seven(acme: Tenant) -> None:
    event_id = enqueue(tenant_id=acme.pk, topic="t", payload={}, key="k", now=START)

    assert event_id.version == 7


def test_the_payload_is_kept_to_the_letter(acme: Tenant) -> None:
    enqueue(tenant_id=acme.pk, topic="t", payload={"b": 1, "a": "ü", "f": 1.50}, key="k", now=START)

    with connection.cursor() as cursor:
        cursor.execute("SELECT payload::text FROM outbox_events")
        assert cursor.fetchone() == ('{"b":1,"a":"ü","f":1.5}',)


def test_events_written_together_keep_their_order(acme: Tenant) -> None:
    ids = put(acme.pk, *"abcabc")

    assert [row.pk for row in line()] == ids


def test_a_refusal_names_the_field_and_writes_nothing(acme: Tenant) -> None:
    with pytest.raises(EventTooLarge) as refused:
        enqueue(tenant_id=acme.pk, topic="t", payload={"x": "x" * 300_000}, key="k", now=START)

    assert (refused.value.status, list(refused.value.fields)) == (422, ["payload"])
    assert line() == []


def test_no_events_are_no_statement(acme: Tenant, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        enqueue_many(events=[])


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_nothing_is_taken(acme: Tenant) -> None:
    with pytest.raises(RuntimeError, match="outside a transaction"):
        enqueue(tenant_id=acme.pk, topic="t", payload={}, key="k", now=START)

    assert line() == []


@pytest.mark.django_db(transaction=True)
def test_an_event_goes_with_its_transaction(acme: Tenant) -> None:
    fail(acme)

    assert line() == []


@pytest.mark.django_db(transaction=True)
def test_the_same_id_twice_fails_the_second_transaction_whole(acme: Tenant) -> None:
    event = prepare_event(tenant_id=acme.pk, topic="t", payload={}, key="k", now=START, event_id=fresh())
    with transaction.atomic():
        enqueue_many(events=[event])

    with pytest.raises(Exception, match="duplicate key"):
        rename_with(acme, event)

    acme.refresh_from_db()
    assert (acme.name, len(line())) == ("Acme", 1)


def listener() -> "psycopg.Connection[tuple[object, ...]]":
    parameters = connection.get_connection_params()
    session = psycopg.connect(**parameters, autocommit=True)
    session.execute(f"LISTEN {BELL}")
    return session


def rings(session: "psycopg.Connection[tuple[object, ...]]", seconds: float = 1.0) -> bool:
    return any(True for _ in session.notifies(timeout=seconds, stop_after=1))


@pytest.mark.django_db(transaction=True)
def test_nobody_is_notified_while_no_publisher_sleeps(acme: Tenant) -> None:
    session = listener()

    with transaction.atomic():
        put(acme.pk, "a")

    assert not rings(session, 0.2)
    session.close()


@pytest.mark.django_db(transaction=True)
def test_a_commit_rings_while_a_publisher_sleeps(acme: Tenant) -> None:
    session = listener()
    session.execute(f"SELECT pg_advisory_lock({DOOR_LOCK})")

    with transaction.atomic():
        put(acme.pk, "a")

    assert rings(session)
    session.close()


@pytest.mark.django_db(transaction=True)
def test_a_rollback_rings_nobody(acme: Tenant) -> None:
    session = listener()
    session.execute(f"SELECT pg_advisory_lock({DOOR_LOCK})")

    fail(acme)

    assert not rings(session, 0.2)
    session.close()


@pytest.mark.django_db(transaction=True)
def test_a_writer_in_the_middle_of_its_transaction_keeps_the_door_open(acme: Tenant) -> None:
    session = listener()

    with transaction.atomic():
        put(acme.pk, "a")
        row = session.execute(f"SELECT pg_try_advisory_lock({DOOR_LOCK})").fetchone()

    assert row == (False,)
    session.close()


@pytest.mark.django_db(transaction=True)
def test_a_later_transaction_has_the_greater_number(acme: Tenant) -> None:
    for number in range(3):
        with transaction.atomic():
            put(acme.pk, "a", start=number, now=START - timedelta(days=number))

    assert [row.payload["number"] for row in line()] == [0, 1, 2]


def test_a_prepared_event_is_checked_and_not_written(acme: Tenant) -> None:
    event = prepare_event(tenant_id=acme.pk, topic="t", payload={}, key="k", now=START)

    assert isinstance(event, NewEvent)
    assert isinstance(event.id, uuid.UUID)
    assert line() == []
