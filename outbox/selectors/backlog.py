"""How much waits, since when, and until when: bounded questions, whatever the table holds.

No count goes beyond its bound and no scan starts anywhere but at the front of an index, so a scrape costs the same
with ten million events as with ten.
"""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from outbox.decisions.draining import drain_seconds
from outbox.selectors.publishers import live_rate

EXACT: Final = 10_000
MOST_OF_A_TENANT: Final = 100_000
# Of so many tenants, held keys and claims the oldest event is looked for.
MOST_TENANTS: Final = 1_000
MOST_HELD_KEYS: Final = 2_000
MOST_HELD_KEYS_OF_A_TENANT: Final = 500

# In the order of an index, so that the pages of events that left long ago are not read. Above the bound the server's
# own count of live rows answers; it is missing for a while after a crash of the server, then the last ANALYZE does.
_PENDING: Final = f"""
SELECT CASE WHEN seen.total < {EXACT} THEN seen.total ELSE (
    SELECT greatest({EXACT}, coalesce(nullif(pg_stat_get_live_tuples(c.oid), 0), c.reltuples::bigint))
    FROM pg_class AS c WHERE c.oid = 'outbox_events'::regclass
) END
FROM (SELECT count(*) AS total FROM (
    (SELECT 1 FROM outbox_events WHERE NOT is_held ORDER BY tenant_id, seq LIMIT {EXACT})
    UNION ALL
    (SELECT 1 FROM outbox_events WHERE is_held ORDER BY tenant_id, key, seq LIMIT {EXACT})
    LIMIT {EXACT}
) AS each) AS seen"""  # noqa: S608 - constants

# The first of each tenant's line, whether under way or not.
_OLDEST_READY: Final = f"""
WITH RECURSIVE front AS (
    (SELECT tenant_id, created_at FROM outbox_events WHERE NOT is_held ORDER BY tenant_id, seq LIMIT 1)
    UNION ALL
    SELECT following.tenant_id, following.created_at FROM front CROSS JOIN LATERAL (
        SELECT e.tenant_id, e.created_at FROM outbox_events AS e
        WHERE NOT e.is_held AND e.tenant_id > front.tenant_id ORDER BY e.tenant_id, e.seq LIMIT 1
    ) AS following
)
SELECT min(created_at) FROM (SELECT created_at FROM front LIMIT {MOST_TENANTS}) AS lines"""  # noqa: S608 - constants
# The same, and the first of each held key.
_OLDEST: Final = f"""
SELECT least(({_OLDEST_READY}),
             (SELECT min(created_at) FROM (SELECT created_at FROM outbox_events WHERE next_attempt_at IS NOT NULL
                                           ORDER BY next_attempt_at LIMIT {MOST_HELD_KEYS}) AS heads))"""  # noqa: S608

_OF_TENANTS: Final = f"""
SELECT t.id,
       (SELECT count(*) FROM (SELECT 1 FROM outbox_events AS e WHERE NOT e.is_held AND e.tenant_id = t.id
                              ORDER BY e.seq LIMIT {MOST_OF_A_TENANT}) AS ready),
       (SELECT count(*) FROM (SELECT 1 FROM outbox_events AS e WHERE e.is_held AND e.tenant_id = t.id
                              ORDER BY e.key, e.seq LIMIT {MOST_OF_A_TENANT}) AS held)
FROM unnest(%(tenants)s::uuid[]) AS t (id)"""  # noqa: S608 - constants

_OLDEST_READY_OF_A_TENANT: Final = (
    "SELECT created_at FROM outbox_events WHERE NOT is_held AND tenant_id = %(tenant)s ORDER BY seq LIMIT 1"
)

# A held key's first event is its oldest: the next key is found without reading those between.
_OLDEST_OF_TENANTS: Final = f"""
SELECT t.id, least(
    (SELECT e.created_at FROM outbox_events AS e WHERE NOT e.is_held AND e.tenant_id = t.id ORDER BY e.seq LIMIT 1),
    (SELECT min(heads.created_at) FROM (
        WITH RECURSIVE held AS (
            (SELECT e.key, e.created_at FROM outbox_events AS e
             WHERE e.is_held AND e.tenant_id = t.id ORDER BY e.key, e.seq LIMIT 1)
            UNION ALL
            SELECT following.key, following.created_at FROM held CROSS JOIN LATERAL (
                SELECT e.key, e.created_at FROM outbox_events AS e
                WHERE e.is_held AND e.tenant_id = t.id AND e.key > held.key ORDER BY e.key, e.seq LIMIT 1
            ) AS following
        ) SELECT created_at FROM held LIMIT {MOST_HELD_KEYS_OF_A_TENANT}
    ) AS heads))
FROM unnest(%(tenants)s::uuid[]) AS t (id)"""  # noqa: S608 - constants

