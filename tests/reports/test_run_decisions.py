"""How runs end, as tables."""

import pytest

from kaireon.platform.notifications.decisions import State
from reports.decisions.runs import (
    FAILURES_TO_PAUSE,
    Streak,
    last_status_of,
    status_of,
    streak_after,
    template_not_found,
)
from reports.decisions.vocabulary import LastStatus, RunStatus


@pytest.mark.parametrize(
    ("states", "status"),
    [
        pytest.param([], RunStatus.COMPLETED, id="nobody-to-tell"),
        pytest.param([State.DELIVERED], RunStatus.COMPLETED, id="delivered"),
        pytest.param([State.DELIVERED, State.DELIVERED], RunStatus.COMPLETED, id="all-delivered"),
        pytest.param([State.DELIVERED, State.FAILED], RunStatus.COMPLETED_WITH_ERRORS, id="one-failed"),
        pytest.param([State.FAILED], RunStatus.COMPLETED_WITH_ERRORS, id="all-failed"),
        pytest.param([State.DELIVERED, State.UNKNOWN], RunStatus.COMPLETED_WITH_ERRORS, id="one-unknown"),
        pytest.param([State.CAPPED], RunStatus.COMPLETED_WITH_ERRORS, id="capped"),
        pytest.param([State.DELIVERED, State.PENDING], None, id="one-waits"),
        pytest.param([State.FAILED, State.SENDING], None, id="one-is-on-its-way"),
        pytest.param([State.DIGESTED], None, id="in-a-digest-that-has-not-ended"),
    ],
)
def test_a_run_ends_when_all_its_deliveries_have(states: list[State], status: RunStatus | None) -> None:
    assert status_of(states) is status


@pytest.mark.parametrize("state", list(State))
def test_every_state_of_a_delivery_is_decided(state: State) -> None:
    assert status_of([state]) in {RunStatus.COMPLETED, RunStatus.COMPLETED_WITH_ERRORS, None}


@pytest.mark.parametrize(
    ("status", "failures", "streak"),
    [
        (RunStatus.COMPLETED, 0, Streak(0, is_told=False, is_paused=False)),
        (RunStatus.COMPLETED, 4, Streak(0, is_told=False, is_paused=False)),
        (RunStatus.COMPLETED_WITH_ERRORS, 4, Streak(0, is_told=False, is_paused=False)),
        (RunStatus.FAILED, 0, Streak(1, is_told=True, is_paused=False)),
        (RunStatus.FAILED, 1, Streak(2, is_told=False, is_paused=False)),
        (RunStatus.FAILED, FAILURES_TO_PAUSE - 1, Streak(FAILURES_TO_PAUSE, is_told=False, is_paused=True)),
        (RunStatus.FAILED, FAILURES_TO_PAUSE, Streak(FAILURES_TO_PAUSE + 1, is_told=False, is_paused=True)),
    ],
)
def test_the_first_failure_is_told_and_the_fifth_pauses(status: RunStatus, failures: int, streak: Streak) -> None:
    assert streak_after(status, failures) == streak


@pytest.mark.parametrize(
    ("status", "is_skipped", "shown"),
    [
        (RunStatus.COMPLETED, False, LastStatus.COMPLETED),
        (RunStatus.COMPLETED, True, LastStatus.SKIPPED_EMPTY),
        (RunStatus.COMPLETED_WITH_ERRORS, False, LastStatus.COMPLETED_WITH_ERRORS),
        (RunStatus.FAILED, False, LastStatus.FAILED),
    ],
)
def test_a_schedule_shows_how_its_run_ended(status: RunStatus, is_skipped: bool, shown: LastStatus) -> None:
    assert last_status_of(status, is_skipped=is_skipped) is shown


def test_a_missing_template_is_named_in_the_documented_words() -> None:
    assert template_not_found("tpl-missing") == "Template tpl-missing not found"
