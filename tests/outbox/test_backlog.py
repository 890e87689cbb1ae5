"""How much waits, since when, until when: the answers, and what they read."""

import uuid
from typing import Any

import pytest
from django.db import connection

from kaireon.platform.tenancy.models import Tenant
from outbox.decisions.draining import drain_seconds
from outbox.models import OutboxEvent
from outbox.selectors import backlog
from outbox.selectors.backlog import (
    backlog_of,
    oldest_by_tenant,
    oldest_seconds,
    pending_by_tenant,
    pending_count,
)
from outbox.selectors.held import MOST_BEHIND, count_held_keys, held_keys
from outbox.selectors.publishers import count_live, is_alive, live_publishers, live_rate, recent_publishers
from tests.outbox.line import NOW, ago, claimed, held, publisher, waiting


@pytest.mark.parametrize(
    ("ahead", "rate", "seconds"),
    [(0, 0.0, 0.0), (0, 10.0, 0.0), (100, 10.0, 10.0), (1, 0.0, None), (1, -1.0, None), (5, 0.5, 10.0)],
)
def test_a_backlog_drains_in_what_is_ahead_by_the_rate(ahead: int, rate: float, seconds: float | None) -> None:
    assert drain_seconds(ahead, rate) == seconds


# --- everybody's


def test_an_empty_outbox_is_all_zeros(db: None) -> None:
    assert (pending_count(), oldest_seconds(NOW), count_held_keys(), count_live(NOW), live_rate(NOW)) == (0, 0, 0, 0, 0)


def test_what_waits_is_held_or_is_under_way_has_not_left(acme: Tenant, globex: Tenant) -> None:
    waiting(acme)
    claimed(globex)
    held(acme, "bob", next_attempt_at=NOW)
    held(acme, "bob")

    assert pending_count() == 4


@pytest.mark.parametrize("make", [waiting, claimed, held])
def test_the_oldest_event_counts_in_whatever_state_it_is(acme: Tenant, globex: Tenant, make: Any) -> None:
    make(acme, "old", created_at=ago(seconds=90), next_attempt_at=NOW if make is held else None)
    waiting(acme, created_at=ago(seconds=10))
    waiting(globex, created_at=ago(seconds=20))

    assert oldest_seconds(NOW) == 90


def test_of_two_tenants_the_one_that_waits_longer_is_the_oldest(acme: Tenant, globex: Tenant) -> None:
    for tenant, seconds in ((acme, 5), (globex, 50)):
        waiting(tenant, created_at=ago(seconds=seconds))
        waiting(tenant, created_at=ago(seconds=1))

    assert oldest_seconds(NOW) == 50


def test_an_event_of_the_future_is_not_younger_than_now(acme: Tenant) -> None:
    waiting(acme, created_at=ago(seconds=-60))

    assert oldest_seconds(NOW) == 0


