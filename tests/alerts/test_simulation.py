"""The backtest plays the production decisions over the past."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.decisions import (
    NoDataPolicy,
    OpenIncident,
    Operator,
    Outcome,
    Reading,
    Reason,
    RuleSnapshot,
    Simulation,
    cadence_minutes,
    simulate,
)

START = datetime(2026, 4, 17, tzinfo=UTC)


def play(values: list[float | None], **deviations: Any) -> Simulation:
    """Simulate `> 0.2` over one value a minute."""
    rule = RuleSnapshot(operator=Operator.GT, threshold=0.2)._replace(**deviations)
    return simulate(rule, [(START + timedelta(minutes=at), Reading(value)) for at, value in enumerate(values)])


def reasons(simulation: Simulation) -> list[Reason]:
    """Return the reasons of the listed steps."""
    return [step.decision.reason for step in simulation.steps]


def test_a_calm_past_fires_nothing() -> None:
    simulation = play([0.1] * 10)

    assert (simulation.evaluations, simulation.fires, simulation.resolves, simulation.breaches) == (10, 0, 0, 0)
    assert reasons(simulation) == [Reason.NOT_BREACHED]


def test_a_breach_fires_cools_down_and_resolves() -> None:
    simulation = play([0.1, 0.3, 0.3, 0.3, 0.1])

    assert (simulation.fires, simulation.resolves, simulation.breaches) == (1, 1, 3)
    assert reasons(simulation) == [
        Reason.NOT_BREACHED, Reason.FIRED, Reason.COOLDOWN, Reason.RESOLVED,
    ]  # fmt: skip


def test_a_lasting_breach_repeats_after_each_cooldown() -> None:
    simulation = play([0.3] * 31, cooldown_minutes=10)

    assert simulation.fires == 4


def test_repeats_in_a_row_are_listed_each() -> None:
    simulation = play([0.3] * 3, cooldown_minutes=0)

    assert reasons(simulation) == [Reason.FIRED] * 3


def test_a_breach_shorter_than_pending_fires_nothing() -> None:
    simulation = play([0.3, 0.3, 0.1, 0.3], pending_minutes=5)

    assert simulation.fires == 0
    assert reasons(simulation) == [Reason.PENDING, Reason.NOT_BREACHED, Reason.PENDING]


def test_missing_data_follows_the_policy() -> None:
    assert play([None] * 3).fires == 0
    assert play([None] * 3, no_data_policy=NoDataPolicy.ALERT).fires == 1


def test_the_present_state_of_the_rule_does_not_colour_the_past() -> None:
    simulation = play(
        [0.3],
        incident=OpenIncident(3, is_acknowledged=True),
        last_fired_at=START,
        last_transition_at=START,
        last_outcome=Outcome.IN_FLIGHT,
        muted_until=START + timedelta(days=9),
    )

    assert simulation.fires == 1


@given(st.lists(st.none() | st.floats(0, 1), max_size=60), st.integers(0, 20), st.integers(0, 10))
def test_there_is_never_more_resolved_than_fired(values: list[float | None], cooldown: int, pending: int) -> None:
    simulation = play(values, cooldown_minutes=cooldown, pending_minutes=pending)

    assert simulation.resolves <= simulation.fires <= simulation.breaches <= simulation.evaluations == len(values)


@given(st.lists(st.floats(0, 1), max_size=60), st.floats(0, 1), st.floats(0, 1))
def test_a_stricter_threshold_never_breaches_more(values: list[float], low: float, high: float) -> None:
    low, high = sorted([low, high])

    assert play(list(values), threshold=high).breaches <= play(list(values), threshold=low).breaches


@pytest.mark.parametrize(
    ("window", "cadence"), [(1, 1), (5, 1), (6, 5), (15, 5), (16, 15), (60, 15), (61, 60), (10080, 60)]
)
def test_the_cadence_follows_the_published_table(window: int, cadence: int) -> None:
    assert cadence_minutes(window) == cadence
