"""The other operations, each on both engines: what it makes of a few rows."""

import hashlib
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from flows.engines.base import EngineError
from tests.flows.engines.world import Engine, chain, transform

NAMES = ["Ann", "bob", None, ""]


def op(name: str, **fields: Any) -> dict[str, Any]:
    return {"op": name, **fields}


GOLDEN: list[tuple[str, dict[str, Any], dict[str, list[Any]], list[dict[str, Any]]]] = [
    ("expression adds a column", op("expression", field="b", expr="upper(a) || '!'"), {"a": ["x", None]},
     [{"a": "x", "b": "X!"}, {"a": None, "b": None}]),
    ("expression replaces a column in its place", op("expression", field="a", expr="a || b"), {"a": ["x"], "b": ["y"]},
     [{"a": "xy", "b": "y"}]),
    ("rename keeps the place", op("rename", **{"from": "a", "to": "c"}), {"a": ["1"], "b": ["2"]},
     [{"c": "1", "b": "2"}]),
    ("drop leaves the others", op("drop", fields=["a", "c"]), {"a": ["1"], "b": ["2"], "c": ["3"]}, [{"b": "2"}]),
    ("add_field text", op("add_field", field="b", value="it's"), {"a": ["1"]}, [{"a": "1", "b": "it's"}]),
    ("add_field number", op("add_field", field="b", value=7), {"a": ["1"]}, [{"a": "1", "b": 7}]),
    ("add_field double", op("add_field", field="b", value=1.5), {"a": ["1"]}, [{"a": "1", "b": 1.5}]),
    ("add_field truth", op("add_field", field="b", value=True), {"a": ["1"]}, [{"a": "1", "b": True}]),
    ("add_field null", op("add_field", field="b", value=None), {"a": ["1"]}, [{"a": "1", "b": None}]),
    ("hash sha256", op("hash", field="a"), {"a": ["é", None]},
     [{"a": hashlib.sha256("é".encode()).hexdigest()}, {"a": None}]),
    ("hash md5 with salt", op("hash", field="a", algorithm="md5", salt="s"), {"a": ["x"]},
     [{"a": hashlib.md5(b"sx").hexdigest()}]),
    ("hash sha512", op("hash", field="a", algorithm="sha512"), {"a": ["x", None]},
     [{"a": hashlib.sha512(b"x").hexdigest()}, {"a": None}]),
    ("mask full", op("mask_pii", field="a", strategy="full"), {"a": NAMES},
     [{"a": "***"}, {"a": "***"}, {"a": None}, {"a": "***"}]),
    ("mask last4", op("mask_pii", field="a", strategy="last4"), {"a": ["123456", "1234", "", None]},
     [{"a": "**3456"}, {"a": "****"}, {"a": ""}, {"a": None}]),
    ("mask email", op("mask_pii", field="a", strategy="email"), {"a": ["ann@x.org", "a@b@c.de", "none", None]},
     [{"a": "***@x.org"}, {"a": "***@c.de"}, {"a": "***"}, {"a": None}]),
    ("mask initial", op("mask_pii", field="a", strategy="initial"), {"a": ["Ünal", "", None]},
     [{"a": "Ü***"}, {"a": "***"}, {"a": None}]),
    ("mask null", op("mask_pii", field="a", strategy="null"), {"a": ["x"]}, [{"a": None}]),
    ("map_values leaves the rest", op("map_values", field="a", mapping={"x": "1", "y": None}),
     {"a": ["x", "y", "z", None]},
     [{"a": "1"}, {"a": None}, {"a": "z"}, {"a": None}]),
    ("map_values with a default", op("map_values", field="a", mapping={"x": 1, "y": 2}, default=0),
     {"a": ["x", "q", None]},
     [{"a": 1}, {"a": 0}, {"a": 0}]),
    ("map_values with null as the default", op("map_values", field="a", mapping={"x": True}, default=None),
     {"a": ["x", "q"]},
     [{"a": True}, {"a": None}]),
    ("split", op("split", field="a", separator="|", into=["b", "c"]), {"a": ["1|2|3", "1", "", "1|", None]},
     [{"a": "1|2|3", "b": "1", "c": "2|3"}, {"a": "1", "b": "1", "c": None}, {"a": "", "b": "", "c": None},
      {"a": "1|", "b": "1", "c": ""}, {"a": None, "b": None, "c": None}]),
    ("split at a word of a pattern", op("split", field="a", separator=".\\E", into=["a", "b"]), {"a": ["1.\\E2"]},
     [{"a": "1", "b": "2"}]),
    ("merge", op("merge", fields=["a", "b"], separator="-", into="c"), {"a": ["1", None, None], "b": ["2", "3", None]},
     [{"a": "1", "b": "2", "c": "1-2"}, {"a": None, "b": "3", "c": "3"}, {"a": None, "b": None, "c": None}]),
    ("filter", op("filter", expr="a > 'b'"), {"a": ["a", "c", None]}, [{"a": "c"}]),
    ("deduplicate first", op("deduplicate", keys=["a"]), {"a": ["1", None, "1", None], "b": ["p", "q", "r", "s"]},
     [{"a": "1", "b": "p"}, {"a": None, "b": "q"}]),
    ("deduplicate last", op("deduplicate", keys=["a"], keep="last"), {"a": ["1", "2", "1"], "b": ["p", "q", "r"]},
     [{"a": "2", "b": "q"}, {"a": "1", "b": "r"}]),
    ("deduplicate by order",
     op("deduplicate", keys=["a"], orderBy=[{"field": "b", "direction": "desc"}]),
     {"a": ["1", "1", "1", "1"], "b": ["1", None, "3", "3"], "c": ["p", "q", "r", "s"]},
     [{"a": "1", "b": "3", "c": "r"}]),
    ("deduplicate last by order", op("deduplicate", keys=["a"], orderBy=[{"field": "b"}], keep="last"),
     {"a": ["1", "1", "1"], "b": ["3", "3", None], "c": ["p", "q", "r"]}, [{"a": "1", "b": "3", "c": "q"}]),
    ("summarize", op("summarize", field="a", into="b"), {"a": ["x"]}, [{"a": "x", "b": None}]),
    ("sentiment_score", op("sentiment_score", field="a", into="b"), {"a": ["x"]}, [{"a": "x", "b": None}]),
    ("vector_embed", op("vector_embed", field="a", into="b"), {"a": ["x"]}, [{"a": "x", "b": None}]),
    ("geo_resolve", op("geo_resolve", field="a", into="b"), {"a": ["x"]}, [{"a": "x", "b": None}]),
    ("language_detect", op("language_detect", field="a", into="b"), {"a": ["x"]}, [{"a": "x", "b": None}]),
]  # fmt: skip


