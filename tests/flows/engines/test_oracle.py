"""Random tables through random chains of operations give what plain Python gives, on both engines."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.flows.engines import oracle
from tests.flows.engines.conftest import SPARK_MARKS
from tests.flows.engines.world import Engine, chain, transform

TEXTS = st.none() | st.text(alphabet="abAB@-.é 1", max_size=7) | st.sampled_from(["ann@x.org", "a-b-c", ""])
NUMBERS = (
    st.none() | st.integers(-50, 50).map(str) | st.sampled_from(["x", " 7 ", "7.0", "7.5", "", "+3", "99999999999"])
)
TABLES = st.lists(st.tuples(TEXTS, TEXTS, NUMBERS), max_size=25)
TEXT = st.sampled_from(["a", "b"])
ORDER = st.lists(
    st.fixed_dictionaries({"field": st.just("n"), "direction": st.sampled_from(["asc", "desc"])}), max_size=1
)
# Every step leaves texts in a and b and a whole number in n, so that any may follow any.
STEPS: st.SearchStrategy[list[dict[str, Any]]] = st.one_of(
    st.fixed_dictionaries({"op": st.just("expression"), "field": TEXT, "expr": st.just("upper(?)")}).map(
        lambda op: [{**op, "expr": f"upper({op['field']})"}]
    ),
    st.just([{"op": "expression", "field": "n", "expr": "n * 2 - 1"}]),
    st.builds(
        lambda sign, number: [{"op": "filter", "expr": f"n {sign} {number}"}], st.sampled_from([">", "<="]),
        st.integers(0, 40),
    ),
    st.builds(
        lambda field, way: [{"op": "mask_pii", "field": field, "strategy": way}], TEXT,
        st.sampled_from(["full", "last4", "email", "null"]),
    ),
    st.builds(
        lambda field, way: [{"op": "hash", "field": field, "algorithm": way, "salt": "s'"}], TEXT,
        st.sampled_from(["md5", "sha256", "sha512"]),
    ),
    st.builds(
        lambda field, more: [{"op": "map_values", "field": field, "mapping": {"a": "1", "": None}, **more}], TEXT,
        st.sampled_from([{}, {"default": "?"}, {"default": None}]),
    ),
    st.builds(
        lambda field, into: [{"op": "split", "field": field, "separator": "-", "into": into}], TEXT,
        st.sampled_from([["a", "b"], ["b"]]),
    ),
    st.builds(
        lambda fields, into: [{"op": "merge", "fields": fields, "separator": ".", "into": into}],
        st.sampled_from([["a", "b"], ["a", "n"]]), TEXT,
    ),
    st.builds(
        lambda keys, order, keep: [{"op": "deduplicate", "keys": keys, "orderBy": order, "keep": keep}],
        st.sampled_from([["a"], ["b", "n"], ["n"]]), ORDER, st.sampled_from(["first", "last"]),
    ),
    st.just([{"op": "rename", "from": "a", "to": "z"}, {"op": "rename", "from": "z", "to": "a"}]),
    st.just([{"op": "add_field", "field": "c", "value": 1.5}, {"op": "drop", "fields": ["c"]}]),
)  # fmt: skip
GROUPS = {
    "op": "aggregate", "groupBy": ["a"],
    "measures": [
        {"as": "rows", "fn": "count"}, {"as": "sum", "fn": "sum", "field": "n"},
        {"as": "least", "fn": "min", "field": "n"}, {"as": "different", "fn": "count_distinct", "field": "n"},
        {"as": "mean", "fn": "avg", "field": "n"},
    ],
}  # fmt: skip
CHAINS = st.builds(
    lambda steps, end: [op for step in steps for op in step] + end, st.lists(STEPS, max_size=6),
    st.sampled_from([[], [GROUPS]]),
)  # fmt: skip


def check(engine: Engine, table: list[tuple[Any, ...]], ops: list[dict[str, Any]], on_error: str) -> None:
    """Compare an engine with the oracle."""
    cast = {"op": "cast", "field": "n", "to": "integer", "onError": on_error}
    rows = [dict(zip("abn", row, strict=True)) for row in table]
    expected = oracle.apply(cast, rows)
    if on_error == "quarantine":
        pairs = list(zip(rows, expected, strict=True))
        rejected = [before["n"] for before, after in pairs if before["n"] is not None and after["n"] is None]
        expected = [after for before, after in pairs if before["n"] is None or after["n"] is not None]
    for op in ops:
        expected = oracle.apply(op, expected)

    ran = engine.run(chain(transform(cast, *ops)), src={name: [row[name] for row in rows] for name in "abn"})

    assert ran.rows == expected
    if on_error == "quarantine":
        assert [row["value"] for row in ran.rejects] == rejected


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=TABLES, ops=CHAINS, on_error=st.sampled_from(["null", "quarantine"]))
def test_duckdb_gives_what_plain_python_gives(
    tmp_path: Path, table: list[tuple[Any, ...]], ops: list[dict[str, Any]], on_error: str
) -> None:
    check(Engine("duckdb", tmp_path), table, ops, on_error)


@pytest.mark.slow
@pytest.mark.timeout(900)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=TABLES, ops=CHAINS, on_error=st.sampled_from(["null", "quarantine"]))
def test_duckdb_gives_what_plain_python_gives_again_and_again(
    tmp_path: Path, table: list[tuple[Any, ...]], ops: list[dict[str, Any]], on_error: str
) -> None:
    check(Engine("duckdb", tmp_path), table, ops, on_error)


@pytest.mark.parametrize("engine", [pytest.param("spark", marks=SPARK_MARKS)], indirect=True)
@pytest.mark.timeout(900)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=TABLES, ops=CHAINS, on_error=st.sampled_from(["null", "quarantine"]))
def test_spark_gives_what_plain_python_gives(
    engine: Engine, table: list[tuple[Any, ...]], ops: list[dict[str, Any]], on_error: str
) -> None:
    check(engine, table, ops, on_error)
