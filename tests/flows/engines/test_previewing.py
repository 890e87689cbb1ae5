"""Previews: each node's SQL without reading, and the first rows of a node."""

from typing import Any

import pytest

from flows.engines.base import EngineError
from flows.engines.duck.session import DuckSession
from flows.engines.previewing import compile_sql, sample_of
from flows.formats.base import Column
from flows.ir.pipeline import PipelineIR
from tests.flows.engines.world import NOW, Engine, chain, no_lookup, pipeline, put, source, target, transform

CAST = {"op": "cast", "field": "n", "to": "integer", "onError": "quarantine"}
BIG = {"op": "filter", "expr": "n > 1 AND status = 'new'"}


def compiled(duck: Engine, ir: PipelineIR, dialect: str = "duckdb", **columns: tuple[Column, ...]) -> dict[str, str]:
    with duck.opened() as session:
        assert isinstance(session, DuckSession)
        return compile_sql(session, ir, columns, dialect=dialect)


def sampled(duck: Engine, ir: PipelineIR, node_id: str, **table: Any) -> list[dict[str, Any]]:
    with duck.opened() as session:
        assert isinstance(session, DuckSession)
        inputs = {"src": put(session, "src", table, {})}
        return sample_of(session, ir, inputs, node_id, limit=2, now=NOW, lookup=no_lookup).rows


def test_columns_that_are_not_known_are_those_that_nodes_ask_for(duck: Engine) -> None:
    sql = compiled(duck, chain(transform(CAST, BIG)))

    assert list(sql) == ["src", "clean", "out"]
    assert 'FROM "src"' in sql["src"]
    assert "TRY_CAST" in sql["clean"]


def test_the_sql_is_written_in_the_dialect_that_is_asked_for(duck: Engine) -> None:
    sql = compiled(
        duck, chain(transform(BIG)), dialect="spark", src=(Column("n", "INTEGER"), Column("status", "VARCHAR"))
    )

    assert "`t0`.`status` = 'new'" in sql["clean"]


def test_both_sides_of_a_join_find_their_columns(duck: Engine) -> None:
    join = {"id": "j", "kind": "join", "left": "l", "right": "r", "on": [{"left": "id", "right": "key"}]}

    sql = compiled(duck, pipeline(source("l"), source("r"), join, target("out", "j")))

    assert "JOIN" in sql["j"]


def test_a_column_that_known_sources_do_not_have_is_an_error(duck: Engine) -> None:
    with pytest.raises(EngineError, match="there is no column 'status'"):
        compiled(duck, chain(transform(BIG)), src=(Column("n", "INTEGER"),))


def test_no_validator_judges_a_preview(duck: Engine) -> None:
    node = {
        "id": "check", "kind": "validate", "input": "src", "datasetLevel": {"rowCount": {"min": 1}},
        "rowLevel": [{"id": "r", "field": "n", "rule": "gt:0", "onFail": "warn"}],
    }  # fmt: skip

    assert "check" in compiled(duck, chain(node), src=(Column("n", "INTEGER"),))


def test_a_sample_is_the_first_rows_that_leave_a_node(duck: Engine) -> None:
    ir = chain(transform(CAST), transform({"op": "add_field", "field": "x", "value": 1}, name="more", reads="clean"))

    assert sampled(duck, ir, "clean", n=["x", "1", "2", "3"]) == [{"n": 1}, {"n": 2}]
    assert sampled(duck, ir, "more", n=["1"]) == [{"n": 1, "x": 1}]
    assert sampled(duck, ir, "src", n=["1"]) == [{"n": "1"}]


def test_values_of_a_sample_are_such_as_json_takes(duck: Engine) -> None:
    ops = [
        {"op": "cast", "field": "d", "to": "decimal"}, {"op": "cast", "field": "t", "to": "timestamp"},
        {"op": "cast", "field": "f", "to": "double"},
    ]  # fmt: skip

    (row,) = sampled(duck, chain(transform(*ops)), "out", d=["1.5"], t=["2024-01-05"], f=["nan"])

    assert row == {"d": "1.500", "t": "2024-01-05T00:00:00", "f": "nan"}
