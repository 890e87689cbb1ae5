"""Write events in their caller's transaction: `enqueue` for code, the SQL pieces for one-statement hot paths."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import connection

from kaireon.platform.errors import Unprocessable
from kaireon.platform.ids import new_id
from outbox.decisions import EventRefused, NewEvent, make_event

# The publisher that sleeps holds this lock exclusively, as a sign on its door: whoever cannot share it rings the bell
# on commit. While no publisher sleeps nobody notifies, because a NOTIFY makes commits wait for each other. Whoever
# shares the lock until its commit keeps the publisher from falling asleep before it has seen the event.
DOOR_LOCK: Final = 0x6B61_6972_656F_6E01
BELL: Final = "outbox"
RING_IF_ASLEEP: Final = f"CASE WHEN NOT pg_try_advisory_xact_lock_shared({DOOR_LOCK}) THEN pg_notify('{BELL}', '') END"
EVENT_COLUMNS: Final = "id, tenant_id, topic, key, payload, occurred_at"
_INSERT: Final = f"""
WITH events AS (
    INSERT INTO outbox_events ({EVENT_COLUMNS})
    SELECT id, tenant_id, topic, key, payload::json, occurred_at
    FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::text[], %s::timestamptz[])
         WITH ORDINALITY AS new (id, tenant_id, topic, key, payload, occurred_at, place)
    ORDER BY place
)
SELECT {RING_IF_ASLEEP}"""  # noqa: S608 - constants


class EventTooLarge(Unprocessable):
    """The event cannot be published as it is: its payload is over the limit, or its topic or key is none."""

    code = "EVENT_REFUSED"


def enqueue(
    *,
    tenant_id: uuid.UUID,
    topic: str,
    payload: Mapping[str, Any],
    now: datetime,
    key: str | None = None,
    event_id: uuid.UUID | None = None,
) -> uuid.UUID:
    """Write one event with the caller's transaction and return its id, a UUIDv7.

    `key` orders: events of one key leave in the order of their transactions; it defaults to the payload's
    `customerId`. Raises RuntimeError outside a transaction, and EventTooLarge (422) that names the field when the
    payload exceeds the limit or cannot be JSON. Whatever the database refuses is the caller's failure too.
    """
    event = prepare_event(
        tenant_id=tenant_id, topic=topic, payload=payload, now=now, key=key, event_id=event_id or new_id()
    )
    enqueue_many(events=[event])
    return event.id


def prepare_event(
    *,
    tenant_id: uuid.UUID,
    topic: str,
    payload: Mapping[str, Any],
    now: datetime,
    key: str | None = None,
    event_id: uuid.UUID | None = None,
) -> NewEvent:
    """Check an event without writing it. Raises EventTooLarge."""
    try:
        return make_event(
            event_id=event_id or new_id(), tenant_id=tenant_id, topic=topic, payload=payload, key=key, occurred_at=now
        )
    except EventRefused as error:
        raise EventTooLarge(str(error), fields={error.field: [error.message]}) from None


def enqueue_many(*, events: Sequence[NewEvent]) -> None:
    """Write events with the caller's transaction, in the order given. Raises RuntimeError outside a transaction."""
    if not connection.in_atomic_block:
        raise RuntimeError("an event outside a transaction would leave without what it tells about, or not at all")
    if not events:
        return
    columns = zip(*((e.id, e.tenant_id, e.topic, e.key, e.payload, e.occurred_at) for e in events), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [list(column) for column in columns])
