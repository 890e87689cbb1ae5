"""What PostgreSQL reads for the figures of a large backlog: the front of an index, and never the table."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from kaireon.platform.tenancy.models import Tenant
from outbox.selectors import backlog, held
from outbox.selectors.backlog import EXACT, oldest_by_tenant, oldest_seconds, pending_by_tenant, pending_count
from outbox.selectors.held import count_held_keys, held_keys
from outbox.services import reap_expired, reap_stale
from outbox.services.reap_sql import REAP_STALE, SMALL_TABLE
from tests.outbox.line import NOW
from tests.people import make_tenant

pytestmark = pytest.mark.slow
ROWS, HELD, TENANTS, FEW = 200_000, 5_000, 4, 50
_FILL = """
INSERT INTO outbox_events (id, tenant_id, topic, key, payload, occurred_at, created_at)
SELECT gen_random_uuid(), (%(tenants)s::uuid[])[1 + g %% %(count)s], 'interaction.recorded.v1',
       'customer-' || g %% 50000, '{"customerId": "x"}', %(now)s, %(now)s - interval '1 hour' + g * interval '1 ms'
FROM generate_series(1, %(rows)s) AS g"""
_HOLD = """
UPDATE outbox_events SET is_held = true, next_attempt_at = CASE WHEN seq %% 2 = 0 THEN now() END
WHERE seq > (SELECT max(seq) - %(held)s FROM outbox_events)"""


_NOBODY_KNOWS_WHAT_IS_VISIBLE = "UPDATE pg_class SET relallvisible = 0 WHERE oid = 'outbox_events'::regclass"


@pytest.fixture(scope="module")
def tenants(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[list[uuid.UUID]]:
    """Write a backlog of several tenants, some of it held, and a few events of one more, the last."""
    with django_db_blocker.unblock():
        ids = [make_tenant(f"Backlog{number}").pk for number in range(TENANTS + 1)]
        with connection.cursor() as cursor:
            # The vacuum of the server's own comes when it likes, and changes what the planner knows.
            cursor.execute("ALTER TABLE outbox_events SET (autovacuum_enabled = false)")
            for some, rows in ((ids[:TENANTS], ROWS), (ids[TENANTS:], FEW)):
                cursor.execute(_FILL, {"tenants": some, "count": len(some), "rows": rows, "now": NOW})
                if rows == ROWS:
                    cursor.execute(_HOLD, {"held": HELD})
    yield ids
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE outbox_events")
        cursor.execute("ALTER TABLE outbox_events RESET (autovacuum_enabled)")
        Tenant.objects.filter(pk__in=ids).delete()


@pytest.fixture
def swept(tenants: list[uuid.UUID], django_db_blocker: DjangoDbBlocker) -> None:
    """Let PostgreSQL know what the table looks like: what another test deleted and took back is visible to all again.

    Outside the test's transaction, whichever test came before in the random order.
    """
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE outbox_events")
        cursor.execute("SELECT pg_stat_force_next_flush()")


@pytest.fixture
def large_backlog(swept: None, db: None, tenants: list[uuid.UUID]) -> list[uuid.UUID]:
    """Return the tenants of the backlog, without the one that has a few events."""
    return tenants[:TENANTS]


@pytest.fixture
def small_tenant(large_backlog: list[uuid.UUID], tenants: list[uuid.UUID]) -> uuid.UUID:
    """Return the tenant that has a few events in a large table."""
    return tenants[-1]


def pages_read(statement: str, parameters: Any = None) -> tuple[int, str]:
    """Run a statement; return how many pages it touched, and its plan."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL jit = off")
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters)
        found = cursor.fetchone()[0]
    plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"], json.dumps(plan)


