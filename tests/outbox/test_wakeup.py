"""The bell: a commit wakes a sleeping publisher at once; without a session it is silent and nothing is lost."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from kaireon.platform.loops import Loop, StopSignal
from kaireon.platform.tenancy.models import Tenant
from outbox.publishers.base import BackendDown
from outbox.services.enqueueing import DOOR_LOCK
from outbox.tier.publisher import PublisherTier
from outbox.tier.settings import TierSettings
from outbox.tier.wakeup import Bell, listening_session
from tests.outbox.world import Clock, ScriptedBackend, line, put

pytestmark = pytest.mark.django_db(transaction=True)
LONG = 30.0


def connect() -> "psycopg.Connection[Any]":
    return listening_session("", connection.get_connection_params())


@pytest.fixture
def bell(db: None) -> Iterator[Bell]:
    """Return a bell that is closed in the end."""
    bell = Bell(connect)
    yield bell
    bell.close()


def timed_wait(bell: Bell, seconds: float = LONG, stopping: StopSignal | None = None) -> float:
    started = time.monotonic()
    bell.wait(seconds, stopping or StopSignal())
    return time.monotonic() - started


def commit(tenant: Tenant) -> None:
    with transaction.atomic():
        put(tenant.pk, "a")


def test_a_commit_behind_the_closed_door_ends_the_wait(acme: Tenant, bell: Bell) -> None:
    assert bell.close_door()
    commit(acme)

    assert timed_wait(bell) < LONG / 2


def test_a_door_that_is_closed_needs_no_further_look(bell: Bell) -> None:
    assert (bell.close_door(), bell.close_door(), bell.rings) == (True, False, True)


def test_an_open_door_is_not_rung_at(acme: Tenant, bell: Bell) -> None:
    bell.close_door()
    bell.open_door()
    commit(acme)

    assert not bell.rings
    assert timed_wait(bell, 0.2) < LONG


def test_a_stop_ends_the_wait(bell: Bell) -> None:
    bell.close_door()
    stopping = StopSignal()
    threading.Timer(0.1, stopping.set).start()

    assert timed_wait(bell, stopping=stopping) < LONG / 2


def test_while_a_writer_is_in_its_transaction_the_waits_are_naps(acme: Tenant, bell: Bell) -> None:
    with connect() as writer, writer.transaction():
        writer.execute(f"SELECT pg_try_advisory_xact_lock_shared({DOOR_LOCK})")

        assert not bell.close_door()
        assert timed_wait(bell) < 1


def test_the_second_publisher_is_woken_and_does_not_keep_the_door(acme: Tenant, bell: Bell) -> None:
    other = Bell(connect)
    bell.close_door()

    assert not other.close_door()
    commit(acme)
    assert timed_wait(other) < LONG / 2
    other.close()


def test_the_second_publisher_keeps_the_door_once_the_first_is_gone(bell: Bell) -> None:
    other = Bell(connect)
    bell.close_door()
    other.close_door()

    bell.close()
    deadline = time.monotonic() + 10
    while not other.close_door() and time.monotonic() < deadline:
        time.sleep(0.01)

    assert other.rings
    other.close()


def test_while_the_door_is_open_the_others_nap_and_behind_a_closed_one_they_sleep(bell: Bell) -> None:
    other = Bell(connect)
    bell.close_door()
    other.close_door()

    slept = timed_wait(other, 0.5)
    bell.open_door()
    naps = [(other.close_door(), timed_wait(other)) for _ in range(5)]
    bell.close_door()
    timed_wait(other, 0.01)
    slept_again = timed_wait(other, 0.5)

    assert min(slept, slept_again) >= 0.49
    assert {is_closed for is_closed, _ in naps} == {False}
    assert sum(nap for _, nap in naps) < LONG / 2
    other.close()


def test_the_others_hear_that_the_door_opens(bell: Bell) -> None:
    other = Bell(connect)
    bell.close_door()
    other.close_door()
    waits: list[float] = []
    sleeper = threading.Thread(target=lambda: waits.append(timed_wait(other)))
    sleeper.start()
    time.sleep(0.3)

    bell.open_door()
    sleeper.join()

    assert waits[0] < LONG / 2
    other.close()


def test_an_event_beside_a_keeper_that_is_slow_does_not_wait_for_the_poll(acme: Tenant, bell: Bell) -> None:
    other, stopping = Bell(connect), StopSignal()
    backend = ScriptedBackend()
    tier = PublisherTier(
        publisher=backend, settings=TierSettings(history_hours=0, poll_seconds=LONG), bell=other, stopping=stopping
    )
    bell.close_door()
    bell.open_door()

    def write() -> None:
        for number in range(3):
            time.sleep(0.1)
            commit(acme)
            deadline = time.monotonic() + LONG / 2
            while len(backend.sent) == number and time.monotonic() < deadline:
                time.sleep(0.001)
        connection.close()
        stopping.set()

    started = time.monotonic()
    writer = threading.Thread(target=write)
    writer.start()
    while not stopping.is_set():
        if not tier.step():
            tier.pause(False)
    writer.join()

    assert (len(backend.sent), time.monotonic() - started < LONG / 2) == (3, True)
    tier.drain()


def test_the_keeper_calls_the_others_to_a_backlog(bell: Bell) -> None:
    other = Bell(connect)
    bell.close_door()
    other.close_door()

    bell.call_the_others()

    assert timed_wait(other) < LONG / 2
    other.close()


def test_calls_are_rare(bell: Bell) -> None:
    bell.close_door()
    with connect() as session:
        session.execute("LISTEN outbox")

        for _ in range(50):
            bell.call_the_others()

        assert len(list(session.notifies(timeout=0.3))) <= 4


def test_a_killed_session_is_noted_once_and_polling_goes_on(bell: Bell, caplog: pytest.LogCaptureFixture) -> None:
    bell.close_door()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid() "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )

    for _ in range(5):
        timed_wait(bell, 0.1)
    waited = timed_wait(bell, 0.1)

    assert (waited >= 0.09, bell.rings) == (True, False)
    assert [record.levelname for record in caplog.records if getattr(record, "event", "") == "outbox.bell_lost"] == [
        "WARNING"
    ]


def test_a_lost_session_comes_back_after_a_while(db: None) -> None:
    now = [0.0]
    bell = Bell(connect, monotonic=lambda: now[0])
    bell.close_door()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid() "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
    for _ in range(5):
        timed_wait(bell, 0.1)
    assert not bell.close_door()

    now[0] += 11
    deadline = time.monotonic() + 10
    while not bell.close_door() and time.monotonic() < deadline:
        time.sleep(0.01)

    assert bell.rings
    bell.close()


def test_a_session_that_hears_nothing_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    class Deaf(psycopg.Connection[Any]):
        """What a pooler in transaction mode looks like: it takes LISTEN and delivers nothing."""

        def notifies(self, **_: Any) -> Any:
            time.sleep(0.1)
            return iter(())

    caplog.set_level("INFO")
    parameters = connection.get_connection_params()
    bell = Bell(lambda: Deaf.connect(**parameters, autocommit=True))

    assert not bell.close_door()
    assert not bell.close_door()

    assert [record.getMessage() for record in caplog.records].count("outbox bell cannot be heard") == 1


def test_a_session_that_heard_too_late_is_tried_again_after_a_while(caplog: pytest.LogCaptureFixture) -> None:
    class Deaf(psycopg.Connection[Any]):
        """What a busy server looks like: the test's word comes too late."""

        def notifies(self, **_: Any) -> Any:
            time.sleep(0.1)
            return iter(())

    caplog.set_level("INFO")
    parameters, now = connection.get_connection_params(), [0.0]
    kinds = iter([Deaf, Deaf, psycopg.Connection])
    bell = Bell(lambda: next(kinds).connect(**parameters, autocommit=True), monotonic=lambda: now[0])
    answers = []

    for moment in (0, 9, 11, 30, 32):
        now[0] = moment
        answers.append(bell.close_door())

    assert answers == [False, False, False, False, True]
    assert [record.getMessage() for record in caplog.records].count("outbox bell cannot be heard") == 1
    bell.close()