@pytest.mark.parametrize(("one", "given", "golden"), [case[1:] for case in GOLDEN], ids=[case[0] for case in GOLDEN])
def test_an_operation_gives_what_it_always_gave(
    engine: Engine, one: dict[str, Any], given: dict[str, list[Any]], golden: list[dict[str, Any]]
) -> None:
    ran = engine.run(chain(transform(one)), src=given)

    assert ran.rows == golden
    assert [list(row) for row in ran.rows] == [list(row) for row in golden]


def test_figures_leave_nulls_out_and_groups_come_in_the_order_of_their_keys(engine: Engine) -> None:
    measures = [
        {"as": "rows", "fn": "count"}, {"as": "n", "fn": "count", "field": "v"},
        {"as": "different", "fn": "count_distinct", "field": "v"}, {"as": "sum", "fn": "sum", "field": "v"},
        {"as": "least", "fn": "min", "field": "v"}, {"as": "most", "fn": "max", "field": "v"},
        {"as": "mean", "fn": "avg", "field": "v"}, {"as": "total", "fn": "sum", "field": "d"},
    ]  # fmt: skip

    ran = engine.apply(
        op("aggregate", groupBy=["k"], measures=measures), k=["b", None, "a", "b"], v=[2, None, None, 2],
        d=[Decimal("1.10"), None, None, Decimal("2.20")], types={"v": "INTEGER", "d": "DECIMAL(9,2)"},
    )  # fmt: skip

    none = {"n": 0, "different": 0, "sum": None, "least": None, "most": None, "mean": None, "total": None}
    assert ran.rows == [
        {"k": "a", "rows": 1, **none},
        {"k": "b", "rows": 2, "n": 2, "different": 1, "sum": 4, "least": 2, "most": 2, "mean": 2.0,
         "total": Decimal("3.30")},
        {"k": None, "rows": 1, **none},
    ]  # fmt: skip


