"""Taking events back from publishers: one statement, idempotent, and nobody acknowledges later."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.models import Tenant
from outbox.models import OutboxEvent, PublisherClaim
from outbox.services import reap_expired, reap_stale
from outbox.services.claim_sql import TURNSTILE_LOCK
from outbox.services.enqueueing import BELL, DOOR_LOCK
from outbox.services.holding import BEFORE_ALL, MOST_KEYS, heal_holds
from outbox.services.reap_sql import FRONT_OF_LOST, REAP_EXPIRED, REAP_STALE
from outbox.services.registering import forget_publisher
from tests.chaos.processes import test_database_url as database_url
from tests.outbox.line import NOW, ago, claimed, held, note, reread, waiting
from tests.outbox.world import Clock, ScriptedBackend, make_tier
from tests.people import make_tenant
from tests.platform.together import run_together

ALL_MODES = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(("seconds", "is_reaped"), [(299, False), (300, False), (300.001, True), (86_400, True)])
def test_an_event_is_stale_once_it_was_untouched_for_longer_than_the_threshold(
    acme: Tenant, seconds: float, is_reaped: bool
) -> None:
    event = claimed(acme, at=ago(seconds=seconds))

    count = reap_stale(now=NOW, staleness_seconds=300)

    assert (count, reread(event).status) == ((1, "pending") if is_reaped else (0, "processing"))


def test_a_stale_event_is_left_alone_as_long_as_its_lease_runs(acme: Tenant) -> None:
    event = claimed(acme, at=ago(seconds=310), lease_until=NOW)

    counts = [reap_stale(now=NOW + timedelta(seconds=later), staleness_seconds=300) for later in (0, 1)]

    assert counts == [0, 1]
    assert reread(event).status == "pending"


def test_a_reaped_event_keeps_what_it_is_and_loses_its_claim(acme: Tenant) -> None:
    event = claimed(acme, at=ago(hours=1), attempts=3, last_error="busy")

    reap_stale(now=NOW, staleness_seconds=300)

    after = reread(event)
    assert (after.claim_token, after.lease_until, after.updated_at, after.next_attempt_at) == (None, None, NOW, None)
    assert (after.seq, after.attempts, after.last_error, after.payload, after.created_at) == (
        event.seq, 3, "busy", event.payload, event.created_at,
    )  # fmt: skip


def test_waiting_events_are_left_alone_however_old(acme: Tenant) -> None:
    old = waiting(acme, updated_at=ago(days=9))
    aside = held(acme, "bob", updated_at=ago(days=9))

    count = reap_stale(now=NOW, staleness_seconds=1)

    assert (count, reread(old).updated_at, reread(aside).updated_at) == (0, ago(days=9), ago(days=9))


def test_a_second_run_finds_nothing(acme: Tenant) -> None:
    event = claimed(acme, at=ago(hours=1))

    counts = [reap_stale(now=NOW, staleness_seconds=300), reap_stale(now=NOW, staleness_seconds=300)]

    assert counts == [1, 0]
    assert reread(event).updated_at == NOW


def test_it_is_one_statement_for_every_tenant_and_any_number(
    acme: Tenant, globex: Tenant, django_assert_num_queries: Any
) -> None:
    for number in range(20):
        claimed(acme, f"a{number}", at=ago(hours=1))
        claimed(globex, f"g{number}", at=ago(hours=1))

    with django_assert_num_queries(1):
        count = reap_stale(now=NOW, staleness_seconds=300)

    assert count == 40


def test_a_row_that_an_operator_marked_by_hand_is_reaped_too(acme: Tenant) -> None:
    event = waiting(acme, status="processing", updated_at=ago(hours=1))
    behind = held(acme, "bob", status="processing", updated_at=ago(hours=1))

    count = reap_stale(now=NOW, staleness_seconds=300)

    assert count == 2
    assert {reread(event).status, reread(behind).status} == {"pending"}


def test_a_held_head_stays_held_and_is_due(acme: Tenant) -> None:
    due = ago(minutes=10)
    head = held(acme, status="processing", attempts=2, next_attempt_at=due, updated_at=ago(minutes=9))
    behind = held(acme)

    reap_stale(now=NOW, staleness_seconds=300)

    assert (reread(head).is_held, reread(head).next_attempt_at) == (True, due)
    assert reread(behind).next_attempt_at is None


def test_of_a_run_without_its_head_the_first_one_gets_a_time(acme: Tenant) -> None:
    run = [held(acme, status="processing", updated_at=ago(hours=1)) for _ in range(3)]
    other = held(acme, "bob", status="processing", updated_at=ago(hours=1))

    reap_stale(now=NOW, staleness_seconds=300)

    assert [reread(event).next_attempt_at for event in run] == [NOW, None, None]
    assert reread(other).next_attempt_at == NOW


# --- leases


def test_a_lease_that_has_ended_is_taken_back_and_one_that_runs_is_not(acme: Tenant) -> None:
    ended, running = claimed(acme, "ann", at=ago(seconds=31)), claimed(acme, "bob", at=ago(seconds=29))
    for event in (ended, running):
        note(event.claim_token or uuid.UUID(int=0), [event], lease_until=event.lease_until or NOW)

    count = reap_expired(now=NOW)

    assert (count, reread(ended).status, reread(running).status) == (1, "pending", "processing")
    assert [row.token for row in PublisherClaim.objects.all()] == [running.claim_token]


def test_the_note_of_a_dead_publisher_that_held_nothing_any_more_goes_too(acme: Tenant) -> None:
    note(new_id(), [waiting(acme)], lease_until=ago(seconds=1))

    assert reap_expired(now=NOW) == 0

    assert not PublisherClaim.objects.exists()


def test_without_an_ended_lease_no_event_is_looked_at(acme: Tenant) -> None:
    for number in range(50):
        claimed(acme, f"key-{number}")

    statement = REAP_EXPIRED.partition(";")[2]
    with connection.cursor() as cursor:
        # Of fifty rows it is as cheap to read all as to look for some: the planner is told of a million.
        cursor.execute("UPDATE pg_class SET reltuples = 1000000, relpages = 1 WHERE oid = 'outbox_events'::regclass")
        cursor.execute("SET LOCAL enable_mergejoin = off; SET LOCAL enable_hashjoin = off")
        cursor.execute(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {statement}", {"now": NOW, "limit": NOW, "front": 0})
        plan = "\n".join(row[0] for row in cursor.fetchall())

    scans = [line for line in plan.splitlines() if "outbox_events" in line and "Scan" in line]
    assert [line for line in scans if "never executed" not in line and "rows=50" in line] == []


def test_the_empty_note_of_a_publisher_that_idles_makes_nobody_look(acme: Tenant) -> None:
    token = new_id()
    event = claimed(acme, at=ago(seconds=31), claim_token=token)
    note(token, [], lease_until=ago(seconds=1))

    assert (reap_expired(now=NOW), reread(event).status) == (0, "processing")


def test_a_stale_claims_note_goes_with_its_events(acme: Tenant) -> None:
    event = claimed(acme, at=ago(minutes=6))
    note(event.claim_token or uuid.UUID(int=0), [event], lease_until=ago(minutes=5.5))

    reap_stale(now=NOW, staleness_seconds=300)

    assert not PublisherClaim.objects.exists()


# --- claims that stand in no note


def test_an_event_whose_claim_stands_in_no_note_is_taken_back_when_its_lease_has_ended(acme: Tenant) -> None:
    lost, running = claimed(acme, "ann", at=ago(seconds=31)), claimed(acme, "bob", at=ago(seconds=29))
    aside = held(
        acme, "eve", status="processing", claim_token=new_id(), lease_until=ago(seconds=1), next_attempt_at=NOW
    )

    count = reap_expired(now=NOW)

    assert (count, reread(lost).status, reread(aside).status) == (2, "pending", "pending")
    assert reread(running).status == "processing"


def test_such_events_are_looked_for_now_and_then_only(acme: Tenant) -> None:
    lost = claimed(acme, at=ago(hours=1))

    assert (reap_expired(now=NOW, with_lost=False), reread(lost).status) == (0, "processing")


def test_such_an_event_is_found_once_it_has_come_to_the_front_of_its_line(acme: Tenant, globex: Tenant) -> None:
    OutboxEvent.objects.bulk_create(
        OutboxEvent(tenant=acme, topic="t.v1", key=f"key-{number}", payload={}, occurred_at=NOW)
        for number in range(FRONT_OF_LOST)
    )
    behind, first = claimed(acme, at=ago(hours=1)), claimed(globex, at=ago(hours=1))

    before = reap_expired(now=NOW), reread(first).status, reread(behind).status
    OutboxEvent.objects.for_tenant(acme).get(key="key-0").delete()
    after = reap_expired(now=NOW), reread(behind).status

    assert (before, after) == ((1, "pending", "processing"), (1, "pending"))


def test_a_publisher_finds_them_once_a_lease(acme: Tenant) -> None:
    clock, backend = Clock(NOW), ScriptedBackend()
    tier = make_tier(backend, clock, lease_seconds=30)
    tier.step()
    lost = claimed(acme, at=NOW)

    for _ in range(7):
        clock.turn(5)
        tier.step()
    early = len(backend.sent)
    clock.turn(25)
    tier.step()

    assert (early, [event.id for event in backend.sent]) == (0, [str(lost.pk)])


def test_a_publisher_that_leaves_something_behind_leaves_its_note(acme: Tenant) -> None:
    ended, idle = (note(new_id(), events, lease_until=NOW) for events in ([claimed(acme)], []))

    for left in (ended, idle):
        forget_publisher(publisher_id=left.publisher, now=NOW)

    assert list(PublisherClaim.objects.all()) == [ended]


# --- held keys without a first event


def test_of_more_held_keys_than_one_look_sees_each_has_its_turn(acme: Tenant) -> None:
    OutboxEvent.objects.bulk_create(
        OutboxEvent(
            tenant=acme, topic="t.v1", key=f"key-{number:05}", payload={}, occurred_at=NOW, is_held=True,
            next_attempt_at=NOW + timedelta(hours=1),
        )
        for number in range(MOST_KEYS + 1)
    )  # fmt: skip
    first, last = held(acme, "a"), held(acme, "zz")

    looks = [healed := heal_holds(now=NOW)]
    looks += [healed := heal_holds(now=NOW, after=healed.after) for _ in range(2)]

    assert [look.mended for look in looks] == [1, 1, 0]
    assert [reread(event).next_attempt_at for event in (first, last)] == [NOW, NOW]
    assert looks[1].after == BEFORE_ALL


def test_a_publishers_looks_reach_all_of_them(acme: Tenant) -> None:
    OutboxEvent.objects.bulk_create(
        OutboxEvent(
            tenant=acme, topic="t.v1", key=f"key-{number:05}", payload={}, occurred_at=NOW, is_held=True,
            next_attempt_at=NOW + timedelta(hours=1),
        )
        for number in range(MOST_KEYS)
    )  # fmt: skip
    last, clock = held(acme, "zz"), Clock(NOW)
    tier = make_tier(ScriptedBackend(), clock)

    for _ in range(2):
        tier.housekeeping.run(clock())
        clock.turn(5)

    assert reread(last).next_attempt_at == clock() - timedelta(seconds=5)


# --- two connections


@ALL_MODES
def test_a_claim_that_wants_its_own_note_does_not_wait_for_a_publisher_that_heals() -> None:
    tenant, token = make_tenant("Acme"), new_id()
    idle, headless = note(token, [], lease_until=ago(seconds=1)), held(tenant)
    tier = make_tier(ScriptedBackend(), Clock(NOW))

    def keep_house() -> None:
        tier.housekeeping.run(NOW)

    with (
        psycopg.connect(database_url()) as claiming,
        psycopg.connect(database_url(), autocommit=True) as watching,
        ThreadPoolExecutor(1) as pool,
    ):
        claiming.execute("SELECT pg_advisory_xact_lock(%s)", [TURNSTILE_LOCK])
        other = pool.submit(with_own_connection, keep_house)
        while not watching.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").fetchone():
            assert not other.done()
        claiming.execute(
            "INSERT INTO outbox_claims (publisher, token, lease_until, keys) VALUES (%s, %s, %s, '{7}')"
            " ON CONFLICT (publisher) DO UPDATE SET keys = excluded.keys",
            [idle.publisher, token, NOW],
        )
        claiming.commit()
        other.result(timeout=60)

    assert PublisherClaim.objects.get().keys == [7]
    assert reread(headless).next_attempt_at == NOW


def with_own_connection(step: Callable[[], None]) -> None:
    """Run a step in a thread and close the database connection that the thread opened."""
    try:
        step()
    finally:
        connection.close()


def acknowledge(connected: psycopg.Connection[Any], event: OutboxEvent) -> int:
    """Delete the event as its publisher does when the back end has it."""
    return connected.execute(
        "DELETE FROM outbox_events WHERE id = ANY(%s) AND claim_token = %s", [[event.pk], event.claim_token]
    ).rowcount


@ALL_MODES
def test_a_slow_publisher_acknowledges_nothing_after_the_reaper() -> None:
    event = claimed(make_tenant("Acme"), at=ago(hours=1))
    with psycopg.connect(database_url(), autocommit=True) as slow:
        reap_stale(now=NOW, staleness_seconds=300)

        deleted = acknowledge(slow, event)

    assert (deleted, reread(event).status) == (0, "pending")


@ALL_MODES
def test_an_acknowledgement_under_way_is_neither_waited_for_nor_undone() -> None:
    event = claimed(make_tenant("Acme"), at=ago(hours=1))
    note(event.claim_token or uuid.UUID(int=0), [event], lease_until=ago(minutes=59))
    with psycopg.connect(database_url()) as slow:
        acknowledge(slow, event)

        count = reap_stale(now=NOW, staleness_seconds=300)
        notes_meanwhile = PublisherClaim.objects.count()
        slow.commit()

    assert (count, notes_meanwhile, OutboxEvent.objects.across_tenants().count()) == (0, 1, 0)
    assert (reap_stale(now=NOW, staleness_seconds=300), PublisherClaim.objects.count()) == (0, 0)


@ALL_MODES
def test_while_one_event_of_a_claim_is_locked_its_note_keeps_the_keys() -> None:
    tenant, token = make_tenant("Acme"), new_id()
    first = claimed(tenant, at=ago(hours=1), claim_token=token)
    second = claimed(tenant, at=ago(hours=1), claim_token=token)
    note(token, [first, second], lease_until=ago(minutes=59))
    with psycopg.connect(database_url()) as slow:
        acknowledge(slow, first)
        count = reap_stale(now=NOW, staleness_seconds=300)
        slow.rollback()

    assert (count, reread(second).status, reread(first).status) == (1, "pending", "processing")
    assert PublisherClaim.objects.count() == 1
    assert (reap_stale(now=NOW, staleness_seconds=300), PublisherClaim.objects.count()) == (1, 0)


@ALL_MODES
def test_an_acknowledgement_that_waits_for_the_reaper_deletes_nothing() -> None:
    event = claimed(make_tenant("Acme"), at=ago(hours=1))
    with psycopg.connect(database_url(), cursor_factory=psycopg.ClientCursor) as reaper:
        parameters: dict[str, Any] = {"now": NOW, "limit": NOW - timedelta(seconds=300)}
        reaper.execute(REAP_STALE, parameters)
        deleted: list[int] = []

        def publish() -> None:
            with psycopg.connect(database_url(), autocommit=True) as slow:
                deleted.append(acknowledge(slow, event))

        run_together(publish, reaper.commit)

    assert (deleted, reread(event).status) == ([0], "pending")


@ALL_MODES
def test_several_reapers_at_once_reset_each_event_once() -> None:
    tenant = make_tenant("Acme")
    for number in range(200):
        claimed(tenant, f"key-{number}", at=ago(hours=1))
    counts: list[int] = []

    run_together(*[lambda: counts.append(reap_stale(now=NOW, staleness_seconds=300))] * 4)

    assert sum(counts) == 200
    assert not OutboxEvent.objects.across_tenants().filter(status="processing").exists()


# --- waking


@ALL_MODES
def test_a_sleeping_publisher_is_woken_only_when_something_came_back() -> None:
    tenant = make_tenant("Acme")
    with psycopg.connect(database_url(), autocommit=True) as sleeper:
        sleeper.execute(f"LISTEN {BELL}")
        sleeper.execute("SELECT pg_advisory_lock(%s)", [DOOR_LOCK])
        reap_stale(now=NOW, staleness_seconds=300)
        silence = list(sleeper.notifies(timeout=0.2))
        claimed(tenant, at=ago(hours=1))

        reap_stale(now=NOW, staleness_seconds=300)
        rings = list(sleeper.notifies(timeout=5, stop_after=1))

    assert (len(silence), len(rings)) == (0, 1)


def test_nobody_is_rung_while_nobody_sleeps(acme: Tenant) -> None:
    claimed(acme, at=ago(hours=1))

    with CaptureQueriesContext(connection) as queries:
        reap_stale(now=NOW, staleness_seconds=300)

    assert len(queries) == 1
