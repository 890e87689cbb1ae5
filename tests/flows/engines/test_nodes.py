"""Nodes beside transforms: branches, joins, enrich, archive, and what several nodes read."""

from typing import Any

import pytest

from flows.engines.base import EngineError
from flows.formats.base import Column, ReadTable
from tests.flows.engines.world import NOW, Engine, Table, chain, no_lookup, pipeline, source, target, transform

LEFT: Table = {"id": ["1", "2", None, "2"], "v": ["a", "b", "c", "d"]}
RIGHT: Table = {"id": ["2", "3", None, "2"], "v": ["x", "y", "z", "w"]}
PAIRS: dict[str, list[tuple[Any, Any, Any]]] = {
    "inner": [("2", "b", "x"), ("2", "b", "w"), ("2", "d", "x"), ("2", "d", "w")],
    "left": [("1", "a", None), ("2", "b", "x"), ("2", "b", "w"), (None, "c", None), ("2", "d", "x"), ("2", "d", "w")],
    "right": [("2", "b", "x"), ("2", "b", "w"), ("2", "d", "x"), ("2", "d", "w"), ("3", None, "y"), (None, None, "z")],
    "full": [
        ("1", "a", None), ("2", "b", "x"), ("2", "b", "w"), (None, "c", None), ("2", "d", "x"), ("2", "d", "w"),
        ("3", None, "y"), (None, None, "z"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("how", list(PAIRS))
def test_a_join_gives_its_pairs_in_the_order_of_the_left_side_then_of_the_right(engine: Engine, how: str) -> None:
    join = {"id": "j", "kind": "join", "left": "l", "right": "r", "on": [{"left": "id", "right": "id"}], "how": how}

    ran = engine.run(pipeline(source("l"), source("r"), join, target("out", "j")), l=LEFT, r=RIGHT)

    assert [(row["id"], row["v"], row["v_right"]) for row in ran.rows] == PAIRS[how]


@pytest.mark.parametrize(
    ("how", "kept"), [pytest.param("semi", ["b", "d"], id="semi"), pytest.param("anti", ["a", "c"], id="anti")]
)
def test_a_join_can_only_tell_which_rows_have_a_match(engine: Engine, how: str, kept: list[str]) -> None:
    join = {"id": "j", "kind": "join", "left": "l", "right": "r", "on": [{"left": "id", "right": "id"}], "how": how}

    ran = engine.run(pipeline(source("l"), source("r"), join, target("out", "j")), l=LEFT, r=RIGHT)

    assert [list(row) for row in ran.rows] == [["id", "v"], ["id", "v"]]
    assert ran.column("v") == kept


def test_a_join_of_unlike_types_compares_texts_and_of_numbers_compares_numbers(engine: Engine) -> None:
    on = [{"left": "id", "right": "key"}]
    join = {"id": "j", "kind": "join", "left": "l", "right": "r", "on": on, "how": "inner"}

    ran = engine.run(
        pipeline(source("l"), source("r"), join, target("out", "j")), types={"key": "BIGINT"},
        l={"id": ["1", "2"]}, r={"key": [2, 3], "v": ["b", "c"]},
    )  # fmt: skip

    assert ran.rows == [{"id": "2", "key": 2, "v": "b"}]


def test_a_table_joins_itself(engine: Engine) -> None:
    on = [{"left": "parent", "right": "id"}]
    join = {"id": "j", "kind": "join", "left": "src", "right": "src", "on": on, "how": "inner"}

    ran = engine.run(pipeline(source("src"), join, target("out", "j")), src={"id": ["1", "2"], "parent": [None, "1"]})

    assert ran.rows == [{"id": "2", "parent": "1", "id_right": "1", "parent_right": None}]


BRANCH = {
    "id": "b", "kind": "branch", "input": "src", "default": "rest",
    "cases": [{"id": "big", "when": "n > 10"}, {"id": "even", "when": "n % 2 = 0"}],
}  # fmt: skip


def test_a_row_leaves_a_branch_by_the_first_case_that_is_true(engine: Engine) -> None:
    ir = pipeline(source("src"), BRANCH, target("big", "b.big"), target("even", "b.even"), target("rest", "b.rest"))

    ran = engine.run(ir, types={"n": "INTEGER"}, src={"n": [12, 2, 3, None, 13, 4]})

    assert {name: [row["n"] for row in rows] for name, rows in ran.targets.items()} == {
        "big": [12, 13], "even": [2, 4], "rest": [3, None],
    }  # fmt: skip
    assert ran.execution.skipped_rows == 0


def test_a_branch_without_a_default_drops_the_rest_and_counts_it(engine: Engine) -> None:
    ir = pipeline(source("src"), {**BRANCH, "default": None}, target("big", "b.big"), target("even", "b.even"))

    ran = engine.run(ir, types={"n": "INTEGER"}, src={"n": [12, 2, 3, None]})

    assert {name: len(rows) for name, rows in ran.targets.items()} == {"big": 1, "even": 1}
    assert ran.execution.skipped_rows == 2


def test_the_default_can_be_a_case(engine: Engine) -> None:
    ir = pipeline(source("src"), {**BRANCH, "default": "even"}, target("big", "b.big"), target("even", "b.even"))

    ran = engine.run(ir, types={"n": "INTEGER"}, src={"n": [12, 2, 3, None]})

    assert [row["n"] for row in ran.targets["even"]] == [2, 3, None]


def test_a_node_that_two_read_gives_both_the_same_rows_and_rejects_once(engine: Engine) -> None:
    ir = pipeline(
        source("src"), transform({"op": "cast", "field": "n", "to": "integer", "onError": "quarantine"}),
        transform({"op": "filter", "expr": "n > 1"}, name="more", reads="clean"), target("all", "clean"),
        target("some", "more"),
    )  # fmt: skip

    ran = engine.run(ir, src={"n": ["1", "x", "2"]})

    assert ran.targets == {"all": [{"n": 1}, {"n": 2}], "some": [{"n": 2}]}
    assert [(row["node"], row["value"]) for row in ran.rejects] == [("clean", "x")]


def test_rows_that_a_cast_before_a_branch_rejected_leave_it_by_no_case(engine: Engine) -> None:
    cast = transform({"op": "cast", "field": "n", "to": "integer", "onError": "quarantine"})
    branch = {**BRANCH, "input": "clean"}
    ir = pipeline(source("src"), cast, branch, target("big", "b.big"), target("rest", "b.rest"))

    ran = engine.run(ir, src={"n": ["12", "x", "3"]})

    assert ran.targets == {"big": [{"n": 12}], "rest": [{"n": 3}]}
    assert [row["value"] for row in ran.rejects] == ["x"]


def test_enrich_gives_null_and_says_so_and_archive_lets_rows_through(engine: Engine) -> None:
    enrich = {"id": "e", "kind": "enrich", "input": "src", "provider": "geocoder", "field": "a", "into": "place"}

    ran = engine.run(chain(enrich, {"id": "keep", "kind": "archive", "input": "e"}), src={"a": ["x"]})

    assert ran.rows == [{"a": "x", "place": None}]
    assert [finding.message for finding in ran.execution.findings] == ["e: no credentials for geocoder, place is null"]


def test_every_node_is_announced_in_order_and_has_its_sql(duck: Engine) -> None:
    told: list[tuple[str, str]] = []
    with duck.opened() as session:
        session.duckdb.execute("CREATE VIEW src AS SELECT '1' AS a")
        from_view = ReadTable("src", (Column("a", "VARCHAR"),), None, 0)

        execution = session.execute(
            chain(transform({"op": "add_field", "field": "b", "value": 1})), {"src": from_view}, now=NOW,
            lookup=no_lookup, on_node=lambda node, kind: told.append((node, kind)),
        )  # fmt: skip

    assert told == [("src", "source"), ("clean", "transform"), ("out", "target")]
    assert "FROM" in execution.sql["clean"].upper()


def test_a_source_that_nobody_read_is_an_error(duck: Engine) -> None:
    with pytest.raises(EngineError, match="src: nothing was read for this source"):
        duck.run(chain(transform({"op": "add_field", "field": "b", "value": 1})))
