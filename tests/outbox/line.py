"""Events in every state, written as rows: what the tests of the reaper, the dead letters and the gauges start from."""

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.models import Tenant
from outbox.models import DeadLetter, OutboxEvent, PublishedEvent, PublisherClaim, PublisherProcess
from outbox.services.history import keep_history

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TOPIC = "interaction.recorded.v1"


def ago(**span: float) -> datetime:
    """Return the moment so long before NOW."""
    return NOW - timedelta(**span)


def waiting(tenant: Tenant, key: str = "ann", **values: Any) -> OutboxEvent:
    """Write an event that waits."""
    defaults: dict[str, Any] = {
        "id": new_id(), "topic": TOPIC, "payload": {"customerId": key}, "occurred_at": NOW, "created_at": NOW,
        "updated_at": NOW,
    }  # fmt: skip
    event = OutboxEvent.objects.create(tenant=tenant, key=key, **defaults | values)
    return OutboxEvent.objects.for_tenant(tenant).get(pk=event.pk)


def claimed(tenant: Tenant, key: str = "ann", *, at: datetime = NOW, **values: Any) -> OutboxEvent:
    """Write an event that a publisher has claimed at this time, for 30 seconds."""
    defaults = {"claim_token": new_id(), "lease_until": at + timedelta(seconds=30), "updated_at": at}
    return waiting(tenant, key, status="processing", **defaults | values)


def held(tenant: Tenant, key: str = "ann", **values: Any) -> OutboxEvent:
    """Write an event that stands aside; with `next_attempt_at` the first of its key."""
    return waiting(tenant, key, is_held=True, **values)


def note(token: uuid.UUID, events: Iterable[OutboxEvent], *, lease_until: datetime) -> PublisherClaim:
    """Write a publisher's note of its claim."""
    with connection.cursor() as cursor:
        hashes = []
        for event in events:
            cursor.execute("SELECT hashtextextended(%s, uuid_hash_extended(%s, 0))", [event.key, event.tenant_id])
            hashes.append(cursor.fetchone()[0])
    return PublisherClaim.objects.create(publisher=new_id(), token=token, lease_until=lease_until, keys=hashes)


def dead(tenant: Tenant, key: str = "ann", **values: Any) -> DeadLetter:
    """Write a dead letter."""
    defaults: dict[str, Any] = {
        "topic": TOPIC, "payload": {"customerId": key}, "occurred_at": ago(hours=1), "reason": "permanent",
        "error": "The back end refused it.", "retry_count": 3, "failed_at": ago(minutes=30),
    }  # fmt: skip
    return DeadLetter.objects.create(tenant=tenant, key=key, **defaults | values)


def published(tenant: Tenant, key: str = "ann", *, at: datetime = NOW, **values: Any) -> PublishedEvent:
    """Write an event into the history, whose partition is made for it."""
    keep_history(hours=24, now=at)
    defaults: dict[str, Any] = {
        "id": new_id(), "topic": TOPIC, "payload": {"customerId": key}, "occurred_at": at, "created_at": at,
        "attempts": 0, "publisher": new_id(), "receipt": "",
    }  # fmt: skip
    return PublishedEvent.objects.create(tenant=tenant, key=key, published_at=at, **defaults | values)


def publisher(**values: Any) -> PublisherProcess:
    """Write a publisher that lives at NOW."""
    defaults: dict[str, Any] = {
        "host": "pod-1", "pid": 7, "backend": "log", "state": "publishing", "started_at": ago(hours=1),
        "heartbeat_at": NOW, "published_per_second": 100.0,
    }  # fmt: skip
    return PublisherProcess.objects.create(**defaults | values)


def line(tenant: Tenant) -> list[OutboxEvent]:
    """Return the tenant's events in the order of the line."""
    return list(OutboxEvent.objects.for_tenant(tenant).order_by("seq"))


def reread(event: OutboxEvent) -> OutboxEvent:
    """Return the event as it stands in the table now."""
    return OutboxEvent.objects.across_tenants().get(pk=event.pk)
