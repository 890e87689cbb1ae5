"""How a transition stands, given how its deliveries stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.decisions import Outcome, settle
from kaireon.platform.notifications.decisions import State


@pytest.mark.parametrize(
    ("states", "outcome", "is_told"),
    [
        pytest.param([], "told", True, id="nobody to tell"),
        pytest.param(["delivered"], "told", True, id="it answered"),
        pytest.param(["unknown"], "told", True, id="it may have arrived"),
        pytest.param(["failed"], "failed", False, id="it did not arrive"),
        pytest.param(["capped"], "failed", False, id="over the cap"),
        pytest.param(["failed", "capped"], "failed", False, id="failed and capped"),
        pytest.param(["failed", "delivered"], "told", True, id="one of two arrived"),
        pytest.param(["pending"], "in_flight", False, id="waiting"),
        pytest.param(["sending", "failed"], "in_flight", False, id="one on its way, one failed"),
        pytest.param(["delivered", "pending"], "in_flight", True, id="one arrived, one waiting"),
        pytest.param(["digested"], "in_flight", False, id="folded into a digest that has not ended"),
    ],
)
def test_a_transition_stands_as_its_deliveries_do(states: list[str], outcome: str, is_told: bool) -> None:
    settlement = settle([State(state) for state in states])

    assert (settlement.outcome, settlement.is_told) == (outcome, is_told)


@given(st.lists(st.sampled_from(State)))
def test_the_order_of_deliveries_does_not_matter(states: list[State]) -> None:
    assert settle(states) == settle(states[::-1])


@given(st.lists(st.sampled_from(State), min_size=1))
def test_a_failed_transition_has_told_nobody(states: list[State]) -> None:
    settlement = settle(states)

    if settlement.outcome is Outcome.FAILED:
        assert not settlement.is_told
    if settlement.outcome is Outcome.TOLD:
        assert settlement.is_told