def in_thread(do: Callable[[], object]) -> None:
    """Do it in a thread of its own, to its end: over a session of its own."""
    thread = threading.Thread(target=do)
    thread.start()
    thread.join()


def kill_own_session() -> None:
    """End the session that the tier works with, as a failover or a restarted pooler does."""
    connection.ensure_connection()
    with connect() as session:
        session.execute("SELECT pg_terminate_backend(%s, 10000)", [connection.connection.info.backend_pid])


def test_a_working_session_that_dies_while_the_bell_is_tried_costs_the_bell_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [0.0]

    def connect_and_kill() -> "psycopg.Connection[Any]":
        if not now[0]:
            kill_own_session()
        return connect()

    bell = Bell(connect_and_kill, monotonic=lambda: now[0])

    assert not bell.close_door()
    assert [getattr(record, "event", "") for record in caplog.records].count("outbox.bell_lost") == 1
    connection.close()
    now[0] += 11
    assert bell.close_door()
    bell.close()


def test_a_publisher_whose_session_dies_while_the_bell_is_tried_goes_on(acme: Tenant) -> None:
    stopping = StopSignal()
    backend, kills = ScriptedBackend(during=stopping.set), iter([True])

    def write() -> None:
        commit(acme)
        connection.close()

    def connect_and_kill() -> "psycopg.Connection[Any]":
        if next(kills, False):
            kill_own_session()
            in_thread(write)
        return connect()

    tier = PublisherTier(
        publisher=backend, settings=TierSettings(history_hours=0, poll_seconds=0.05), bell=Bell(connect_and_kill),
        stopping=stopping,
    )  # fmt: skip
    loop = Loop("test", tier.step, pause=tier.pause, drain=tier.drain, stopping=stopping, idle_seconds=0.05)

    assert loop.run() == 0
    assert (backend.numbers("a"), line(), backend.closed) == ([0], [], 1)


