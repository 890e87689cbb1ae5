"""What pages ask about destinations and deliveries."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kaireon.platform.errors import NotFound
from kaireon.platform.notifications import selectors
from kaireon.platform.notifications.decisions import STORM_LIMIT, State
from kaireon.platform.notifications.services import open_deliveries, resend_delivery
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.notifications.ledger import NOW, deliver, make_destination, open_one, request
from tests.servers import Receiver, Reply


def test_each_destination_comes_with_its_last_delivery(acme: Tenant, globex: Tenant, receiver: Receiver) -> None:
    quiet = make_destination(acme, receiver, name="Quiet")
    busy = make_destination(acme, receiver, name="Busy", now=NOW + timedelta(seconds=1))
    make_destination(globex, receiver)
    open_one(busy)
    last = open_one(busy, now=NOW + timedelta(minutes=5))

    overviews = selectors.list_destinations(acme.pk)

    assert [overview.destination.pk for overview in overviews] == [busy.pk, quiet.pk]
    assert [overview.last_delivery and overview.last_delivery.pk for overview in overviews] == [last.pk, None]


def test_the_list_takes_two_queries_however_many_destinations_there_are(acme: Tenant, receiver: Receiver) -> None:
    for number in range(5):
        open_one(make_destination(acme, receiver, name=f"Hook {number}"))

    with CaptureQueriesContext(connection) as queries:
        overviews = selectors.list_destinations(acme.pk)

    assert len(overviews) == 5
    assert len(queries) == 2


def test_deliveries_are_found_by_every_filter(acme: Tenant, globex: Tenant, receiver: Receiver) -> None:
    one, two = make_destination(acme, receiver), make_destination(acme, receiver, name="Two")
    open_one(make_destination(globex, receiver))
    first = open_one(one)
    second = open_one(two, event_type="alert.resolved", now=NOW + timedelta(minutes=5))
    deliver(delivery_ids=[first.pk])

    def found(**filters: object) -> set[uuid.UUID]:
        return {row.pk for row in selectors.list_deliveries(acme.pk, **filters)}  # type: ignore[arg-type]

    assert found() == {first.pk, second.pk}
    assert found(provider_id=one.pk) == {first.pk}
    assert found(state="pending") == {second.pk}
    assert found(event_type="alert.resolved") == {second.pk}
    assert found(since=NOW + timedelta(minutes=1)) == {second.pk}
    assert found(provider_id=one.pk, state="pending") == set()


def test_a_story_tells_attempts_resends_and_what_was_folded(acme: Tenant, receiver: Receiver) -> None:
    receiver.script = lambda got: Reply(400)
    destination = make_destination(acme, receiver)
    row = open_one(destination)
    deliver()
    again = resend_delivery(tenant_id=acme.pk, delivery_id=row.pk, actor=SYSTEM, now=NOW)
    folded = open_deliveries([request(destination) for _ in range(STORM_LIMIT + 1)], NOW)

    story = selectors.delivery_story(acme.pk, row.pk)
    digest = selectors.delivery_story(acme.pk, folded[0].digest_id or uuid.uuid4())

    assert [(attempt.number, attempt.outcome, attempt.status_code) for attempt in story.attempts] == [
        (1, "failed", 400)
    ]
    assert [resend.pk for resend in story.resends] == [again.pk]
    assert {each.pk for each in digest.folded} == {each.pk for each in folded}


def test_what_another_tenant_has_is_not_there(acme: Tenant, globex: Tenant, receiver: Receiver) -> None:
    destination = make_destination(acme, receiver)
    row = open_one(destination)

    for ask in (
        lambda: selectors.find_destination(globex.pk, destination.pk),
        lambda: selectors.find_delivery(globex.pk, row.pk),
        lambda: selectors.delivery_story(globex.pk, row.pk),
    ):
        with pytest.raises(NotFound):
            ask()
    assert selectors.last_deliveries(globex.pk, [destination.pk]) == {}


def test_standings_are_read_in_one_query_and_leave_out_what_is_not_there(acme: Tenant, receiver: Receiver) -> None:
    destination = make_destination(acme, receiver)
    waiting, sent = open_one(destination), open_one(destination)
    deliver(delivery_ids=[sent.pk])

    with CaptureQueriesContext(connection) as queries:
        standings = selectors.delivery_standings([waiting.pk, sent.pk, uuid.uuid4()])

    assert len(queries) == 1
    assert {pk: standing.state for pk, standing in standings.items()} == {
        waiting.pk: State.PENDING,
        sent.pk: State.DELIVERED,
    }
    assert standings[waiting.pk].waits_for == waiting.pk
    assert standings[sent.pk].waits_for is None
