"""How nodes hang together: ids, inputs, circles, rows that go nowhere, tables written twice."""

from typing import Any

import pytest

from tests.flows.ir.documents import full_ir, problems_of, small_ir


def transform(name: str, upstream: str) -> dict[str, Any]:
    """Return a transform that changes nothing."""
    return {"id": name, "kind": "transform", "input": upstream, "ops": [{"op": "filter", "expr": "true"}]}


def target(name: str, upstream: str, table: str, mode: str = "append") -> dict[str, Any]:
    """Return a target."""
    return {"id": name, "kind": "target", "input": upstream, "schema": table, "loadMode": mode}


def branch(default: str | None = None, *cases: str) -> dict[str, Any]:
    """Return a branch `route` of the source."""
    given = [{"id": case, "when": "true"} for case in cases or ("a", "b")]
    return {"id": "route", "kind": "branch", "input": "src", "cases": given, "default": default}


def join(left: str, right: str) -> dict[str, Any]:
    """Return a join by id."""
    return {"id": "j", "kind": "join", "left": left, "right": right, "on": [{"left": "id", "right": "id"}]}


def wired(*nodes: dict[str, Any], last: str) -> dict[str, Any]:
    """Return a small document whose target reads `last`."""
    document = small_ir(*nodes)
    document["nodes"][-1]["input"] = last
    return document


GRAPHS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "a source and a target": (small_ir(), {}),
    "an unknown node": (
        wired(transform("clean", "src"), last="claen"),
        {
            "nodes[2].input": "there is no node claen; did you mean clean?",
            "nodes[1].id": "no node reads clean: its rows would go nowhere",
        },
    ),
    "an id twice": (
        wired(transform("t", "src"), transform("t", "src"), last="t"),
        {"nodes[2].id": "t is the id of nodes[1] already"},
    ),
    "itself": (
        wired(transform("t", "t"), transform("u", "src"), last="u"),
        {"nodes[1].input": "goes round in a circle: t ← t"},
    ),
    "a circle": (
        wired(transform("a", "c"), transform("b", "a"), transform("c", "b"), last="c"),
        {
            "nodes[0].id": "no node reads src: its rows would go nowhere",
            "nodes[1].input": "goes round in a circle: a ← c ← b ← a",
        },
    ),
    "a circle through a join": (
        wired(join("src", "t"), transform("t", "j"), last="t"),
        {"nodes[1].right": "goes round in a circle: j ← t ← j"},
    ),
    "two circles": (
        wired(transform("a", "b"), transform("b", "a"), transform("c", "d"), transform("d", "c"), last="src"),
        {
            "nodes[1].input": "goes round in a circle: a ← b ← a",
            "nodes[3].input": "goes round in a circle: c ← d ← c",
        },
    ),
    "an input that is a target": (
        small_ir(transform("t", "src"), target("x", "t", "ds_x"), transform("u", "x")),
        {"nodes[3].input": "x is a target and gives no rows"},
    ),
    "rows that nobody reads": (
        wired(transform("t", "src"), last="src"), {"nodes[1].id": "no node reads t: its rows would go nowhere"},
    ),
    "an archive at the end of a line": (
        wired({"id": "old", "kind": "archive", "input": "src"}, last="src"), {},
    ),
    "an archive behind the target, as older revisions had it": (
        {**small_ir(), "nodes": [*small_ir()["nodes"], {"id": "old", "kind": "archive", "input": "out"}]}, {},
    ),
    "a branch by its exits": (wired(branch(), target("x", "route.a", "ds_x"), last="route.b"), {}),
    "a branch whose default is an exit of its own": (
        wired(branch("rest", "a"), target("x", "route.a", "ds_x"), last="route.rest"), {},
    ),
    "a branch whose default is a case": (
        wired(branch("a"), target("x", "route.a", "ds_x"), last="route.b"), {},
    ),
    "a branch by its name": (
        wired(branch(), target("x", "route.a", "ds_x"), last="route"),
        {
            "nodes[3].input": "route is a branch: name one of its exits, route.a, route.b",
            "nodes[1].cases": "no node reads route.b",
        },
    ),
    "an exit that is none": (
        wired(branch(), target("x", "route.a", "ds_x"), target("y", "route.b", "ds_y"), last="route.c"),
        {"nodes[4].input": "route has no exit c; there are route.a, route.b"},
    ),
    "an exit of no branch": (
        wired(transform("t", "src"), last="t.a"),
        {"nodes[2].input": "t is no branch and has no exits; write t"},
    ),
    "an exit that nobody reads": (
        wired(branch("rest"), target("x", "route.a", "ds_x"), last="route.b"),
        {"nodes[1].cases": "no node reads route.rest"},
    ),
    "a case twice": (
        wired(branch(None, "a", "a"), last="route.a"), {"nodes[1].cases[1].id": "a stands there twice"},
    ),
    "a table appended to twice": (small_ir(target("x", "src", "public.ds_small")), {}),
    "a table replaced and appended to": (
        wired(target("x", "src", "ds_small", "truncate"), last="src"),
        {"nodes[2].schema": "ds_small is written by x too; only append and upsert share a table"},
    ),
    "a join with itself": (wired(join("src", "src"), last="j"), {}),
}  # fmt: skip


@pytest.mark.parametrize("name", GRAPHS, ids=str)
def test_a_graph_is_judged(name: str) -> None:
    document, expected = GRAPHS[name]
    if name in {"an input that is a target", "a table appended to twice"}:
        document["nodes"][-1]["input"] = "src"
        expected = {**expected, "nodes[3].id": "no node reads u: its rows would go nowhere"} if "target" in name else {}

    assert problems_of(document) == expected


@pytest.mark.parametrize(("kind", "what"), [("source", "reads"), ("target", "writes")], ids=["source", "target"])
def test_a_pipeline_needs_both_ends(kind: str, what: str) -> None:
    document = small_ir()
    document["nodes"] = [node for node in document["nodes"] if node["kind"] != kind]

    problems = problems_of(document)

    assert problems["nodes"] == f"needs a {kind}: no node {what} anything"


@pytest.mark.parametrize("name", ["nowhere", "check", "to_large"], ids=["none", "a validate", "a target"])
def test_a_trigger_watches_a_source(name: str) -> None:
    document = full_ir()
    document["trigger"]["sourceId"] = name

    assert problems_of(document) == {
        "trigger.sourceId": f"{name} is no source of this pipeline; there are orders, regions"
    }


def test_wiring_is_judged_beside_nodes_that_cannot_be_read() -> None:
    document = wired(transform("t", "src"), transform("u", "t"), last="v")
    document["nodes"][1]["ops"] = "none"

    assert problems_of(document) == {
        "nodes[1].ops": "must be a list",
        "nodes[2].id": "no node reads u: its rows would go nowhere",
        "nodes[3].input": "there is no node v",
    }


@pytest.mark.parametrize(
    "node",
    [{"id": 3}, {"id": "x", "kind": "branch", "cases": 7}, {"id": "x", "kind": "branch", "cases": [{"id": []}, 3]}, []],
    ids=["id", "cases", "case", "list"],
)
def test_nothing_in_a_node_breaks_the_judgement(node: object) -> None:
    document = small_ir()
    document["nodes"].append(node)

    assert problems_of(document)
