"""The plan of a pipeline: its order, who reads whom, the exits of branches; deep graphs too."""

import sys
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.ir.flowing import BranchNode
from flows.ir.graph import (
    Exit,
    Upstream,
    cycle_among,
    exits_of,
    is_row_by_row,
    plan_of,
    reached_from,
    read_upstream,
    sort_nodes,
)
from flows.ir.parsing import parse_pipeline_ir
from flows.ir.pipeline import PipelineIR
from tests.flows.ir.documents import full_ir, small_ir


@st.composite
def links(draw: st.DrawFn) -> dict[str, list[str]]:
    """Draw who reads whom among a few names, circles and unknown names included."""
    names = draw(st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1))
    return {name: draw(st.lists(st.sampled_from("abcdefghxy"), max_size=3)) for name in names}


def branch(default: str | None) -> BranchNode:
    """Return a branch with the cases a and b."""
    cases = [{"id": "a", "when": "true"}, {"id": "b", "when": "true"}]
    return BranchNode.model_validate(
        {"id": "r", "kind": "branch", "input": "s", "cases": cases} | ({"default": default} if default else {})
    )


def more_rows(reads: str) -> dict[str, Any]:
    """Return a node that fills another table as well."""
    return {"id": "more", "kind": "target", "input": reads, "schema": "public.ds_more", "loadMode": "append"}


COUNT: dict[str, Any] = {"op": "aggregate", "groupBy": ["id"], "measures": [{"fn": "count", "as": "n"}]}
JOIN: dict[str, Any] = {"id": "j", "kind": "join", "on": [{"left": "id", "right": "id"}]}


def test_each_node_comes_after_what_it_reads() -> None:
    document = full_ir()
    document["nodes"].reverse()

    plan = plan_of(parse_pipeline_ir(document))

    places = {node.id: number for number, node in enumerate(plan.order)}
    assert len(places) == len(document["nodes"])
    for reader, upstreams in plan.inputs.items():
        assert all(places[upstream.node_id] < places[reader] for upstream in upstreams)


def test_the_order_is_that_of_the_document_where_it_can_be() -> None:
    document = full_ir()

    plan = plan_of(parse_pipeline_ir(document))

    assert [node.id for node in plan.order] == [node["id"] for node in document["nodes"]]


def test_a_plan_says_who_reads_whom() -> None:
    plan = plan_of(parse_pipeline_ir(full_ir()))

    assert plan.inputs["orders"] == ()
    assert plan.inputs["placed"] == (Upstream("route", "rest"), Upstream("regions"))
    assert plan.consumers["route"] == ("placed", "to_large", "to_small")
    assert plan.consumers["to_large"] == ()


def test_a_graph_far_deeper_than_the_stack_is_planned() -> None:
    count = 498
    names = ["src", *[f"n{number}" for number in range(count)]]
    nodes: list[dict[str, Any]] = [{"id": name, "kind": "archive", "input": before} for before, name in pairwise(names)]
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(300)
    try:
        plan = plan_of(parse_pipeline_ir(small_ir(*nodes)))
    finally:
        sys.setrecursionlimit(limit)

    assert [node.id for node in plan.order] == [*names, "out"]


@pytest.mark.parametrize("upstream", ["out2", "t"], ids=["dangling", "circle"])
def test_what_was_not_parsed_has_no_plan(upstream: str) -> None:
    document = small_ir({"id": "t", "kind": "archive", "input": upstream})
    ir = PipelineIR.model_validate(document)

    with pytest.raises(ValueError, match="was not parsed"):
        plan_of(ir)


@pytest.mark.parametrize(
    ("default", "expected"),
    [
        (None, (Exit("a", 0, is_default=False), Exit("b", 1, is_default=False))),
        ("c", (Exit("a", 0, is_default=False), Exit("b", 1, is_default=False), Exit("c", None, is_default=True))),
        ("b", (Exit("a", 0, is_default=False), Exit("b", 1, is_default=True))),
    ],
    ids=["without", "of its own", "a case"],
)
def test_a_branch_has_exits(default: str | None, expected: tuple[Exit, ...]) -> None:
    assert exits_of(branch(default)) == expected


@pytest.mark.parametrize(
    ("text", "upstream"), [("a", Upstream("a")), ("a.b", Upstream("a", "b"))], ids=["node", "exit"]
)
def test_a_reference_is_read(text: str, upstream: Upstream) -> None:
    assert read_upstream(text) == upstream


@given(links())
def test_sorting_gives_every_name_once_and_only_circles_are_left(graph: dict[str, list[str]]) -> None:
    order, left = sort_nodes(graph)

    assert sorted([*order, *left]) == sorted(graph)
    for number, name in enumerate(order):
        assert all(other in order[:number] for other in graph[name] if other in graph)
    for name in left:
        assert any(other in left for other in graph[name])


@given(links())
def test_a_circle_is_one(graph: dict[str, list[str]]) -> None:
    _, left = sort_nodes(graph)
    if not left:
        return

    circle = cycle_among(left, {name: [other for other in graph[name] if other in left] for name in left})

    assert len(set(circle)) == len(circle)
    for name, following in zip(circle, [*circle[1:], circle[0]], strict=True):
        assert following in graph[name]


def test_what_can_be_reached_is_found() -> None:
    steps = {"a": ["b", "c"], "b": ["a"], "d": ["a"]}

    assert reached_from(["a"], steps) == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        pytest.param([], True, id="chain"),
        pytest.param([{"id": "t", "kind": "transform", "input": "src", "ops": [COUNT]}], False, id="summed up"),
        pytest.param([{**JOIN, "left": "src", "right": "src"}], False, id="joined"),
    ],
)
def test_whether_each_row_comes_to_one_at_most(nodes: list[dict[str, Any]], expected: bool) -> None:
    assert is_row_by_row(parse_pipeline_ir(small_ir(*nodes))) is expected


def test_a_row_that_two_nodes_read_comes_to_two() -> None:
    document = small_ir()
    document["nodes"].append(more_rows("src"))

    assert not is_row_by_row(parse_pipeline_ir(document))
