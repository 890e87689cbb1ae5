"""Is the scheduler alive, and how late is it: the rules."""

from datetime import UTC, datetime, timedelta

import pytest

from triggers.decisions.pulse import Lag, PulseState, lag_of, late_after, patience, pulse_state

NOW = datetime(2026, 4, 17, 12, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.mark.parametrize(
    ("interval", "quiet"), [(SECOND, 5 * MINUTE), (MINUTE, 5 * MINUTE), (2 * MINUTE, 6 * MINUTE)]
)  # fmt: skip
def test_who_is_quiet_for_three_intervals_and_at_least_five_minutes_has_stopped(
    interval: timedelta, quiet: timedelta
) -> None:
    assert patience(interval) == quiet


@pytest.mark.parametrize(
    ("ago", "error", "state"),
    [
        (None, "", PulseState.NEVER),
        (0 * MINUTE, "", PulseState.ALIVE),
        (5 * MINUTE, "", PulseState.ALIVE),
        (5 * MINUTE + SECOND, "", PulseState.SILENT),
        (MINUTE, "refused", PulseState.FAILING),
        (6 * MINUTE, "refused", PulseState.SILENT),
        # A clock that went back.
        (-MINUTE, "", PulseState.ALIVE),
    ],
)
def test_the_state_follows_the_last_tick(ago: timedelta | None, error: str, state: PulseState) -> None:
    last = None if ago is None else NOW - ago

    assert pulse_state(last_tick_at=last, error=error, interval=MINUTE, now=NOW) is state


def test_lag_is_the_middle_and_the_worst_and_never_negative() -> None:
    decided = [(NOW, NOW + seconds * SECOND) for seconds in (4, -1, 2)]

    assert lag_of(decided) == Lag(2.0, 4.0, 3)
    assert lag_of([]) == Lag(None, None, 0)


@pytest.mark.parametrize(("interval", "late"), [(SECOND, 2 * MINUTE), (3 * MINUTE, 6 * MINUTE)])
def test_a_schedule_is_late_after_two_ticks_and_at_least_two_minutes(interval: timedelta, late: timedelta) -> None:
    assert late_after(interval) == late
