"""What the stream costs with a long history behind it: the newest entries of an index, and never a whole partition."""

import json
import os
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.roles import Role
from outbox.selectors.stream import PAGE, READ_FILTERED, StreamFilter, read_news, read_stream
from outbox.services.history import drop_partitions
from tests.pages.outbox_world import TOPIC, make_room, waiting
from tests.people import Person, make_person, make_tenant

pytestmark = pytest.mark.slow
# `STREAM_ROWS=1000000` shows the same with as many: 76 pages for a look at what is new, 130 for a page of long ago.
ROWS, HOURS, TENANTS = int(os.environ.get("STREAM_ROWS", "150000")), 24, 3
_FILL = """
INSERT INTO outbox_history
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7000' || lpad(to_hex(g), 16, '8'))::uuid,
       (%(tenants)s::uuid[])[1 + g %% %(count)s], %(topic)s, 'customer-' || g %% 5000, '{"customerId": "x"}',
       at, at, at + interval '5 ms', 1, gen_random_uuid(), '0/1'
FROM (SELECT g, %(now)s::timestamptz - g * interval '24 hours' / %(rows)s AS at
      FROM generate_series(1, %(rows)s) AS g) AS made"""


@pytest.fixture(scope="module")
def long_history(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[tuple[list[Tenant], datetime]]:
    """Write a day of published events of several tenants, and let PostgreSQL know what it looks like."""
    with django_db_blocker.unblock():
        drop_partitions(before=None)
        now = timezone.now()
        tenants = [make_tenant(f"Stream{number}") for number in range(TENANTS)]
        for back in range(-1, HOURS + 2):
            make_room(now - timedelta(hours=back))
        with connection.cursor() as cursor:
            ids = [each.pk for each in tenants]
            cursor.execute(_FILL, {"tenants": ids, "count": TENANTS, "rows": ROWS, "now": now, "topic": TOPIC})
            # Other tests leave rows that were rolled back: what is measured is the history alone.
            cursor.execute("VACUUM ANALYZE outbox_history, outbox_events, outbox_dead_letters")
    yield tenants, now
    with django_db_blocker.unblock():
        drop_partitions(before=None)
        Tenant.objects.filter(pk__in=[each.pk for each in tenants]).delete()


@pytest.fixture
def history(long_history: tuple[list[Tenant], datetime], db: None) -> tuple[Tenant, datetime]:
    """Return one of the tenants, and the time at which its history ends."""
    return long_history[0][0], long_history[1]


def pages_read(queries: CaptureQueriesContext) -> int:
    """Run the captured statement again and return how many pages it touched."""
    (query,) = queries.captured_queries
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query['sql']}")
        found = cursor.fetchone()[0]
    plan = (json.loads(found) if isinstance(found, str) else found)[0]
    return int(plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"])


def pages_of_the_history() -> int:
    """Return how large the history is, in pages."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(pg_relation_size(inhrelid)) / current_setting('block_size')::int FROM pg_inherits"
            " WHERE inhparent = 'outbox_history'::regclass"
        )
        return int(cursor.fetchone()[0])


def test_the_first_page_reads_the_newest_entries_alone(history: tuple[Tenant, datetime]) -> None:
    with CaptureQueriesContext(connection) as queries:
        page = read_stream(history[0].pk, wanted=StreamFilter())
    touched = pages_read(queries)

    assert len(page.events) == PAGE
    assert touched < pages_of_the_history() / 10


def test_a_page_from_long_ago_costs_no_more(history: tuple[Tenant, datetime]) -> None:
    tenant, now = history
    before = uuid.UUID(int=int((now - timedelta(hours=20)).timestamp() * 1000) << 80)

    with CaptureQueriesContext(connection) as queries:
        page = read_stream(tenant.pk, wanted=StreamFilter(), before=before)
    touched = pages_read(queries)

    assert len(page.events) == PAGE
    assert page.events[0].id < before
    assert touched < pages_of_the_history() / 10


def test_a_look_at_what_is_new_reads_nothing_of_what_is_old(history: tuple[Tenant, datetime]) -> None:
    tenant, now = history

    with CaptureQueriesContext(connection) as queries:
        read_news(tenant.pk, wanted=StreamFilter(), since=now + timedelta(minutes=1))
    touched = pages_read(queries)

    # A look into each hour's index, of which there are some two dozen, and one row or none.
    assert touched < pages_of_the_history() / 10


def test_a_filter_that_matches_nothing_stops_at_its_bound(history: tuple[Tenant, datetime]) -> None:
    with CaptureQueriesContext(connection) as queries:
        page = read_stream(history[0].pk, wanted=StreamFilter(find="nobody"))
    touched = pages_read(queries)

    assert page.events == []
    assert page.looked_back_to is not None
    assert touched < READ_FILTERED * 2


def test_an_event_is_found_by_its_id_however_old_it_is(history: tuple[Tenant, datetime]) -> None:
    tenant, _ = history
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, key FROM outbox_history WHERE tenant_id = %s ORDER BY id LIMIT 1", [tenant.pk])
        oldest, key = cursor.fetchone()
    bob: Person = make_person("stream-reader", tenant, Role.VIEWER)

    found = bob.browser().get("/settings/outbox/stream", {"find": str(oldest)}).content.decode()
    narrowed = bob.browser().get("/settings/outbox/stream", {"find": str(oldest), "state": "dead"}).content.decode()

    assert found.count(f'id="event-{oldest}"') == 1
    assert key in found
    assert f'id="event-{oldest}"' not in narrowed


def test_what_waits_is_on_top_of_a_long_history(history: tuple[Tenant, datetime]) -> None:
    tenant, _ = history
    event = waiting(tenant, datetime.now(UTC) + timedelta(seconds=1), key="newest")

    page = read_stream(tenant.pk, wanted=StreamFilter())

    assert page.events[0].id == event.pk
