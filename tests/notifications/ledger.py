"""Short words for the tests of the ledger: destinations, messages, requests and passes over the queue."""

import uuid
from datetime import UTC, datetime
from typing import Any

from kaireon.platform.budget import Budget
from kaireon.platform.http import OutboundSession
from kaireon.platform.notifications.decisions import DeliveryRequest, Message
from kaireon.platform.notifications.models import Delivery, Destination
from kaireon.platform.notifications.services import DeliverySummary, create_destination, deliver_due, open_deliveries
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from tests.servers import Receiver

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def make_destination(tenant: Tenant, receiver: Receiver, *, now: datetime = NOW, **fields: Any) -> Destination:
    """Make a webhook that leads to the receiver, which NOTIFICATIONS_ALLOWED_HOSTS must name."""
    kind = fields.pop("kind", "webhook")
    name = fields.pop("name", "Hook")
    enabled = fields.pop("enabled", True)
    url_field = "url" if kind == "webhook" else "webhookUrl"
    config = {url_field: receiver.url(fields.pop("path", "/hook/s3cret")), **fields}
    return create_destination(
        tenant_id=tenant.pk, kind=kind, name=name, config=config, enabled=enabled, actor=SYSTEM, now=now
    )


def message(subject: str = "Suppression is high", *, event_type: str = "alert.fired", **fields: Any) -> Message:
    """Make a message."""
    return Message(event_type=event_type, subject=subject, message="0.9 > 0.8", timestamp=NOW, **fields)


def request(destination: Destination, key: str = "", **fields: Any) -> DeliveryRequest:
    """Make a request for one delivery."""
    said = fields.pop("message", None) or message(event_type=fields.pop("event_type", "alert.fired"))
    return DeliveryRequest(destination.tenant_id, destination.pk, key or str(uuid.uuid4()), said, **fields)


def open_one(destination: Destination, key: str = "", *, now: datetime = NOW, **fields: Any) -> Delivery:
    """Open one delivery."""
    return open_deliveries([request(destination, key, **fields)], now)[0]


def deliver(*, now: datetime = NOW, seconds: float = 20, **options: Any) -> DeliverySummary:
    """Run one pass."""
    return deliver_due(now=now, budget=Budget(seconds), **options)


def reload(delivery: Delivery) -> Delivery:
    """Read a delivery again."""
    return Delivery.objects.across_tenants().get(pk=delivery.pk)


def session_to(*receivers: Receiver, seconds: float = 1.0) -> OutboundSession:
    """Return a session that may call these receivers and is soon impatient."""
    return OutboundSession(allowed_places=[receiver.place for receiver in receivers], total_seconds=seconds)