_WAITING_TENANTS: Final = f"""
WITH RECURSIVE lines AS (
    (SELECT tenant_id FROM outbox_events WHERE NOT is_held ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT following.tenant_id FROM lines CROSS JOIN LATERAL (
        SELECT e.tenant_id FROM outbox_events AS e
        WHERE NOT e.is_held AND e.tenant_id > lines.tenant_id ORDER BY e.tenant_id LIMIT 1
    ) AS following
)
SELECT coalesce(sum(counted.total), 0) FROM (SELECT tenant_id FROM lines LIMIT {MOST_TENANTS}) AS l
CROSS JOIN LATERAL (
    SELECT count(*) AS total FROM (
        SELECT 1 FROM outbox_events AS e WHERE NOT e.is_held AND e.tenant_id = l.tenant_id
        ORDER BY e.seq LIMIT %(most)s) AS each
) AS counted"""  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class Backlog:
    """What of a tenant has not left: `ready` waits or is under way, `held` stands behind a failed event of its key.

    `oldest_at` is of both, `ready_oldest_at` of what no failed event holds back.
    Counts end at MOST_OF_A_TENANT. `rate` is what all live publishers together send per second; `drain_seconds` is
    None when they send nothing.
    """

    ready: int
    held: int
    oldest_at: datetime | None
    ready_oldest_at: datetime | None
    rate: float
    drain_seconds: float | None

    @property
    def total(self) -> int:
        """Return how many events have not left."""
        return self.ready + self.held

    @property
    def is_more(self) -> bool:
        """Tell whether a count has reached its bound."""
        return MOST_OF_A_TENANT in (self.ready, self.held)


def pending_count() -> int:
    """Return how many events of all tenants have not left: exact below EXACT, above it from statistics."""
    return int(_rows(_PENDING)[0][0])


def oldest_seconds(now: datetime) -> float:
    """Return the age of the oldest event that has not left, 0 without one.

    A retried dead letter is as old as its retry.
    """
    return _age(_rows(_OLDEST)[0][0], now)


def oldest_ready_seconds(now: datetime) -> float:
    """Return the age of the oldest event that waits for a publisher or is under way, 0 without one.

    Those of held keys, which wait for their next attempt, do not count: a publisher that works leaves them where they
    are.
    """
    return _age(_rows(_OLDEST_READY)[0][0], now)


def pending_by_tenant(tenant_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Return how many events of each tenant have not left, at most MOST_OF_A_TENANT ready and as many held ones."""
    rows = _rows(_OF_TENANTS, {"tenants": list(tenant_ids)})
    return {tenant_id: ready + held for tenant_id, ready, held in rows}


def oldest_by_tenant(tenant_ids: Collection[uuid.UUID], now: datetime) -> dict[uuid.UUID, float]:
    """Return the age in seconds of each tenant's oldest event that has not left, 0 without one."""
    return {tenant_id: _age(oldest, now) for tenant_id, oldest in _oldest_at(tenant_ids).items()}


def backlog_of(tenant_id: uuid.UUID, now: datetime) -> Backlog:
    """Return one tenant's backlog with the time in which it will have drained at the present rate."""
    _, ready, held = _rows(_OF_TENANTS, {"tenants": [tenant_id]})[0]
    rate = live_rate(now)
    front = _rows(_OLDEST_READY_OF_A_TENANT, {"tenant": tenant_id})
    return Backlog(
        ready=ready, held=held, oldest_at=_oldest_at([tenant_id])[tenant_id],
        ready_oldest_at=front[0][0] if front else None, rate=rate, drain_seconds=drain_seconds(_ahead(ready), rate),
    )  # fmt: skip


def _ahead(ready: int) -> int:
    """Return how many events leave until a tenant's `ready` ones have: tenants take turns, so at most as many of each.

    For long lines it is everything that waits, which is more than enough.
    """
    if ready == 0:
        return 0
    return int(_rows(_WAITING_TENANTS, {"most": ready})[0][0]) if ready <= EXACT else max(ready, pending_count())


def _oldest_at(tenant_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, datetime | None]:
    return dict(_rows(_OLDEST_OF_TENANTS, {"tenants": list(tenant_ids)}))


def _age(oldest: datetime | None, now: datetime) -> float:
    return 0.0 if oldest is None else max(0.0, (now - oldest).total_seconds())


def _rows(statement: str, parameters: Mapping[str, Any] | None = None) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
