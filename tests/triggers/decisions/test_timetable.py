"""Schedules as they were saved, read into timetables."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest

from triggers.decisions.timetable import TimetableError, read_timetable

NOW = datetime(2026, 11, 21, 12, 7, 42, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
RULE = {"kind": "rrule", "rule": "FREQ=HOURLY"}


@pytest.mark.parametrize(
    ("spec", "due"),
    [
        ({"kind": "cron", "expression": "0 9 * * *", "timezone": "Europe/Berlin"}, "2026-11-22T08:00"),
        ({"kind": "cron", "expression": "0 9 * * *"}, "2026-11-22T09:00"),
        ({"kind": "interval", "minutes": 60}, "2026-11-21T13:07:42"),
        ({"kind": "interval", "minutes": 60, "anchor": None}, "2026-11-21T13:07:42"),
        ({"kind": "interval", "minutes": 60, "anchor": "2026-01-01T00:05:00+01:00"}, "2026-11-21T13:05"),
        ({**RULE, "dtstart": "2026-01-01T00:30:00", "timezone": "Asia/Kolkata"}, "2026-11-21T13:00"),
        # It begins with the pipeline, on the minute.
        ({**RULE, "dtstart": None}, "2026-11-21T13:07"),
        ({"kind": "rrule", "rule": "FREQ=DAILY;COUNT=1", "dtstart": "2026-01-01T00:30:00"}, None),
    ],
)
def test_a_schedule_is_due_next(spec: dict[str, Any], due: str | None) -> None:
    timetable = read_timetable(spec, created_at=NOW)

    assert timetable.next(NOW) == (datetime.fromisoformat(due).replace(tzinfo=UTC) if due else None)
    assert timetable.kind == spec["kind"]
    assert timetable.is_relative is (timetable.kind == "interval" and spec.get("anchor") is None)


@pytest.mark.parametrize(
    ("spec", "field", "says"),
    [
        ({}, "kind", "must be cron, interval or rrule"),
        ({"kind": "lunar"}, "kind", "must be cron"),
        ({"kind": "cron"}, "expression", "must be a text"),
        ({"kind": "cron", "expression": 5}, "expression", "must be a text"),
        ({"kind": "cron", "expression": "61 * * * *"}, "expression", "minute: 61"),
        ({"kind": "cron", "expression": "0 * * * *", "timezone": "Mars/Olympus"}, "timezone", "no time zone"),
        ({"kind": "cron", "expression": "0 * * * *", "timezone": None}, "timezone", "must be a text"),
        ({"kind": "interval"}, "minutes", "must be a whole number"),
        ({"kind": "interval", "minutes": True}, "minutes", "must be a whole number"),
        ({"kind": "interval", "minutes": 0}, "minutes", "from 1 to 525,600"),
        ({"kind": "interval", "minutes": 525_601}, "minutes", "from 1 to 525,600"),
        ({"kind": "interval", "minutes": 5, "anchor": "noon"}, "anchor", "is no time such as"),
        ({"kind": "interval", "minutes": 5, "anchor": "0001-01-01T00:00:00+10:00"}, "anchor", "from 1970"),
        ({"kind": "interval", "minutes": 5, "anchor": "2026-01-01T00:00:00"}, "anchor", "needs an offset"),
        ({"kind": "rrule"}, "rule", "must be a text"),
        ({"kind": "rrule", "rule": "FREQ=SECONDLY"}, "rule", "needs FREQ"),
        ({**RULE, "dtstart": "2026-13-01"}, "dtstart", "is no time such as"),
        ({**RULE, "dtstart": "9999-01-01"}, "dtstart", "to 8999"),
        ({**RULE, "timezone": "UTC+2"}, "timezone", "no time zone"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_field(spec: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(TimetableError, match=says) as caught:
        read_timetable(spec, created_at=NOW)

    assert caught.value.field == field


def test_a_relative_timetable_counts_from_what_it_is_asked_with() -> None:
    timetable = read_timetable({"kind": "interval", "minutes": 60}, created_at=NOW)

    assert list(islice(timetable.upcoming(NOW), 2)) == [NOW + HOUR, NOW + 2 * HOUR]
    assert [each.at for each in timetable.forecast(NOW, 2)] == [NOW + HOUR, NOW + 2 * HOUR]
    assert timetable.latest(NOW + 5 * HOUR, after=NOW) == NOW + HOUR
    assert timetable.latest(NOW + 59 * MINUTE, after=NOW) is None
    assert timetable.count(NOW, NOW + 150 * MINUTE) == 2
    assert timetable.shortest_gap() == HOUR


def test_a_fixed_timetable_has_instants_of_its_own() -> None:
    timetable = read_timetable({"kind": "cron", "expression": "0 * * * *", "timezone": "Asia/Kolkata"}, created_at=NOW)
    first = NOW.replace(minute=30, second=0)

    assert list(islice(timetable.upcoming(NOW), 2)) == [first, first + HOUR]
    assert timetable.latest(NOW + 5 * HOUR, after=NOW) == first + 4 * HOUR
    assert timetable.count(NOW, NOW + 5 * HOUR) == 5
    assert (timetable.shortest_gap(), timetable.zone.key) == (HOUR, "Asia/Kolkata")
    assert [f"{each.local:%H:%M}" for each in timetable.forecast(NOW, 1)] == ["18:00"]


def test_the_same_schedule_is_read_once() -> None:
    spec = {"kind": "rrule", "rule": "FREQ=DAILY", "dtstart": "2026-01-01"}

    assert read_timetable(spec, created_at=NOW) is read_timetable(dict(spec), created_at=NOW + HOUR)
