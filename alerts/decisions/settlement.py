"""Decide how a transition ended from the states of its deliveries."""

from collections.abc import Collection
from typing import NamedTuple

from alerts.decisions.vocabulary import Outcome
from kaireon.platform.notifications.decisions import ARRIVED_STATES, OPEN_STATES, State

# A digested delivery whose digest has not ended is on its way with it.
ON_ITS_WAY = OPEN_STATES | {State.DIGESTED}


class Settlement(NamedTuple):
    """`is_told` may be known before everything has ended: one destination's answer starts the cooldown."""

    outcome: Outcome
    is_told: bool


def settle(states: Collection[State]) -> Settlement:
    """Return how the transition stands: in flight, told (somebody answered, or may have), or failed (nobody can have).

    `unknown` counts as told: the request left, and firing again would be the double that the ledger prevents.
    A transition without destinations has told everybody there is.
    """
    is_told = not states or not ARRIVED_STATES.isdisjoint(states)
    if not ON_ITS_WAY.isdisjoint(states):
        return Settlement(Outcome.IN_FLIGHT, is_told)
    return Settlement(Outcome.TOLD if is_told else Outcome.FAILED, is_told)
