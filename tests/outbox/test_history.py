"""The history's partitions: there hours ahead, dropped whole, and never in the way of who publishes."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from kaireon.platform.tenancy.models import Tenant
from outbox.models import PublishedEvent
from outbox.services.history import HOURS_AHEAD, drop_partitions, make_partitions
from outbox.tier.housekeeping import BEAT_SECONDS, DROP_SECONDS
from tests.chaos.processes import test_database_url as database_url
from tests.outbox.world import START, Clock, ScriptedBackend, line, make_tier, put, run_out
from tests.people import make_tenant
from tests.platform.together import run_together

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def no_history_of_others(_django_db_helper: None) -> None:
    """Begin without what other tests have committed."""
    drop_partitions(before=None)


def partitions() -> list[str]:
    """Return the hours that have a partition, in their order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT right(inhrelid::regclass::text, 10) FROM pg_inherits WHERE inhparent = 'outbox_history'::regclass"
        )
        return sorted(name for (name,) in cursor.fetchall())


def hours(first: int, last: int) -> list[str]:
    """Return the names of the hours from the first to the last after START."""
    return [f"{START + number * HOUR:%Y%m%d%H}" for number in range(first, last + 1)]


def run_sql(statement: str) -> list[tuple[Any, ...]]:
    """Run a statement and return its rows, if it has any."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def waits(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return the lines that say that the history waits."""
    return [record for record in caplog.records if getattr(record, "event", "") == "outbox.history_waits"]


# --- Made ahead


@pytest.mark.django_db
def test_this_hour_and_the_next_ones_have_their_partitions() -> None:
    make_partitions(now=START)
    make_partitions(now=START + timedelta(minutes=59))

    assert partitions() == hours(0, HOURS_AHEAD)


@pytest.mark.django_db
def test_a_partition_has_no_log_and_the_index_of_the_history() -> None:
    make_partitions(now=START, ahead=0)

    assert run_sql("SELECT relpersistence FROM pg_class WHERE relname = 'outbox_history_2026030208'") == [("u",)]
    assert run_sql(
        "SELECT count(*) FROM pg_inherits WHERE inhparent = 'outbox_history_tenant_id'::regclass"
        " AND inhrelid IN (SELECT indexrelid FROM pg_index WHERE indrelid = 'outbox_history_2026030208'::regclass)"
    ) == [(1,)]


@pytest.mark.django_db
def test_while_nothing_is_missing_it_is_one_look(django_assert_num_queries: Any) -> None:
    make_partitions(now=START)

    with django_assert_num_queries(1):
        make_partitions(now=START)


@pytest.mark.django_db
def test_an_hour_that_was_detached_by_hand_comes_back_with_what_it_has(acme: Tenant) -> None:
    put(acme.pk, "a")
    run_out(make_tier(ScriptedBackend(), history_hours=24))
    run_sql("ALTER TABLE outbox_history DETACH PARTITION outbox_history_2026030208")

    make_partitions(now=START)

    assert PublishedEvent.objects.for_tenant(acme).count() == 1


@pytest.mark.django_db
def test_an_hour_that_somebody_dropped_is_there_again_before_the_next_settlement(acme: Tenant) -> None:
    clock = Clock()
    tier = make_tier(ScriptedBackend(), clock, history_hours=24)
    tier.step()
    run_sql("DROP TABLE outbox_history_2026030208")

    clock.turn(BEAT_SECONDS)
    put(acme.pk, "a")
    run_out(tier)

    assert PublishedEvent.objects.for_tenant(acme).count() == 1


# --- Dropped whole


@pytest.mark.django_db
def test_hours_before_the_oldest_are_dropped() -> None:
    make_partitions(now=START, ahead=5)

    drop_partitions(before=START + timedelta(hours=2, minutes=59))

    assert partitions() == hours(2, 5)


