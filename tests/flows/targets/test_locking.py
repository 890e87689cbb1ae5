"""Turns at tables: who changes rows has the table to himself, who adds shares it, and everybody asks in one order."""

from collections.abc import Iterator

import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from flows.targets.locking import take_turns
from tests.flows.targets.conftest import World, context_of, target_of
from tests.flows.targets.test_together import at_once
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


def takes_its_turn(mode: str, *, lineage: bool = True) -> bool:
    """Tell whether another session gets its turn at ds_orders at once."""

    def ask() -> bool:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '50ms'")
                take_turns(cursor, [target_of(mode=mode, upsertKey="id")], "t_shared", lineage=lineage)
        except OperationalError:
            return False
        return True

    (taken,) = at_once(ask)
    return bool(taken)


@pytest.mark.parametrize(
    ("first", "second", "at_once_too"),
    [
        ("append", "append", True),
        ("append", "incremental_watermark", True),
        ("append", "upsert", False),
        ("upsert", "append", False),
        ("truncate", "blue_green", False),
        ("blue_green", "append", False),
    ],
)
def test_who_changes_rows_has_the_table_to_himself(shared: World, first: str, second: str, at_once_too: bool) -> None:
    shared.make("id bigint PRIMARY KEY, name text, _kaireon_lineage jsonb")

    with transaction.atomic(), connection.cursor() as cursor:
        take_turns(cursor, [target_of(mode=first, upsertKey="id")], shared.schema, lineage=True)
        meanwhile = takes_its_turn(second)

    assert (meanwhile, takes_its_turn(second)) == (at_once_too, True)


def test_the_first_write_with_lineage_has_the_table_to_itself(shared: World) -> None:
    shared.make("id bigint PRIMARY KEY, name text")

    with transaction.atomic(), connection.cursor() as cursor:
        take_turns(cursor, [target_of()], shared.schema, lineage=False)
        meanwhile = (takes_its_turn("append"), takes_its_turn("append", lineage=False))

    assert meanwhile == (False, True)


def test_turns_at_several_tables_are_taken_in_one_order(shared: World) -> None:
    targets = [target_of(name, mode="truncate") for name in ("ds_a", "ds_b", "ds_c")]
    orders = []

    for given in (targets, targets[::-1]):
        with transaction.atomic(), CaptureQueriesContext(connection) as asked, connection.cursor() as cursor:
            take_turns(cursor, given, shared.schema, lineage=True)
        orders.append([query["sql"] for query in asked if "advisory" in query["sql"]])

    assert (orders[0], len(orders[0])) == (orders[1], 3)


def test_a_name_that_is_none_is_left_to_the_load(shared: World) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        take_turns(cursor, [target_of("public.ds_orders").model_copy(update={"table": "x.y.z"})], "t_a", lineage=True)
