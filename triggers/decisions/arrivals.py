"""What becomes of a file that has come: it fires, or waits until it is still, or until the debounce is over. Pure."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from triggers.decisions.vocabulary import HeldFor, Outcome

# Stores in which a file can be seen while it is being written (settled 32).
GROWING: Final = frozenset({"local_fs", "sftp"})
STABLE_SECONDS: Final = 5
# Whose clock is this machine's own: a file's time says since when it has been still.
OUR_CLOCK: Final = "local_fs"

PAUSED: Final = "the pipeline is paused; the file is looked at again when it is resumed"
PAUSED_NEW: Final = "the pipeline is paused; a file that still lies there fires when it is resumed"
PARKED: Final = "the trigger is parked: {reason}"
SEEN: Final = "this version of the file was seen before: {what}"
DEBOUNCED: Final = "kept: within {seconds} s of the last fire; it fires at {at}"
UNSTABLE: Final = "kept: it fires when it has not changed for {seconds} s, at {at}"
TOGETHER: Final = "it came together with {key}; one run takes both"
REPLACED: Final = "it changed before its turn came; its later version counts"
GONE: Final = "it was gone when its turn came"
TAKEN: Final = "it was gone when its turn came: the run {run} has taken it"
UNMATCHED: Final = "the trigger does not watch for it any more"
PUT_BACK: Final = "the run {run} took it and put it back"


@dataclass(frozen=True, slots=True)
class Waiting:
    """How a trigger's next fire stands: `stable_seconds` and `debounce_seconds` as they are in force."""

    kind: str
    stable_seconds: int
    debounce_seconds: int
    last_fired_at: datetime | None


@dataclass(frozen=True, slots=True)
class Wait:
    """Until when a file waits, and what for."""

    until: datetime
    held_for: HeldFor
    reason: str


def stable_seconds_of(given: int | None, *, kind: str, is_control: bool) -> int:
    """Return how long a file must not change before it fires: as said, else what fits its store (settled 32)."""
    if given is not None:
        return given
    return STABLE_SECONDS if kind in GROWING and not is_control else 0


def wait_of(
    waiting: Waiting, *, first_seen_at: datetime, modified_at: datetime | None, now: datetime
) -> Wait | None:  # fmt: skip
    """Return what a file waits for, None when its turn is now.

    Held until it is still first, then for the debounce: the first of a burst fires at once, the others together at the
    end of the seconds that follow it. None is dropped.
    """
    still_at = _still_since(waiting.kind, first_seen_at, modified_at, now) + timedelta(seconds=waiting.stable_seconds)
    if waiting.stable_seconds and still_at > now:
        return Wait(still_at, HeldFor.STABLE, _words(UNSTABLE, waiting.stable_seconds, still_at))
    if waiting.last_fired_at is None:
        return None
    quiet_at = waiting.last_fired_at + timedelta(seconds=waiting.debounce_seconds)
    # A clock that went back must not hold a file for longer than the debounce is.
    if now < quiet_at <= now + timedelta(seconds=waiting.debounce_seconds):
        return Wait(quiet_at, HeldFor.DEBOUNCE, _words(DEBOUNCED, waiting.debounce_seconds, quiet_at))
    return None


def seen_before(outcome: str, *, due_at: datetime | None, run_id: uuid.UUID | None) -> str:
    """Return why a version of a file is refused that has its row already."""
    if outcome == Outcome.HELD:
        return SEEN.format(what="it is kept" if due_at is None else f"it is kept until {_shown(due_at)}")
    return SEEN.format(what=outcome if run_id is None else f"the run {run_id} has it")


def _words(text: str, seconds: int, at: datetime) -> str:
    return text.format(seconds=seconds, at=_shown(at))


def _shown(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _still_since(kind: str, first_seen_at: datetime, modified_at: datetime | None, now: datetime) -> datetime:
    """Return since when a file has not changed: other machines' clocks say nothing, nor does a time to come."""
    if kind != OUR_CLOCK or modified_at is None or modified_at > now:
        return first_seen_at
    return min(modified_at, first_seen_at)
