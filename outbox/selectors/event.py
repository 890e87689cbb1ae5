"""One event with its whole story: where it stands, what was tried, who published it, what it waits behind."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kaireon.platform.errors import NotFound
from outbox.models import DeadLetter, OutboxEvent, PublishedEvent, PublisherProcess
from outbox.selectors.stream import EventState


@dataclass(frozen=True, slots=True, kw_only=True)
class EventStory:
    """An event as its page shows it; what does not belong to its state is empty.

    `settled_at` is when it was published or died, `touched_at` when the tier last moved it, `head_id` the held event of
    its key that it waits behind, `publisher` who published it, if that process is still known.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    topic: str
    key: str
    payload: Any
    state: EventState
    occurred_at: datetime
    created_at: datetime
    attempts: int
    touched_at: datetime | None = None
    next_attempt_at: datetime | None = None
    lease_until: datetime | None = None
    head_id: uuid.UUID | None = None
    reason: str = ""
    error: str = ""
    error_id: uuid.UUID | None = None
    settled_at: datetime | None = None
    receipt: str = ""
    publisher_id: uuid.UUID | None = None
    publisher: PublisherProcess | None = None

    @property
    def seconds_on_its_way(self) -> float | None:
        """Return the seconds from the event's transaction until it was published or died."""
        return None if self.settled_at is None else max(0.0, (self.settled_at - self.created_at).total_seconds())


def find_event(tenant_id: uuid.UUID, event_id: uuid.UUID) -> EventStory:
    """Return the event wherever it stands. Raises NotFound, also for one whose history is over."""
    # In the order in which an event moves, so that one that moves meanwhile is met further on.
    story = _waiting(tenant_id, event_id) or _dead(tenant_id, event_id) or _published(tenant_id, event_id)
    if story is None:
        raise NotFound("There is no such event: it is another tenant's, was purged, or its history is over.")
    return story


def _waiting(tenant_id: uuid.UUID, event_id: uuid.UUID) -> EventStory | None:
    row = OutboxEvent.objects.for_tenant(tenant_id).filter(pk=event_id).first()
    if row is None:
        return None
    state = EventState.HELD if row.is_held else EventState.PENDING
    return EventStory(
        **_carried(row), state=EventState.PROCESSING if row.status == "processing" else state, attempts=row.attempts,
        touched_at=row.updated_at, next_attempt_at=row.next_attempt_at, lease_until=row.lease_until,
        head_id=_head_before(row) if row.is_held else None, error=row.last_error, error_id=row.error_id,
    )  # fmt: skip


def _head_before(row: OutboxEvent) -> uuid.UUID | None:
    held = OutboxEvent.objects.for_tenant(row.tenant_id).filter(key=row.key, is_held=True, seq__lt=row.seq)
    found: uuid.UUID | None = held.order_by("seq").values_list("pk", flat=True).first()
    return found


def _dead(tenant_id: uuid.UUID, event_id: uuid.UUID) -> EventStory | None:
    row = DeadLetter.objects.for_tenant(tenant_id).filter(pk=event_id).first()
    if row is None:
        return None
    return EventStory(
        **_carried(row), state=EventState.DEAD, attempts=row.retry_count, reason=row.reason, error=row.error,
        error_id=row.error_id, settled_at=row.failed_at,
    )  # fmt: skip


def _published(tenant_id: uuid.UUID, event_id: uuid.UUID) -> EventStory | None:
    row = PublishedEvent.objects.for_tenant(tenant_id).filter(pk=event_id).first()
    if row is None:
        return None
    return EventStory(
        **_carried(row), state=EventState.PUBLISHED, attempts=row.attempts, settled_at=row.published_at,
        receipt=row.receipt, publisher_id=row.publisher,
        publisher=PublisherProcess.objects.filter(pk=row.publisher).first(),
    )  # fmt: skip


def _carried(row: OutboxEvent | DeadLetter | PublishedEvent) -> Mapping[str, Any]:
    names = ("id", "tenant_id", "topic", "key", "payload", "occurred_at", "created_at")
    return {name: getattr(row, name) for name in names}
