"""Held keys: the event that failed, and what waits behind it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection

MOST_KEYS: Final = 500
MOST_BEHIND: Final = 1_000
MOST_COUNTED: Final = 10_000
SHOWN: Final = 50

# From one key to the next without reading what stands behind it.
_HELD: Final = f"""
WITH RECURSIVE head AS (
    (SELECT e.* FROM outbox_events AS e WHERE e.is_held AND e.tenant_id = %(tenant)s ORDER BY e.key, e.seq LIMIT 1)
    UNION ALL
    SELECT following.* FROM head CROSS JOIN LATERAL (
        SELECT e.* FROM outbox_events AS e WHERE e.is_held AND e.tenant_id = %(tenant)s AND e.key > head.key
        ORDER BY e.key, e.seq LIMIT 1
    ) AS following
)
SELECT h.key, h.id, h.topic, h.attempts, h.next_attempt_at, h.last_error, h.error_id, h.created_at,
       h.status = 'processing', behind.total
FROM (SELECT * FROM head LIMIT {MOST_KEYS + 1}) AS h CROSS JOIN LATERAL (
    SELECT count(*) AS total FROM (
        SELECT 1 FROM outbox_events AS e
        WHERE e.is_held AND e.tenant_id = %(tenant)s AND e.key = h.key AND e.seq > h.seq
        ORDER BY e.seq LIMIT {MOST_BEHIND}) AS each
) AS behind
ORDER BY behind.total DESC, h.created_at, h.key"""  # noqa: S608 - constants
# A held key has one event with a time.
_COUNT: Final = f"""
SELECT count(*) FROM (
    SELECT 1 FROM outbox_events WHERE next_attempt_at IS NOT NULL ORDER BY next_attempt_at LIMIT {MOST_COUNTED}
) AS heads"""  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class HeldHead:
    """A held key by its first event: why it failed, when it is tried again, and how many events wait behind it.

    `behind` ends at MOST_BEHIND. Without attempts the failed one has left, and those behind it are about to.
    """

    key: str
    event_id: uuid.UUID
    topic: str
    attempts: int
    next_attempt_at: datetime | None
    last_error: str
    error_id: uuid.UUID | None
    oldest_at: datetime
    is_under_way: bool
    behind: int

    @property
    def is_more_behind(self) -> bool:
        """Tell whether more wait than were counted."""
        return self.behind >= MOST_BEHIND


@dataclass(frozen=True, slots=True)
class HeldKeys:
    """The tenant's held keys, those with most events behind first; `total` ends at MOST_KEYS."""

    heads: Sequence[HeldHead]
    total: int
    is_more: bool


def held_keys(tenant_id: uuid.UUID, *, limit: int = SHOWN) -> HeldKeys:
    """Return the held keys of a tenant."""
    with connection.cursor() as cursor:
        cursor.execute(_HELD, {"tenant": tenant_id})
        rows = cursor.fetchall()
    total = min(len(rows), MOST_KEYS)
    return HeldKeys([HeldHead(*row) for row in rows[:limit]], total, len(rows) > MOST_KEYS)


def count_held_keys() -> int:
    """Return how many keys are held, of all tenants; at most MOST_COUNTED."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT)
        return int(cursor.fetchone()[0])