def test_without_a_database_the_bell_is_silent() -> None:
    bell = Bell(lambda: psycopg.connect("postgres://nobody@127.0.0.1:1/none", connect_timeout=1))

    assert not bell.close_door()
    bell.open_door()
    bell.call_the_others()
    assert timed_wait(bell, 0.05) < 5


def test_the_tier_publishes_what_commits_while_it_sleeps_at_once(acme: Tenant, bell: Bell) -> None:
    backend, stopping = ScriptedBackend(), StopSignal()
    tier = PublisherTier(
        publisher=backend, settings=TierSettings(history_hours=0, poll_seconds=LONG), bell=bell, stopping=stopping
    )
    seen: list[float] = []

    def write() -> None:
        for _ in range(5):
            time.sleep(0.15)
            before = len(backend.sent)
            started = time.monotonic()
            commit(acme)
            while len(backend.sent) == before and time.monotonic() - started < 10:
                time.sleep(0.001)
            seen.append(time.monotonic() - started)
        connection.close()
        stopping.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not stopping.is_set():
        if not tier.step():
            tier.pause(False)
    writer.join()

    assert max(seen) < 2
    assert (len(backend.sent), line()) == (5, [])
    tier.drain()


def test_under_load_the_door_opens_and_closes_again(acme: Tenant, bell: Bell) -> None:
    backend = ScriptedBackend()
    tier = PublisherTier(publisher=backend, settings=TierSettings(history_hours=0), bell=bell)
    tier.pause(False)
    assert bell.rings
    with transaction.atomic():
        put(acme.pk, *(f"k{number}" for number in range(100)))

    assert tier.step()
    assert not bell.rings
    tier.step()
    tier.pause(False)

    assert bell.rings
    tier.drain()


def test_what_a_fair_share_left_is_taken_without_waiting(acme: Tenant, bell: Bell) -> None:
    backend = ScriptedBackend()
    tier = PublisherTier(publisher=backend, settings=TierSettings(history_hours=0, batch_size=40), bell=bell)
    tier.step()
    tier.pause(False)
    with transaction.atomic():
        put(acme.pk, *(f"k{number}" for number in range(30)))

    while tier.step():
        pass

    assert len(backend.sent) == 30
    tier.drain()


def test_after_an_outage_the_rest_follows_the_first_event_at_once(acme: Tenant, bell: Bell) -> None:
    backend = ScriptedBackend(is_down=True)
    clock = Clock()
    tier = PublisherTier(
        publisher=backend, settings=TierSettings(history_hours=0), bell=bell, clock=clock, monotonic=clock.monotonic
    )
    with transaction.atomic():
        put(acme.pk, *"abc")
    with pytest.raises(BackendDown):
        tier.step()
    bell.close_door()
    backend.is_down = False

    clock.turn(2)
    while tier.step():
        pass

    assert len(backend.sent) == 3
    tier.drain()
