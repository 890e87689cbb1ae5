"""What becomes of a claim's events, from what the back end said of each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from outbox.decisions.events import DeadReason
from outbox.decisions.outcomes import Failed, Outcome, Sent


class Keyed(Protocol):
    """An event, as far as its key goes."""

    @property
    def tenant_id(self) -> str:
        """Return the tenant."""

    @property
    def key(self) -> str:
        """Return the key within the tenant."""


class Retried(NamedTuple):
    """The event at `place` failed for the `attempts`-th time and waits."""

    place: int
    attempts: int
    reason: str


class Buried(NamedTuple):
    """The event at `place` is a dead letter after `attempts` attempts."""

    place: int
    attempts: int
    reason: str
    why: DeadReason


@dataclass(slots=True)
class Settlement:
    """Places in the claim, by what is to be done; each place stands in one list."""

    sent: list[int] = field(default_factory=list)
    retried: list[Retried] = field(default_factory=list)
    buried: list[Buried] = field(default_factory=list)
    behind: list[int] = field(default_factory=list)
    released: list[int] = field(default_factory=list)


def settle(
    events: Sequence[Keyed], attempts: Sequence[int], outcomes: Sequence[Outcome], *, max_attempts: int
) -> Settlement:
    """Sort events by their outcomes; `attempts` are those before this one.

    A transient failure waits until its attempts are used up, and an outage does not use up the last one; a permanent
    one is a dead letter at once, for trying again cannot help. What was not sent stands behind a failed event of its
    key, or goes back to the line.
    """
    plan = Settlement()
    waiting: set[tuple[str, str]] = set()
    for place, outcome in enumerate(outcomes):
        if isinstance(outcome, Sent):
            plan.sent.append(place)
        elif isinstance(outcome, Failed):
            _settle_failure(plan, place, attempts[place] + 1, outcome, max_attempts)
            if plan.retried and plan.retried[-1].place == place:
                waiting.add((events[place].tenant_id, events[place].key))
        else:
            is_behind = (events[place].tenant_id, events[place].key) in waiting
            (plan.behind if is_behind else plan.released).append(place)
    return plan


def _settle_failure(plan: Settlement, place: int, attempts: int, failed: Failed, max_attempts: int) -> None:
    if not failed.is_transient:
        plan.buried.append(Buried(place, attempts, failed.reason, DeadReason.PERMANENT))
    elif failed.is_outage:
        plan.retried.append(Retried(place, max(1, min(attempts, max_attempts - 1)), failed.reason))
    elif attempts >= max_attempts:
        plan.buried.append(Buried(place, attempts, failed.reason, DeadReason.EXHAUSTED))
    else:
        plan.retried.append(Retried(place, attempts, failed.reason))
