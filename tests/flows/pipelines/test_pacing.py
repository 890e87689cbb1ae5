"""How often a schedule fires at most."""

from datetime import timedelta
from typing import Any

import pytest

from flows.decisions.pacing import schedule_problem, shortest_gap
from flows.ir.parsing import parse_pipeline_ir
from flows.ir.timing import Schedule
from tests.flows.pipeline_world import orders_ir

MINUTE = timedelta(minutes=1)
CRON: dict[str, Any] = {"kind": "cron", "timezone": "Europe/Berlin"}


def read(**schedule: Any) -> Schedule | None:
    return parse_pipeline_ir(orders_ir(schedule=schedule)).schedule


@pytest.mark.parametrize(
    ("schedule", "gap"),
    [
        ({**CRON, "expression": "*/5 * * * *"}, 5 * MINUTE),
        ({**CRON, "expression": "0,7 8 * * 1-5"}, 7 * MINUTE),
        ({**CRON, "expression": "* * * * *", "enabled": False}, None),
        ({"kind": "interval", "minutes": 15}, 15 * MINUTE),
        ({"kind": "rrule", "rule": "FREQ=MINUTELY;INTERVAL=10"}, 10 * MINUTE),
        ({"kind": "rrule", "rule": "RRULE:FREQ=MINUTELY"}, MINUTE),
        ({"kind": "rrule", "rule": "FREQ=DAILY"}, None),
    ],
    ids=["cron", "cron-list", "switched-off", "interval", "minutely", "with-prefix", "daily"],
)
def test_the_shortest_gap_is_the_schedules(schedule: dict[str, Any], gap: timedelta | None) -> None:
    assert shortest_gap(read(**schedule)) == gap


def test_no_schedule_has_no_gap_and_no_problem() -> None:
    assert (shortest_gap(None), schedule_problem(None)) == (None, None)


def test_a_schedule_that_can_be_read_has_no_problem() -> None:
    assert schedule_problem(read(**CRON, expression="0 8 * * 1-5")) is None
