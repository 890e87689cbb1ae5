"""upsert: rows by their key, equal ones left alone, a key that comes twice refused."""

from typing import Any

import pyarrow as pa
import pytest

from flows.targets.base import TargetRefused
from tests.flows.targets.conftest import World, target_of


def orders(*rows: tuple[int | None, str | None]) -> pa.Table:
    """Return rows of id and name."""
    return pa.table({"id": pa.array([row[0] for row in rows], pa.int64()), "name": pa.array([row[1] for row in rows])})


def upsert(**more: Any) -> Any:
    """Return an upsert by id."""
    return target_of(mode="upsert", **({"upsertKey": "id"} | more))


def test_rows_are_added_changed_or_left_alone(world: World) -> None:
    world.make("id bigint PRIMARY KEY, name text, note text DEFAULT 'kept'")
    world.load(upsert(), orders((1, "a"), (2, "b"), (3, None)))
    world.run("UPDATE t_acme.ds_orders SET note = 'mine'")

    loaded = world.load(upsert(), orders((1, "a"), (2, "B"), (3, None), (4, "d")))

    assert (loaded.rows_written, loaded.rows_skipped) == (2, 2)
    assert world.rows("id, name, note, _kaireon_lineage->>'writeOrder'") == [
        (1, "a", "mine", "1"), (2, "B", "mine", "2"), (3, None, "mine", "3"), (4, "d", "kept", "4"),
    ]  # fmt: skip


def test_a_key_of_two_columns_is_one_key(world: World) -> None:
    world.make("id bigint, name text, amount numeric, UNIQUE (name, id)")
    rows = orders((1, "a"), (1, "b")).append_column("amount", pa.array([1, 2]))

    world.load(upsert(upsertKey=["id", "name"]), rows)
    world.load(upsert(upsertKey=["id", "name"]), rows.set_column(2, "amount", pa.array([1, 5])))

    assert world.rows("id, name, amount", order="name") == [(1, "a", 1), (1, "b", 5)]


def test_a_key_that_comes_twice_is_named(world: World) -> None:
    world.make("id bigint PRIMARY KEY, name text")
    world.load(upsert(), orders((1, "a")))

    with pytest.raises(TargetRefused, match=r"more than once.*Key \(id\)=\(1\) is duplicated.*deduplicate"):
        world.load(upsert(), orders((1, "a"), (2, "x"), (1, "b")))

    assert world.rows("id, name") == [(1, "a")]


@pytest.mark.parametrize("kind", ["UNIQUE", "PRIMARY KEY"])
def test_a_key_without_a_value_is_named_with_its_row(world: World, kind: str) -> None:
    world.make(f"id bigint {kind}, name text")

    with pytest.raises(TargetRefused, match="Row 2 has no value in its key"):
        world.load(upsert(), orders((1, "a"), (None, "b")))


@pytest.mark.parametrize(
    ("columns", "key", "message"),
    [
        pytest.param("id bigint, name text", "id", "no unique key of id", id="no-unique-key"),
        pytest.param("id bigint, name text, UNIQUE (id, name)", "id", "no unique key of id", id="part-of-a-key"),
        pytest.param("id bigint PRIMARY KEY, name text", ["id", "name"], "names every column", id="every-column"),
        pytest.param("id bigint PRIMARY KEY, name text", "nope", "has no column nope", id="unknown"),
        pytest.param("id bigint, name text, k int UNIQUE", "k", "input has no column k", id="not-in-the-input"),
        pytest.param("id bigint PRIMARY KEY, name text", None, "needs upsertKey", id="no-key"),
    ],
)
def test_a_key_that_cannot_be_is_refused_before_anything(world: World, columns: str, key: Any, message: str) -> None:
    world.make(columns)

    with pytest.raises(TargetRefused, match=message):
        world.load(upsert(upsertKey=key), orders((1, "a")))


def test_a_partial_unique_index_is_no_key(world: World) -> None:
    world.make("id bigint, name text")
    world.run("CREATE UNIQUE INDEX ON t_acme.ds_orders (id) WHERE name IS NOT NULL")

    with pytest.raises(TargetRefused, match="no unique key"):
        world.load(upsert(), orders((1, "a")))


def test_columns_that_postgresql_cannot_compare_are_compared_as_text(world: World) -> None:
    world.make("id bigint PRIMARY KEY, name json")

    world.load(upsert(), orders((1, "[1]"), (2, "[2]")))
    loaded = world.load(upsert(), orders((1, "[1]"), (2, "[3]")))

    assert loaded.rows_written == 1
    assert world.rows("id, name::text") == [(1, "[1]"), (2, "[3]")]


def test_texts_are_read_by_the_types_of_the_table(world: World) -> None:
    world.make('id bigint PRIMARY KEY, "50 %" numeric(9,2)')
    rows = pa.table({"id": ["1", "2"], "50 %": ["1.5", "2"]})

    world.load(upsert(), rows)

    assert [str(value) for _, value in world.rows('id, "50 %"')] == ["1.50", "2.00"]


def test_without_lineage_no_column_is_added(world: World) -> None:
    world.make("id bigint PRIMARY KEY, name text")
    world.context = world.without_lineage()

    world.load(upsert(), orders((1, "a")))

    assert world.rows() == [(1, "a")]


def test_a_row_that_the_table_refuses_is_shown_without_its_lineage(world: World) -> None:
    world.make("id bigint PRIMARY KEY, name text CHECK (name <> 'bad')")

    with pytest.raises(TargetRefused, match=r"Failing row contains \(1, bad\)\.") as refused:
        world.load(upsert(), orders((1, "bad")))

    assert "runId" not in refused.value.message
