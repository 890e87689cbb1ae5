# ruff: noqa: S608 - constants of this module, no input
"""The statements of a claim.

`outbox_claims` tells which keys are in flight: one row per publisher, rewritten by each of its claims. No index of
`outbox_events` knows the status, so a claim rewrites rows on their own pages and touches no index (HOT updates):
that is half the cost of a claim that moves rows between partial indexes.
"""

from dataclasses import dataclass
from typing import Final

TURNSTILE_LOCK: Final = 0x6B61_6972_656F_6E02
MOST_TENANTS: Final = 64
# How many events of a tenant one claim looks at: beyond it, only keys that are in flight elsewhere were seen.
LOOK_AHEAD: Final = 10_000
# A key that comes back from a hold sends its waiting events in runs of this length.
RUN_LENGTH: Final = 200
MOST_HEADS: Final = 50

# A long lock wait means that somebody holds the table; the tier says so and tries again. A claim that a crash of the
# server forgets is no claim, so its commit need not wait for the disk. Compiling a plan takes longer than running it.
# The look must see what was committed before it, whatever level of isolation the server prefers.
# Past the turnstile everybody waits for this claim, so it waits for a locked row for a moment only.
TURNSTILE: Final = f"""
SET LOCAL transaction_isolation = 'read committed';
SET LOCAL lock_timeout = '5s'; SET LOCAL synchronous_commit = off; SET LOCAL jit = off;
SELECT pg_advisory_xact_lock({TURNSTILE_LOCK}); SET LOCAL lock_timeout = '200ms';
"""
KEY_HASH: Final = "hashtextextended(e.key, uuid_hash_extended(e.tenant_id, 0))"
# A publisher settles its claim before it makes the next, so its own note is of the past. After a claim of which it does
# not know what became of it, it claims under another id: then that note counts.
IN_FLIGHT: Final = "(SELECT unnest(keys) FROM outbox_claims WHERE publisher <> %(publisher)s)"

# Rows that somebody else has locked are left, and with them what comes after them in their key. It costs another look
# at each row, so claims do it only where they have met such rows.
_SKIP_LOCKED: Final = """
), locked AS MATERIALIZED (
    SELECT e.ctid AS tid FROM outbox_events AS e
    WHERE e.ctid = ANY (ARRAY(SELECT tid FROM picked)) AND e.status = 'pending' FOR UPDATE SKIP LOCKED
), taken AS MATERIALIZED (
    SELECT p.tid, p.is_behind FROM picked AS p
    WHERE p.tid IN (SELECT tid FROM locked) AND (p.is_behind OR p.key_hash NOT IN (
        SELECT other.key_hash FROM picked AS other
        WHERE NOT other.is_behind AND other.tid NOT IN (SELECT tid FROM locked)
    ))"""
_TAKE_ALL: Final = """
), taken AS (
    SELECT p.tid, p.is_behind FROM picked AS p"""
_MARK: Final = f"""
    UPDATE outbox_events AS e SET
        status = 'processing', claim_token = %(token)s, lease_until = %(lease_until)s, updated_at = %(now)s
    FROM taken AS t WHERE NOT t.is_behind AND e.ctid = t.tid
    RETURNING e.id::text, e.tenant_id::text, e.topic, e.key, e.payload::text,
        to_char(e.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS stamp,
        extract(epoch FROM e.created_at)::float8 AS born, e.seq, e.attempts, e.is_held, e.ctid::text AS tid,
        {KEY_HASH} AS key_hash
), noted AS (
    INSERT INTO outbox_claims (publisher, token, lease_until, keys)
    SELECT %(publisher)s, %(token)s, %(lease_until)s, array_agg(key_hash) FROM claimed HAVING count(*) > 0
    ON CONFLICT (publisher) DO UPDATE
    SET token = excluded.token, lease_until = excluded.lease_until, keys = excluded.keys
)"""

_LOOKED: Final = """, looked AS (
    SELECT (SELECT count(*) FROM aside) AS aside, (SELECT count(*) FROM taken WHERE NOT is_behind) AS taken,
           (SELECT count(*) FROM sharing) AS tenants,
           (SELECT tenant_id FROM sharing ORDER BY tenant_id DESC LIMIT 1) AS last_tenant
)"""

_EVERYBODY: Final = """
    (SELECT tenant_id FROM outbox_events WHERE NOT is_held AND tenant_id > %(after)s ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT e.tenant_id FROM outbox_events AS e
            WHERE NOT e.is_held AND e.tenant_id > w.tenant_id ORDER BY e.tenant_id LIMIT 1)
    FROM waiting AS w WHERE w.tenant_id IS NOT NULL"""
_ONE_TENANT: Final = "SELECT %(tenant)s::uuid"


