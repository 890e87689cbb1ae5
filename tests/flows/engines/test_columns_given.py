"""What the IR says of the columns that leave a node is what the engine gives, in names, order and types."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.formats.base import Column
from flows.ir.columns import column_problems, propagate
from flows.ir.pipeline import PipelineIR
from tests.flows.engines.world import Engine, Ran, chain, pipeline, source, target, transform

TYPES = {
    "whole": "INTEGER", "great": "BIGINT", "part": "DOUBLE", "small": "FLOAT", "money": "DECIMAL(9,2)",
    "text": "VARCHAR", "truth": "BOOLEAN", "day": "DATE", "moment": "TIMESTAMP", "hour": "TIME", "key": "UUID",
    "doc": "JSON",
}  # fmt: skip
NUMBERS = ("whole", "great", "part", "small", "money")
NAMES = st.sampled_from([*TYPES])
VALUES = st.sampled_from([None, True, 1, 1.5, "x", 2**40])
TARGETS = st.sampled_from(["string", "integer", "bigint", "double", "decimal", "boolean", "date", "uuid", "json"])
STEPS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.builds(lambda n, to: {"op": "cast", "field": n, "to": to, "onError": "null"}, NAMES, TARGETS),
    st.builds(lambda n, zone: {"op": "cast", "field": n, "to": "timestamp", "onError": "null", **zone}, NAMES,
              st.sampled_from([{}, {"timezone": "Europe/Berlin"}])),
    st.builds(lambda n, value: {"op": "add_field", "field": n, "value": value}, NAMES | st.just("new"), VALUES),
    st.builds(lambda n, values, rest: {"op": "map_values", "field": n, "mapping": values, **rest}, NAMES,
              st.dictionaries(st.sampled_from(["1", "x", "true"]), VALUES, min_size=1),
              st.sampled_from([{}, {"default": None}, {"default": 0}, {"default": "?"}])),
    st.builds(lambda n: {"op": "hash", "field": n}, NAMES),
    st.builds(lambda n, way: {"op": "mask_pii", "field": n, "strategy": way}, NAMES, st.sampled_from(["full", "null"])),
    st.builds(lambda n, into: {"op": "split", "field": n, "separator": "-", "into": into}, NAMES,
              st.lists(NAMES, min_size=1, max_size=2, unique=True)),
    st.builds(lambda names, into: {"op": "merge", "fields": names, "separator": "-", "into": into},
              st.lists(NAMES, min_size=1, max_size=3, unique=True), NAMES),
    st.builds(lambda n: {"op": "filter", "expr": f'"{n}" is not null'}, NAMES),
    st.builds(lambda n, keys: {"op": "deduplicate", "keys": keys, "orderBy": [{"field": n}]}, NAMES,
              st.lists(NAMES, min_size=1, max_size=2, unique=True)),
    st.builds(lambda n, into: {"op": "expression", "field": into, "expr": f'coalesce("{n}", null)'}, NAMES, NAMES),
    st.builds(lambda n, op: {"op": op, "field": n, "into": f"{n}_of_it"}, NAMES,
              st.sampled_from(["summarize", "vector_embed", "geo_resolve", "sentiment_score"])),
)  # fmt: skip


def said(ir: PipelineIR, **sources: dict[str, str]) -> dict[str, str]:
    """Return what the IR says of the columns of the only target; an unknown type is empty."""
    known = {name: [Column(*column) for column in columns.items()] for name, columns in sources.items()}
    assert column_problems(ir, known) == ()
    return {column.name: column.type for column in propagate(ir, known)["out"]}


def made(ran: Ran) -> dict[str, str]:
    """Return the columns that the engine gave."""
    return {column.name: column.type for column in ran.execution.targets["out"].columns}


def check(said_columns: dict[str, str], made_columns: dict[str, str]) -> None:
    """Compare names, their order, and the types that are known."""
    known = [(name, said_columns[name] and kind) for name, kind in made_columns.items() if name in said_columns]
    assert list(made_columns) == list(said_columns)
    assert known == list(said_columns.items())


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=1, max_size=5))
def test_any_chain_of_operations_gives_the_columns_that_the_ir_says(
    tmp_path: Path, steps: list[dict[str, Any]]
) -> None:
    ir = chain(transform(*steps))

    ran = Engine("duckdb", tmp_path).run(ir, types=TYPES, src={name: [None] for name in TYPES})

    check(said(ir, src=TYPES), made(ran))


def test_a_group_of_every_type_has_figures_of_the_types_that_the_ir_says(duck: Engine) -> None:
    figures = [
        {"as": f"{fn} {name}", "fn": fn, "field": name}
        for fn, names in (("count", TYPES), ("count_distinct", TYPES), ("min", TYPES), ("avg", NUMBERS))
        for name in names
    ]
    sums = [{"as": f"sum {name}", "fn": "sum", "field": name} for name in NUMBERS]
    ir = chain(transform({"op": "aggregate", "groupBy": ["day", "key"], "measures": [*figures, *sums]}))

    ran = duck.run(ir, types=TYPES, src={name: [] for name in TYPES})

    check(said(ir, src=TYPES), made(ran))
    assert [made(ran)[f"sum {name}"] for name in NUMBERS] == ["BIGINT", "BIGINT", "DOUBLE", "DOUBLE", "DECIMAL(38,2)"]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        pytest.param(1, "BIGINT", id="a small number"), pytest.param(-(2**63), "BIGINT", id="the least number"),
        pytest.param(2**63 - 1, "BIGINT", id="the greatest number"), pytest.param(1.5, "DOUBLE", id="a fraction"),
        pytest.param(1e300, "DOUBLE", id="a great fraction"), pytest.param(5e-324, "DOUBLE", id="the least fraction"),
        pytest.param(0.1, "DOUBLE", id="a fraction that no decimal is"), pytest.param(True, "BOOLEAN", id="a truth"),
        pytest.param("it's", "VARCHAR", id="a text"), pytest.param(None, "VARCHAR", id="nothing"),
    ],
)  # fmt: skip
def test_a_value_of_the_ir_arrives_in_its_type(engine: Engine, value: Any, kind: str) -> None:
    ran = engine.apply({"op": "add_field", "field": "b", "value": value}, a=["x"])

    assert ran.column("b") == [value]
    assert made(ran)["b"] == kind


@pytest.mark.parametrize(
    ("kind", "values", "without", "left"),
    [
        pytest.param("INTEGER", [1, -1, None], "-1", [1, None, None], id="whole numbers"),
        pytest.param("DATE", ["1900-01-01", "2024-01-05"], "2024-01-05", ["1900-01-01", "None"], id="days"),
        pytest.param("DECIMAL(9,2)", ["1.50", "2.00"], "2.00", ["1.50", "None"], id="decimals"),
        pytest.param("VARCHAR", ["n/a", "x"], "n/a", [None, "x"], id="texts"),
    ],
)
def test_a_value_that_becomes_null_leaves_the_others_their_type(
    engine: Engine, kind: str, values: Sequence[Any], without: str, left: Sequence[Any]
) -> None:
    op = {"op": "map_values", "field": "a", "mapping": {without: None}}

    ran = engine.apply(op, a=values, types={"a": kind})

    assert made(ran)["a"] == kind
    assert [value if kind in {"INTEGER", "VARCHAR"} else str(value) for value in ran.column("a")] == left


def test_a_short_float_is_a_number_like_any_other(duck: Engine) -> None:
    types, values = {"a": "FLOAT"}, [2.5, 0.5, None]
    sums = {"op": "aggregate", "groupBy": [], "measures": [{"as": "s", "fn": "sum", "field": "a"}]}

    summed = duck.apply(sums, types=types, a=values)
    rounded = duck.apply({"op": "cast", "field": "a", "to": "integer", "onError": "null"}, types=types, a=values)

    assert summed.rows == [{"s": 3.0}]
    assert rounded.column("a") == [3, 1, None]


def test_an_instant_that_is_cast_to_one_again_stays_the_same(duck: Engine) -> None:
    cast = {"op": "cast", "field": "a", "to": "timestamp", "timezone": "Europe/Berlin"}

    once = duck.apply(cast, a=["2024-07-01 12:00:00"])
    twice = duck.apply(cast, {**cast, "timezone": "America/New_York"}, a=["2024-07-01 12:00:00"])

    assert (twice.rows, made(twice)) == (once.rows, made(once))


HOWS = ("inner", "left", "right", "full", "semi", "anti")
KEYS = [
    ("INTEGER", "INTEGER"),
    ("INTEGER", "BIGINT"),
    ("VARCHAR", "BIGINT"),
    ("BIGINT", "VARCHAR"),
    ("DATE", "VARCHAR"),
]


def joined(how: str, left: str = "id", right: str = "id") -> PipelineIR:
    """Return a pipeline of two sources and a join."""
    on = [{"left": left, "right": right}]
    join = {"id": "j", "kind": "join", "left": "l", "right": "r", "on": on, "how": how}
    return pipeline(source("l"), source("r"), join, target("out", "j"))


@pytest.mark.parametrize(
    ("how", "kinds"),
    [pytest.param(*one, id=f"{one[0]} of {' and '.join(one[1])}") for one in itertools.product(HOWS, KEYS)],
)
def test_a_join_gives_the_columns_that_the_ir_says(tmp_path: Path, how: str, kinds: tuple[str, str]) -> None:
    left, right = {"id": kinds[0], "note": "VARCHAR"}, {"id": kinds[1], "note": "DATE", "price": "DOUBLE"}
    ir, duck = joined(how), Engine("duckdb", tmp_path)

    ran = run_join(duck, ir, left, right)

    check(said(ir, l=left, r=right), made(ran))


def run_join(duck: Engine, ir: PipelineIR, left: dict[str, str], right: dict[str, str]) -> Ran:
    """Join two tables without a row that have one type for each name; keys of the right side get theirs by a cast."""
    cast = {"INTEGER": "integer", "BIGINT": "bigint", "VARCHAR": "string", "DATE": "date", "DOUBLE": "double"}
    typed = [
        transform(*({"op": "cast", "field": name, "to": cast[kind]} for name, kind in kinds.items()), name=f"{side}t",
                  reads=side)
        for side, kinds in (("l", left), ("r", right))
    ]  # fmt: skip
    join = ir.nodes[2].model_dump(mode="json", by_alias=True, exclude_unset=True) | {"left": "lt", "right": "rt"}
    one: dict[str, list[str]] = {name: [] for name in left}
    other: dict[str, list[str]] = {name: [] for name in right}
    return duck.run(pipeline(source("l"), source("r"), *typed, join, target("out", "j")), l=one, r=other)


@pytest.mark.parametrize(
    ("how", "keys"),
    [pytest.param("right", ["2", "3"], id="right"), pytest.param("full", ["1", "2", "3"], id="full")],
)
def test_a_key_that_is_text_on_one_side_alone_comes_as_text_from_either(
    engine: Engine, how: str, keys: list[str]
) -> None:
    number = transform({"op": "cast", "field": "id", "to": "bigint"}, name="typed", reads="r")
    join = {"id": "j", "kind": "join", "left": "l", "right": "typed", "on": [{"left": "id", "right": "id"}], "how": how}
    ir = pipeline(source("l"), source("r"), number, join, target("out", "j"))

    ran = engine.run(ir, l={"id": ["1", "2"], "a": ["x", "y"]}, r={"id": ["2", "3"], "b": ["u", "v"]})

    assert sorted(ran.column("id")) == keys
    assert {row["id"]: (row["a"], row["b"]) for row in ran.rows}["2"] == ("y", "u")
    assert {row["id"]: (row["a"], row["b"]) for row in ran.rows}["3"] == (None, "v")
