"""What happened to one event, as lines of a timeline, and the exact thing that goes to the back end."""

import json
from datetime import UTC, datetime
from typing import Any, NamedTuple

from outbox.decisions import DeadReason
from outbox.publishers.base import Event
from outbox.selectors.event import EventStory
from outbox.selectors.stream import EventState


class Line(NamedTuple):
    """One line: `state` is a word of the badges and gives it colour and shape; `hint` is said more quietly."""

    state: str
    text: str
    at: datetime | None = None
    hint: str = ""
    error_id: Any = None


REASONS = {
    DeadReason.PERMANENT: "the back end refused it, and trying again does not help",
    DeadReason.EXHAUSTED: "its attempts are used up",
}


def headline(story: EventStory) -> str:
    """Say in a few words where the event stands."""
    return {
        EventState.PENDING: "It waits for a publisher",
        EventState.PROCESSING: "A publisher has it",
        EventState.HELD: "It stands aside behind an earlier event of its key" if story.head_id else "It is held back",
        EventState.DEAD: "It could not be published",
        EventState.PUBLISHED: "It was published",
    }[story.state]


def timeline(story: EventStory) -> list[Line]:
    """Return what happened, newest first."""
    lines = [Line("info", "It happened", story.occurred_at), Line("ok", "Written to the outbox", story.created_at)]
    if story.attempts and story.state != EventState.DEAD:
        failed = story.attempts if story.state != EventState.PUBLISHED else story.attempts - 1
        lines += [_failures(story, failed)] if failed > 0 else []
    lines += _LAST[story.state](story)
    return lines[::-1]


def _failures(story: EventStory, count: int) -> Line:
    times = "1 attempt failed" if count == 1 else f"{count:,} attempts failed"
    # The row keeps the last failure alone, and its time while nothing else has touched it.
    at = story.touched_at if story.state in {EventState.HELD, EventState.PENDING} else None
    return Line("failed", times, at, story.error, story.error_id)


def _pending(story: EventStory) -> list[Line]:
    return [Line("pending", "Waits for the next batch of a publisher")]


def _processing(story: EventStory) -> list[Line]:
    return [
        Line("processing", "Claimed by a publisher", story.touched_at),
        Line("pending", "Its claim ends, and others may take it", story.lease_until),
    ]


def _held(story: EventStory) -> list[Line]:
    if story.head_id:
        return [Line("held", "Stands aside, so that events of its key leave in order")]
    return [Line("held", "Next attempt", story.next_attempt_at, "Later events of its key wait for it.")]


def _dead(story: EventStory) -> list[Line]:
    count = f"after {story.attempts:,} attempts" if story.attempts > 1 else "at its first attempt"
    why = REASONS.get(DeadReason(story.reason), story.reason) if story.reason in set(DeadReason) else story.reason
    return [
        Line("failed", "The last attempt failed", story.settled_at, story.error, story.error_id),
        Line("dead", f"Set aside as a dead letter {count}: {why}", story.settled_at),
    ]


def _published(story: EventStory) -> list[Line]:
    by = story.publisher
    who = f"Published to {by.backend} by {by.host}, process {by.pid}" if by else "Published by a publisher that is gone"
    receipt = f"The back end calls it {story.receipt}." if story.receipt else "The back end gave no receipt."
    return [Line("published", who, story.settled_at, receipt)]


_LAST = {
    EventState.PENDING: _pending,
    EventState.PROCESSING: _processing,
    EventState.HELD: _held,
    EventState.DEAD: _dead,
    EventState.PUBLISHED: _published,
}


def wire_form(story: EventStory) -> dict[str, Any]:
    """Return what goes over the wire: the envelope as JSON to look at, and the CloudEvents attributes."""
    at = story.occurred_at.astimezone(UTC)
    event = Event(
        id=str(story.id), tenant_id=str(story.tenant_id), topic=story.topic, key=story.key, payload="null",
        timestamp=f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z",
    )  # fmt: skip
    envelope = {"type": event.topic, "timestamp": event.timestamp, "payload": story.payload}
    return {
        "envelope": json.dumps(envelope, indent=2, ensure_ascii=False),
        "attributes": sorted(event.attributes.items()),
    }
