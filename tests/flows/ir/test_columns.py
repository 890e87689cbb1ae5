"""Columns on their way: what each operation and node makes of them, and names that are not there."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from flows.formats.base import Column
from flows.ir.columns import column_problems, columns_after, joined_columns, propagate
from flows.ir.columns.joining import clashes
from flows.ir.columns.tracing import Trace
from flows.ir.flowing import JoinNode
from flows.ir.ops import Op, TransformOp
from flows.ir.parsing import parse_pipeline_ir
from tests.flows.ir.documents import COLUMNS, OPS, full_ir, ops_ir, small_ir

READER: TypeAdapter[Op] = TypeAdapter(TransformOp)
BEFORE = {"id": "BIGINT", "name": "VARCHAR", "amount": "DOUBLE"}
# An operation → what it makes of the columns above.
AFTER: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "cast": ({"op": "cast", "field": "id", "to": "string"}, {**BEFORE, "id": "VARCHAR"}),
    "cast to a decimal": ({"op": "cast", "field": "id", "to": "decimal"}, {**BEFORE, "id": "DECIMAL(18,3)"}),
    "cast to a small decimal": (
        {"op": "cast", "field": "id", "to": "decimal", "precision": 2}, {**BEFORE, "id": "DECIMAL(2,2)"},
    ),
    "cast to a sized decimal": (
        {"op": "cast", "field": "id", "to": "decimal", "precision": 9, "scale": 0}, {**BEFORE, "id": "DECIMAL(9,0)"},
    ),
    "cast to a time on the wall": ({"op": "cast", "field": "name", "to": "timestamp"}, {**BEFORE, "name": "TIMESTAMP"}),
    "cast to an instant": (
        {"op": "cast", "field": "name", "to": "timestamp", "timezone": "UTC"},
        {**BEFORE, "name": "TIMESTAMP WITH TIME ZONE"},
    ),
    "expression, new": ({"op": "expression", "field": "twice", "expr": "id * 2"}, {**BEFORE, "twice": "BIGINT"}),
    "expression, replaced": (
        {"op": "expression", "field": "id", "expr": "lower(name)"},
        {"id": "VARCHAR", "name": "VARCHAR", "amount": "DOUBLE"},
    ),
    "rename keeps the place": (
        {"op": "rename", "from": "name", "to": "label"}, {"id": "BIGINT", "label": "VARCHAR", "amount": "DOUBLE"},
    ),
    "drop": ({"op": "drop", "fields": ["id", "amount"]}, {"name": "VARCHAR"}),
    "add a text": ({"op": "add_field", "field": "x", "value": "a"}, {**BEFORE, "x": "VARCHAR"}),
    "add a whole number": ({"op": "add_field", "field": "x", "value": 1}, {**BEFORE, "x": "BIGINT"}),
    "add a number": ({"op": "add_field", "field": "x", "value": 1.5}, {**BEFORE, "x": "DOUBLE"}),
    "add a truth": ({"op": "add_field", "field": "x", "value": True}, {**BEFORE, "x": "BOOLEAN"}),
    "add nothing": ({"op": "add_field", "field": "x", "value": None}, {**BEFORE, "x": "VARCHAR"}),
    "hash": ({"op": "hash", "field": "id"}, {**BEFORE, "id": "VARCHAR"}),
    "mask": ({"op": "mask_pii", "field": "id", "strategy": "full"}, {**BEFORE, "id": "VARCHAR"}),
    "map to numbers, others": (
        {"op": "map_values", "field": "name", "mapping": {"a": 1, "b": 2}, "default": 0}, {**BEFORE, "name": "BIGINT"},
    ),
    "map to numbers, others null": (
        {"op": "map_values", "field": "name", "mapping": {"a": 1.5}, "default": None}, {**BEFORE, "name": "DOUBLE"},
    ),
    "map to numbers, others stay": (
        {"op": "map_values", "field": "name", "mapping": {"a": 1}}, {**BEFORE, "name": "VARCHAR"},
    ),
    "map numbers to numbers, others stay": ({"op": "map_values", "field": "id", "mapping": {"1": 2}}, BEFORE),
    "map to null, others stay": ({"op": "map_values", "field": "id", "mapping": {"1": None}}, BEFORE),
    "split": (
        {"op": "split", "field": "name", "separator": " ", "into": ["first", "last"]},
        {**BEFORE, "first": "VARCHAR", "last": "VARCHAR"},
    ),
    "split into itself": (
        {"op": "split", "field": "id", "separator": " ", "into": ["id"]}, {**BEFORE, "id": "VARCHAR"},
    ),
    "merge": (
        {"op": "merge", "fields": ["id", "name"], "separator": "", "into": "key"}, {**BEFORE, "key": "VARCHAR"},
    ),
    "filter": ({"op": "filter", "expr": "id > 1"}, BEFORE),
    "deduplicate": ({"op": "deduplicate", "keys": ["id"], "orderBy": [{"field": "amount"}]}, BEFORE),
    "aggregate": (
        {
            "op": "aggregate", "groupBy": ["name"],
            "measures": [
                {"as": "n", "fn": "count"}, {"as": "d", "fn": "count_distinct", "field": "id"},
                {"as": "s", "fn": "sum", "field": "amount"}, {"as": "i", "fn": "sum", "field": "id"},
                {"as": "m", "fn": "min", "field": "id"}, {"as": "a", "fn": "avg", "field": "id"},
            ],
        },
        {"name": "VARCHAR", "n": "BIGINT", "d": "BIGINT", "s": "DOUBLE", "i": "", "m": "BIGINT", "a": "DOUBLE"},
    ),
    "lookup": (
        {"op": "lookup_join", "table": "ds_x", "on": [{"left": "id", "right": "id"}], "fields": ["zone"]},
        {**BEFORE, "zone": ""},
    ),
    "summarize": ({"op": "summarize", "field": "name", "into": "x"}, {**BEFORE, "x": "VARCHAR"}),
    "embed": ({"op": "vector_embed", "field": "name", "into": "x"}, {**BEFORE, "x": "DOUBLE[]"}),
    "locate": ({"op": "geo_resolve", "field": "name", "into": "x"}, {**BEFORE, "x": "JSON"}),
    "sentiment": ({"op": "sentiment_score", "field": "name", "into": "x"}, {**BEFORE, "x": "DOUBLE"}),
    "language": ({"op": "language_detect", "field": "name", "into": "x"}, {**BEFORE, "x": "VARCHAR"}),
}  # fmt: skip
# An operation that names something in vain → where, and what is said.
IN_VAIN: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "cast": ({"op": "cast", "field": "no", "to": "date"}, {"field": "there is no column no here; there are id, name"}),
    "expression": ({"op": "expression", "field": "x", "expr": "no + 1"}, {"expr": "There is no column no."}),
    "rename": ({"op": "rename", "from": "no", "to": "x"}, {"from": "there is no column no"}),
    "rename onto another": ({"op": "rename", "from": "id", "to": "name"}, {"to": "there is a column name already"}),
    "drop": ({"op": "drop", "fields": ["id", "no"]}, {"fields[1]": "there is no column no"}),
    "drop all": ({"op": "drop", "fields": ["id", "name", "amount"]}, {"fields": "leaves no column"}),
    "hash": ({"op": "hash", "field": "no"}, {"field": "there is no column no"}),
    "mask": ({"op": "mask_pii", "field": "no", "strategy": "null"}, {"field": "there is no column no"}),
    "map": ({"op": "map_values", "field": "no", "mapping": {"a": 1}}, {"field": "there is no column no"}),
    "split": ({"op": "split", "field": "no", "separator": " ", "into": ["a"]}, {"field": "there is no column no"}),
    "merge": (
        {"op": "merge", "fields": ["no", "id", "none"], "separator": "", "into": "a"},
        {"fields[0]": "there is no column no", "fields[2]": "there is no column none"},
    ),
    "filter": ({"op": "filter", "expr": "ID > no"}, {"expr": "There is no column no."}),
    "deduplicate": (
        {"op": "deduplicate", "keys": ["no"], "orderBy": [{"field": "id"}, {"field": "none"}]},
        {"keys[0]": "there is no column no", "orderBy[1].field": "there is no column none"},
    ),
    "aggregate": (
        {"op": "aggregate", "groupBy": ["no"], "measures": [{"as": "x", "fn": "sum", "field": "none"}]},
        {"groupBy[0]": "there is no column no", "measures[0].field": "there is no column none"},
    ),
    "lookup": (
        {"op": "lookup_join", "table": "ds_x", "on": [{"left": "no", "right": "a"}], "fields": ["name"]},
        {"on[0].left": "there is no column no", "fields[0]": "there is a column name already"},
    ),
    "external": ({"op": "summarize", "field": "no", "into": "x"}, {"field": "there is no column no"}),
}  # fmt: skip


def told(trace: Trace) -> dict[str, str]:
    """Return path → message."""
    return {problem.path: problem.message for problem in trace.problems}


@pytest.mark.parametrize("name", AFTER, ids=str)
def test_an_operation_makes_columns(name: str) -> None:
    document, expected = AFTER[name]
    trace = Trace()

    after = columns_after(READER.validate_python(document), dict(BEFORE), trace)

    assert after is not None
    assert list(after.items()) == list(expected.items())
    assert trace.problems == []


@pytest.mark.parametrize("name", IN_VAIN, ids=str)
def test_a_name_that_is_not_there_is_told_at_its_place(name: str) -> None:
    document, expected = IN_VAIN[name]
    trace = Trace()

    columns_after(READER.validate_python(document), dict(BEFORE), trace)

    assert told(trace).keys() == expected.keys()
    for path, words in expected.items():
        assert words in told(trace)[path]


@pytest.mark.parametrize("document", OPS, ids=[op["op"] for op in OPS])
def test_while_nobody_knows_the_columns_nothing_is_told(document: dict[str, Any]) -> None:
    trace = Trace()

    after = columns_after(READER.validate_python(document), None, trace)

    assert after is None
    assert trace.problems == []


def test_groups_make_the_columns_known() -> None:
    document = ops_ir(
        {"op": "aggregate", "groupBy": ["region"], "measures": [{"as": "n", "fn": "count"}]},
        {"op": "filter", "expr": "total > 1"},
    )

    ir = parse_pipeline_ir(ops_ir(document["nodes"][1]["ops"][0]))

    assert propagate(ir, {})["out"] == (Column("region", ""), Column("n", "BIGINT"))


def test_every_node_of_a_document_is_followed() -> None:
    ir = parse_pipeline_ir(full_ir())
    sources = {
        "orders": [Column(name, "VARCHAR") for name in COLUMNS],
        "regions": [Column("code", "VARCHAR"), Column("region", "VARCHAR"), Column("label", "VARCHAR")],
    }

    columns = propagate(ir, sources)

    assert list(columns) == [node.id for node in ir.nodes]
    assert [column.name for column in columns["placed"]][-3:] == ["code", "region_right", "label"]
    assert columns["to_rest"][-1] == Column("position", "VARCHAR")
    assert columns["to_totals"] == (
        Column("zone", ""), Column("orders", "BIGINT"), Column("revenue", ""), Column("customers", "BIGINT"),
    )  # fmt: skip
    assert {column.name: column.type for column in columns["check"]}["amount"] == "DECIMAL(18,2)"


def test_what_is_not_known_is_left_out() -> None:
    ir = parse_pipeline_ir(full_ir())

    columns = propagate(ir, {"orders": [Column(name, "VARCHAR") for name in COLUMNS]})

    assert "route" in columns
    assert not {"regions", "placed", "located", "to_rest"} & columns.keys()


def test_names_in_vain_are_told_for_every_kind_of_node() -> None:
    ir = parse_pipeline_ir(full_ir() | {"nodes": [without_columns(full_ir()["nodes"][0]), *full_ir()["nodes"][1:]]})
    orders = [Column(name, "VARCHAR") for name in COLUMNS if name not in {"amount", "ordered_at", "region"}]

    problems = column_problems(ir, {"orders": orders, "regions": [Column("id", "VARCHAR")]})

    paths = [problem.path for problem in problems]
    assert {"nodes[2].ops[0].field", "nodes[2].ops[13].on[0].left"} <= set(paths)
    assert {"nodes[3].datasetLevel.nullRate[0].field", "nodes[5].on[0].left", "nodes[5].on[0].right"} <= set(paths)
    assert "nodes[6].field" in paths


def without_columns(source: dict[str, Any]) -> dict[str, Any]:
    """Return a source that does not name its columns."""
    options = {key: value for key, value in source["config"]["formatOptions"].items() if key != "columns"}
    return {**source, "config": {**source["config"], "formatOptions": options}}


TARGETS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "a key": ({"loadMode": "upsert", "upsertKey": "id"}, {}),
    "a key that is not there": (
        {"loadMode": "upsert", "upsertKey": "no"},
        {"nodes[1].upsertKey": "there is no column no here; there are id, name"},
    ),
    "one of several": (
        {"loadMode": "upsert", "upsertKey": ["id", "no"]},
        {"nodes[1].upsertKey[1]": "there is no column no here; there are id, name"},
    ),
    "every column": (
        {"loadMode": "upsert", "upsertKey": ["id", "name"]},
        {"nodes[1].upsertKey": "names every column, so that nothing is left to update"},
    ),
    "a watermark": (
        {"loadMode": "incremental_watermark", "watermarkColumn": "no"},
        {"nodes[1].watermarkColumn": "there is no column no here; there are id, name"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TARGETS, ids=str)
def test_a_target_names_columns_that_are_there(name: str) -> None:
    changes, expected = TARGETS[name]
    document = small_ir()
    document["nodes"][1].update(changes)

    problems = column_problems(
        parse_pipeline_ir(document), {"src": [Column("id", "BIGINT"), Column("name", "VARCHAR")]}
    )

    assert {problem.path: problem.message for problem in problems} == expected


LEFT = {"id": "BIGINT", "name": "VARCHAR", "region": "VARCHAR"}
RIGHT = {"id": "BIGINT", "name": "VARCHAR", "label": "VARCHAR"}


@pytest.mark.parametrize("how", ["inner", "left", "right", "full"], ids=str)
def test_a_join_gives_a_shared_key_once_and_a_suffix_to_what_is_taken(how: str) -> None:
    joined = joined_columns(join(how, ("id", "id")), LEFT, RIGHT)

    assert joined == {
        "id": ("key", "id"), "name": ("left", "name"), "region": ("left", "region"), "name_right": ("right", "name"),
        "label": ("right", "label"),
    }  # fmt: skip


def test_a_join_by_other_names_gives_both_keys() -> None:
    joined = joined_columns(join("inner", ("region", "id")), LEFT, RIGHT)

    assert joined["region"] == ("left", "region")
    assert joined["id_right"] == ("right", "id")


@pytest.mark.parametrize("how", ["semi", "anti"], ids=str)
def test_a_join_that_only_chooses_gives_the_left_columns(how: str) -> None:
    joined = joined_columns(join(how, ("id", "id")), LEFT, RIGHT)

    assert joined == {name: ("left", name) for name in LEFT}


def test_a_join_that_would_give_a_name_twice_is_told() -> None:
    node = {
        "id": "j", "kind": "join", "left": "src", "right": "src2", "on": [{"left": "id", "right": "id"}],
    }  # fmt: skip
    document = small_ir({**small_ir()["nodes"][0], "id": "src2"}, node)
    columns = [Column("id", "BIGINT"), Column("name", "VARCHAR"), Column("name_right", "VARCHAR")]

    problems = column_problems(parse_pipeline_ir(document), {"src": columns, "src2": columns})

    assert [str(problem) for problem in problems] == [
        "nodes[2]: would give the column name_right twice; rename one before"
    ]


def test_a_join_that_only_chooses_gives_no_name_twice() -> None:
    wide = {**LEFT, "name_right": "VARCHAR"}

    assert clashes(join("semi", ("id", "id")), wide, RIGHT) == []
    assert clashes(join("left", ("id", "id")), wide, RIGHT) == ["name_right"]


def join(how: str, *keys: tuple[str, str]) -> JoinNode:
    """Return a join by these keys."""
    on = [{"left": left, "right": right} for left, right in keys]
    return JoinNode.model_validate({"id": "j", "kind": "join", "left": "a", "right": "b", "on": on, "how": how})
