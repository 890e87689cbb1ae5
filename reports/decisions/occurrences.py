"""Which occurrences of a schedule a tick finds, and what becomes of each: pure, `now` is an argument.

An occurrence is decided once and then has a row, whatever was decided: `run`, or a reason why there is none.
"""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Final

from kaireon.platform.cadence import Cadence
from reports.decisions.vocabulary import MissedPolicy, OccurrenceOutcome

# Twice the widest distance of two ticks that is in use: what is found within it is on time.
GRACE: Final = timedelta(minutes=5)
# The older ones that get a row each; the oldest of these rows counts the rest.
MAX_OLDER: Final = 100
MAX_COUNTED: Final = 10_000
NO_GAP: Final = timedelta(0)
_LOOK_BACKS: Final = tuple(timedelta(hours=hours) for hours in (2, 48, 62 * 24, 800 * 24))

COALESCED: Final = "Nobody ticked in time; the run of a later occurrence stands for it."
MISSED: Final = "Nobody ticked within {minutes} minutes, and missedPolicy is skip."


@dataclass(frozen=True, slots=True)
class DueSchedule:
    """What the decision knows of a schedule. `fired_at` is its latest occurrence that got a run.

    `least_gap` is the guardrail `minCadenceMinutes`: an occurrence that follows a run sooner is capped.
    """

    cadence: Cadence
    policy: MissedPolicy
    next_run_at: datetime | None
    last_occurrence_at: datetime | None = None
    fired_at: datetime | None = None
    least_gap: timedelta = NO_GAP


@dataclass(frozen=True, slots=True)
class Decided:
    """An occurrence and what became of it, with the reason unless it runs."""

    at: datetime
    outcome: OccurrenceOutcome
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a tick decided for a schedule, oldest occurrence first; `next_run_at` is counted from now."""

    decided: tuple[Decided, ...]
    next_run_at: datetime

    @property
    def run_at(self) -> datetime | None:
        """Return the occurrence that gets a run, or None."""
        return next((each.at for each in self.decided if each.outcome is OccurrenceOutcome.RUN), None)


def decide_occurrences(due: DueSchedule, now: datetime) -> Decision:
    """Decide every occurrence that has come since the last decision: at most one of them runs, the newest.

    `next_run_at` itself is an occurrence, wherever it came from; a schedule without one is due now.
    """
    instants, uncounted = _instants(due, now)
    decided = [_decide_older(due, at, now) for at in instants[:-1]]
    if decided and uncounted:
        decided[0] = Decided(decided[0].at, decided[0].outcome, f"{decided[0].reason} {_rest(uncounted)}")
    decided += [_decide_newest(due, at, now) for at in instants[-1:]]
    return Decision(tuple(decided), due.cadence.next(now))


def _instants(due: DueSchedule, now: datetime) -> tuple[list[datetime], int]:
    """Return the newest occurrences not decided yet, oldest first, and how many older ones there are besides."""
    if due.next_run_at is None:
        latest = due.cadence.latest(now, after=due.last_occurrence_at) if due.last_occurrence_at else None
        return [latest or now.replace(second=0, microsecond=0)], 0
    first = due.next_run_at
    if first > now:
        return [], 0
    newest, uncounted = _newest(due.cadence, max(first, due.last_occurrence_at or first), now)
    return ([first, *newest], 0) if len(newest) <= MAX_OLDER and not uncounted else (newest, uncounted + 1)


def _newest(cadence: Cadence, after: datetime, now: datetime) -> tuple[list[datetime], int]:
    """Return the newest occurrences in `(after, now]`, as many as get rows, and the number of those before them.

    Looks back ever further, so that years of missed minutes cost no more than their newest hours.
    """
    for look_back in (*_LOOK_BACKS, None):
        start = after if look_back is None else max(after, now - look_back)
        found = deque(takewhile(lambda at: at <= now, cadence.upcoming(start)), maxlen=MAX_OLDER + 1)
        if len(found) > MAX_OLDER or start == after:
            break
    if not found:
        return [], 0
    older = takewhile(lambda at: at < found[0], cadence.upcoming(after))
    return list(found), sum(1 for _ in islice(older, MAX_COUNTED))


def _decide_newest(due: DueSchedule, at: datetime, now: datetime) -> Decided:
    if due.policy is MissedPolicy.SKIP and now - at > GRACE:
        return _missed(at)
    if due.fired_at is not None and abs(at - due.fired_at) < due.least_gap:
        minutes = int(due.least_gap.total_seconds() // 60)
        reason = f"Over the guardrail minCadenceMinutes: {minutes} minutes between two runs at least."
        return Decided(at, OccurrenceOutcome.CAPPED, reason)
    return Decided(at, OccurrenceOutcome.RUN)


def _decide_older(due: DueSchedule, at: datetime, now: datetime) -> Decided:
    if due.policy is MissedPolicy.SKIP and now - at > GRACE:
        return _missed(at)
    return Decided(at, OccurrenceOutcome.COALESCED, COALESCED)


def _missed(at: datetime) -> Decided:
    return Decided(at, OccurrenceOutcome.MISSED, MISSED.format(minutes=int(GRACE.total_seconds() // 60)))


def _rest(count: int) -> str:
    shown = f"more than {MAX_COUNTED:,}" if count > MAX_COUNTED else f"{count:,}"
    return f"So it was with {shown} before it."
