"""append: what goes in, what is refused, and what each row knows of where it came from."""

import pyarrow as pa
import pytest

from flows.targets.base import TargetRefused
from tests.flows.targets.conftest import World, target_of


def test_rows_are_added_with_their_lineage(world: World) -> None:
    world.make("id bigint, name text")

    loaded = world.load(target_of(), pa.table({"id": pa.array([1, 2]), "name": ["a", "b"]}))

    assert (loaded.rows_written, loaded.rows_skipped, loaded.strategy) == (2, 0, "append")
    assert world.rows("id, name, _kaireon_lineage->>'writeOrder', _kaireon_lineage->>'sourceNodeId'") == [
        (1, "a", "1", "src"), (2, "b", "2", "src"),
    ]  # fmt: skip


def test_empty_texts_become_null(world: World) -> None:
    world.make("id bigint, name text")

    world.load(target_of(), pa.table({"id": pa.array([1, 2, 3]), "name": ["", None, " "]}))

    assert world.rows("id, name") == [(1, None), (2, None), (3, " ")]


def test_a_table_that_is_not_there_is_named_with_the_page_that_makes_it(world: World) -> None:
    with pytest.raises(TargetRefused, match=r"no table public\.ds_nowhere.*/data/schemas") as refusal:
        world.load(target_of("ds_nowhere"), pa.table({"id": pa.array([1])}))

    assert refusal.value.node_id == "out"
