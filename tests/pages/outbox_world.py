"""Events of the outbox in every place they can stand, as the tier leaves them there."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.models import Tenant
from outbox.models import DeadLetter, OutboxEvent, PublisherProcess
from outbox.selectors.stream import first_id

TOPIC = "interaction.recorded.v1"


def id_at(at: datetime) -> uuid.UUID:
    """Return an id that was made at that moment."""
    return uuid.UUID(int=first_id(at).int | 0x7 << 76 | 0b10 << 62 | new_id().int & (1 << 62) - 1)


def carried(tenant: Tenant, at: datetime, **changes: Any) -> dict[str, Any]:
    """Return what every event has."""
    values = {"tenant": tenant, "id": id_at(at), "topic": TOPIC, "key": "c-1", "occurred_at": at, "created_at": at}
    return {**values, "payload": {"customerId": "c-1", "campaignId": None}, **changes}


def waiting(tenant: Tenant, at: datetime, **changes: Any) -> OutboxEvent:
    """Make an event that waits for a publisher."""
    return OutboxEvent.objects.create(**carried(tenant, at, **changes))


def under_way(tenant: Tenant, at: datetime, **changes: Any) -> OutboxEvent:
    """Make an event that a publisher has claimed."""
    claim = {"status": "processing", "claim_token": new_id(), "lease_until": at + timedelta(seconds=30)}
    return waiting(tenant, at, **{**claim, **changes})


def held(tenant: Tenant, at: datetime, *, behind: int = 0, **changes: Any) -> list[OutboxEvent]:
    """Make an event that failed and waits for its next attempt, and events of its key behind it."""
    failure = {
        "is_held": True, "attempts": 3, "last_error": "The broker answered: leader not available.",
        "error_id": new_id(), "next_attempt_at": at + timedelta(hours=1),
    }  # fmt: skip
    aside = {"attempts": 0, "next_attempt_at": None, "last_error": "", "error_id": None}
    head = waiting(tenant, at, **{**failure, **changes})
    followers = [
        waiting(tenant, at + timedelta(milliseconds=number), **{**failure, **changes, **aside})
        for number in range(1, behind + 1)
    ]
    return [head, *followers]


def dead(tenant: Tenant, at: datetime, **changes: Any) -> DeadLetter:
    """Make a dead letter."""
    failure = {"reason": "exhausted", "error": "Message too large.", "retry_count": 10, "failed_at": at}
    return DeadLetter.objects.create(**{**carried(tenant, at, error_id=new_id()), **failure, **changes})


def published(tenant: Tenant, at: datetime, **changes: Any) -> uuid.UUID:
    """Make an event that was published 12 ms after it was written, and return its id."""
    values = carried(tenant, at)
    values |= {"published_at": at + timedelta(milliseconds=12), "attempts": 1, "publisher": new_id(), "receipt": "0/42"}
    values |= changes
    values |= {"tenant_id": values.pop("tenant").pk, "payload": json.dumps(values["payload"])}
    make_room(values["published_at"])
    columns = ", ".join(values)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO outbox_history ({columns}) VALUES ({', '.join(['%s'] * len(values))})", [*values.values()]
        )
    event_id: uuid.UUID = values["id"]
    return event_id


def make_room(at: datetime) -> None:
    """Make the history's partition of an hour."""
    start = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE UNLOGGED TABLE IF NOT EXISTS outbox_history_{start:%Y%m%d%H} PARTITION OF outbox_history"
            f" FOR VALUES FROM ('{start.isoformat()}') TO ('{(start + timedelta(hours=1)).isoformat()}')"
        )


def publisher(now: datetime, **changes: Any) -> PublisherProcess:
    """Register a publisher that lives."""
    values = {
        "host": "worker-1", "pid": 4711, "backend": "kafka", "state": "publishing", "heartbeat_at": now,
        "started_at": now - timedelta(hours=3), "published_total": 1_204_311, "published_per_second": 480.0,
    }  # fmt: skip
    return PublisherProcess.objects.create(**{**values, **changes})
