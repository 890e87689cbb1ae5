"""`cast`: what becomes what, and what is done about the rest."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from flows.engines.base import EngineError
from tests.flows.engines.world import Engine

# Without a zone, as the engine has it.
wall = partial(datetime, tzinfo=None)

GOLDEN: list[tuple[str, dict[str, Any], dict[str | None, Any]]] = [
    ("integer", {}, {
        "12": 12, " 12 ": 12, "+5": 5, "-0": 0, "007": 7, "12.0": 12, "1_000": 1000, "12.5": None, "1e3": None,
        "0x1F": None, "": None, "x": None, "1 2": None, "2147483648": None, "-2147483648": -2147483648, "٣": None,
        None: None,
    }),
    ("bigint", {}, {"9223372036854775807": 2**63 - 1, "9223372036854775808": None, "--5": None}),
    ("double", {}, {
        "1.5": 1.5, "1e2": 100.0, ".5": 0.5, "5.": 5.0, " 1 ": 1.0, "1,5": None, "-inf": float("-inf"), "x": None,
        "1d": None, "1f": None, "": None,
    }),
    ("decimal", {"precision": 10, "scale": 2}, {
        "12.345": Decimal("12.35"), "-12.345": Decimal("-12.35"), "1e2": Decimal("100.00"), "1,5": None, "NaN": None,
        "123456789.00": None, "12345678.99": Decimal("12345678.99"), "": None,
    }),
    ("decimal", {}, {"1.5": Decimal("1.500")}),
    ("boolean", {}, {
        "true": True, "T": True, "yes": True, "1": True, " No ": False, "f": False, "0": False, "on": None, "2": None,
    }),
    ("date", {}, {
        "2024-02-29": date(2024, 2, 29), "2024-1-5": date(2024, 1, 5), " 2024-01-05 ": date(2024, 1, 5),
        "2023-02-29": None, "20240105": None, "2024/01/05": None, "infinity": None, "2024-01-05 10:00": None,
        "0000-01-01": None, "0001-01-01": date(1, 1, 1), "2024-01-5x": None,
    }),
    ("date", {"format": "%d.%m.%Y"}, {"05.01.2024": date(2024, 1, 5), "31.02.2024": None, "2024-01-05": None}),
    ("timestamp", {}, {
        "2024-01-05 10:11:12": wall(2024, 1, 5, 10, 11, 12), "2024-01-05": wall(2024, 1, 5),
        "2024-01-05T10:11": wall(2024, 1, 5, 10, 11),
        "2024-01-05 10:11:12.5": wall(2024, 1, 5, 10, 11, 12, 500000),
        "2024-01-05T10:00:00Z": wall(2024, 1, 5, 10), "2024-01-05T10:00:00+02:00": wall(2024, 1, 5, 8),
        "2024-01-05 10:00:00 -0530": wall(2024, 1, 5, 15, 30), "2024-01-05 10:00:00+01": wall(2024, 1, 5, 9),
        "2024-01-05 25:00:00": None, "2024-01-05 10:00:60": None, "2024-01-05 10": None, "epoch": None, "x": None,
    }),
    ("timestamp", {"format": "%d.%m.%Y %H:%M"}, {"05.01.2024 10:11": wall(2024, 1, 5, 10, 11), "5": None}),
    ("timestamp", {"timezone": "Europe/Berlin"}, {
        "2024-07-01 12:00:00": datetime(2024, 7, 1, 10, tzinfo=UTC),
        "2024-01-01 12:00:00": datetime(2024, 1, 1, 11, tzinfo=UTC),
        "2024-07-01T12:00:00Z": datetime(2024, 7, 1, 12, tzinfo=UTC),
    }),
    ("time", {}, {
        "10:11:12": time(10, 11, 12), "9:05": time(9, 5), "10:11:12.25": time(10, 11, 12, 250000), "24:00:00": None,
        "10": None, "10:60": None,
    }),
    ("uuid", {}, {
        "550E8400-E29B-41D4-A716-446655440000": "550e8400-e29b-41d4-a716-446655440000",
        "{550e8400-e29b-41d4-a716-446655440000}": "550e8400-e29b-41d4-a716-446655440000", "550e8400": None,
    }),
    ("json", {}, {'{"a": 1}': '{"a": 1}', "{": None, "nul": None}),
    ("string", {}, {"a": "a", None: None}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("to", "more", "golden"), GOLDEN, ids=[f"{number}-{to}" for number, (to, _, _) in enumerate(GOLDEN)]
)
def test_text_becomes_what_it_spells_and_null_where_it_spells_nothing(
    engine: Engine, to: str, more: dict[str, Any], golden: dict[str | None, Any]
) -> None:
    texts = list(golden)

    ran = engine.apply({"op": "cast", "field": "a", "to": to, "onError": "null", **more}, a=texts)

    assert dict(zip(texts, ran.column("a"), strict=True)) == golden


@pytest.mark.parametrize(
    ("kind", "to", "value", "becomes"),
    [
        pytest.param("DOUBLE", "integer", 2.5, 3, id="doubles are rounded away from zero"),
        pytest.param("DOUBLE", "bigint", -2.5, -3, id="below zero too"),
        pytest.param("DOUBLE", "string", 1e16, "1e+16", id="great doubles"),
        pytest.param("DOUBLE", "string", 12345678.5, "12345678.5", id="doubles"),
        pytest.param("DOUBLE", "string", 1.5e-5, "1.5e-05", id="small doubles"),
        pytest.param("DOUBLE", "string", 0.00015, "0.00015", id="smaller doubles"),
        pytest.param("DOUBLE", "string", 1.0, "1.0", id="whole doubles"),
        pytest.param("BIGINT", "boolean", 2, True, id="numbers are true"),
        pytest.param("BOOLEAN", "integer", True, 1, id="true is one"),
        pytest.param("BOOLEAN", "string", True, "true", id="true as text"),
        pytest.param("DATE", "timestamp", date(2024, 1, 5), wall(2024, 1, 5), id="a day begins at midnight"),
        pytest.param("TIMESTAMP", "date", wall(2024, 1, 5, 10), date(2024, 1, 5), id="a time is of a day"),
        pytest.param("TIMESTAMP", "string", wall(2024, 1, 5, 10), "2024-01-05 10:00:00", id="times as text"),
        pytest.param("DATE", "bigint", date(2024, 1, 5), None, id="a day is no number"),
        pytest.param("DECIMAL(9,3)", "integer", Decimal("2.500"), 3, id="decimals are rounded"),
    ],
)
def test_values_of_other_types_are_cast_alike(engine: Engine, kind: str, to: str, value: Any, becomes: Any) -> None:
    ran = engine.apply({"op": "cast", "field": "a", "to": to, "onError": "null"}, a=[value], types={"a": kind})

    assert ran.column("a") == [becomes]


def test_a_cast_that_fails_names_node_operation_field_and_value(engine: Engine) -> None:
    op = {"op": "cast", "id": "to-number", "field": "a", "to": "integer"}

    with pytest.raises(EngineError) as failed:
        engine.apply(op, a=["1", "two", "3"])

    assert failed.value.message == "clean, to-number: a is 'two', which is not an integer"
    assert (failed.value.node_id, failed.value.rule_id) == ("clean", "to-number")


@pytest.mark.parametrize(
    "after",
    [
        pytest.param([{"op": "filter", "expr": "b = 'x'"}], id="a filter that would leave the row out"),
        pytest.param([{"op": "drop", "fields": ["a"]}], id="the column dropped"),
        pytest.param([{"op": "add_field", "field": "a", "value": 1}], id="the column replaced"),
        pytest.param([{"op": "rename", "from": "a", "to": "c"}, {"op": "filter", "expr": "c > 1"}], id="another name"),
        pytest.param([{"op": "aggregate", "groupBy": ["b"], "measures": [{"as": "n", "fn": "count"}]}], id="groups"),
        pytest.param([{"op": "deduplicate", "keys": ["b"]}], id="another row of the key"),
        pytest.param([{"op": "cast", "field": "a", "to": "string"}], id="cast back"),
        pytest.param(
            [{"op": "filter", "expr": "b = 'x'"}, {"op": "expression", "field": "a", "expr": "a + 1"},
             {"op": "filter", "expr": "a > 1"}], id="filters and expressions"),
    ],
)  # fmt: skip
def test_a_cast_fails_whatever_comes_after_it(engine: Engine, after: list[dict[str, Any]]) -> None:
    with pytest.raises(EngineError, match="a is 'two', which is not an integer"):
        engine.apply({"op": "cast", "field": "a", "to": "integer"}, *after, a=["1", "two"], b=["x", "y"])


def test_a_row_that_a_filter_left_out_before_fails_no_cast(engine: Engine) -> None:
    ran = engine.apply(
        {"op": "expression", "field": "b", "expr": "upper(b)"}, {"op": "filter", "expr": "b = 'X'"},
        {"op": "cast", "field": "a", "to": "integer"}, {"op": "filter", "expr": "a > 0"}, a=["1", "two"], b=["x", "y"],
    )  # fmt: skip

    assert ran.rows == [{"a": 1, "b": "X"}]


def test_a_quarantined_row_goes_to_no_later_operation_and_keeps_its_text(engine: Engine) -> None:
    ran = engine.apply(
        {"op": "cast", "id": "n", "field": "a", "to": "integer", "onError": "quarantine"},
        {"op": "cast", "id": "d", "field": "b", "to": "date", "onError": "quarantine"},
        {"op": "filter", "expr": "a > 1"}, {"op": "cast", "field": "c", "to": "integer"},
        a=["1", "two", "3", "4"], b=["2024-01-01", "x", "2024-01-02", "y"], c=["1", "bad", "2", "bad"],
    )  # fmt: skip

    assert ran.rows == [{"a": 3, "b": date(2024, 1, 2), "c": 2}]
    assert [(row["rule_id"], row["column_name"], row["value"], row["error"]) for row in ran.rejects] == [
        ("n", "a", "two", "not an integer"), ("d", "b", "y", "not a date"),
    ]  # fmt: skip
    assert ran.rejects[0]["row"] == '{"a":"two","b":"x","c":"bad"}'
    assert ran.rejects[1]["row"] == '{"a":4,"b":"y","c":"bad"}'
    assert ran.rejects[0]["node"] == "clean"
