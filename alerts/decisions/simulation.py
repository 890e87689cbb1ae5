"""Play a rule over past readings with the production decisions: the backtest."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from alerts.decisions.evaluation import Decision, Reading, RuleSnapshot, advance, decide
from alerts.decisions.vocabulary import Outcome, Reason


class SimulationStep(NamedTuple):
    """One evaluation of the past."""

    at: datetime
    reading: Reading
    decision: Decision


class Simulation(NamedTuple):
    """What the rule would have done; `steps` holds only evaluations that differ from the one before."""

    evaluations: int
    fires: int
    resolves: int
    breaches: int
    steps: list[SimulationStep]


# seeds/eventbridge-and-cron-tick.txt, "Cadence guidance".
_CADENCE = ((5, 1), (15, 5), (60, 15))
_HOURLY = 60


def cadence_minutes(window_minutes: int) -> int:
    """Return the tick cadence recommended for a rule's window, in minutes."""
    return next((cadence for limit, cadence in _CADENCE if window_minutes <= limit), _HOURLY)


def simulate(rule: RuleSnapshot, readings: Iterable[tuple[datetime, Reading]]) -> Simulation:
    """Return what the rule would have done had it been evaluated at each of the instants, oldest first.

    The rule starts without history; every message arrives at once.
    """
    state = rule._replace(
        incident=None,
        pending_since=None,
        last_fired_at=None,
        last_transition_at=None,
        last_outcome=None,
        muted_until=None,
    )
    evaluations = fires = resolves = breaches = 0
    steps: list[SimulationStep] = []
    last: Reason | None = None
    for at, reading in readings:
        decision = decide(state, reading, at)
        state = advance(state, decision, at, has_destinations=True)
        if decision.fires:
            state = state._replace(last_fired_at=at, last_outcome=Outcome.TOLD)
        evaluations += 1
        fires += decision.fires
        resolves += decision.resolves
        breaches += decision.severity is not None
        if decision.fires or decision.reason != last:
            steps.append(SimulationStep(at, reading, decision))
        last = decision.reason
    return Simulation(evaluations, fires, resolves, breaches, steps)
