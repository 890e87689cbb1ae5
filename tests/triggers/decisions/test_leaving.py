"""What a schedule leaves that makes way: whatever was due and undecided gets its verdict."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.triggers.decisions.test_due import EVERY_HOUR, EVERY_MINUTE, HOUR, HOURLY, MINUTE, NOON, NOW, stand
from triggers.decisions.due import CHANGED, Verdict, leave

DAY = timedelta(days=1)


def nothing(at: datetime) -> bool:
    return False


def left(spec: dict[str, Any], *, taken: Callable[[datetime], bool] = nothing, **stands: Any) -> list[Verdict]:
    """Return what a schedule leaves at NOW."""
    return leave(stand(spec, **stands), now=NOW, is_taken_over=taken)


def told(verdicts: list[Verdict]) -> list[str]:
    """Return outcome and time of each."""
    return [f"{each.outcome} {each.at:%H:%M}" for each in verdicts]


def test_what_was_due_and_undecided_is_missed() -> None:
    verdicts = left(HOURLY, decided_until=NOW - 2 * HOUR)

    assert told(verdicts) == ["missed 11:00", "missed 12:00"]
    assert {each.reason for each in verdicts} == {CHANGED}


@pytest.mark.parametrize(
    ("catch_up", "wanted"),
    [("latest", ["coalesced 11:00", "missed 12:00"]), ("none", ["coalesced 11:00", "missed 12:00"]),
     ("all", ["missed 11:00", "missed 12:00"])],
)  # fmt: skip
def test_a_run_since_stands_for_what_was_due_before_it(catch_up: str, wanted: list[str]) -> None:
    verdicts = left(HOURLY, decided_until=NOW - 2 * HOUR, last_run_at=NOON - MINUTE, catch_up=catch_up)

    assert told(verdicts) == wanted


def test_what_the_other_schedule_decides_about_is_left_to_it() -> None:
    assert told(left(HOURLY, decided_until=NOW - 3 * HOUR, taken=lambda at: at.hour == 11)) == [
        "missed 10:00", "missed 12:00",
    ]  # fmt: skip


@pytest.mark.parametrize("decided_until", [NOW, NOW + HOUR])
def test_what_is_decided_leaves_nothing(decided_until: datetime) -> None:
    assert left(HOURLY, decided_until=decided_until) == []


def test_many_are_one_row_that_counts_what_is_left() -> None:
    (verdict,) = left(EVERY_MINUTE, decided_until=NOW - 100 * MINUTE, taken=lambda at: at.minute % 10 == 0)

    assert (verdict.at, verdict.until, verdict.count) == (NOON - 99 * MINUTE, NOON - MINUTE, 90)


def test_a_long_outage_is_one_row_as_a_whole_and_none_where_the_other_decides_about_it() -> None:
    (verdict,) = left(EVERY_MINUTE, decided_until=NOW - 365 * DAY, taken=lambda at: at.minute == 1)

    assert (verdict.at, verdict.until, verdict.count) == (NOON - 365 * DAY + 2 * MINUTE, NOON, 365 * 1440 - 1)
    assert left(EVERY_MINUTE, decided_until=NOW - 365 * DAY, taken=lambda at: True) == []


@pytest.mark.parametrize(
    ("ran", "is_taken", "wanted"),
    [(90 * MINUTE, False, ["missed 11:30"]), (90 * MINUTE, True, []), (59 * MINUTE, False, [])],
)
def test_an_interval_leaves_its_one_turn(ran: timedelta, is_taken: bool, wanted: list[str]) -> None:
    verdicts = left(EVERY_HOUR, decided_until=NOW - ran, last_run_at=NOW - ran, taken=lambda at: is_taken)

    assert told(verdicts) == wanted