@pytest.mark.django_db
def test_a_publisher_without_history_leaves_the_day_of_those_who_have_one(acme: Tenant) -> None:
    clock = Clock(START + 24 * HOUR)
    make_partitions(now=START - HOUR, ahead=1)
    keeping, without = (make_tier(ScriptedBackend(), clock, history_hours=kept) for kept in (48, 0))
    keeping.step()

    without.step()
    put(acme.pk, "a")
    run_out(keeping)

    assert partitions() == [*hours(0, 0), *hours(24, 24 + HOURS_AHEAD)]
    assert PublishedEvent.objects.for_tenant(acme).count() == 1


# --- Beside those who read and write


@pytest.fixture
def short_waits(transactional_db: None) -> Iterator[None]:
    """Let a wait for a lock end as a failure."""
    run_sql("SET lock_timeout = '10s'")
    yield
    connection.close()


@pytest.mark.usefixtures("short_waits")
def test_over_the_turn_of_the_hour_a_reader_keeps_no_publisher_from_publishing() -> None:
    clock, backend, acme = Clock(), ScriptedBackend(), make_tenant("Acme")
    first, second = (make_tier(backend, clock, history_hours=24) for _ in range(2))
    first.step()
    with psycopg.connect(database_url()) as reader:
        reader.execute("SELECT count(*) FROM outbox_history")
        clock.turn((HOURS_AHEAD + 1) * 3600)
        with transaction.atomic():
            put(acme.pk, *"ab")

        run_out(first)
        with transaction.atomic():
            put(acme.pk, *"ab", start=2)
        run_out(second)

    assert (backend.numbers("a"), backend.numbers("b"), line()) == ([0, 2], [1, 3], [])
    assert PublishedEvent.objects.for_tenant(acme).count() == 4


@pytest.mark.usefixtures("short_waits")
def test_beside_an_insert_that_is_not_committed_partitions_are_made() -> None:
    make_partitions(now=START, ahead=0)
    with psycopg.connect(database_url()) as writer:
        writer.execute("LOCK TABLE outbox_history IN ROW EXCLUSIVE MODE")

        make_partitions(now=START, ahead=3)

    assert partitions() == hours(0, 3)


@pytest.mark.usefixtures("short_waits")
def test_what_a_reader_keeps_is_told_once_and_dropped_when_it_has_gone(caplog: pytest.LogCaptureFixture) -> None:
    clock, acme = Clock(), make_tenant("Acme")
    tier = make_tier(ScriptedBackend(), clock, history_hours=2)
    tier.step()
    clock.turn(4 * 3600)
    with psycopg.connect(database_url()) as reader:
        reader.execute("SELECT count(*) FROM outbox_history")
        for number in range(3):
            with transaction.atomic():
                put(acme.pk, "a", start=number)
            run_out(tier)
            clock.turn(DROP_SECONDS)
        assert hours(0, 1) == partitions()[:2]

    tier.step()

    (record,) = waits(caplog)
    assert (record.levelno, bool(record.__dict__["errorId"])) == (logging.WARNING, True)
    assert (partitions(), line()) == (hours(2, 4 + HOURS_AHEAD), [])


@pytest.mark.usefixtures("short_waits")
def test_a_partition_that_a_lock_forbids_today_is_made_at_a_later_beat(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    tier = make_tier(ScriptedBackend(), clock, history_hours=24)
    tier.step()
    clock.turn(3600)
    with psycopg.connect(database_url()) as other:
        other.execute("LOCK TABLE outbox_history IN SHARE UPDATE EXCLUSIVE MODE")
        tier.step()
        clock.turn(BEAT_SECONDS)
        tier.step()
        assert partitions() == hours(0, HOURS_AHEAD)

    clock.turn(BEAT_SECONDS)
    tier.step()

    assert len(waits(caplog)) == 1
    assert partitions() == hours(0, HOURS_AHEAD + 1)


@pytest.mark.usefixtures("short_waits")
def test_several_publishers_at_once_make_and_drop_each_hour_once() -> None:
    make_partitions(now=START - 30 * HOUR, ahead=3)

    def keep() -> None:
        make_partitions(now=START)
        drop_partitions(before=START - 24 * HOUR)

    run_together(*[keep] * 4)

    assert partitions() == hours(0, HOURS_AHEAD)
