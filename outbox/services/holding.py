"""Held keys: make the first held event of a key due, so that those behind it leave in their order.

A key is held while any of its events is. Its first event carries `next_attempt_at`; when that one left, was buried or
was purged, the next one takes over. Both this and the claims that put events aside stand in the turnstile, so none can
slip between the look and the mark.
"""

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Final, NamedTuple

from django.db import connection

from outbox.services.claim_sql import TURNSTILE_LOCK

# How many held keys one pass of healing looks at.
MOST_KEYS: Final = 1_000

_WAIT_AT_TURNSTILE: Final = f"SELECT pg_advisory_xact_lock({TURNSTILE_LOCK})"
_PROMOTE: Final = """
UPDATE outbox_events AS e SET next_attempt_at = %(now)s, updated_at = %(now)s
FROM unnest(%(tenants)s::uuid[], %(keys)s::text[]) AS k (tenant_id, key) CROSS JOIN LATERAL (
    SELECT h.ctid AS tid, h.next_attempt_at FROM outbox_events AS h
    WHERE h.is_held AND h.tenant_id = k.tenant_id AND h.key = k.key ORDER BY h.seq LIMIT 1
) AS head
WHERE e.ctid = head.tid AND head.next_attempt_at IS NULL"""
_HEADLESS: Final = f"""
WITH RECURSIVE held AS (
    (SELECT tenant_id, key, next_attempt_at, 1 AS place FROM outbox_events
     WHERE is_held AND (tenant_id, key) > (%(tenant)s, %(key)s) ORDER BY tenant_id, key, seq LIMIT 1)
    UNION ALL
    SELECT n.tenant_id, n.key, n.next_attempt_at, h.place + 1 FROM held AS h CROSS JOIN LATERAL (
        SELECT e.tenant_id, e.key, e.next_attempt_at FROM outbox_events AS e
        WHERE e.is_held AND (e.tenant_id, e.key) > (h.tenant_id, h.key)
        ORDER BY e.tenant_id, e.key, e.seq LIMIT 1
    ) AS n WHERE h.place < {MOST_KEYS}
)
SELECT tenant_id, key, next_attempt_at IS NULL, place FROM held
WHERE next_attempt_at IS NULL OR place = {MOST_KEYS} ORDER BY place"""  # noqa: S608 - a constant


class HeldKey(NamedTuple):
    """A key with held events, of one tenant."""

    tenant_id: uuid.UUID
    key: str


class Healed(NamedTuple):
    """How many keys one pass of healing mended, and after which key the next one goes on."""

    mended: int
    after: HeldKey


# No tenant has this id: before the first held key of all.
BEFORE_ALL: Final = HeldKey(uuid.UUID(int=0), "")


def promote_heads(*, keys: Collection[tuple[uuid.UUID, str]], now: datetime) -> int:
    """Make the first held event of each (tenant, key) due unless it has its time; joins the caller's transaction.

    Call it after removing or releasing a held event. Returns how many became due.
    """
    if not keys:
        return 0
    ordered = sorted(set(keys))
    with connection.cursor() as cursor:
        # A statement of its own: the next one must see what the claims before us committed.
        cursor.execute(_WAIT_AT_TURNSTILE)
        cursor.execute(
            _PROMOTE, {"now": now, "tenants": [tenant for tenant, _ in ordered], "keys": [key for _, key in ordered]}
        )
        return int(cursor.rowcount)


def heal_holds(*, now: datetime, after: HeldKey = BEFORE_ALL) -> Healed:
    """Make held keys due that nobody would come back to: their first event was deleted by hand. Joins a transaction.

    Looks at the next MOST_KEYS held keys after `after`, by tenant and key; once it has seen the last one it begins
    anew.
    """
    with connection.cursor() as cursor:
        cursor.execute(_HEADLESS, {"tenant": after.tenant_id, "key": after.key})
        seen = [(HeldKey(tenant, key), is_headless, place) for tenant, key, is_headless, place in cursor.fetchall()]
    last, _, place = seen[-1] if seen else (BEFORE_ALL, False, 0)
    mended = promote_heads(keys=[key for key, is_headless, _ in seen if is_headless], now=now)
    return Healed(mended, last if place == MOST_KEYS else BEFORE_ALL)