def test_without_groups_there_is_one_row_even_of_nothing(engine: Engine) -> None:
    ran = engine.apply(op("aggregate", groupBy=[], measures=[{"as": "n", "fn": "count"}]), a=[])

    assert ran.rows == [{"n": 0}]


def test_a_lookup_takes_the_first_match_and_null_matches_nothing(engine: Engine) -> None:
    asked: list[tuple[str, list[str]]] = []

    def lookup(table: str, columns: list[str]) -> pa.RecordBatchReader:
        asked.append((table, columns))
        found = pa.table({"id": [1, 2, 1, None], "name": ["one", "two", "uno", "none"]})
        return found.to_reader()

    ir = chain(transform(op("lookup_join", table="ds_names", on=[{"left": "k", "right": "id"}], fields=["name"])))
    ran = engine.run(ir, lookup=lookup, src={"k": ["2", "1", "9", None, "1"]})

    assert ran.rows == [
        {"k": "2", "name": "two"}, {"k": "1", "name": "one"}, {"k": "9", "name": None}, {"k": None, "name": None},
        {"k": "1", "name": "one"},
    ]  # fmt: skip
    assert asked == [("ds_names", ["id", "name"])]


def test_operations_of_models_say_that_they_have_no_credentials(duck: Engine) -> None:
    ran = duck.apply(op("summarize", id="sum", field="a", into="b"), a=["x"])

    (finding,) = ran.execution.findings
    assert (finding.node_id, finding.rule_id) == ("clean", "sum")
    assert finding.message == "clean, sum: no credentials for a model, b is null"


@pytest.mark.parametrize(
    ("one", "message"),
    [
        pytest.param(op("drop", fields=["z"]), "there is no column 'z'", id="a column that is not there"),
        pytest.param(op("drop", fields=["a", "b"]), "leaves no column", id="none left"),
        pytest.param(op("rename", **{"from": "a", "to": "B"}), "there is a column 'B' already", id="a taken name"),
        pytest.param(op("add_field", field="A", value=1), "only in its case", id="two names that differ in case"),
        pytest.param(op("filter", expr="a || b"), "not true or false", id="a filter that is no condition"),
        pytest.param(op("filter", expr="z = 1"), "no column 'z'", id="an unknown column"),
        pytest.param(
            op("aggregate", groupBy=[], measures=[{"as": "s", "fn": "sum", "field": "a"}]), "no number",
            id="a sum of texts"),
        pytest.param(
            op("expression", field="c", expr="a + interval 1 day"), "clean, the-op", id="types that do not fit"),
    ],
)  # fmt: skip
def test_an_operation_that_cannot_be_names_itself(engine: Engine, one: dict[str, Any], message: str) -> None:
    with pytest.raises(EngineError) as refused:
        engine.apply({**one, "id": "the-op"}, a=["1"], b=["2"])

    assert message in refused.value.message
    assert refused.value.message.startswith("clean, the-op: ")
    assert refused.value.node_id == "clean"


def test_an_expression_that_fails_on_a_row_names_its_operation(engine: Engine) -> None:
    with pytest.raises(EngineError) as failed:
        engine.apply(op("expression", id="days", field="b", expr="CAST(a AS DATE)"), a=["2024-01-01", "soon"])

    assert failed.value.node_id == "clean"
    assert failed.value.message.startswith("clean, days: ")


def test_rows_keep_the_order_of_the_file_through_everything_that_keeps_it(engine: Engine) -> None:
    numbers = list(range(5_000))
    ops = [
        op("cast", field="n", to="bigint"), op("filter", expr="n % 3 <> 0"), op("expression", field="m", expr="n * 2"),
        op("deduplicate", keys=["n"]), op("cast", field="d", to="date", onError="quarantine"),
    ]  # fmt: skip

    ran = engine.apply(*ops, n=[str(n) for n in numbers], d=["2024-01-01" if n % 2 else "x" for n in numbers])

    assert ran.column("n") == [n for n in numbers if n % 3 and n % 2]
    assert ran.column("d") == [date(2024, 1, 1)] * len(ran.rows)
    assert len(ran.rejects) == sum(1 for n in numbers if n % 3 and not n % 2)
