"""What a document may cost: refused in milliseconds, with a clear word, whatever it is."""

import json
import time
from typing import Any

import pytest

from tests.flows.ir.documents import ops_ir, problems_of, small_ir

QUICK_SECONDS = 1.0


def nested(depth: int) -> list[Any]:
    """Return lists within lists."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def circle() -> dict[str, Any]:
    """Return an object that holds itself."""
    value: dict[str, Any] = {}
    value["again"] = value
    return value


def node(number: int) -> dict[str, Any]:
    """Return a node that would be right by itself."""
    upstream = f"n{number - 1}" if number else "src"
    return {"id": f"n{number}", "kind": "transform", "input": upstream, "ops": [{"op": "filter", "expr": "a > 1"}]}


REFUSED: dict[str, tuple[object, str, str]] = {
    "nothing": (None, "", "must be an object"),
    "a list": ([], "", "must be an object"),
    "a number as text": ("12", "", "must be an object"),
    "no json": ("{", "", "is no JSON"),
    "no text": (b"\xff\xfe\xfa", "", "is no JSON"),
    "an empty text": ("", "", "is no JSON"),
    "infinity": ('{"id": Infinity}', "id", "is no value of JSON"),
    "not a number": ('{"id": NaN}', "id", "is no value of JSON"),
    "a huge number": ('{"id": 1e999}', "id", "is no value of JSON"),
    "a number beyond 64 bits": ({"id": 2**63}, "id", "is beyond 64 bits"),
    "a field twice": ('{"id": "a", "id": "b"}', "", "'id' stands twice"),
    "text that is too long": ("[" * 2_000_001, "", "is longer than 2,000,000 bytes"),
    "bytes that are too long": (b" " * 2_000_001, "", "is longer than 2,000,000 bytes"),
    "a long value": ({"id": "x" * 2_000_001}, "", "is larger than"),
    "brackets without end": ('{"nodes":' * 100_000, "", "nests deeper"),
    "deep lists": ({"nodes": nested(100_000)}, "nodes" + "[0]" * 19, "nests deeper"),
    "itself": (circle(), ".".join(["again"] * 20), "nests deeper"),
    "a NUL": ({"metadata": {"name": "a\0b"}}, "metadata.name", "must not contain NUL"),
    "a lone surrogate": ({"metadata": {"name": "\ud800"}}, "metadata.name", "must not contain NUL or lone"),
    "a NUL in a name": ({"a\0": 1}, "", "has a field whose name holds NUL"),
    "a name that is no text": ({1: 2}, "", "has a field whose name is no text"),
    "a set": ({"nodes": {1, 2}}, "nodes", "is no value of JSON"),
    "bytes within": ({"id": b"x"}, "id", "is no value of JSON"),
    "10,000 nodes": (small_ir(*map(node, range(10_000))), "nodes", "has 10,002 nodes; at most 500 are allowed"),
    "10,000 operations": (
        {"nodes": [{"ops": [{}] * 100}] * 100}, "nodes", "has 10,000 operations in all; at most 2,000 are allowed",
    ),
    "much to compute": (
        {"nodes": [{"ops": [{"op": "filter", "expr": "a" * 4_000}] * 30}]}, "nodes", "expressions of more than 100,000",
    ),
    "a large mapping": (
        ops_ir({"op": "map_values", "field": "a", "mapping": {str(number): 1 for number in range(5_001)}}),
        "nodes[1].ops[0].mapping", "has 5,001 entries; at most 5,000 are allowed",
    ),
    "many values": ({"a": [[1] * 200] * 400}, "", "is larger than"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED, ids=str)
def test_a_document_that_costs_too_much_is_refused_quickly(name: str) -> None:
    document, path, words = REFUSED[name]

    began = time.monotonic()
    problems = problems_of(document)
    seconds = time.monotonic() - began

    assert list(problems) == [path]
    assert words in problems[path]
    assert seconds < QUICK_SECONDS


@pytest.mark.parametrize("text", ["1" * 5_000, "-" + "9" * 400], ids=["many digits", "below"])
def test_digits_without_end_are_refused(text: str) -> None:
    problems = problems_of(f'{{"id": {text}}}')

    assert len(problems) == 1
    assert next(iter(problems.values())).startswith(("is beyond 64 bits", "is no JSON"))


def test_500_nodes_in_a_row_are_taken() -> None:
    document = small_ir(*map(node, range(498)))

    assert problems_of(document) == {}


def test_500_nodes_in_a_circle_are_one_problem_of_wiring() -> None:
    nodes = [node(number) for number in range(498)]
    nodes[0]["input"] = "n497"

    problems = problems_of(small_ir(*nodes))

    assert set(problems) == {"nodes[0].id", "nodes[1].input"}
    assert problems["nodes[1].input"].startswith("goes round in a circle: n0 ← n497 ← n496")


def test_the_bytes_of_a_text_are_counted_not_its_characters_alone() -> None:
    document = json.dumps({"id": "ä" * 1_500_000}, ensure_ascii=False).encode()

    assert problems_of(document) == {"": "is longer than 2,000,000 bytes"}
