"""Expressions that make texts longer: what they give fits in memory, or the run fails before it is made."""

from pathlib import Path

import pytest

from flows.engines.base import EngineError
from tests.flows.engines.world import Engine

TOO_LONG = "The text would be longer than 16,777,216 characters."


@pytest.fixture
def duck(tmp_path: Path) -> Engine:
    return Engine("duckdb", tmp_path)


@pytest.mark.parametrize(
    "expression",
    [
        pytest.param("lpad(name, 2000000000, 'x')", id="padded in front"),
        pytest.param("rpad(name, CAST(n AS INTEGER), 'x')", id="padded by a column"),
        pytest.param("replace(repeat(name, 100000), 'a', repeat('y', 1000))", id="replaced by a longer text"),
        pytest.param("replace(replace(repeat(name, 9000), 'a', repeat('b', 900)), 'b', 'bbbb')", id="replaced twice"),
        pytest.param("regexp_replace(repeat(name, 100000), 'a', repeat('y', 1000))", id="replaced by a pattern"),
        pytest.param("length(regexp_replace(repeat(name, 100000), '', repeat('y', 1000)))", id="at every place"),
    ],
)
def test_a_text_that_would_fill_the_memory_is_refused_before_it_is_made(duck: Engine, expression: str) -> None:
    op = {"op": "expression", "id": "grow", "field": "x", "expr": expression}

    with pytest.raises(EngineError) as failed:
        duck.apply(op, name=["abab"], n=["2000000000"])

    assert TOO_LONG in failed.value.message
    assert (failed.value.node_id, failed.value.rule_id) == ("clean", "grow")


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        pytest.param("lpad(name, CAST(n AS INTEGER), 'x')", "xxabc", id="padded in front"),
        pytest.param("rpad(name, CAST(n AS INTEGER), 'x')", "abcxx", id="padded behind"),
        pytest.param("lpad(name, CAST(gone AS INTEGER), 'x')", None, id="padded by nothing"),
        pytest.param("replace(name, 'b', '<' || n || '>')", "a<5>c", id="replaced by a column"),
        pytest.param("replace(name, '', 'xyz')", "abc", id="nothing replaced"),
        pytest.param("replace(gone, 'b', 'xyz')", None, id="replaced in nothing"),
        pytest.param("replace(name, 'b', gone)", None, id="replaced by nothing"),
        pytest.param("regexp_replace(name, '[ab]', '-+-')", "-+--+-c", id="replaced by a pattern"),
        pytest.param(
            "length(replace(repeat(name, 100000), 'd', repeat('y', 1000)))", 300_000, id="of what is not there"
        ),
    ],
)
def test_a_text_that_grows_within_bounds_is_what_the_function_says(
    duck: Engine, expression: str, value: str | int | None
) -> None:
    ran = duck.apply({"op": "expression", "field": "x", "expr": expression}, name=["abc"], n=["5"], gone=[None])

    assert ran.column("x") == [value]


def test_a_condition_that_would_fill_the_memory_is_refused_too(duck: Engine) -> None:
    with pytest.raises(EngineError) as failed:
        duck.apply({"op": "filter", "expr": "length(lpad(name, 2000000000, 'x')) > 1"}, name=["abc"])

    assert TOO_LONG in failed.value.message
