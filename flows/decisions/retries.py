"""When a run that failed is tried again, pure: which failures pass by themselves, and how the wait grows."""

from datetime import timedelta
from typing import Final

from flows.ir.pipeline import Retry

LONGEST_WAIT: Final = timedelta(hours=1)
# Moving files away after a run: 2 s, 4 s, … while the store is away.
CLEARING_WAIT: Final = timedelta(seconds=2)
# Server states that pass by themselves: lost connections, resources, deadlocks, operator's intervention.
_PASSING_STATES: Final = ("08", "40", "53", "55P03", "57P01", "57P02", "57P03", "58")


def wait_before(retry: Retry, *, failures: int) -> timedelta:
    """Return how long a run waits after its `failures`-th failure, from 1: doubling or steady, at most an hour."""
    first = timedelta(seconds=retry.initial_seconds)
    doublings = min(failures - 1, 20) if retry.backoff == "exponential" else 0
    return min(LONGEST_WAIT, timedelta(seconds=first.total_seconds() * 2**doublings))


def is_tried_again(*, is_transient: bool, failures: int, max_attempts: int) -> bool:
    """Tell whether a run that has failed so often begins again; what would fail the same way does not."""
    return is_transient and failures < max_attempts


def wait_before_clearing(tries: int) -> timedelta:
    """Return how long a run waits after the `tries`-th vain try to move its files, from 1."""
    doublings = min(tries - 1, 20)
    return min(LONGEST_WAIT, timedelta(seconds=CLEARING_WAIT.total_seconds() * 2**doublings))


def is_passing_state(sql_state: str) -> bool:
    """Tell whether what the database refused with this SQLSTATE may go well later."""
    return sql_state.startswith(_PASSING_STATES)
