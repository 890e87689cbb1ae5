"""Row rules: which values pass, and what is done about the others."""

from datetime import date, datetime, time
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from flows.engines.base import EngineError
from tests.flows.engines.world import Engine, chain, transform

# Without a zone, as the engine has it.
wall = partial(datetime, tzinfo=None)

# A rule, the type of its column, values that pass and values that do not.
RULES: list[tuple[str, str, list[Any], list[Any]]] = [
    ("not_null", "VARCHAR", ["", "x"], [None]),
    ("gt:0", "INTEGER", [1, None], [0, -1]),
    ("gt:0", "VARCHAR", ["0.1", "10", None], ["0", "-1", "x", ""]),
    ("gte:1.5", "DECIMAL(9,2)", [Decimal("1.50")], [Decimal("1.49")]),
    ("lt:2", "DOUBLE", [1.99], [2.0]),
    ("lte:2", "BIGINT", [2], [3]),
    ("gte:2024-01-05", "DATE", [date(2024, 1, 5)], [date(2024, 1, 4)]),
    ("lt:2024-01-05T10:00:00", "TIMESTAMP", [wall(2024, 1, 5, 9)], [wall(2024, 1, 5, 10)]),
    ("lt:10:00", "TIME", [time(9, 59)], [time(10, 0)]),
    ("gt:b", "VARCHAR", ["c", "ba"], ["b", "a", "B"]),
    ("eq:1", "INTEGER", [1, None], [2]),
    ("eq:1", "VARCHAR", ["1"], ["1.0", " 1"]),
    ("eq:true", "BOOLEAN", [True], [False]),
    ("in:a,b", "VARCHAR", ["a", "b", None], ["c", "A", ""]),
    (r"in:a\,b,c", "VARCHAR", ["a,b", "c"], ["a", "b"]),
    ("in:1,2", "INTEGER", [1, 2], [3]),
    ("in:2024-01-05", "DATE", [date(2024, 1, 5)], [date(2024, 1, 6)]),
    ("regex:^[A-Z]{2}[0-9]+$", "VARCHAR", ["DE12"], ["de12", "DE", "xDE12"]),
    ("regex:b", "VARCHAR", ["abc"], ["ac"]),
    ("length:2..3", "VARCHAR", ["ab", "äöü"], ["a", "abcd", ""]),
    ("length:3..", "VARCHAR", ["abc"], ["ab"]),
    ("length:..1", "VARCHAR", ["", "a"], ["ab"]),
]


def validate(*rules: dict[str, Any], quarantine: str | None = None, reads: str = "src") -> dict[str, Any]:
    node = {"id": "check", "kind": "validate", "input": reads, "rowLevel": list(rules)}
    return node if quarantine is None else {**node, "quarantine": {"table": quarantine}}


@pytest.mark.parametrize(
    ("rule", "kind", "passing", "failing"), RULES, ids=[f"{rule} on {kind}" for rule, kind, _, _ in RULES]
)
def test_a_rule_sets_aside_exactly_the_values_that_break_it(
    engine: Engine, rule: str, kind: str, passing: list[Any], failing: list[Any]
) -> None:
    node = validate({"id": "r", "field": "v", "rule": rule})

    ran = engine.run(chain(node), types={"v": kind}, src={"v": [*passing, *failing]})

    assert ran.column("v") == passing
    assert len(ran.rejects) == len(failing)
    assert {row["error"] for row in ran.rejects} == {f"breaks {rule}"}


def test_the_first_rule_that_a_row_breaks_sets_it_aside_and_no_other_sees_it(engine: Engine) -> None:
    rules = [
        {"id": "positive", "field": "n", "rule": "gt:0"},
        {"id": "named", "field": "name", "rule": "not_null"},
        {"id": "small", "field": "n", "rule": "lt:10", "onFail": "warn"},
        {"id": "sane", "field": "n", "rule": "gt:-5", "onFail": "abort"},
    ]

    ran = engine.run(
        chain(validate(*rules, quarantine="dlq.orders")), types={"n": "INTEGER"},
        src={"n": [1, -9, 20, 2, 30], "name": ["a", None, "c", None, "e"]},
    )  # fmt: skip

    assert ran.column("n") == [1, 20, 30]
    assert [(row["rule_id"], row["column_name"], row["value"], row["row"]) for row in ran.rejects] == [
        ("positive", "n", "-9", '{"n":-9,"name":null}'), ("named", "name", None, '{"n":2,"name":null}'),
    ]  # fmt: skip
    assert {row["table"] for row in ran.rejects} == {"dlq.orders"}
    (finding,) = ran.execution.findings
    assert (finding.node_id, finding.rule_id, finding.rows) == ("check", "small", 2)
    assert finding.message == "check, small: n breaks lt:10 in 2 rows"


def test_a_rule_that_aborts_names_itself_and_the_value(engine: Engine) -> None:
    node = validate({"id": "positive", "field": "n", "rule": "gt:0", "onFail": "abort"})

    with pytest.raises(EngineError) as failed:
        engine.run(chain(node), types={"n": "INTEGER"}, src={"n": [1, -7, 2]})

    assert failed.value.message == "check, positive: n is '-7', which breaks gt:0"
    assert (failed.value.node_id, failed.value.rule_id) == ("check", "positive")


def test_null_aborts_where_there_must_be_a_value(engine: Engine) -> None:
    node = validate({"id": "there", "field": "n", "rule": "not_null", "onFail": "abort"})

    with pytest.raises(EngineError, match="check, there: n is 'null', which breaks not_null"):
        engine.run(chain(node), src={"n": ["1", None]})


def test_an_argument_that_is_no_date_beside_dates_is_an_error(engine: Engine) -> None:
    node = validate({"id": "late", "field": "d", "rule": "gt:soon"})

    with pytest.raises(EngineError, match="check, late: d is a date, 'soon' is none"):
        engine.run(chain(node), types={"d": "DATE"}, src={"d": [date(2024, 1, 1)]})


def test_casts_and_rules_reject_side_by_side_each_under_its_own_node(engine: Engine) -> None:
    cast = transform({"op": "cast", "id": "num", "field": "n", "to": "integer", "onError": "quarantine"})
    rules = validate({"id": "positive", "field": "n", "rule": "gt:0"}, reads="clean", quarantine="bad_orders")
    keep = transform({"op": "deduplicate", "keys": ["n"]}, name="once", reads="check")

    ran = engine.run(chain(cast, rules, keep), src={"n": ["1", "x", "-1", "1", "2"]})

    assert ran.column("n") == [1, 2]
    assert [(row["node"], row["table"], row["value"]) for row in ran.rejects] == [
        ("clean", None, "x"), ("check", "bad_orders", "-1"),
    ]  # fmt: skip
