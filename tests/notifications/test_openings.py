"""Open deliveries: once for each key, ended at once where nothing can be sent, folded in a storm, capped."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kaireon.platform.notifications.decisions import (
    DISABLED,
    FIRING_NEVER_ARRIVED,
    NO_DESTINATION,
    STORM_LIMIT,
    DeliveryRequest,
    DestinationState,
    State,
)
from kaireon.platform.notifications.models import Delivery, Destination
from kaireon.platform.notifications.selectors import delivery_standings
from kaireon.platform.notifications.services import delete_destination, open_deliveries
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.notifications.ledger import NOW, make_destination, message, open_one, reload, request
from tests.servers import Receiver


def rows_of(tenant: Tenant) -> list[Delivery]:
    return list(Delivery.objects.for_tenant(tenant).order_by("created_at", "pk"))


def set_state(row: Delivery, state: State) -> None:
    Delivery.objects.across_tenants().filter(pk=row.pk).update(state=state, next_attempt_at=None)


def cap(tenant: Tenant, limit: int) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(settings={"guardrails": {"notificationsPerHour": limit}})


def test_a_delivery_waits_for_its_turn_with_everything_it_needs(acme: Tenant, receiver: Receiver) -> None:
    destination = make_destination(acme, receiver)

    row = open_one(destination, "alert:1", message=message(data={"ruleId": "1"}))

    assert (row.state, row.provider_kind, row.provider_name) == (State.PENDING, "webhook", "Hook")
    assert (row.next_attempt_at, row.attempts, row.finished_at) == (NOW, 0, None)
    assert row.message["data"] == {"ruleId": "1"}


def test_the_same_key_is_the_same_delivery_whatever_became_of_it(acme: Tenant, receiver: Receiver) -> None:
    destination = make_destination(acme, receiver)
    first = open_one(destination, "alert:1")
    set_state(first, State.DELIVERED)

    again = open_deliveries([request(destination, "alert:1"), request(destination, "alert:2")], NOW)

    assert again[0].pk == first.pk
    assert again[0].state == State.DELIVERED
    assert len(rows_of(acme)) == 2


def test_a_key_that_stands_twice_in_one_call_opens_once(acme: Tenant, receiver: Receiver) -> None:
    destination = make_destination(acme, receiver)

    rows = open_deliveries([request(destination, "alert:1"), request(destination, "alert:1")], NOW)

    assert rows[0].pk == rows[1].pk
    assert len(rows_of(acme)) == 1


def test_the_rows_come_in_the_order_of_the_requests(acme: Tenant, receiver: Receiver) -> None:
    destination = make_destination(acme, receiver)
    keys = [f"alert:{number}" for number in range(10)]

    rows = open_deliveries([request(destination, key) for key in reversed(keys)], NOW)

    assert [row.dedupe_key for row in rows] == list(reversed(keys))


def test_a_destination_that_is_not_there_ends_the_delivery_at_once(acme: Tenant) -> None:
    row = open_deliveries([DeliveryRequest(acme.pk, uuid.uuid4(), "alert:1", message())], NOW)[0]

    assert (row.state, row.error, row.finished_at) == (State.FAILED, NO_DESTINATION, NOW)


def test_another_tenants_destination_is_not_there(acme: Tenant, globex: Tenant, receiver: Receiver) -> None:
    destination = make_destination(acme, receiver)

    row = open_deliveries([DeliveryRequest(globex.pk, destination.pk, "alert:1", message())], NOW)[0]

    assert (row.state, row.error, row.provider_name) == (State.FAILED, NO_DESTINATION, "")


def test_a_deleted_destination_leaves_old_rules_working(acme: Tenant, receiver: Receiver) -> None:
    destination = make_destination(acme, receiver)
    delete_destination(tenant_id=acme.pk, destination_id=destination.pk, actor=SYSTEM, now=NOW)

    row = open_one(destination)

    assert (row.state, row.error) == (State.FAILED, NO_DESTINATION)


def test_a_destination_that_is_switched_off_gets_nothing_but_a_test(acme: Tenant, receiver: Receiver) -> None:
    destination = make_destination(acme, receiver, enabled=False)

    assert open_one(destination).error == DISABLED
    assert open_one(destination, event_type="test").state == State.PENDING


def test_a_broken_destination_says_since_when_and_what_to_do(acme: Tenant, receiver: Receiver) -> None:
    destination = make_destination(acme, receiver)
    Destination.objects.for_tenant(acme).update(state=DestinationState.BROKEN, state_reason="Answered HTTP 410 Gone.")

    row = open_one(destination)

    assert row.state == State.FAILED
    assert "marked broken since 2026-03-01 12:00 UTC (Answered HTTP 410 Gone.); press Test" in row.error
    assert open_one(destination, event_type="test").state == State.PENDING


def test_over_the_hourly_guardrail_a_delivery_is_capped_and_says_so(acme: Tenant, receiver: Receiver) -> None:
    cap(acme, 3)
    destination = make_destination(acme, receiver)

    rows = open_deliveries([request(destination) for _ in range(5)], NOW)
    later = open_one(destination, now=NOW + timedelta(minutes=59))
    next_hour = open_one(destination, now=NOW + timedelta(minutes=61))

    assert [row.state for row in rows] == [State.PENDING] * 3 + [State.CAPPED] * 2
    assert later.state == State.CAPPED
    assert "guardrail of 3 messages an hour" in later.error
    assert next_hour.state == State.PENDING


def test_one_tenants_cap_is_not_anothers(acme: Tenant, globex: Tenant, receiver: Receiver) -> None:
    cap(acme, 0)
    mine, theirs = make_destination(acme, receiver), make_destination(globex, receiver)

    rows = open_deliveries([request(mine), request(theirs)], NOW)

    assert [row.state for row in rows] == [State.CAPPED, State.PENDING]


def test_a_storm_for_one_destination_becomes_one_digest(acme: Tenant, receiver: Receiver) -> None:
    stormy, calm = make_destination(acme, receiver), make_destination(acme, receiver, name="Calm")
    requests = [request(stormy, message=message(f"Rule {number}")) for number in range(STORM_LIMIT + 5)]

    rows = open_deliveries([*requests, request(calm)], NOW)

    digests = Delivery.objects.for_tenant(acme).filter(dedupe_key__startswith="digest:")
    assert [row.state for row in rows] == [State.DIGESTED] * (STORM_LIMIT + 5) + [State.PENDING]
    assert {row.digest_id for row in rows[:-1]} == {digest.pk for digest in digests}
    assert digests.get().subject == "25 messages at once"
    assert "Rule 24" in digests.get().message["message"]


def test_up_to_the_limit_everybody_gets_a_message_of_their_own(acme: Tenant, receiver: Receiver) -> None:
    destination = make_destination(acme, receiver)

    rows = open_deliveries([request(destination) for _ in range(STORM_LIMIT)], NOW)

    assert {row.state for row in rows} == {State.PENDING}


def test_a_repeated_storm_opens_nothing_new(acme: Tenant, receiver: Receiver) -> None:
    destination = make_destination(acme, receiver)
    requests = [request(destination) for _ in range(STORM_LIMIT + 1)]
    open_deliveries(requests, NOW)

    open_deliveries(requests, NOW + timedelta(minutes=1))

    assert len(rows_of(acme)) == STORM_LIMIT + 2


def test_a_digest_counts_once_against_the_cap(acme: Tenant, receiver: Receiver) -> None:
    cap(acme, 1)
    destination = make_destination(acme, receiver)

    rows = open_deliveries([request(destination) for _ in range(STORM_LIMIT + 1)], NOW)

    assert {row.state for row in rows} == {State.DIGESTED}
    assert Delivery.objects.for_tenant(acme).get(dedupe_key__startswith="digest:").state == State.PENDING
    assert open_one(destination).state == State.CAPPED


def test_a_storm_for_a_destination_that_is_gone_fails_each_by_itself(acme: Tenant) -> None:
    gone = uuid.uuid4()
    requests = [DeliveryRequest(acme.pk, gone, str(uuid.uuid4()), message()) for _ in range(STORM_LIMIT + 1)]

    rows = open_deliveries(requests, NOW)

    assert {row.state for row in rows} == {State.FAILED}
    assert len(rows_of(acme)) == STORM_LIMIT + 1


@pytest.mark.parametrize(
    ("firing", "opened"),
    [
        (State.PENDING, State.PENDING),
        (State.SENDING, State.PENDING),
        (State.DELIVERED, State.PENDING),
        (State.UNKNOWN, State.PENDING),
        (State.FAILED, State.FAILED),
        (State.CAPPED, State.FAILED),
    ],
)
def test_a_resolve_notice_follows_a_firing_that_arrived_or_may_have(
    acme: Tenant, receiver: Receiver, firing: State, opened: State
) -> None:
    destination = make_destination(acme, receiver)
    first = open_one(destination)
    fields = {"claim_token": uuid.uuid4(), "lease_until": NOW} if firing is State.SENDING else {}
    wait = NOW if firing is State.PENDING else None
    Delivery.objects.across_tenants().filter(pk=first.pk).update(state=firing, next_attempt_at=wait, **fields)

    second = open_one(destination, depends_on=first.pk)

    assert second.state == opened
    assert second.error == (FIRING_NEVER_ARRIVED if opened is State.FAILED else "")


def test_a_storm_of_resolve_notices_keeps_those_that_must_wait(acme: Tenant, receiver: Receiver) -> None:
    destination = make_destination(acme, receiver)
    waiting, told = open_one(destination), open_one(destination)
    set_state(told, State.DELIVERED)
    count = STORM_LIMIT + 1

    rows = open_deliveries(
        [request(destination, depends_on=waiting.pk)]
        + [request(destination, depends_on=told.pk) for _ in range(count)],
        NOW,
    )

    assert [row.state for row in rows] == [State.PENDING] + [State.DIGESTED] * count


def test_what_was_folded_stands_as_its_digest_does(acme: Tenant, receiver: Receiver) -> None:
    destination = make_destination(acme, receiver)
    row = open_deliveries([request(destination) for _ in range(STORM_LIMIT + 1)], NOW)[0]
    digest = Delivery.objects.for_tenant(acme).get(dedupe_key__startswith="digest:")

    waiting = delivery_standings([row.pk])[row.pk]
    set_state(digest, State.UNKNOWN)
    ended = delivery_standings([row.pk])[row.pk]

    assert (waiting.state, waiting.waits_for, waiting.provider_id) == (State.DIGESTED, row.pk, destination.pk)
    assert (ended.state, ended.waits_for) == (State.UNKNOWN, None)
    assert reload(row).state == State.DIGESTED


def test_the_number_of_queries_does_not_depend_on_the_number_of_messages(acme: Tenant, receiver: Receiver) -> None:
    rows = [make_destination(acme, receiver, name=f"Hook {number}") for number in range(10)]

    with CaptureQueriesContext(connection) as few:
        open_deliveries([request(rows[0])], NOW)
    with CaptureQueriesContext(connection) as many:
        open_deliveries([request(row) for row in rows for _ in range(15)], NOW)

    assert len(many) == len(few) <= 7
