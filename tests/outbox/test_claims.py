"""Claims beside other sessions: answers that never come, locked rows, rewritten tables, and everybody's turn."""

import contextlib
import os
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from kaireon.platform.tenancy.models import Tenant
from outbox.decisions import Failed, Outcome, Sent
from outbox.decisions.sharing import Shares
from outbox.models import OutboxEvent, PublisherClaim
from outbox.publishers.base import Event
from outbox.services.claim_sql import MOST_TENANTS, TURNSTILE_LOCK
from outbox.services.claiming import NO_TENANT, Claim, claim_ready
from outbox.services.settling import release_claim
from outbox.tier.publisher import PublisherTier
from outbox.tier.server_clock import ASK_EVERY_SECONDS, ServerClock
from outbox.tier.settings import TierSettings
from tests.chaos.processes import wait_until
from tests.outbox.world import START, Clock, ScriptedBackend, fresh, line, make_tier, number_of, put, run_out
from tests.people import make_tenant

pytestmark = pytest.mark.django_db(transaction=True)
BUSY = Failed("Throttled.", is_transient=True)


@contextlib.contextmanager
def session() -> Iterator["psycopg.Connection[Any]"]:
    """Open a second connection to the test's database; each statement is a transaction of its own."""
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as other:
        yield other


def write(tenant: Tenant, *keys: str, start: int = 0) -> None:
    """Commit an event per key."""
    with transaction.atomic():
        put(tenant.pk, *keys, start=start)


def claim(limit: int = 500, *, skip_locked: bool = False, now: datetime = START) -> Claim:
    """Claim what is ready for a publisher of its own."""
    return claim_ready(
        claimant=fresh(), token=fresh(), shares=Shares({}, limit), limit=limit, after=NO_TENANT, lease_seconds=30,
        now=now, skip_locked=skip_locked,
    )  # fmt: skip


def waits_at_the_turnstile(other: "psycopg.Connection[Any]") -> bool:
    """Tell whether a session of this database waits for the turnstile."""
    found = other.execute(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    ).fetchone()
    return bool(found and found[0])


# --- A claim that was made, and whose answer did not come


def step_cut_off_at_the_turnstile(tier: PublisherTier) -> None:
    """Let a step lose its connection while it waits for the turnstile; the server goes on with it afterwards."""
    connection.ensure_connection()
    wire = socket.socket(fileno=os.dup(connection.connection.fileno()))
    with session() as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", [TURNSTILE_LOCK])

        def cut() -> None:
            with session() as watcher:
                wait_until(lambda: waits_at_the_turnstile(watcher))
            wire.shutdown(socket.SHUT_RDWR)

        thread = threading.Thread(target=cut)
        thread.start()
        with pytest.raises(DatabaseError):
            tier.step()
        thread.join()
        wire.close()
        connection.close()
        holder.execute("SELECT pg_advisory_unlock(%s)", [TURNSTILE_LOCK])
        wait_until(lambda: OutboxEvent.objects.across_tenants().filter(status="processing").exists())


def test_a_claim_that_was_made_although_its_answer_was_lost_keeps_its_keys_until_the_lease_ends(acme: Tenant) -> None:
    backend, clock = ScriptedBackend(), Clock()
    tier = make_tier(backend, clock)
    run_out(tier)
    write(acme, "k", "k", "k")
    step_cut_off_at_the_turnstile(tier)
    write(acme, "k", "k", "other", start=3)

    run_out(tier)
    sent_meanwhile = [number_of(event) for event in backend.sent]
    clock.turn(31)
    run_out(tier)
    run_out(make_tier(backend, clock))

    assert sent_meanwhile == [5]
    assert backend.numbers("k") == [0, 1, 2, 3, 4]
    assert line() == []


