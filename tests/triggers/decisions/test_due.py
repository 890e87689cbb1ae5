"""What becomes of every occurrence: catch-up, outages, intervals, jitter, bounds."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from triggers.decisions.due import Decision, Standing, Verdict, decide, due
from triggers.decisions.jitter import jitter_of
from triggers.decisions.timetable import read_timetable
from triggers.decisions.vocabulary import Outcome

PIPELINE = uuid.UUID(int=7)
HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
NOW = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)
NOON = NOW.replace(second=0)
GRACE = 2 * MINUTE
HOURLY = {"kind": "cron", "expression": "0 * * * *"}
EVERY_MINUTE = {"kind": "cron", "expression": "* * * * *"}
EVERY_HOUR = {"kind": "interval", "minutes": 60}


def stand(spec: dict[str, Any], **changes: Any) -> Standing:
    """Return a schedule that was decided a minute ago and never ran."""
    usual = Standing(
        pipeline_id=PIPELINE, timetable=read_timetable(spec, created_at=NOW - 9 * DAY), catch_up="latest",
        overlap="queue", jitter_seconds=0, decided_until=NOW - MINUTE, last_run_at=None, active_since=NOW - 9 * DAY,
    )  # fmt: skip
    return replace(usual, **changes)


def look(standing: Standing, *, now: datetime = NOW, ticked: datetime | None = NOW - MINUTE, **most: int) -> Decision:
    """Decide, the last tick having been a minute ago."""
    return decide(standing, now=now, last_tick_at=ticked, grace=GRACE, **most)


def outcomes(decision: Decision) -> list[tuple[str, datetime, int]]:
    """Return outcome, instant and number of each verdict."""
    return [(each.outcome.value, each.at, each.count) for each in decision.verdicts]


# --- The window


def test_what_is_due_since_the_last_decision_fires() -> None:
    decision = look(stand(HOURLY))

    assert decision == Decision((Verdict(NOON, Outcome.FIRED, ""),), NOW, NOON + HOUR, 0)


def test_nothing_due_moves_the_decision_on() -> None:
    decision = look(stand(HOURLY, decided_until=NOW - 10 * timedelta(seconds=1)))

    assert decision == Decision((), NOW, NOON + HOUR, 0)


@pytest.mark.parametrize("spec", [HOURLY, EVERY_HOUR], ids=["cron", "interval"])
def test_a_clock_that_went_back_decides_nothing_and_moves_nothing_back(spec: dict[str, Any]) -> None:
    standing = stand(spec, decided_until=NOW, last_run_at=NOW)

    decision = look(standing, now=NOW - 2 * timedelta(seconds=1))

    assert (decision.verdicts, decision.decided_until, decision.remaining) == ((), NOW, 0)
    assert decision.next_due_at == (NOON + HOUR if spec is HOURLY else NOW + HOUR)


def test_a_rule_that_ended_is_due_no_more() -> None:
    spec = {"kind": "rrule", "rule": "FREQ=DAILY;COUNT=1", "dtstart": NOON.isoformat()}

    decision = look(stand(spec))

    assert (outcomes(decision), decision.next_due_at) == ([("fired", NOON, 1)], None)


# --- Catch-up


def test_the_latest_stands_for_those_before_it() -> None:
    decision = look(stand(HOURLY, decided_until=NOW - 150 * MINUTE), ticked=NOW - 150 * MINUTE)

    assert outcomes(decision) == [
        ("coalesced", NOON - 2 * HOUR, 1), ("coalesced", NOON - HOUR, 1), ("fired", NOON, 1),
    ]  # fmt: skip
    assert decision.verdicts[0].reason == (
        "The occurrence of 2026-11-21T12:00:00Z stands for it. "
        "No tick came between 2026-11-21T09:30:30Z and 2026-11-21T12:00:30Z."
    )


def test_a_run_in_between_stands_for_what_was_due_before_it() -> None:
    standing = stand(HOURLY, decided_until=NOW - 150 * MINUTE, last_run_at=NOON - 30 * MINUTE)

    decision = look(standing)

    assert outcomes(decision) == [
        ("coalesced", NOON - 2 * HOUR, 1), ("coalesced", NOON - HOUR, 1), ("fired", NOON, 1),
    ]  # fmt: skip
    assert decision.verdicts[0].reason == "The run that began at 2026-11-21T11:30:00Z stands for it."


@pytest.mark.parametrize("catch_up", ["latest", "none"])
def test_a_run_after_the_instant_leaves_nothing_to_fire(catch_up: str) -> None:
    decision = look(stand(HOURLY, catch_up=catch_up, last_run_at=NOW + timedelta(seconds=2)))

    assert outcomes(decision) == [("coalesced", NOON, 1)]


def test_without_catch_up_only_what_is_within_the_grace_fires() -> None:
    spec = {"kind": "cron", "expression": "0,58,59 * * * *"}
    standing = stand(spec, catch_up="none", decided_until=NOW - 90 * MINUTE)

    decision = look(standing, ticked=NOW - 90 * MINUTE)

    assert [(outcome, f"{at:%H:%M}") for outcome, at, _ in outcomes(decision)] == [
        ("missed", "10:58"), ("missed", "10:59"), ("missed", "11:00"), ("missed", "11:58"), ("coalesced", "11:59"),
        ("fired", "12:00"),
    ]  # fmt: skip
    assert decision.verdicts[0].reason.startswith("The schedule does not catch up. No tick came between")


def test_what_is_exactly_as_old_as_the_grace_still_fires() -> None:
    standing = stand(HOURLY, catch_up="none", decided_until=NOW - HOUR)

    assert outcomes(look(standing, now=NOON + GRACE)) == [("fired", NOON, 1)]
    assert outcomes(look(standing, now=NOON + GRACE + timedelta(microseconds=1))) == [("missed", NOON, 1)]


def test_with_catch_up_of_all_each_has_its_own_run_oldest_first_and_the_rest_waits() -> None:
    standing = stand(HOURLY, catch_up="all", decided_until=NOW - 5 * HOUR, last_run_at=NOW - MINUTE)

    first = look(standing, most=3)
    second = look(replace(standing, decided_until=first.decided_until, last_run_at=NOW), most=3)

    assert outcomes(first) == [("fired", NOON - hours * HOUR, 1) for hours in (4, 3, 2)]
    assert (first.decided_until, first.next_due_at, first.remaining) == (NOON - 2 * HOUR, NOON - HOUR, 2)
    assert outcomes(second) == [("fired", NOON - HOUR, 1), ("fired", NOON, 1)]
    assert (second.decided_until, second.next_due_at, second.remaining) == (NOW, NOON + HOUR, 0)


@pytest.mark.parametrize(
    ("began", "last_run_at", "wanted"),
    [
        (150 * MINUTE, None, ["coalesced 08:00", "fired 09:00", "fired 10:00", "fired 11:00", "fired 12:00"]),
        (150 * MINUTE, NOW - 220 * MINUTE,
         ["coalesced 08:00", "fired 09:00", "fired 10:00", "fired 11:00", "fired 12:00"]),
        (150 * MINUTE, NOW - 90 * MINUTE,
         ["coalesced 08:00", "coalesced 09:00", "fired 10:00", "fired 11:00", "fired 12:00"]),
        (timedelta(), None,
         ["coalesced 08:00", "coalesced 09:00", "coalesced 10:00", "coalesced 11:00", "fired 12:00"]),
    ],
    ids=["none", "run-before", "run-after", "just-begun"],
)  # fmt: skip
def test_with_catch_up_of_all_one_stands_for_what_lies_before_the_schedule_began(
    began: timedelta, last_run_at: datetime | None, wanted: list[str]
) -> None:
    standing = stand(
        HOURLY, catch_up="all", decided_until=NOON - 5 * HOUR, last_run_at=last_run_at, active_since=NOW - began
    )

    decision = look(standing)

    assert [f"{outcome} {at:%H:%M}" for outcome, at, _ in outcomes(decision)] == wanted
    assert (decision.decided_until, decision.remaining) == (NOW, 0)


@pytest.mark.parametrize(("ran", "outcome"), [(None, "fired"), (NOW - MINUTE / 6, "coalesced")])
def test_with_catch_up_of_all_a_run_stands_for_the_only_one_before_the_schedule_began(
    ran: datetime | None, outcome: str
) -> None:
    standing = stand(HOURLY, catch_up="all", decided_until=NOW - HOUR, last_run_at=ran, active_since=NOW)

    assert outcomes(look(standing)) == [(outcome, NOON, 1)]


@pytest.mark.parametrize("expression", ["* * * * *", "* 9,10 * * *", "*/5 * * * 6"])
def test_of_a_long_outage_a_thousand_are_caught_up_with_and_the_others_missed_in_one_row(expression: str) -> None:
    timetable = read_timetable({"kind": "cron", "expression": expression}, created_at=NOW)
    since = NOW - 90 * DAY
    standing = stand(EVERY_MINUTE, timetable=timetable, catch_up="all", decided_until=since, active_since=since)

    decision = look(standing, ticked=since, most=1_000)

    missed, *fired = decision.verdicts
    assert (missed.outcome, {each.outcome for each in fired}, len(fired)) == (Outcome.MISSED, {Outcome.FIRED}, 1_000)
    assert missed.until is not None
    assert timetable.next(missed.until) == fired[0].at
    assert missed.count == timetable.count(since, NOW) - 1_000
    assert missed.reason.startswith("Only the latest 1,000 are caught up with. No tick came between")


def test_a_stretch_of_more_than_fifty_is_one_row() -> None:
    fifty, more = (look(stand(EVERY_MINUTE, decided_until=NOW - minutes * MINUTE)) for minutes in (51, 52))

    assert len(fifty.verdicts) == 51
    assert outcomes(more) == [("coalesced", NOON - 51 * MINUTE, 51), ("fired", NOON, 1)]
    assert more.verdicts[0].until == NOON - MINUTE


def test_a_year_without_a_tick_is_decided_at_once() -> None:
    decision = look(stand(EVERY_MINUTE, decided_until=NOW - 365 * DAY), ticked=None)

    assert outcomes(decision) == [
        ("coalesced", NOON - 365 * DAY + MINUTE, 365 * 1440 - 1), ("fired", NOON, 1),
    ]  # fmt: skip
    assert decision.verdicts[0].reason.endswith("stands for it. No tick came before 2026-11-21T12:00:30Z.")


@pytest.mark.parametrize(
    ("active_since", "ticked", "says"),
    [
        (NOW - 9 * DAY, NOW - 3 * HOUR, "No tick came between 2026-11-21T09:00:30Z and 2026-11-21T12:00:30Z."),
        (NOW - 9 * DAY, None, "No tick came before 2026-11-21T12:00:30Z."),
        (NOW - MINUTE, NOW - MINUTE, "It lies before the schedule began, 2026-11-21T11:59:30Z."),
        # A tick came, and did not get so far.
        (NOW - 9 * DAY, NOW - MINUTE, ""),
    ],
)
def test_a_late_one_says_why(active_since: datetime, ticked: datetime | None, says: str) -> None:
    spec = {"kind": "cron", "expression": "30 10 * * *"}
    standing = stand(spec, decided_until=NOW - 2 * HOUR, active_since=active_since)

    (verdict,) = look(standing, ticked=ticked).verdicts

    assert (verdict.outcome, verdict.reason) == (Outcome.FIRED, says)


# --- Intervals


@pytest.mark.parametrize(
    ("ran", "due_at"),
    [(59 * MINUTE, None), (60 * MINUTE, NOW), (90 * MINUTE, NOW - 30 * MINUTE)],
    ids=["not-yet", "just", "late"],
)
def test_an_interval_counts_from_the_last_run(ran: timedelta, due_at: datetime | None) -> None:
    standing = stand(EVERY_HOUR, decided_until=NOW - ran, last_run_at=NOW - ran)

    decision = look(standing)

    assert outcomes(decision) == ([("fired", due_at, 1)] if due_at else [])
    assert decision.next_due_at == (NOW + HOUR if due_at else NOW + MINUTE)
    assert decision.decided_until == (NOW if due_at else NOW - ran)


def test_an_interval_that_was_skipped_is_not_due_again_at_once() -> None:
    standing = stand(EVERY_HOUR, decided_until=NOW - 5 * MINUTE, last_run_at=NOW - 3 * HOUR)

    assert look(standing) == Decision((), NOW - 5 * MINUTE, NOW + 55 * MINUTE, 0)


@pytest.mark.parametrize(
    ("minutes", "age", "due_at"),
    [(60, timedelta(), NOW), (60, 5 * MINUTE, NOW - 5 * MINUTE), (4_320, timedelta(), None), (4_320, 2 * DAY, NOW)],
    ids=["at-once", "a-moment-later", "three-days-not-yet", "three-days-in-two"],
)
def test_an_interval_that_never_ran_looks_a_day_back_from_when_it_began(
    minutes: int, age: timedelta, due_at: datetime | None
) -> None:
    began = NOW - age
    standing = stand({"kind": "interval", "minutes": minutes}, decided_until=began - DAY, active_since=began)

    assert outcomes(look(standing)) == ([("fired", due_at, 1)] if due_at else [])


def test_an_anchored_interval_stays_on_its_grid() -> None:
    spec = {"kind": "interval", "minutes": 60, "anchor": "2026-01-01T00:07:00+01:00"}
    standing = stand(spec, decided_until=NOW - 2 * HOUR, last_run_at=NOW - 100 * MINUTE)

    decision = look(standing)

    assert [f"{at:%H:%M}" for _, at, _ in outcomes(decision)] == ["10:07", "11:07"]
    assert decision.next_due_at == NOON + 7 * MINUTE


# --- Jitter


def test_jitter_holds_an_occurrence_until_its_own_second() -> None:
    standing = stand(HOURLY, jitter_seconds=600)
    offset = jitter_of(PIPELINE, NOON, 600)

    (held,) = look(standing).verdicts
    (late,) = look(standing, now=NOON + offset).verdicts

    assert timedelta(seconds=30) < offset <= timedelta(seconds=600)
    assert (held.outcome, held.at, held.due_at) == (Outcome.HELD, NOON, NOON + offset)
    assert held.reason.startswith("Jitter: its run begins at 2026-11-21T12:0")
    assert (late.outcome, late.due_at) == (Outcome.FIRED, None)


# --- The seed's table


@pytest.mark.parametrize(
    ("spec", "last_run_at", "due_at"),
    [
        (HOURLY, NOW - 3 * HOUR, NOON),
        (HOURLY, NOON, None),
        (HOURLY, None, NOON),
        ({"kind": "cron", "expression": "0 13 * * *"}, None, NOON - 23 * HOUR),
        ({"kind": "cron", "expression": "0 0 20 * *"}, None, None),
        (EVERY_HOUR, NOW - HOUR, NOW),
        (EVERY_HOUR, NOW - 59 * MINUTE, None),
        (EVERY_HOUR, None, NOW - 23 * HOUR),
        ({"kind": "interval", "minutes": 4_320}, None, None),
        ({"kind": "rrule", "rule": "FREQ=DAILY", "dtstart": "2026-01-01T11:00:00Z"}, NOW - 5 * DAY, NOON - HOUR),
        ({"kind": "rrule", "rule": "FREQ=DAILY", "dtstart": "2026-01-01T11:00:00Z"}, NOON - HOUR, None),
    ],
)
def test_the_seeds_table(spec: dict[str, Any], last_run_at: datetime | None, due_at: datetime | None) -> None:
    assert due(read_timetable(spec, created_at=NOW), last_run_at=last_run_at, now=NOW) == due_at
