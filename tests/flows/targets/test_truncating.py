"""truncate: the table is emptied and filled anew, or stays exactly as it was."""

import pyarrow as pa
import pytest

from flows.targets.base import TargetRefused
from tests.flows.targets.conftest import World, target_of


@pytest.fixture(autouse=True)
def _table(world: World) -> None:
    world.make("id bigint PRIMARY KEY, name text")
    world.load(target_of(), pa.table({"id": pa.array([1, 2]), "name": ["old", "old"]}))


def ids(*values: int) -> pa.Table:
    """Return rows with these ids."""
    return pa.table({"id": pa.array(values, pa.int64())})


def test_the_new_rows_replace_the_old_ones(world: World) -> None:
    loaded = world.load(target_of(mode="truncate"), ids(7, 8, 9))

    assert loaded.rows_written == 3
    assert world.rows("id") == [(7,), (8,), (9,)]


def test_no_rows_leave_the_table_as_it_was(world: World) -> None:
    with pytest.raises(TargetRefused, match=r"0 rows.*allowEmpty"):
        world.load(target_of(mode="truncate"), ids())

    assert world.rows("id") == [(1,), (2,)]


def test_no_rows_empty_the_table_where_that_is_meant(world: World) -> None:
    loaded = world.load(target_of(mode="truncate", allowEmpty=True), ids())

    assert loaded.rows_written == 0
    assert world.rows() == []


def test_a_row_that_cannot_be_brings_the_old_rows_back(world: World) -> None:
    with pytest.raises(TargetRefused, match="duplicate key"):
        world.load(target_of(mode="truncate"), ids(5, 5))

    assert world.rows("id") == [(1,), (2,)]


def test_a_table_that_others_refer_to_is_refused_before_anything(world: World) -> None:
    world.make("order_id bigint REFERENCES t_acme.ds_orders", "ds_lines")

    with pytest.raises(TargetRefused, match="ds_lines refers to it"):
        world.load(target_of(mode="truncate"), ids(5))


def test_empty_texts_stay_empty(world: World) -> None:
    world.load(target_of(mode="truncate"), pa.table({"id": pa.array([1]), "name": [""]}))

    assert world.rows("id, name") == [(1, "")]