def test_one_that_ends_after_such_a_claim_leaves_its_note(acme: Tenant) -> None:
    backend, clock = ScriptedBackend(), Clock()
    tier = make_tier(backend, clock)
    run_out(tier)
    write(acme, "k", "k")
    step_cut_off_at_the_turnstile(tier)
    tier.drain()
    write(acme, "k", start=2)

    run_out(make_tier(backend, clock))
    before = list(backend.sent)
    clock.turn(31)
    run_out(make_tier(backend, clock))

    assert before == []
    assert backend.numbers("k") == [0, 1, 2]
    assert PublisherClaim.objects.exclude(keys=[]).count() == 0


# --- Rows that somebody has locked


@pytest.mark.parametrize("skip_locked", [False, True])
def test_a_locked_row_holds_its_own_key_from_there_on_and_nobody_elses(acme: Tenant, *, skip_locked: bool) -> None:
    other_tenant = make_tenant("Globex")
    write(acme, "k", "free", "k", "k")
    write(other_tenant, "k", start=10)
    locked = line()[2]

    with session() as other, other.transaction():
        other.execute("SELECT 1 FROM outbox_events WHERE id = %s FOR UPDATE", [locked.pk])
        found = claim(skip_locked=skip_locked)
    later = claim(now=START + timedelta(seconds=1))

    # The whole key waits, the part before the locked row too.
    assert [number_of(event) for event in found.events] == [1, 10]
    assert (found.skipped_locked, found.missed) == (True, 0)
    assert [number_of(event) for event in later.events] == [0, 2, 3]


def test_a_tenant_that_is_being_deleted_stops_nobody(acme: Tenant) -> None:
    globex = make_tenant("Globex")
    write(acme, "a", "b", "c")
    write(globex, "a", "b", start=10)
    backend = ScriptedBackend()
    tier = make_tier(backend)

    with session() as other, other.transaction(force_rollback=True):
        other.execute("DELETE FROM outbox_events WHERE tenant_id = %s", [acme.pk])
        run_out(tier)
        meanwhile = sorted(number_of(event) for event in backend.sent)
    run_out(tier)

    assert meanwhile == [10, 11]
    assert sorted(number_of(event) for event in backend.sent) == [0, 1, 2, 10, 11]


def test_a_row_that_is_changed_at_the_moment_of_the_claim_is_not_overtaken(acme: Tenant) -> None:
    write(acme, "k", "k", "k")
    first, backend = line()[0], ScriptedBackend()
    with session() as other:
        other.execute("BEGIN")
        other.execute("UPDATE outbox_events SET payload = '{\"number\": 0}' WHERE id = %s", [first.pk])

        def commit_when_waited_for() -> None:
            with session() as watcher:
                wait_until(lambda: _waits_for_a_row(watcher))
            other.execute("COMMIT")

        thread = threading.Thread(target=commit_when_waited_for)
        thread.start()
        tier = make_tier(backend)
        for _ in range(4):
            tier.step()
        thread.join()
    run_out(tier)

    assert backend.numbers("k") == [0, 1, 2]
    assert [event.attempts for event in line()] == []


def _waits_for_a_row(watcher: "psycopg.Connection[Any]") -> bool:
    found = watcher.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    ).fetchone()
    return bool(found and found[0])


def test_a_held_key_with_a_locked_event_waits_as_a_whole(acme: Tenant) -> None:
    clock = Clock()
    backend = ScriptedBackend(script=lambda event: BUSY if number_of(event) == 0 and clock.now == START else Sent())
    write(acme, "k", "k", "k")
    tier = make_tier(backend, clock)
    run_out(tier)
    clock.turn(60)
    run_out_once = tier.step()
    behind = line()[0]

    with session() as other, other.transaction():
        other.execute("SELECT 1 FROM outbox_events WHERE id = %s FOR UPDATE", [behind.pk])
        clock.turn(1)
        tier.step()
        meanwhile = backend.numbers("k")
    clock.turn(20)
    run_out(tier)

    assert run_out_once
    assert meanwhile == [0]
    assert backend.numbers("k") == [0, 1, 2]