def test_beyond_the_bound_the_servers_statistics_answer(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        waiting(acme)
    monkeypatch.setattr(backlog, "_PENDING", backlog._PENDING.replace(str(backlog.EXACT), "3"))

    # Nothing of this transaction is in the statistics yet: the bound itself is the least that can be said.
    assert pending_count() >= 3


# --- one tenant's


def test_each_tenant_has_its_own_figures(acme: Tenant, globex: Tenant) -> None:
    stranger = uuid.uuid4()
    waiting(acme, created_at=ago(seconds=30))
    held(acme, "bob", next_attempt_at=NOW, created_at=ago(seconds=40))
    claimed(globex, created_at=ago(seconds=7))

    tenants = [acme.pk, globex.pk, stranger]

    assert pending_by_tenant(tenants) == {acme.pk: 2, globex.pk: 1, stranger: 0}
    assert oldest_by_tenant(tenants, NOW) == {acme.pk: 40, globex.pk: 7, stranger: 0}


def test_a_tenants_oldest_held_event_is_found_behind_other_keys(acme: Tenant) -> None:
    for key, seconds in (("a", 10), ("b", 99), ("c", 20)):
        held(acme, key, next_attempt_at=NOW, created_at=ago(seconds=seconds))
        held(acme, key, created_at=ago(seconds=1))

    assert oldest_by_tenant([acme.pk], NOW) == {acme.pk: 99}


def test_nobody_asked_for_is_nobody_answered(db: None) -> None:
    assert (pending_by_tenant([]), oldest_by_tenant([], NOW)) == ({}, {})


def test_the_figures_of_many_tenants_are_two_queries(
    acme: Tenant, globex: Tenant, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(2):
        pending_by_tenant([acme.pk, globex.pk])
        oldest_by_tenant([acme.pk, globex.pk], NOW)


def test_the_time_to_drain_counts_what_leaves_in_turn_with_it(acme: Tenant, globex: Tenant) -> None:
    publisher(published_per_second=2.0)
    for _ in range(3):
        waiting(acme)
    for _ in range(10):
        waiting(globex)

    found = backlog_of(acme.pk, NOW)

    # Three of Acme's and, in turn with them, three of Globex's.
    assert (found.ready, found.held, found.total, found.is_more) == (3, 0, 3, False)
    assert (found.rate, found.drain_seconds) == (2.0, 3.0)


def test_held_events_do_not_drain_at_the_rate(acme: Tenant) -> None:
    publisher(published_per_second=1.0)
    head = held(acme, next_attempt_at=NOW, created_at=ago(seconds=5))

    found = backlog_of(acme.pk, NOW)

    assert (found.ready, found.held, found.oldest_at, found.drain_seconds) == (0, 1, head.created_at, 0.0)


def test_the_oldest_ready_event_is_not_the_held_one_before_it_nor_somebody_elses(acme: Tenant, globex: Tenant) -> None:
    first = held(acme, next_attempt_at=NOW, created_at=ago(seconds=50))
    ready = waiting(acme, created_at=ago(seconds=20))
    waiting(acme, created_at=ago(seconds=10))
    waiting(globex, created_at=ago(seconds=90))

    found = backlog_of(acme.pk, NOW)

    assert (found.oldest_at, found.ready_oldest_at) == (first.created_at, ready.created_at)


def test_with_nobody_publishing_it_never_drains(acme: Tenant) -> None:
    publisher(heartbeat_at=ago(seconds=16))
    waiting(acme)

    assert backlog_of(acme.pk, NOW).drain_seconds is None


def test_of_a_long_line_everything_that_waits_is_ahead(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "EXACT", 2)
    publisher(published_per_second=1.0)
    for _ in range(5):
        waiting(acme)

    assert backlog_of(acme.pk, NOW).drain_seconds == 5.0


# --- held keys


def test_held_keys_say_what_failed_and_what_waits_behind(acme: Tenant, globex: Tenant) -> None:
    head = held(
        acme, "bob", topic="outcome.recorded", attempts=3, next_attempt_at=ago(seconds=-8), last_error="busy",
        error_id=uuid.uuid4(), created_at=ago(seconds=60),
    )  # fmt: skip
    held(acme, "bob")
    held(acme, "bob")
    held(globex, "bob", next_attempt_at=NOW)

    found = held_keys(acme.pk)

    (row,) = found.heads
    assert (row.key, row.event_id, row.topic, row.attempts) == ("bob", head.pk, "outcome.recorded", 3)
    assert (row.next_attempt_at, row.last_error, row.error_id) == (head.next_attempt_at, "busy", head.error_id)
    assert (row.oldest_at, row.behind, row.is_more_behind, row.is_under_way) == (head.created_at, 2, False, False)
    assert (found.total, found.is_more, count_held_keys()) == (1, False, 2)


def test_the_key_with_most_behind_comes_first_then_the_oldest(acme: Tenant) -> None:
    for key, behind, age in (("a", 0, 5), ("b", 2, 5), ("c", 0, 50), ("d", 1, 5)):
        held(acme, key, next_attempt_at=NOW, created_at=ago(seconds=age))
        for _ in range(behind):
            held(acme, key)

    found = held_keys(acme.pk, limit=3)

    assert [head.key for head in found.heads] == ["b", "d", "c"]
    assert found.total == 4


def test_a_held_event_that_is_tried_now_says_so(acme: Tenant) -> None:
    held(acme, status="processing", next_attempt_at=ago(seconds=1))

    assert held_keys(acme.pk).heads[0].is_under_way


@pytest.mark.slow
def test_what_waits_behind_is_counted_up_to_a_bound(acme: Tenant) -> None:
    held(acme, next_attempt_at=NOW)
    values: dict[str, Any] = {"tenant": acme, "topic": "t", "key": "ann", "payload": {}, "occurred_at": NOW}
    OutboxEvent.objects.bulk_create(OutboxEvent(**values, is_held=True) for _ in range(MOST_BEHIND + 5))

    (row,) = held_keys(acme.pk).heads

    assert (row.behind, row.is_more_behind) == (MOST_BEHIND, True)


# --- publishers


@pytest.mark.parametrize(("seconds", "is_counted"), [(0, True), (15, True), (15.1, False), (-5, True)])
def test_a_publisher_lives_while_its_heartbeat_is_young(db: None, seconds: float, is_counted: bool) -> None:
    row = publisher(heartbeat_at=ago(seconds=seconds))

    assert (count_live(NOW), is_alive(row, NOW)) == (int(is_counted), is_counted)


def test_the_rates_of_the_living_add_up(db: None) -> None:
    first = publisher(published_per_second=100.5, started_at=ago(hours=2))
    second = publisher(published_per_second=200.0)
    gone = publisher(published_per_second=4000.0, heartbeat_at=ago(minutes=1))

    assert live_rate(NOW) == 300.5
    assert [row.pk for row in live_publishers(NOW)] == [first.pk, second.pk]
    assert {row.pk for row in recent_publishers()} == {first.pk, second.pk, gone.pk}
    assert recent_publishers()[-1].pk == gone.pk


def test_questions_need_no_transaction_of_their_own(acme: Tenant) -> None:
    waiting(acme)

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL default_transaction_read_only = on; SET LOCAL transaction_read_only = on")
        figures = (pending_count(), oldest_seconds(NOW), count_held_keys(), count_live(NOW))

    assert figures == (1, 0, 0, 0)
