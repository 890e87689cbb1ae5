"""Any valid document comes back exactly; any single change of a field is told at a place that exists."""

import copy
import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.ir.columns import propagate
from flows.ir.graph import plan_of
from flows.ir.json_schema import ir_json_schema
from flows.ir.parsing import IrInvalid, dump_ir, parse_pipeline_ir
from tests.flows.ir.documents import FULL_IR
from tests.flows.ir.generating import documents

SLOW_TO_DRAW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
STEP = re.compile(r'\[(\d+)\]|\["((?:\\.|[^"\\])*)"\]|\.?([A-Za-z_][A-Za-z0-9_]*)')
# Values of a kind that no field takes: a field that takes one of them does not take the others.
JUNK = [{"junk": 1}, [[]], "\x01 junk", -77.5, True, None]
Place = tuple[str | int, ...]


def places(value: object, at: Place = ()) -> list[Place]:
    """Return the place of every value within a document."""
    items: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return [place for step, inner in items for place in [(*at, step), *places(inner, (*at, step))]]


def steps_of(path: str) -> list[str | int]:
    """Read a path back."""
    found = list(STEP.finditer(path))
    assert "".join(step[0] for step in found) == path
    return [int(step[1]) if step[1] else step[2] if step[2] is not None else step[3] for step in found]


def exists(document: object, path: str) -> bool:
    """Tell whether a path leads to a value, or to a field that is missing in an object that is there."""
    steps = steps_of(path)
    value: Any = document
    for number, step in enumerate(steps):
        if isinstance(value, dict) and step in value:
            value = value[str(step)]
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return number == len(steps) - 1 and isinstance(value, dict)
    return True


def changed(document: dict[str, Any], place: Place, change: Any) -> dict[str, Any]:
    """Return a copy in which `change` was called with what holds the place and its last step."""
    copied = copy.deepcopy(document)
    holder: Any = copied
    for step in place[:-1]:
        holder = holder[step]
    change(holder, place[-1])
    return copied


def problems(document: object) -> list[tuple[str, str]]:
    """Return the paths and messages of what is wrong; an empty list when nothing is."""
    try:
        parse_pipeline_ir(document)
    except IrInvalid as invalid:
        return [(problem.path, problem.message) for problem in invalid.problems]
    return []


def unknown_columns(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what is wrong with columns alone: an aggregate makes them known, and chance names others after it."""
    said = "there is no column", "There is no column", "leaves no column", "there is a column", "would give the column"
    return [(path, message) for path, message in problems(document) if message.startswith(said)]


@given(documents())
@settings(max_examples=60, deadline=None, suppress_health_check=SLOW_TO_DRAW)
def test_a_valid_document_comes_back_exactly(document: dict[str, Any]) -> None:
    assert problems(document) in ([], unknown_columns(document))
    if problems(document):
        return

    ir = parse_pipeline_ir(document)

    assert json.dumps(dump_ir(ir)) == json.dumps(dump_ir(parse_pipeline_ir(json.dumps(document))))
    assert dump_ir(ir) == document
    assert parse_pipeline_ir(dump_ir(ir)) == ir
    assert {node.id for node in plan_of(ir).order} == {node["id"] for node in document["nodes"]}
    assert propagate(ir, {}).keys() <= {node.id for node in ir.nodes}


FULL_PLACES = places(FULL_IR)


def refusals(place: Place, junk: list[Any]) -> int:
    """Count the values that are refused in a place, each at a path that exists."""
    refused = 0
    for value in junk:
        document = changed(FULL_IR, place, lambda holder, step, value=value: holder.__setitem__(step, value))
        found = problems(document)
        refused += bool(found)
        assert all(exists(document, path) for path, _ in found), found
    return refused


def is_free(place: Place) -> bool:
    """Tell whether anything may stand in a place."""
    return place[:2] in {("nodes", 8), ("nodes", 11)} and not {"config", "arguments"}.isdisjoint(place[:-1])


@pytest.mark.parametrize("number", range(len(FULL_IR["nodes"]) + 1))
def test_junk_in_any_field_is_told_at_a_place_that_exists(number: int) -> None:
    within = [place for place in FULL_PLACES if (place[1] if place[0] == "nodes" and place[1:] else None) == number]
    outside = [place for place in FULL_PLACES if place[0] != "nodes"]

    for place in within or outside:
        assert refusals(place, [[[]]]) == (not is_free(place)), place


@pytest.mark.slow
@pytest.mark.parametrize("place", FULL_PLACES, ids=[".".join(map(str, place)) for place in FULL_PLACES])
def test_all_junk_in_any_field_is_told_at_a_place_that_exists(place: Place) -> None:
    # A scalar takes four of the six, all other fields at most two.
    is_scalar = place[-1] in {"value", "default"} or "mapping" in place[:-1]

    assert refusals(place, JUNK) >= (0 if is_free(place) else 2 if is_scalar else 4)


@pytest.mark.parametrize("number", range(len(FULL_IR["nodes"]) + 1))
def test_an_unheard_of_name_of_a_field_is_told_at_its_place(number: int) -> None:
    def rename(holder: Any, step: Any) -> None:
        holder["unheard_of"] = holder.pop(step)

    # What something is comes first: without it, nobody knows its fields.
    named = [place for place in FULL_PLACES if isinstance(place[-1], str) and place[-1] not in {"kind", "op", "type"}]
    held = [place for place in named if not is_free(place) and place[-2:-1] != ("mapping",)]
    within = [place for place in held if place[:2] == ("nodes", number)]
    for place in within or [place for place in held if place[0] != "nodes" or len(place) == 1]:
        document = changed(FULL_IR, place, rename)
        found = problems(document)
        assert all(exists(document, path) for path, _ in found), found
        assert any(path.endswith("unheard_of") for path, _ in found), place


@pytest.mark.slow
@pytest.mark.parametrize("place", FULL_PLACES, ids=[".".join(map(str, place)) for place in FULL_PLACES])
def test_a_value_that_goes_leaves_a_document_that_is_judged(place: Place) -> None:
    def remove(holder: Any, step: Any) -> None:
        del holder[step]

    document = changed(FULL_IR, place, remove)

    assert all(exists(document, path) for path, _ in problems(document))


@given(documents(), st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=SLOW_TO_DRAW)
def test_junk_in_a_document_by_chance_breaks_nothing(document: dict[str, Any], data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(places(document)))
    junk = data.draw(st.sampled_from([*JUNK, "", "a.b", 10**20, [], {}, "x" * 5_000]))

    mutated = changed(document, place, lambda holder, step: holder.__setitem__(step, junk))

    assert all(exists(mutated, path) for path, _ in problems(mutated))


@given(st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()), lambda inner: st.one_of(
    st.lists(inner, max_size=4), st.dictionaries(st.sampled_from([*FULL_IR, "id", "op", "a"]), inner, max_size=4),
), max_leaves=20))  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_anything_that_json_holds_is_judged(document: Any) -> None:
    assert problems(document)


def test_every_field_of_the_schema_is_in_the_full_document() -> None:
    given_fields = {place[-1] for place in FULL_PLACES if isinstance(place[-1], str)}
    schema = ir_json_schema()
    known = {field for part in [schema, *schema["$defs"].values()] for field in part.get("properties", {})}

    assert known - given_fields == {"minutes", "anchor", "rule", "dtstart", "recordPath"} - given_fields
