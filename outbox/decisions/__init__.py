"""Words and rules of the outbox: states, outcomes, back-off, shares of a batch."""

from outbox.decisions.backoff import BACKOFF_CAP_SECONDS, BACKOFF_FIRST_SECONDS, backoff_seconds
from outbox.decisions.events import (
    DECISION_MADE,
    INTERACTION_RECORDED,
    OUTCOME_RECORDED,
    DeadReason,
    EventRefused,
    NewEvent,
    Status,
    make_event,
)
from outbox.decisions.outcomes import Failed, NotSent, Outcome, Sent

__all__ = [
    "BACKOFF_CAP_SECONDS",
    "BACKOFF_FIRST_SECONDS",
    "DECISION_MADE",
    "INTERACTION_RECORDED",
    "OUTCOME_RECORDED",
    "DeadReason",
    "EventRefused",
    "Failed",
    "NewEvent",
    "NotSent",
    "Outcome",
    "Sent",
    "Status",
    "backoff_seconds",
    "make_event",
]