def test_a_settlement_that_cannot_have_its_rows_fails_and_is_made_again(acme: Tenant) -> None:
    write(acme, "k")
    backend = ScriptedBackend()
    tier = make_tier(backend)
    with session() as other:
        backend.during = lambda: other.execute("BEGIN; SELECT 1 FROM outbox_events FOR KEY SHARE")
        with pytest.raises(DatabaseError, match="lock timeout"):
            tier.step()
        other.execute("COMMIT")
    backend.during = None

    run_out(tier)

    assert backend.numbers("k") == [0]
    assert line() == []


# --- Rows that lie elsewhere when the claim is settled


@pytest.mark.parametrize("fails", [range(0, 200, 2), range(100), range(0, 200, 7)])
def test_a_table_that_is_rewritten_during_the_publish_loses_nothing(acme: Tenant, fails: range) -> None:
    clock, chosen = Clock(), set(fails)

    def answer(event: Event) -> Outcome:
        return BUSY if number_of(event) in chosen and clock.now == START else Sent()

    write(acme, *(f"key-{number}" for number in range(250)))
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM outbox_events WHERE (payload->>'number')::int >= 200")
    backend = ScriptedBackend(script=answer)
    with session() as other:
        backend.during = lambda: other.execute("VACUUM FULL outbox_events")
        tier = make_tier(backend, clock)
        tier.step()
    backend.during = None
    for _ in range(4):
        clock.turn(5)
        run_out(tier)

    assert sorted(number_of(event) for event in backend.sent) == list(range(200))


def test_a_claim_that_was_released_is_anybodys(acme: Tenant) -> None:
    write(acme, "k", "k")
    first = claim()

    lost = release_claim(claim=first, now=START).lost

    assert lost == 0
    assert [event.id for event in claim().events] == [event.id for event in first.events]


# --- Everybody's turn


def test_more_tenants_than_a_batch_has_room_for_all_have_their_turn() -> None:
    tenants = [make_tenant(f"Tenant {number}") for number in range(20)]
    for tenant in tenants:
        write(tenant, *(f"k{number}" for number in range(30)))
    backend = ScriptedBackend()
    tier = make_tier(backend, batch_size=7)

    while len(backend.sent) < 200:
        tier.step()

    counts = Counter(event.tenant_id for event in backend.sent)
    assert len(counts) == 20
    assert max(counts.values()) <= 2 * min(counts.values())


def test_tenants_whose_keys_are_in_flight_elsewhere_hide_no_others() -> None:
    tenants = [make_tenant(f"Tenant {number}") for number in range(MOST_TENANTS + 6)]
    by_id = sorted(tenants, key=lambda tenant: tenant.pk)
    for tenant in by_id[:MOST_TENANTS]:
        write(tenant, "k", "k")
    frozen = claim(limit=MOST_TENANTS * 2)
    for tenant in by_id[:MOST_TENANTS]:
        write(tenant, "k", start=2)
    for tenant in by_id[MOST_TENANTS:]:
        write(tenant, "k", start=9)
    backend = ScriptedBackend()

    steps = run_out(make_tier(backend))

    assert len(frozen.events) == MOST_TENANTS * 2
    assert [number_of(event) for event in backend.sent] == [9] * 6
    assert steps <= 6


def test_held_keys_that_are_slow_to_fail_leave_others_most_of_the_time(acme: Tenant) -> None:
    globex, clock = make_tenant("Globex"), Clock()
    slow: Callable[[Event], Outcome] = lambda event: BUSY if event.tenant_id == str(acme.pk) else Sent()  # noqa: E731
    backend = ScriptedBackend(script=slow)
    write(acme, *(f"k{number}" for number in range(400)))
    tier = make_tier(backend, clock)
    run_out(tier)
    backend.during = lambda: clock.turn(5 if backend.batches[-1][0].tenant_id == str(acme.pk) else 0.05)

    waits = []
    for number in range(40):
        write(globex, "g", start=number)
        written = clock.now
        while backend.numbers("g")[-1:] != [number]:
            tier.step()
        waits.append((clock.now - written).total_seconds())

    busy = [batch for batch in backend.batches if batch[0].tenant_id == str(acme.pk)]
    assert max(waits) <= 5.1
    assert len(busy) >= 2


