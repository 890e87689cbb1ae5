"""Send on request: a message to chosen destinations, a test, a delivery once more; all through the ledger."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import transaction

from kaireon.platform.audit.services import Entry, record_many
from kaireon.platform.budget import Budget
from kaireon.platform.errors import Conflict, NotFound
from kaireon.platform.http import OutboundSession
from kaireon.platform.ids import new_id
from kaireon.platform.notifications.decisions import (
    OPEN_STATES,
    TEST_EVENT,
    DeliveryRequest,
    Message,
    State,
    may_resend,
)
from kaireon.platform.notifications.models import Delivery, Destination
from kaireon.platform.notifications.selectors import find_destination
from kaireon.platform.notifications.services.dispatch import deliver_due
from kaireon.platform.notifications.services.openings import open_deliveries
from kaireon.platform.tenancy.actors import Actor

SEND_BUDGET_SECONDS: Final = 20.0


def send_now(
    *, tenant_id: uuid.UUID, provider_ids: Sequence[uuid.UUID], message: Message, actor: Actor, now: datetime,
    session: OutboundSession | None = None,
) -> list[Delivery]:  # fmt: skip
    """Send a message to these destinations, wait for the answers and return the deliveries.

    Raises NotFound, and sends nothing, when one of them is not the tenant's.
    """
    rows = _open_send(tenant_id, provider_ids, message, actor, now)
    return _deliver(tenant_id, rows, now, session)


def send_test(
    *, tenant_id: uuid.UUID, destination_id: uuid.UUID, actor: Actor, now: datetime,
    session: OutboundSession | None = None,
) -> Delivery:  # fmt: skip
    """Send a test message the way every message goes, wait for the answer and return the delivery.

    A test reaches a destination that is switched off or marked broken; its success clears the mark. Raises NotFound.
    """
    destination = find_destination(tenant_id, destination_id)
    message = Message(
        event_type=TEST_EVENT,
        subject=f"Test of {destination.name}",
        message="If you can read this, messages of Kaireon arrive here.",
        timestamp=now,
        data={"name": destination.name, "requestedBy": actor.name},
    )
    rows = _open_send(tenant_id, [destination_id], message, actor, now)
    return _deliver(tenant_id, rows, now, session)[0]


def resend_delivery(
    *, tenant_id: uuid.UUID, delivery_id: uuid.UUID, actor: Actor, now: datetime,
    session: OutboundSession | None = None,
) -> Delivery:  # fmt: skip
    """Send a failed, unknown or capped delivery again, as a new row that names the old one, and return that.

    Raises NotFound; Conflict when it was delivered, or is being sent again already.
    """
    row = _open_resend(tenant_id, delivery_id, actor, now)
    return _deliver(tenant_id, [row], now, session)[0]


@transaction.atomic(durable=True)
def _open_send(
    tenant_id: uuid.UUID, provider_ids: Sequence[uuid.UUID], message: Message, actor: Actor, now: datetime
) -> list[Delivery]:
    found = {row.pk: row for row in Destination.objects.for_tenant(tenant_id).filter(pk__in=provider_ids)}
    if missing := [provider_id for provider_id in provider_ids if provider_id not in found]:
        text = f"There is no destination {missing[0]} for this tenant; nothing was sent."
        raise NotFound(text, fields={"providerIds": [text]})
    send_id = new_id()
    requests = [
        DeliveryRequest(tenant_id, provider_id, f"{message.event_type}:{send_id}:{provider_id}", message)
        for provider_id in provider_ids
    ]
    rows = open_deliveries(requests, now)
    action = "test" if message.event_type == TEST_EVENT else "send"
    entries = [
        Entry(tenant_id, actor, action, "destination", str(row.pk), row.name, after={"subject": message.subject})
        for row in found.values()
    ]
    record_many(entries, now=now)
    return rows


@transaction.atomic(durable=True)
def _open_resend(tenant_id: uuid.UUID, delivery_id: uuid.UUID, actor: Actor, now: datetime) -> Delivery:
    row, entry = open_resend(tenant_id=tenant_id, delivery_id=delivery_id, actor=actor, now=now)
    record_many([entry], now=now)
    return row


def open_resend(*, tenant_id: uuid.UUID, delivery_id: uuid.UUID, actor: Actor, now: datetime) -> tuple[Delivery, Entry]:
    """Open a delivery that repeats another, in the caller's transaction; return it with the entry for the audit log.

    The caller records the entry as its last statement. Raises as `resend_delivery` does.
    """
    mine = Delivery.objects.for_tenant(tenant_id)
    # The lock lets one of two clicks in, so that the second sees the first one's row.
    original = mine.select_for_update().filter(pk=delivery_id).first()
    if original is None:
        raise NotFound("There is no such delivery for this tenant.")
    earlier = list(mine.filter(resend_of=original).values_list("state", flat=True))
    if reason := may_resend(State(original.state), has_open_resend=any(state in OPEN_STATES for state in earlier)):
        raise Conflict(reason)
    request = DeliveryRequest(
        tenant_id=tenant_id,
        provider_id=original.provider_id,
        dedupe_key=f"resend:{original.pk}:{len(earlier) + 1}",
        message=Message.from_json(original.message),
    )
    row = open_deliveries([request], now)[0]
    mine.filter(pk=row.pk).update(resend_of=original)
    after = {"deliveryId": str(row.pk)}
    return row, Entry(tenant_id, actor, "resend", "delivery", str(original.pk), original.subject, after=after)


def _deliver(
    tenant_id: uuid.UUID, rows: Sequence[Delivery], now: datetime, session: OutboundSession | None
) -> list[Delivery]:
    ids = [row.pk for row in rows]
    deliver_due(
        now=now, budget=Budget(SEND_BUDGET_SECONDS), tenant_id=tenant_id, delivery_ids=ids, session=session
    )  # fmt: skip
    settled = Delivery.objects.for_tenant(tenant_id).in_bulk(ids)
    return [settled[pk] for pk in ids]
