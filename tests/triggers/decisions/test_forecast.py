"""What saving a schedule fires, now and next, and what is worth knowing of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from triggers.decisions.forecast import Forecast, simulate

NOW = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DAILY = {"kind": "cron", "expression": "0 9 * * *", "timezone": "UTC"}
OR_DAYS = "Day of month and day of week are both restricted: it is due on days that either names, as in cron."


def foretell(spec: dict[str, Any], *, ran: timedelta | None = None, count: int = 2, **more: Any) -> Forecast:
    """Foretell a schedule that is saved now, its pipeline having run so long ago, or never."""
    last_run_at = None if ran is None else NOW - ran
    return simulate(
        spec, last_run_at=last_run_at, decided_until=last_run_at or NOW - DAY, now=NOW, count=count, **more
    )  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "ran", "due_now", "fires", "upcoming"),
    [
        (DAILY, None, "21T09:00", 1, ["22T09:00", "23T09:00"]),
        (DAILY, HOUR, None, 0, ["22T09:00", "23T09:00"]),
        (DAILY, 9 * DAY, "21T09:00", 1, ["22T09:00", "23T09:00"]),
        ({**DAILY, "catchUp": "none"}, None, None, 0, ["22T09:00", "23T09:00"]),
        ({**DAILY, "expression": "0 */6 * * *", "catchUp": "all"}, None, "21T12:00", 1, ["21T18:00", "22T00:00"]),
        ({**DAILY, "jitterSeconds": 60}, None, "21T09:00", 1, ["22T09:00", "23T09:00"]),
        ({"kind": "interval", "minutes": 60}, None, "21T12:00", 1, ["21T13:00", "21T14:00"]),
        ({"kind": "interval", "minutes": 60}, HOUR / 2, None, 0, ["21T12:30", "21T13:30"]),
        ({"kind": "interval", "minutes": 4_320}, None, None, 0, ["23T12:00", "26T12:00"]),
        ({"kind": "interval", "minutes": 60, "anchor": "2026-01-01T00:00:00Z"}, HOUR, "21T12:00", 1,
         ["21T13:00", "21T14:00"]),
        ({"kind": "rrule", "rule": "FREQ=DAILY"}, None, "21T12:00", 1, ["22T12:00", "23T12:00"]),
        ({**DAILY, "enabled": False}, None, None, 0, []),
    ],
)  # fmt: skip
def test_saving_fires_now_and_next(
    spec: dict[str, Any], ran: timedelta | None, due_now: str | None, fires: int, upcoming: list[str]
) -> None:
    forecast = foretell(spec, ran=ran)

    assert (forecast.due_now and f"{forecast.due_now:%dT%H:%M}", forecast.fires_now) == (due_now, fires)
    assert [f"{each.at:%dT%H:%M}" for each in forecast.occurrences] == upcoming


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (DAILY, "At 09:00 UTC"),
        ({"kind": "interval", "minutes": 90}, "Every 90 minutes"),
        ({"kind": "rrule", "rule": "FREQ=DAILY", "timezone": "Asia/Tokyo"}, "Every day (Asia/Tokyo)"),
    ],
)
def test_a_schedule_is_said_in_words(spec: dict[str, Any], words: str) -> None:
    assert foretell(spec).words == words


@pytest.mark.parametrize(
    ("spec", "warnings"),
    [
        (DAILY, []),
        ({**DAILY, "enabled": False}, ["It is switched off: nothing is due."]),
        ({**DAILY, "expression": "0 9 13 * 5"}, [OR_DAYS]),
        ({**DAILY, "expression": "0 9 31 * *"}, ["It is not due in months without a day 31."]),
        ({**DAILY, "expression": "*/7 * * * *"}, ["*/7 begins anew each hour: its last step is 4, not 7."]),
        ({**DAILY, "expression": "0 */5 * * *"}, ["*/5 begins anew each day: its last step is 4, not 5."]),
        ({**DAILY, "jitterSeconds": 90, "expression": "* * * * *"},
         ["Jitter of up to 90 s may reach the next occurrence, 1 min later."]),
        ({"kind": "rrule", "rule": "FREQ=MONTHLY;BYMONTHDAY=30"}, ["It is not due in months without a day 30."]),
        ({"kind": "rrule", "rule": "FREQ=DAILY;UNTIL=20270101T000000Z"},
         ["It ends: nothing comes after 2027-01-01 00:00 UTC."]),
        ({"kind": "rrule", "rule": "FREQ=DAILY;COUNT=3"}, ["It ends: 2 of 3 are left."]),
        ({"kind": "rrule", "rule": "FREQ=DAILY;UNTIL=20260101T000000Z"}, ["Nothing more comes: the rule has ended."]),
        ({"kind": "rrule", "rule": "FREQ=YEARLY;BYDAY=MO;COUNT=1;BYSETPOS=1", "dtstart": "2027-01-01"},
         ["It ends: 1 of 1 are left."]),
        ({**DAILY, "timezone": "Europe/Berlin", "expression": "30 2 * * *"},
         ["2027-03-28: due at 03:30, moved out of the hour that the clock skips.",
          "2027-10-31: due at 02:30, the clock shows 02:30 twice: first pass."]),
        ({"kind": "rrule", "rule": "FREQ=MINUTELY", "timezone": "Europe/Berlin"},
         ["2027-10-31: due at 02:00, the clock shows 02:00 twice: first pass."]),
        ({**DAILY, "timezone": "Europe/Berlin"}, []),
    ],
)  # fmt: skip
def test_what_may_surprise_is_told(spec: dict[str, Any], warnings: list[str]) -> None:
    assert foretell(spec).warnings == warnings


@pytest.mark.parametrize(
    ("catch_up", "warnings"),
    [
        ("latest", ["Ticks are 5 min apart: of what is due between two of them, the latest stands for the others."]),
        ("all", []),
    ],
)
def test_a_cadence_shorter_than_the_tick_is_told(catch_up: str, warnings: list[str]) -> None:
    spec = {**DAILY, "expression": "* * * * *", "catchUp": catch_up}

    assert foretell(spec, tick=timedelta(minutes=5)).warnings == warnings


def test_a_forecast_has_local_times_and_notes() -> None:
    spec = {**DAILY, "expression": "30 2 * * *", "timezone": "Europe/Berlin"}
    begins = datetime(2026, 10, 24, 12, tzinfo=UTC)

    forecast = simulate(spec, last_run_at=begins, decided_until=begins, now=begins, count=2)

    assert [(each.local.isoformat(), each.note) for each in forecast.occurrences] == [
        ("2026-10-25T02:30:00+02:00", "the clock shows 02:30 twice: first pass"),
        ("2026-10-26T02:30:00+01:00", ""),
    ]