def test_a_held_key_that_recovered_leaves_room_for_others_between_its_runs(acme: Tenant) -> None:
    globex, clock = make_tenant("Globex"), Clock()
    backend = ScriptedBackend(script=lambda event: BUSY if event.key == "k" and clock.now == START else Sent())
    write(acme, *["k"] * 900)
    tier = make_tier(backend, clock)
    run_out(tier)
    clock.turn(60)
    tier.step()
    write(globex, *(f"g{number}" for number in range(5)), start=5000)

    for _ in range(3):
        tier.step()

    order = [number_of(event) for event in backend.sent]
    assert 5004 in order
    assert len(order) < 900


# --- Clocks


def test_a_claim_that_waited_too_long_is_given_back_instead_of_published(acme: Tenant) -> None:
    clock, backend = Clock(), ScriptedBackend()
    write(acme, "k", "k")
    tier = make_tier(
        backend, clock, lease_seconds=30, reached=lambda name: clock.turn(15) if name == "claimed" else None
    )

    went_on = tier.step()

    assert (went_on, backend.batches) == (True, [])
    assert [(event.status, event.attempts) for event in line()] == [("pending", 0)] * 2


def test_the_time_is_the_databases_however_far_this_machines_is_off() -> None:
    moment = [100.0]
    clock = ServerClock(lambda: moment[0])
    with session() as other:
        server: list[datetime] = [row[0] for row in other.execute("SELECT clock_timestamp()").fetchall()]
    first = clock()
    moment[0] += ASK_EVERY_SECONDS - 1
    second = clock()

    assert abs((first - server[0]).total_seconds()) < 60
    assert second - first == timedelta(seconds=ASK_EVERY_SECONDS - 1)
    assert first.tzinfo == UTC


def test_without_the_database_the_clock_goes_on() -> None:
    moment = [100.0]
    clock = ServerClock(lambda: moment[0])
    first = clock()
    with transaction.atomic():
        # In a transaction that has failed no statement is answered.
        with contextlib.suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")
        moment[0] += 3 * ASK_EVERY_SECONDS
        second = clock()
        transaction.set_rollback(True)

    assert second - first == timedelta(seconds=3 * ASK_EVERY_SECONDS)


def test_publishers_go_by_the_servers_clock_unless_told_otherwise(acme: Tenant) -> None:
    backend = ScriptedBackend()
    PublisherTier(publisher=backend, settings=TierSettings(history_hours=0, lease_seconds=30)).step()
    write(acme, "k")
    claimed: list[float] = []

    def note() -> None:
        with session() as other:
            row = other.execute(
                "SELECT extract(epoch FROM lease_until - clock_timestamp()) FROM outbox_events"
            ).fetchone()
            claimed.append(float(row[0]) if row else 0.0)

    backend.during = note
    PublisherTier(publisher=backend, settings=TierSettings(history_hours=0, lease_seconds=3000)).step()

    assert 2900 < claimed[0] <= 3001


def test_what_was_sent_before_the_database_went_away_is_settled_and_not_taken_back(acme: Tenant) -> None:
    clock, backend = Clock(), ScriptedBackend()
    tier = make_tier(backend, clock, lease_seconds=30)
    run_out(tier)
    write(acme, "k", "k")
    backend.during = connection.connection.close
    with pytest.raises(DatabaseError):
        tier.step()
    connection.close()
    backend.during = None

    clock.turn(3600)
    run_out(tier)

    assert backend.numbers("k") == [0, 1]
    assert line() == []
