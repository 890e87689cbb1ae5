"""Two at a time: what one load does, another or a reader sees whole or not at all."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from django.db import connection, connections, transaction

from flows.decisions.naming import quarantine_table
from flows.models import Pipeline
from flows.services.tables import data_schema_of
from flows.targets.loading import load_feed
from flows.targets.rejecting import ensure_quarantine
from tests.chaos.processes import test_database_url, wait_until
from tests.flows.targets.conftest import NOW, World, context_of, feed_of, target_of
from tests.people import make_tenant

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shared() -> Iterator[World]:
    """Return a world whose tables other connections see; they are dropped at the end."""
    tenant = make_tenant("Shared")
    context = context_of(tenant)
    yield World(tenant, context, context.data_schema)
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA t_shared CASCADE; DROP SCHEMA t_shared_dlq CASCADE")


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Do all works in threads with connections of their own, begun together; return what they return."""
    barrier = threading.Barrier(len(works))

    def begin(work: Callable[[], Any]) -> Any:
        try:
            barrier.wait(10)
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return [each.result(60) for each in [pool.submit(begin, work) for work in works]]


def elsewhere(question: str) -> Any:
    """Return the one value of a query on another connection."""

    def ask() -> Any:
        with connection.cursor() as cursor:
            cursor.execute(question)
            return cursor.fetchone()[0]

    (found,) = at_once(ask)
    return found


def ids(*values: int) -> pa.Table:
    """Return rows with these ids."""
    return pa.table({"id": pa.array(values, pa.int64()), "name": [f"n{value}" for value in values]})


def test_a_schema_is_made_once_by_whoever_comes_first() -> None:
    tenant = make_tenant("Shared")

    found = at_once(*[lambda: data_schema_of(tenant)] * 4)

    assert found == ["t_shared"] * 4
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA t_shared CASCADE; DROP SCHEMA t_shared_dlq CASCADE")


def test_a_quarantine_table_is_made_once_by_whoever_comes_first(shared: World) -> None:
    table = quarantine_table("dlq.orders", shared.schema)

    def make() -> int:
        with transaction.atomic(), connection.cursor() as cursor:
            return len(ensure_quarantine(cursor, table).columns)

    assert at_once(*[make] * 3) == [11] * 3


def test_upserts_of_the_same_keys_leave_one_row_each(shared: World) -> None:
    shared.make("id bigint PRIMARY KEY, name text")
    target = target_of(mode="upsert", upsertKey="id")

    at_once(*[lambda: shared.load(target, ids(*range(500)))] * 3)

    assert shared.rows("count(*), count(DISTINCT id)") == [(500, 500)]


def test_a_key_that_another_application_adds_meanwhile_is_changed(shared: World) -> None:
    shared.make("id bigint PRIMARY KEY, name text")
    shared.context = without_lineage(shared)
    target = target_of(mode="upsert", upsertKey="id")
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'MERGE%'"

    def load() -> Any:
        return shared.load(target, ids(1, 2))

    with psycopg.connect(test_database_url()) as other, ThreadPoolExecutor(1) as pool:
        other.execute("INSERT INTO t_shared.ds_orders VALUES (2, 'theirs')")
        loading = pool.submit(at_once, load)
        wait_until(lambda: elsewhere(waiting))
        other.commit()
        (loaded,) = loading.result(60)

    assert (loaded.rows_written, shared.rows("id, name")) == (2, [(1, "n1"), (2, "n2")])


def test_two_loads_of_one_watermark_take_each_row_once(shared: World) -> None:
    pipeline = Pipeline.objects.create(tenant=shared.tenant, name="Marks", created_at=NOW, updated_at=NOW)
    shared.context = shared.of_pipeline(pipeline.pk)
    shared.make("id bigint, name text")
    shared.run("ALTER TABLE t_shared.ds_orders ADD _kaireon_lineage jsonb")
    target = target_of(mode="incremental_watermark", watermarkColumn="id")

    loads = at_once(*[lambda: shared.load(target, ids(*range(1, 101)))] * 3)

    assert sorted(load.rows_written for load in loads) == [0, 0, 100]
    assert shared.rows("count(*)") == [(100,)]


def test_nobody_sees_rows_before_the_commit(shared: World) -> None:
    shared.make("id bigint, name text")

    with transaction.atomic():
        load_feed(connection, target_of(), feed_of(ids(1, 2)), without_lineage(shared))
        during = elsewhere("SELECT count(*) FROM t_shared.ds_orders")

    assert (during, elsewhere("SELECT count(*) FROM t_shared.ds_orders")) == (0, 2)


def test_readers_see_the_old_rows_while_the_new_table_is_filled(shared: World) -> None:
    shared.make("id bigint PRIMARY KEY, name text")
    shared.load(target_of(), ids(1))
    seen: list[int] = []

    def look(rows: int) -> None:
        seen.append(elsewhere("SELECT min(id) FROM t_shared.ds_orders"))

    with transaction.atomic():
        load_feed(
            connection, target_of(mode="blue_green"), feed_of(ids(7, 8)), context_of(shared.tenant, on_progress=look)
        )

    assert set(seen) == {1}
    assert shared.rows("id") == [(7,), (8,)]


def test_a_writer_that_waited_for_the_swap_writes_to_the_new_table(shared: World) -> None:
    shared.make("id bigint PRIMARY KEY, name text")
    shared.load(target_of(), ids(1))

    at_once(
        lambda: shared.load(target_of(mode="blue_green"), ids(*range(100, 400))),
        lambda: shared.load(target_of(mode="upsert", upsertKey="id"), ids(5)),
    )

    found = [row[0] for row in shared.rows("id")]
    assert found in ([*range(100, 400)], [5, *range(100, 400)])


def without_lineage(world: World) -> Any:
    """Return the context of a run without lineage, whose first write needs no lock on the table."""
    return world.without_lineage()


def test_of_two_swaps_at_once_both_keep_the_keys_of_the_table(shared: World) -> None:
    shared.make("id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text UNIQUE, _kaireon_lineage jsonb")
    swap = target_of(mode="blue_green")
    names = pa.table({"name": [f"n{value}" for value in range(500)]})

    at_once(*[lambda: shared.load(swap, names)] * 3)

    constraints = "SELECT string_agg(contype::text, '' ORDER BY contype) FROM pg_constraint WHERE contype <> 'n'"
    found = elsewhere(f"{constraints} AND conrelid = 't_shared.ds_orders'::regclass")
    assert (found, shared.rows("count(*)")) == ("pu", [(500,)])


def test_loads_that_replace_and_keep_a_copy_wait_for_each_other(shared: World) -> None:
    shared.make("id bigint PRIMARY KEY, name text, _kaireon_lineage jsonb")
    hook = {"type": "sql", "statement": "SELECT count(*) FROM ds_orders"}
    swap = target_of(mode="blue_green", backupBeforeLoad=True, preHook=hook)
    reload = target_of(mode="truncate", backupBeforeLoad=True, preHook=hook)

    at_once(*[lambda: shared.load(swap, ids(*range(300))), lambda: shared.load(reload, ids(*range(300)))] * 2)

    assert shared.rows("count(*)") == [(300,)]
    assert shared.rows("count(*)", "ds_orders_backup") == [(300,)]
