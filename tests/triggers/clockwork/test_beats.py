"""When the web server ticks."""

import pytest

from triggers.decisions.beats import seconds_to_beat

NINE = 1_792_573_200.0  # a full minute


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        pytest.param(NINE + 10, 50.5, id="within a minute"),
        pytest.param(NINE + 0.5, 60.0, id="just ticked"),
        pytest.param(NINE + 60.4, 60.1, id="woken a little early"),
        pytest.param(NINE + 3.0, 57.5, id="after the first tick"),
    ],
)
def test_beats_are_on_a_grid_of_the_clock(at: float, expected: float) -> None:
    assert seconds_to_beat(at, interval=60, offset=0.5) == pytest.approx(expected)


def test_a_thousand_beats_with_late_waits_and_slow_ticks_have_not_drifted() -> None:
    at = NINE + 0.5
    for number in range(1_000):
        at += seconds_to_beat(at, interval=60, offset=0.5) + (number % 7) * 0.3

    assert at - (NINE + 0.5) == pytest.approx(60_000, abs=2)


@pytest.mark.parametrize("step", [-7_200, -61, -2, -0.2, 0.2, 2, 61, 7_200])
def test_a_clock_that_steps_never_makes_it_wait_longer_than_a_tenth_over_the_interval(step: float) -> None:
    waits = [seconds_to_beat(NINE + second + step, interval=60, offset=0.7) for second in range(120)]

    assert min(waits) > 0
    assert max(waits) <= 66


def test_after_a_failure_the_next_try_comes_sooner() -> None:
    assert seconds_to_beat(NINE + 10, interval=60, offset=0, has_failed=True) == 10
    assert seconds_to_beat(NINE + 0.25, interval=1, offset=0, has_failed=True) == pytest.approx(0.75)
