"""A world for the tier: tenants with events in the line, a back end whose answers a test scripts, a clock it turns."""

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from kaireon.platform.ids import new_id
from kaireon.platform.loops import StopSignal
from outbox.decisions import Failed, NotSent, Outcome, Sent
from outbox.models import OutboxEvent
from outbox.publishers.base import BackendDown, Event, TimeLeft
from outbox.services import enqueue_many, prepare_event
from outbox.tier.publisher import PublisherTier
from outbox.tier.settings import TierSettings

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
Script = Callable[[Event], Outcome]


class Clock:
    """A clock that a test turns; `monotonic` goes with it."""

    def __init__(self, start: datetime = START) -> None:
        self.now = start

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now

    def monotonic(self) -> float:
        """Return the seconds since the start."""
        return (self.now - START).total_seconds()

    def turn(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


@dataclass
class ScriptedBackend:
    """A back end that keeps the contract: once an event of a key is not sent, no later one of the key is."""

    script: Script = field(default=lambda _: Sent())
    is_down: bool = False
    error: Exception | None = None
    batches: list[list[Event]] = field(default_factory=list)
    sent: list[Event] = field(default_factory=list)
    closed: int = 0
    name: str = "scripted"
    during: Callable[[], object] | None = None

    def publish(self, events: Sequence[Event], time_left: TimeLeft) -> Sequence[Outcome]:
        """Answer as the script says."""
        self.batches.append(list(events))
        if self.during is not None:
            self.during()
        if self.is_down:
            raise BackendDown("The broker does not answer.")
        if self.error is not None:
            raise self.error
        outcomes: list[Outcome] = []
        stopped: set[tuple[str, str]] = set()
        for event in events:
            key = (event.tenant_id, event.key)
            outcome = NotSent() if key in stopped or time_left.remaining() <= 0 else self.script(event)
            if isinstance(outcome, Sent):
                self.sent.append(event)
            elif not (isinstance(outcome, Failed) and not outcome.is_transient):
                stopped.add(key)
            outcomes.append(outcome)
        return outcomes

    def close(self) -> None:
        """Count the closings."""
        self.closed += 1

    def numbers(self, key: str) -> list[int]:
        """Return the numbers of a key's events in the order in which they were sent."""
        return [number_of(event) for event in self.sent if event.key == key]


def number_of(event: Event) -> int:
    """Return the number that `put` gave an event."""
    return int(json.loads(event.payload)["number"])


def put(
    tenant_id: uuid.UUID, *keys: str, topic: str = "order.paid.v1", start: int = 0, now: datetime = START
) -> list[uuid.UUID]:
    """Write one event per key, in this order, numbered from `start`; needs a transaction."""
    events = [
        prepare_event(tenant_id=tenant_id, topic=topic, payload={"number": number}, key=key, now=now)
        for number, key in enumerate(keys, start)
    ]
    enqueue_many(events=events)
    return [event.id for event in events]


def make_tier(
    backend: ScriptedBackend, clock: Clock | None = None, *, stopping: StopSignal | None = None,
    only_tenant: uuid.UUID | None = None, reached: Callable[[str], None] | None = None, **settings: float,
) -> PublisherTier:  # fmt: skip
    """Make a publisher of its own on the test's clock, without history and without a bell."""
    clock = clock or Clock()
    chosen = TierSettings(**{"history_hours": 0, **settings})  # type: ignore[arg-type]
    return PublisherTier(
        publisher=backend, settings=chosen, clock=clock, monotonic=clock.monotonic, stopping=stopping,
        only_tenant=only_tenant, reached=reached,
    )  # fmt: skip


def run_out(tier: PublisherTier, most: int = 1000) -> int:
    """Step until there is nothing to do; return how many steps it took."""
    for step in range(1, most + 1):
        if not tier.step():
            return step
    raise AssertionError("the tier found no end")


def line() -> list[OutboxEvent]:
    """Return the events that have not left, in their order."""
    return list(OutboxEvent.objects.across_tenants().order_by("seq"))


def fresh() -> uuid.UUID:
    """Return an id."""
    return new_id()
