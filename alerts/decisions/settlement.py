"""Decide how a transition ended from the states of its deliveries."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from alerts.decisions.vocabulary import Outcome


class DeliveryState(StrEnum):
    """The states of a delivery, as the ledger spells them."""

    PENDING = "pending"
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CAPPED = "capped"
    DIGESTED = "digested"


TOLD = frozenset({DeliveryState.DELIVERED, DeliveryState.UNKNOWN})
ON_ITS_WAY = frozenset({DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.DIGESTED})


class Settlement(NamedTuple):
    """`is_told` may be known before everything has ended: one destination's answer starts the cooldown."""

    outcome: Outcome
    is_told: bool


def settle(states: Sequence[DeliveryState]) -> Settlement:
    """Return how the transition stands: in flight, told (somebody answered, or may have), or failed (nobody can have).

    `unknown` counts as told: the request left, and firing again would be the double that the ledger prevents.
    A transition without destinations has told everybody there is.
    """
    is_told = not states or any(state in TOLD for state in states)
    if any(state in ON_ITS_WAY for state in states):
        return Settlement(Outcome.IN_FLIGHT, is_told)
    return Settlement(Outcome.TOLD if is_told else Outcome.FAILED, is_told)
