"""The first answer of the outbox's page: is it draining, and what to do where it is not. Words, no queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kaireon.templatetags.kaireon_format import duration, figure

# Beyond this the oldest event waits longer than a busy minute explains.
LATE_SECONDS: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Draining:
    """What the answer is made from: figures of the tenant, and the states of the publishers that live.

    `oldest_seconds` is the age of the oldest event of all, `ready_oldest_seconds` of the oldest that no failed event
    holds back: only that one tells whether events leave.
    """

    ready: int = 0
    held: int = 0
    held_keys: int = 0
    dead: int = 0
    oldest_seconds: float | None = None
    ready_oldest_seconds: float | None = None
    seconds_to_empty: float | None = None
    states: Sequence[str] = ()
    backend_error: str = ""

    @property
    def waiting(self) -> int:
        """Return how many events have not left."""
        return self.ready + self.held

    @property
    def is_down(self) -> bool:
        """Tell whether no publisher that lives reaches its back end."""
        return bool(self.states) and all(state == "backend_down" for state in self.states)

    @property
    def is_late(self) -> bool:
        """Tell whether events that could leave wait longer than they should."""
        return self.ready > 0 and max(self.ready_oldest_seconds or 0, self.seconds_to_empty or 0) > LATE_SECONDS


@dataclass(frozen=True, slots=True)
class Answer:
    """A sentence, what it means, and what a person can do; `tone` and `shape` are those of badges."""

    tone: str
    shape: str
    title: str
    text: str
    remedy: str = ""
    command: str = ""


def answer(now: Draining) -> Answer:
    """Say whether events leave: worst first."""
    if not now.states:
        return _nobody(now)
    if now.is_down:
        return _down(now)
    if now.is_late:
        return _late(now)
    if now.dead or now.held_keys:
        return Answer("warn", "triangle", f"It drains, but {_needs(now)}", "Everything else leaves as it comes.")
    return _well(now)


def _well(now: Draining) -> Answer:
    if "backend_down" in now.states:
        return Answer(
            "warn", "triangle", "It drains, but not every publisher reaches its back end", now.backend_error,
            "The others do its work meanwhile.",
        )  # fmt: skip
    if now.ready:
        return Answer("good", "disc", f"Draining: {_events(now)} on the way out", _eta(now))
    return Answer("good", "disc", "Everything has left", "Nothing waits; new events leave as they are committed.")


def _nobody(now: Draining) -> Answer:
    command = "manage.py outbox_publisher"
    if not now.waiting:
        text = "Nothing waits at the moment. New events will stay in the database until a publisher runs."
        return Answer("warn", "triangle", "No publisher is running", text, "Start one:", command)
    text = f"The oldest waits {duration(now.oldest_seconds)}. They are safe in the database, and nothing is lost."
    title = f"Nobody publishes: {_events(now)} {'waits' if now.waiting == 1 else 'wait'}"
    return Answer("bad", "diamond", title, text, "Start a publisher:", command)


def _down(now: Draining) -> Answer:
    waits = f"{_events(now)} {'waits' if now.waiting == 1 else 'wait'}. " if now.waiting else ""
    text = f"{waits}Nothing is lost and no attempt is used up: publishing goes on by itself when it answers again."
    remedy = "Check the back end, its address and its credentials."
    return Answer("bad", "diamond", "The back end does not answer", f"{now.backend_error} {text}".strip(), remedy)


def _late(now: Draining) -> Answer:
    title = (
        f"Behind: {_events(now)} {'waits' if now.waiting == 1 else 'wait'}, the oldest {duration(now.oldest_seconds)}"
    )
    text = f"{now.backend_error} {_eta(now)}".strip()
    return Answer("warn", "triangle", title, text, "More publishers drain it faster:", "manage.py outbox_publisher")


def _needs(now: Draining) -> str:
    parts = [
        f"{figure(now.dead)} dead letter{' waits' if now.dead == 1 else 's wait'} for a person" if now.dead else "",
        f"{figure(now.held_keys)} key{' is' if now.held_keys == 1 else 's are'} held back" if now.held_keys else "",
    ]
    return " and ".join(part for part in parts if part)


def _events(now: Draining) -> str:
    return f"{figure(now.waiting)} event{'' if now.waiting == 1 else 's'}"


def _eta(now: Draining) -> str:
    if now.seconds_to_empty is None:
        return "How long it takes shows once the publishers have been at it for a while."
    return f"At the present rate it is empty in about {duration(max(1, now.seconds_to_empty))}."
