"""How a run goes on and ends, pure: leases, its status out of its deliveries, what that means for its schedule."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from kaireon.platform.notifications.decisions import OPEN_STATES, State
from reports.decisions.vocabulary import LastStatus, RunStatus

# A maker that was killed is replaced by the tick after. Whoever works on a run renews its lease all the while, also in
# the middle of a step, until the run has taken so long that nobody believes in its end any more.
LEASE: Final = timedelta(seconds=30)
SECONDS_TO_RENEW: Final = 7.0
LONGEST_MAKING: Final = timedelta(hours=1)
NARRATION_SECONDS: Final = 45.0
MAX_ATTEMPTS: Final = 3
FAILURES_TO_PAUSE: Final = 5

STOPPED: Final = f"Begun {MAX_ATTEMPTS} times and never finished: whoever worked on it stopped or lost its database."
TEMPLATE_GONE: Final = "The template was deleted before the report was made."
SCHEDULE_GONE: Final = "The schedule was deleted before the report was made; nobody was told."
NOTHING_TO_TELL: Final = "Every section was empty, and skipIfEmpty is on: nobody was told."
_WAITING: Final = OPEN_STATES | {State.DIGESTED}


@dataclass(frozen=True, slots=True)
class Streak:
    """How many runs of a schedule in a row have failed, and what follows from the latest."""

    failures: int
    is_told: bool
    is_paused: bool


def template_not_found(template_id: object) -> str:
    """Return the documented words for a schedule whose template is gone."""
    return f"Template {template_id} not found"


def status_of(states: Collection[State]) -> RunStatus | None:
    """Return how a run has ended whose deliveries stand so; None while one of them has not.

    A destination that did not get it, may not have got it, or was capped makes `completed_with_errors`.
    """
    if any(state in _WAITING for state in states):
        return None
    is_whole = all(state is State.DELIVERED for state in states)
    return RunStatus.COMPLETED if is_whole else RunStatus.COMPLETED_WITH_ERRORS


def last_status_of(status: RunStatus, *, is_skipped: bool) -> LastStatus:
    """Return what a schedule shows for a run that ended so."""
    return LastStatus.SKIPPED_EMPTY if is_skipped else LastStatus(status.value)


def streak_after(status: RunStatus, failures: int) -> Streak:
    """Return the streak after one more run: the first failure is told, the fifth in a row pauses the schedule."""
    if status is not RunStatus.FAILED:
        return Streak(0, is_told=False, is_paused=False)
    failures += 1
    return Streak(failures, is_told=failures == 1, is_paused=failures >= FAILURES_TO_PAUSE)
