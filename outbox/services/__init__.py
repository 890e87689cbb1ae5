"""Use cases of the outbox: enqueue events, publish them, reap claims, mend or bury what cannot leave."""

from outbox.decisions import NewEvent
from outbox.services.dead_letters import MOST_IDS, DeadOutcome, purge_dead_letters, retry_dead_letters
from outbox.services.enqueueing import (
    EVENT_COLUMNS,
    RING_IF_ASLEEP,
    EventTooLarge,
    enqueue,
    enqueue_many,
    prepare_event,
)
from outbox.services.reaping import ReaperFailed, ReaperReport, reap_expired, reap_stale, run_reaper
from outbox.services.telling import tell_dead, tell_recovered

__all__ = [
    "EVENT_COLUMNS",
    "MOST_IDS",
    "RING_IF_ASLEEP",
    "DeadOutcome",
    "EventTooLarge",
    "NewEvent",
    "ReaperFailed",
    "ReaperReport",
    "enqueue",
    "enqueue_many",
    "prepare_event",
    "purge_dead_letters",
    "reap_expired",
    "reap_stale",
    "retry_dead_letters",
    "run_reaper",
    "tell_dead",
    "tell_recovered",
]