def _claim_of(waiting: str, lock: str) -> str:
    """Return the claim over the tenants that `waiting` finds.

    An event behind a held one of its key is put aside, so that no claim meets it again before its time; one whose key
    is in flight stays where it is. Everybody's first event comes before anybody's second, in the order of tenants.
    """
    return f"""{TURNSTILE}
WITH RECURSIVE waiting (tenant_id) AS ({waiting}
), sharing AS MATERIALIZED (
    SELECT w.tenant_id, coalesce(s.share, %(of_others)s) AS share
    FROM (SELECT tenant_id FROM waiting WHERE tenant_id IS NOT NULL LIMIT {MOST_TENANTS}) AS w
    LEFT JOIN unnest(%(tenants)s::uuid[], %(shares)s::int[]) AS s (tenant_id, share) USING (tenant_id)
), picked AS MATERIALIZED (
    SELECT c.tid, c.is_behind, c.key_hash
    FROM sharing AS s CROSS JOIN LATERAL (
        SELECT ready.tid, ready.is_behind, ready.key_hash, row_number() OVER (ORDER BY ready.seq) AS place
        FROM (
            SELECT near.tid, near.seq, near.is_behind, near.key_hash
            FROM (
                SELECT e.ctid AS tid, e.seq, e.status, {KEY_HASH} AS key_hash,
                       EXISTS (SELECT 1 FROM outbox_events AS h
                               WHERE h.is_held AND h.tenant_id = e.tenant_id AND h.key = e.key) AS is_behind
                FROM outbox_events AS e
                WHERE e.tenant_id = s.tenant_id AND NOT e.is_held
                ORDER BY e.seq LIMIT {LOOK_AHEAD}
            ) AS near
            WHERE near.status = 'pending' AND (near.is_behind OR near.key_hash NOT IN {IN_FLIGHT})
            ORDER BY near.seq LIMIT s.share
        ) AS ready
    ) AS c
    ORDER BY c.place, s.tenant_id LIMIT %(limit)s
{lock}
), aside AS (
    UPDATE outbox_events AS e SET is_held = true, updated_at = %(now)s
    FROM taken AS t WHERE t.is_behind AND e.ctid = t.tid
    RETURNING 1
), claimed AS ({_MARK}{_LOOKED}
SELECT {_RESULT} FROM looked AS l LEFT JOIN claimed AS c ON true ORDER BY c.seq"""


def _claim_of_due(lock: str) -> str:
    """Return the claim of held keys whose time has come."""
    return f"""{TURNSTILE}
WITH heads AS MATERIALIZED (
    SELECT e.tenant_id, e.key, e.attempts, {KEY_HASH} AS key_hash FROM outbox_events AS e
    WHERE e.next_attempt_at <= %(now)s AND e.status = 'pending'
      AND e.tenant_id = coalesce(%(tenant)s::uuid, e.tenant_id) AND {KEY_HASH} NOT IN {IN_FLIGHT}
    ORDER BY e.next_attempt_at LIMIT least({MOST_HEADS}, %(limit)s)
), picked AS MATERIALIZED (
    SELECT r.tid, false AS is_behind, h.key_hash FROM heads AS h CROSS JOIN LATERAL (
        SELECT e.ctid AS tid FROM outbox_events AS e
        WHERE e.is_held AND e.tenant_id = h.tenant_id AND e.key = h.key
        ORDER BY e.seq LIMIT CASE WHEN h.attempts > 0 THEN 1 ELSE least({RUN_LENGTH}, %(limit)s) END
    ) AS r
{lock}
), claimed AS ({_MARK}, looked AS (
    SELECT 0 AS aside, (SELECT count(*) FROM taken) AS taken, 0 AS tenants, NULL::uuid AS last_tenant
)
SELECT {_RESULT} FROM looked AS l LEFT JOIN claimed AS c ON true ORDER BY c.seq"""


_RESULT: Final = """c.id, c.tenant_id, c.topic, c.key, c.payload, c.stamp, c.born, c.seq, c.attempts, c.is_held, c.tid,
    l.aside, l.taken, l.tenants, l.last_tenant"""


@dataclass(frozen=True, slots=True)
class ClaimStatement:
    """A claim in its two forms: one that waits for locked rows, and one that leaves them."""

    quick: str
    skipping: str


CLAIM_OF_ALL: Final = ClaimStatement(_claim_of(_EVERYBODY, _TAKE_ALL), _claim_of(_EVERYBODY, _SKIP_LOCKED))
CLAIM_OF_ONE: Final = ClaimStatement(_claim_of(_ONE_TENANT, _TAKE_ALL), _claim_of(_ONE_TENANT, _SKIP_LOCKED))
CLAIM_DUE: Final = ClaimStatement(_claim_of_due(_TAKE_ALL), _claim_of_due(_SKIP_LOCKED))
