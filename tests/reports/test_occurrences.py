"""Which occurrences a tick decides and how, as a table: one deviation from the plain morning each."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaireon.platform.cadence import read_cadence
from reports.decisions.occurrences import (
    COALESCED,
    GRACE,
    MAX_COUNTED,
    MAX_OLDER,
    Decided,
    Decision,
    DueSchedule,
    decide_occurrences,
)
from reports.decisions.vocabulary import MissedPolicy, OccurrenceOutcome

DUE = datetime(2026, 4, 17, 8, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ONCE, SKIP = MissedPolicy.ONCE, MissedPolicy.SKIP


def decide(
    now: datetime, expression: str = "0 8 * * *", *, policy: MissedPolicy = ONCE, next_run_at: datetime | None = DUE,
    last: datetime | None = DUE - DAY, fired: datetime | None = None, least_gap: timedelta = timedelta(0),
    zone: str = "UTC",
) -> Decision:  # fmt: skip
    """Decide for a schedule at 08:00."""
    due = DueSchedule(read_cadence(expression, zone), policy, next_run_at, last, fired, least_gap)
    return decide_occurrences(due, now)


def outcomes(decision: Decision) -> list[tuple[datetime, str]]:
    """Return what was decided, without the reasons."""
    return [(each.at, str(each.outcome)) for each in decision.decided]


@pytest.mark.parametrize(
    ("now", "changes", "expected", "next_run_at"),
    [
        pytest.param(DUE, {}, [(DUE, "run")], DUE + DAY, id="on-the-instant"),
        pytest.param(DUE + MINUTE, {}, [(DUE, "run")], DUE + DAY, id="a-minute-late"),
        pytest.param(DUE - MINUTE, {}, [], DUE, id="not-due-yet"),
        pytest.param(DUE + 3 * HOUR, {}, [(DUE, "run")], DUE + DAY, id="hours-late-runs-once"),
        pytest.param(
            DUE + 2 * DAY + HOUR, {}, [(DUE, "coalesced"), (DUE + DAY, "coalesced"), (DUE + 2 * DAY, "run")],
            DUE + 3 * DAY, id="two-mornings-missed",
        ),
        pytest.param(DUE + GRACE, {"policy": SKIP}, [(DUE, "run")], DUE + DAY, id="skip-within-grace"),
        pytest.param(
            DUE + GRACE + timedelta(seconds=1), {"policy": SKIP}, [(DUE, "missed")], DUE + DAY, id="skip-late"
        ),
        pytest.param(
            DUE + DAY + MINUTE, {"policy": SKIP}, [(DUE, "missed"), (DUE + DAY, "run")], DUE + 2 * DAY,
            id="skip-the-old-one-only",
        ),
        pytest.param(
            DUE + 3 * MINUTE, {"policy": SKIP, "expression": "* * * * *"},
            [*((DUE + minutes * MINUTE, "coalesced") for minutes in range(3)), (DUE + 3 * MINUTE, "run")],
            DUE + 4 * MINUTE, id="skip-faster-than-the-ticks",
        ),
        pytest.param(
            DUE + MINUTE, {"next_run_at": None, "last": DUE - DAY}, [(DUE, "run")], DUE + DAY, id="no-time-takes-latest"
        ),
        pytest.param(
            DUE + 90 * MINUTE, {"next_run_at": None, "last": None}, [(DUE + 90 * MINUTE, "run")], DUE + DAY,
            id="no-time-and-no-past-fires-now",
        ),
        pytest.param(
            DUE + timedelta(seconds=95), {"next_run_at": None, "last": DUE}, [(DUE + MINUTE, "run")], DUE + DAY,
            id="no-time-is-the-minute",
        ),
        pytest.param(
            DUE + HOUR, {"next_run_at": DUE + 7 * MINUTE}, [(DUE + 7 * MINUTE, "run")], DUE + DAY,
            id="a-time-set-by-hand-is-an-occurrence",
        ),
        pytest.param(
            DUE + HOUR, {"next_run_at": DUE - HOUR, "last": DUE + MINUTE}, [(DUE - HOUR, "run")], DUE + DAY,
            id="moved-back-by-hand-what-was-decided-stays",
        ),
        pytest.param(
            DUE + MINUTE, {"fired": DUE - 10 * MINUTE, "least_gap": 15 * MINUTE}, [(DUE, "capped")], DUE + DAY,
            id="sooner-than-the-guardrail",
        ),
        pytest.param(
            DUE + MINUTE, {"fired": DUE - 15 * MINUTE, "least_gap": 15 * MINUTE}, [(DUE, "run")], DUE + DAY,
            id="just-at-the-guardrail",
        ),
    ],
)  # fmt: skip
def test_each_occurrence_is_decided(
    now: datetime, changes: dict[str, object], expected: list[tuple[datetime, str]], next_run_at: datetime
) -> None:
    decision = decide(now, **changes)  # type: ignore[arg-type]

    assert outcomes(decision) == expected
    assert decision.next_run_at == next_run_at
    assert decision.run_at == next((at for at, outcome in expected if outcome == "run"), None)


@pytest.mark.parametrize("policy", [ONCE, SKIP])
def test_whatever_does_not_run_says_why(policy: MissedPolicy) -> None:
    decision = decide(DUE + 3 * DAY, policy=policy)

    assert all(each.reason for each in decision.decided if each.outcome is not OccurrenceOutcome.RUN)
    assert all(not each.reason for each in decision.decided if each.outcome is OccurrenceOutcome.RUN)


def test_a_capped_occurrence_names_the_guardrail() -> None:
    (capped,) = decide(DUE + MINUTE, fired=DUE - MINUTE, least_gap=15 * MINUTE).decided

    assert capped.reason == "Over the guardrail minCadenceMinutes: 15 minutes between two runs at least."


def test_a_hundred_older_ones_have_rows_and_the_oldest_counts_the_rest() -> None:
    decision = decide(DUE + 4 * HOUR, "* * * * *")

    assert len(decision.decided) == MAX_OLDER + 1
    assert decision.run_at == DUE + 4 * HOUR
    assert decision.decided[0] == Decided(
        DUE + 140 * MINUTE, OccurrenceOutcome.COALESCED, f"{COALESCED} So it was with 140 before it."
    )
    assert {each.reason for each in decision.decided[1:-1]} == {COALESCED}


def test_exactly_a_hundred_older_ones_leave_none_uncounted() -> None:
    decision = decide(DUE + 100 * MINUTE, "* * * * *")

    assert len(decision.decided) == MAX_OLDER + 1
    assert decision.decided[0] == Decided(DUE, OccurrenceOutcome.COALESCED, COALESCED)


def test_years_of_missed_minutes_are_decided_quickly_and_counted_up_to_a_limit() -> None:
    decision = decide(DUE + 900 * DAY, "* * * * *")

    assert len(decision.decided) == MAX_OLDER + 1
    assert f"more than {MAX_COUNTED:,} before it" in decision.decided[0].reason


def test_after_a_clock_that_was_ahead_the_occurrence_it_fired_is_not_due_again() -> None:
    decision = decide(DUE, next_run_at=DUE + 10 * DAY, last=DUE + 9 * DAY)

    assert outcomes(decision) == []


def test_the_repeated_hour_of_autumn_has_one_occurrence() -> None:
    first_pass = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    decision = decide(
        first_pass + 2 * HOUR, "30 2 * * *", zone="Europe/Berlin", next_run_at=first_pass, last=first_pass - DAY
    )

    assert outcomes(decision) == [(first_pass, "run")]


@settings(deadline=None)
@given(
    expression=st.sampled_from(["*/5 * * * *", "0 8 * * *", "30 */6 * * 1-5", "15 3 1 * *"]),
    late=st.integers(0, 60 * 24 * 40),
    policy=st.sampled_from(list(MissedPolicy)),
)
def test_each_occurrence_is_decided_once_by_ticks_at_any_times(
    expression: str, late: int, policy: MissedPolicy
) -> None:
    cadence = read_cadence(expression, "UTC")
    first = cadence.next(DUE)
    decision = decide(first + late * MINUTE, expression, policy=policy, next_run_at=first, last=DUE)
    again = decide(
        first + late * MINUTE, expression, policy=policy, next_run_at=decision.next_run_at,
        last=decision.decided[-1].at,
    )  # fmt: skip

    instants = [each.at for each in decision.decided]
    assert instants == sorted(set(instants))
    assert sum(each.outcome is OccurrenceOutcome.RUN for each in decision.decided) <= 1
    assert again.decided == ()
    assert decision.next_run_at > first + late * MINUTE
