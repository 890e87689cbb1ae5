"""Validators of the data set: what they abort, what they warn of, what they let pass."""

from datetime import date, datetime
from functools import partial
from typing import Any

import pytest

from flows.engines.base import EngineError
from tests.flows.engines.world import Engine, Table, chain, transform

# Without a zone, as the engine has it.
wall = partial(datetime, tzinfo=None)
ROWS: Table = {"id": ["1", "2", "2"], "v": ["a", None, None]}

# What is looked at, and what it says of ROWS.
FAILING: list[tuple[str, dict[str, Any], str]] = [
    ("rowCount", {"min": 4}, "check, row_count: 3 rows, and there must be at least 4"),
    ("rowCount", {"max": 2}, "check, row_count: 3 rows, and there may be at most 2"),
    ("nullRate", {"field": "v", "max": 0.5}, "check, null_rate: v is null in 2 of 3 rows, and may be in 50.00%"),
    ("uniqueness", {"fields": ["id"]}, "check, uniqueness: id: 1 values stand in more than one row, 2 rows in all"),
    ("uniqueness", {"fields": ["id", "v"]}, "check, uniqueness: id, v: 1 values stand in more than one row"),
    ("schemaMatch", {"columns": [{"name": "z"}]}, "check, schema_match: there is no column z"),
    ("schemaMatch", {"columns": [{"name": "id", "type": "bigint"}]}, "id is VARCHAR, not bigint"),
    ("schemaMatch", {"columns": [{"name": "id"}], "strict": True}, "there is a column v too many"),
]  # fmt: skip
PASSING: list[tuple[str, dict[str, Any]]] = [
    ("rowCount", {"min": 3, "max": 3}),
    ("nullRate", {"field": "v", "max": 0.67}),
    ("nullRate", {"field": "id", "max": 0}),
    ("schemaMatch", {"columns": [{"name": "id", "type": "string"}, {"name": "v"}], "strict": True}),
]


def validate(validator: str, about: Any) -> dict[str, Any]:
    return {"id": "check", "kind": "validate", "input": "src", "datasetLevel": {validator: about}}


@pytest.mark.parametrize(
    ("validator", "about", "says"), FAILING, ids=[f"{number} {name}" for number, (name, _, _) in enumerate(FAILING)]
)
def test_a_validator_aborts_and_says_what_is_wrong(
    engine: Engine, validator: str, about: dict[str, Any], says: str
) -> None:
    with pytest.raises(EngineError) as aborted:
        engine.run(chain(validate(validator, about)), src=ROWS)

    assert says in aborted.value.message
    assert aborted.value.node_id == "check"


@pytest.mark.parametrize(
    ("validator", "about"), PASSING, ids=[f"{number} {name}" for number, (name, _) in enumerate(PASSING)]
)
def test_a_validator_lets_all_rows_pass_when_nothing_is_wrong(
    engine: Engine, validator: str, about: dict[str, Any]
) -> None:
    ran = engine.run(chain(validate(validator, about)), src=ROWS)

    assert ran.column("id") == ROWS["id"]
    assert ran.execution.findings == []


def test_a_validator_that_warns_stops_nothing(engine: Engine) -> None:
    ran = engine.run(chain(validate("rowCount", {"min": 9, "onFail": "warn"})), src=ROWS)

    assert len(ran.rows) == 3
    assert [(one.rule_id, one.message) for one in ran.execution.findings] == [
        ("row_count", "check, row_count: 3 rows, and there must be at least 9")
    ]


def test_several_validators_of_a_kind_each_look(duck: Engine) -> None:
    about = [{"field": "v", "max": 0, "onFail": "warn"}, {"field": "id", "max": 0, "onFail": "warn"}]

    ran = duck.run(chain(validate("nullRate", about)), src=ROWS)

    assert len(ran.execution.findings) == 1


@pytest.mark.parametrize(
    ("kind", "newest", "is_stale"),
    [
        pytest.param("TIMESTAMP", wall(2026, 3, 1, 11, 30), False, id="half an hour old"),
        pytest.param("TIMESTAMP", wall(2026, 3, 1, 10, 30), True, id="ninety minutes old"),
        pytest.param("VARCHAR", "2026-03-01T11:30:00Z", False, id="text that spells a time"),
        pytest.param("VARCHAR", "soon", True, id="text that spells none"),
        pytest.param("DATE", date(2026, 3, 1), True, id="a day begins at midnight"),
        pytest.param("TIMESTAMP", None, True, id="no time at all"),
    ],
)
def test_the_newest_time_may_not_be_too_old(engine: Engine, kind: str, newest: Any, is_stale: bool) -> None:
    node = validate("freshness", {"field": "at", "maxAgeMinutes": 60, "onFail": "warn"})

    ran = engine.run(chain(node), types={"at": kind}, src={"at": [None, newest]})

    assert [one.rule_id for one in ran.execution.findings] == ["freshness"] * is_stale


def test_rejected_rows_are_no_part_of_the_data_set(engine: Engine) -> None:
    cast = transform({"op": "cast", "field": "id", "to": "integer", "onError": "quarantine"})
    node = {**validate("rowCount", {"max": 2}), "input": "clean"}

    ran = engine.run(chain(cast, node), src={"id": ["1", "x", "2"]})

    assert ran.column("id") == [1, 2]


def test_no_rows_have_no_rate_of_nulls(duck: Engine) -> None:
    ran = duck.run(chain(validate("nullRate", {"field": "v", "max": 0})), src={"v": []})

    assert ran.rows == []
