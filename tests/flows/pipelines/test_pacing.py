"""How often a schedule fires at most."""

from datetime import UTC, datetime, timedelta
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
        ({"kind": "rrule", "rule": "FREQ=DAILY"}, 1440 * MINUTE),
        ({"kind": "rrule", "rule": "FREQ=DAILY;BYHOUR=9;BYMINUTE=0,1"}, MINUTE),
        ({"kind": "rrule", "rule": "FREQ=MINUTELY;BYMINUTE=0,30"}, 30 * MINUTE),
        ({"kind": "rrule", "rule": "FREQ=MINUTELY;INTERVAL=5;BYHOUR=9", "dtstart": "2026-01-01T00:00:00"}, 5 * MINUTE),
        ({"kind": "rrule", "rule": "FREQ=MONTHLY;BYDAY=MO,FR;BYHOUR=8,9;BYSETPOS=-1"}, 28 * 1440 * MINUTE),
    ],
    ids=[
        "cron",
        "cron-list",
        "switched-off",
        "interval",
        "minutely",
        "with-prefix",
        "daily",
        "two-minutes",
        "minutes-of-an-hour",
        "in-one-hour",
        "last-of-the-month",
    ],
)
def test_the_shortest_gap_is_the_schedules(schedule: dict[str, Any], gap: timedelta | None) -> None:
    assert shortest_gap(read(**schedule)) == gap


def test_no_schedule_has_no_gap_and_no_problem() -> None:
    assert (shortest_gap(None), schedule_problem(None)) == (None, None)


def test_a_schedule_that_can_be_read_has_no_problem() -> None:
    assert schedule_problem(read(**CRON, expression="0 8 * * 1-5")) is None


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        ({"rule": "FREQ=DAILY;UNTIL=20261001T000000Z"}, "its UNTIL, 2026-10-01 00:00 UTC, has passed"),
        ({"rule": "FREQ=DAILY;UNTIL=20261101T000000Z"}, ""),
        ({"rule": "FREQ=DAILY;UNTIL=20261001T000000Z", "enabled": False}, ""),
        ({"rule": "FREQ=DAILY;COUNT=3", "dtstart": "2026-10-01T00:00:00Z"}, "its COUNT has been reached"),
        # Within the look-back: it still fires once.
        ({"rule": "FREQ=DAILY;COUNT=1"}, ""),
        ({"rule": "FREQ=MINUTELY;INTERVAL=1440;BYHOUR=5"}, "is never due"),
    ],
    ids=["past", "to-come", "switched-off", "counted-out", "once", "never"],
)
def test_a_rule_that_has_ended_is_a_problem_when_it_is_saved(schedule: dict[str, Any], says: str) -> None:
    read_schedule = read(kind="rrule", **schedule)

    problem = schedule_problem(read_schedule, now=datetime(2026, 10, 25, 8, 30, tzinfo=UTC))

    assert schedule_problem(read_schedule) is None
    assert (problem is None) == (says == "")
    assert problem is None or (problem[0] == "rule" and says in problem[1])


def test_a_rule_begins_with_its_pipeline() -> None:
    schedule, now = read(kind="rrule", rule="FREQ=DAILY;COUNT=2"), datetime(2026, 10, 25, 8, 30, tzinfo=UTC)

    assert schedule_problem(schedule, now=now) is None
    assert schedule_problem(schedule, now=now, created_at=now - timedelta(days=9)) is not None
