"""When a pipeline is due next, for a list: any kind of schedule, and whatever else may stand there."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flows.selectors.showing import next_run_at

NOW = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)
RULE = {"kind": "rrule", "rule": "FREQ=DAILY"}


@pytest.mark.parametrize(
    ("schedule", "due"),
    [
        ({"kind": "cron", "expression": "0 9 * * *", "timezone": "Europe/Berlin"}, "2026-11-22T08:00"),
        ({"kind": "interval", "minutes": 60, "anchor": "2026-01-01T00:07:00Z"}, "2026-11-21T12:07"),
        ({"kind": "interval", "minutes": 60}, "2026-11-21T12:30:30"),
        # It is late, and due at the next tick.
        ({"kind": "interval", "minutes": 15}, "2026-11-21T12:00:30"),
        ({**RULE, "dtstart": "2026-01-01T09:00:00", "timezone": "Europe/Berlin"}, "2026-11-22T08:00"),
        # With its pipeline, on the minute.
        (RULE, "2026-11-21T22:00"),
        ({**RULE, "rule": "FREQ=DAILY;UNTIL=20260101T000000Z"}, None),
        ({**RULE, "rule": "FREQ=SECONDLY"}, None),
        ({**RULE, "dtstart": "soon"}, None),
        ({"kind": "cron", "expression": "0 9 * * *", "enabled": False}, None),
        ({"kind": "cron", "expression": "nonsense"}, None),
        ({"kind": "interval", "minutes": "many"}, None),
        ({"kind": "interval", "minutes": 60, "anchor": "2026-01-01T00:07:00"}, None),
        ({"kind": "lunar"}, None),
        ("0 9 * * *", None),
        (None, None),
    ],
)
def test_a_pipeline_is_due_next(schedule: Any, due: str | None) -> None:
    last_run_at, created_at = NOW - timedelta(minutes=30), NOW - timedelta(days=3, hours=14)

    found = next_run_at({"schedule": schedule}, NOW, last_run_at=last_run_at, created_at=created_at)

    assert found == (datetime.fromisoformat(due).replace(tzinfo=UTC) if due else None)


def test_an_interval_that_never_ran_has_no_time_yet() -> None:
    assert next_run_at({"schedule": {"kind": "interval", "minutes": 60}}, NOW) is None
