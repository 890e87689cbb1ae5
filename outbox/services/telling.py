"""Tell system health about dead letters: one alert per topic, open until none of it is left."""

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Final

from kaireon.platform.health.decisions import Severity, Source
from kaireon.platform.health.services import raise_alert, resolve_many

PAGE: Final = "/settings/outbox"


def tell_dead(*, tenant_id: uuid.UUID, topic: str, count: int, reason_text: str, now: datetime) -> uuid.UUID:
    """Raise the topic's alert, or count it up; return its id. For after the commit that buried the events.

    `reason_text` is what the back end said, without addresses, secrets or payloads: it goes to people.
    """
    events = "One event" if count == 1 else f"{count:,} events"
    return raise_alert(
        tenant_id=tenant_id, severity=Severity.ERROR, source=Source.OUTBOX,
        title=f"Dead letters: {topic}",
        message=f"{events} could not be published: {reason_text} Mend the cause, then retry or purge them.",
        link=PAGE, metadata={"topic": topic, "count": count}, dedupe_key=dead_key(topic), now=now,
    )  # fmt: skip


def tell_recovered(*, tenant_id: uuid.UUID, topics: Collection[str], now: datetime) -> int:
    """Resolve the alerts of topics that have no dead letter left; return how many were open. Joins its caller."""
    return resolve_many([(tenant_id, dead_key(topic)) for topic in topics], now=now)


def dead_key(topic: str) -> str:
    """Return the key under which a topic's alert is open at most once."""
    return f"outbox-dead:{topic}"
