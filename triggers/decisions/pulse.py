"""Is the scheduler alive, and how late is it: rules over ticks and decisions. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median
from typing import Final

# A single tick may be slow or lost; who is quiet for this long has stopped.
LEAST_PATIENCE: Final = timedelta(minutes=5)
MISSED_BEATS: Final = 3


class PulseState(StrEnum):
    """How the scheduler is."""

    ALIVE = "alive"
    # It ticks, and the last tick ended with an error.
    FAILING = "failing"
    SILENT = "silent"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Lag:
    """How late occurrences were decided, in seconds; both are None without samples."""

    p50: float | None
    most: float | None
    samples: int


def patience(interval: timedelta) -> timedelta:
    """Return how long no tick may come before the scheduler counts as silent."""
    return max(MISSED_BEATS * interval, LEAST_PATIENCE)


def pulse_state(*, last_tick_at: datetime | None, error: str, interval: timedelta, now: datetime) -> PulseState:
    """Return how the scheduler is, from the last tick that decided anything."""
    if last_tick_at is None:
        return PulseState.NEVER
    if now - last_tick_at > patience(interval):
        return PulseState.SILENT
    return PulseState.FAILING if error else PulseState.ALIVE


def lag_of(decided: Sequence[tuple[datetime, datetime]]) -> Lag:
    """Return how late decisions were: pairs of when something was due and when it was decided."""
    seconds = [max(0.0, (at - due).total_seconds()) for due, at in decided]
    if not seconds:
        return Lag(None, None, 0)
    return Lag(round(median(seconds), 3), round(max(seconds), 3), len(seconds))


def late_after(interval: timedelta) -> timedelta:
    """Return how long a schedule may be overdue before that is no longer the wait for the next tick."""
    return max(2 * interval, timedelta(minutes=2))