def pages_of_the_table() -> int:
    """Return how large the table is, in pages."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_size('outbox_events') / current_setting('block_size')::int")
        return int(cursor.fetchone()[0])


def milliseconds(ask: Callable[[], object], times: int = 9) -> float:
    """Return the median of so many calls."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - started) * 1000)
    return sorted(taken)[times // 2]


def test_the_count_reads_as_many_entries_as_its_bound(large_backlog: list[uuid.UUID]) -> None:
    pages, plan = pages_read(backlog._PENDING)

    assert "Seq Scan" not in plan.replace('"Node Type": "Seq Scan", "Parent Relationship": "SubPlan"', "")
    assert "Index Only Scan" in plan
    # At worst, while nothing is known to be visible to all, it looks at the 10,000 rows themselves.
    assert pages < pages_of_the_table() / 2


def test_the_oldest_event_is_found_at_the_front_of_each_line(large_backlog: list[uuid.UUID]) -> None:
    pages, plan = pages_read(backlog._OLDEST)

    assert "Seq Scan" not in plan
    assert pages < 100 + backlog.MOST_HELD_KEYS * 2


OF_TENANTS = ["_OF_TENANTS", "_OLDEST_OF_TENANTS", "_OLDEST_READY_OF_A_TENANT"]


@pytest.mark.parametrize("statement", OF_TENANTS)
def test_a_tenants_figures_are_read_from_the_indexes(large_backlog: list[uuid.UUID], statement: str) -> None:
    _, plan = pages_read(getattr(backlog, statement), {"tenants": large_backlog[:2], "tenant": large_backlog[0]})

    assert "Seq Scan" not in plan


@pytest.mark.parametrize("is_swept", [True, False])
@pytest.mark.parametrize("statement", OF_TENANTS)
def test_a_small_tenants_figures_read_its_own_rows_alone(
    small_tenant: uuid.UUID, statement: str, is_swept: bool
) -> None:
    if not is_swept:
        # As under load, when vacuum is far behind: each entry of the index may cost a look at its row.
        with connection.cursor() as cursor:
            cursor.execute(_NOBODY_KNOWS_WHAT_IS_VISIBLE)

    pages, plan = pages_read(getattr(backlog, statement), {"tenants": [small_tenant], "tenant": small_tenant})

    assert "Seq Scan" not in plan
    assert pages < 50 + 2 * FEW


def test_a_large_tenants_count_costs_no_more_than_the_table(large_backlog: list[uuid.UUID]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_NOBODY_KNOWS_WHAT_IS_VISIBLE)

    pages, _ = pages_read(backlog._OF_TENANTS, {"tenants": large_backlog[:1]})

    # Where most of the table is the tenant's, reading it in its own order is the better way.
    assert pages < 2 * pages_of_the_table()


def test_held_keys_are_read_from_their_own_index(large_backlog: list[uuid.UUID]) -> None:
    _, plan = pages_read(held._HELD, {"tenant": large_backlog[0]})
    _, of_all = pages_read(held._COUNT)

    assert "Seq Scan" not in plan + of_all
    assert "outbox_held" in plan
    assert "outbox_due" in of_all


def test_the_figures_are_right(large_backlog: list[uuid.UUID]) -> None:
    assert pending_count() == pytest.approx(ROWS + FEW, rel=0.01)
    assert pending_count() > EXACT
    assert sum(pending_by_tenant(large_backlog).values()) == ROWS
    assert oldest_seconds(NOW) == pytest.approx(3600, abs=0.1)
    assert all(age == pytest.approx(3600, abs=0.1) for age in oldest_by_tenant(large_backlog, NOW).values())
    assert count_held_keys() == HELD // 2
    assert held_keys(large_backlog[0]).is_more


def test_the_scrapes_figures_take_milliseconds(large_backlog: list[uuid.UUID]) -> None:
    taken = {ask: milliseconds(ask) for ask in (pending_count, lambda: oldest_seconds(NOW), count_held_keys)}

    # The mark is 5 ms on a quiet machine; this one may be busy, and what is meant is "not the table".
    assert all(value < 50 for value in taken.values()), taken


def test_once_events_have_left_a_scrape_reads_past_them_once(large_backlog: list[uuid.UUID]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM outbox_events WHERE created_at < %s", [NOW - timedelta(seconds=3500)])
        assert cursor.rowcount > ROWS / 3

    assert pending_count() > EXACT
    assert oldest_seconds(NOW) == pytest.approx(3500, abs=1)


def test_a_reaper_that_finds_nothing_stays_at_the_front_of_a_large_table(large_backlog: list[uuid.UUID]) -> None:
    statement = REAP_STALE.partition(";")[2].replace(f"> {SMALL_TABLE}", "> 1000").replace("20000", "2000")

    pages, _ = pages_read(statement, {"now": NOW, "limit": NOW})

    assert pages < pages_of_the_table()


def test_a_reaper_finds_what_is_stuck_anywhere_in_a_backlog(large_backlog: list[uuid.UUID]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE outbox_events SET status = 'processing', updated_at = %s - interval '1 hour'"
            " WHERE seq %% 1000 = 0", [NOW],
        )  # fmt: skip
        stuck = cursor.rowcount

    assert reap_expired(now=NOW) == 0
    assert reap_stale(now=NOW, staleness_seconds=300) == stuck >= ROWS // 1000
