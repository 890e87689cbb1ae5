"""The statement that takes events back from publishers.

No index knows the status, so events under way are looked for where they can be: at the front of each tenant's line,
and among the held ones. A publisher's note in `outbox_claims` goes with its events, and never before them: it is what
keeps other publishers from the later events of its keys.
"""

from typing import Final

from outbox.services.enqueueing import RING_IF_ASLEEP

# Beyond so many events a run looks at the front of each line alone. A stuck event further back is in nobody's way: it
# is found when the line has come to it, because a claim looks no further ahead than this.
SMALL_TABLE: Final = 500_000
FRONT: Final = 20_000
FRONT_OF_LOST: Final = 200

# Rows that somebody else has locked are being acknowledged or reaped at this moment: nobody waits, nobody deadlocks,
# and the note of such a claim stays until the next run. Of held events that were under way the first one of a key
# needs a time: the one that had it may have left meanwhile, and without it the others would never be due again.
# One message, which the server runs as one transaction; compiling the plan would take longer than running it. Who waits
# long for a lock waits for somebody who holds the table: it fails and says so, for a loop that hangs is restarted.
_REAP: Final = """SELECT set_config('jit', 'off', true), set_config('lock_timeout', '5s', true);
WITH RECURSIVE ended AS MATERIALIZED (
    SELECT token FROM outbox_claims WHERE lease_until < %(limit)s AND keys <> '{{}}'
), reach AS MATERIALIZED (
    SELECT {reach} AS most
), tenants (tenant_id) AS (
    (SELECT tenant_id FROM outbox_events WHERE NOT is_held ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT e.tenant_id FROM outbox_events AS e
            WHERE NOT e.is_held AND e.tenant_id > t.tenant_id ORDER BY e.tenant_id LIMIT 1)
    FROM tenants AS t WHERE t.tenant_id IS NOT NULL
), seen AS MATERIALIZED (
    SELECT front.id FROM tenants AS t CROSS JOIN LATERAL (
        SELECT * FROM outbox_events AS e WHERE NOT e.is_held AND e.tenant_id = t.tenant_id
        ORDER BY e.seq LIMIT (SELECT most FROM reach)
    ) AS front WHERE front.status = 'processing' AND {condition}
    UNION
    SELECT front.id FROM (
        SELECT * FROM outbox_events AS e WHERE e.is_held
        ORDER BY e.tenant_id, e.key, e.seq LIMIT (SELECT most FROM reach)
    ) AS front WHERE front.status = 'processing' AND {condition}
    UNION
    SELECT front.id FROM (
        SELECT * FROM outbox_events AS e WHERE e.next_attempt_at <= %(now)s
        ORDER BY e.next_attempt_at LIMIT (SELECT most FROM reach)
    ) AS front WHERE front.status = 'processing' AND {condition}
), stuck AS MATERIALIZED (
    SELECT front.id, front.tenant_id, front.key, front.seq, front.claim_token FROM outbox_events AS front
    WHERE front.id = ANY (ARRAY(SELECT id FROM seen)) AND front.status = 'processing' AND {condition}
    FOR UPDATE SKIP LOCKED
), reaped AS (
    UPDATE outbox_events AS event
    SET status = 'pending', claim_token = NULL, lease_until = NULL, updated_at = %(now)s,
        next_attempt_at = CASE WHEN event.is_held AND first.place = 1
                               THEN coalesce(event.next_attempt_at, %(now)s) ELSE event.next_attempt_at END
    FROM (SELECT id, row_number() OVER (PARTITION BY tenant_id, key ORDER BY seq) AS place FROM stuck) AS first
    WHERE event.id = first.id
    RETURNING 1
), forgotten AS (
    DELETE FROM outbox_claims AS note
    WHERE (note.lease_until < %(limit)s
           OR (SELECT most FROM reach) IS NULL AND note.token IN (SELECT claim_token FROM stuck))
      AND note.token NOT IN (SELECT left_over.claim_token FROM outbox_events AS left_over
                             WHERE left_over.id = ANY (ARRAY(SELECT id FROM seen EXCEPT SELECT id FROM stuck))
                               AND left_over.claim_token IS NOT NULL)
    RETURNING 1
), counted AS (
    SELECT (SELECT count(*) FROM reaped) AS total, (SELECT count(*) FROM forgotten) AS notes
)
SELECT total, CASE WHEN total + notes > 0 THEN ({ring}) END FROM counted"""

# A claim that ended may have events anywhere: then everything is looked at, which happens when a publisher has died.
REAP_STALE: Final = _REAP.format(
    condition="front.updated_at < %(limit)s AND coalesce(front.lease_until < %(now)s, true)",
    reach=f"""CASE WHEN NOT EXISTS (SELECT 1 FROM ended)
                     AND pg_stat_get_live_tuples('outbox_events'::regclass) > {SMALL_TABLE} THEN {FRONT} END""",  # noqa: S608 - constants
    ring=RING_IF_ASLEEP,
)
# An event whose claim stands in no note is looked for at the front of each line only, and that only now and then.
REAP_EXPIRED: Final = _REAP.format(
    condition="""(front.claim_token IN (SELECT token FROM ended)
         OR front.lease_until < %(now)s AND front.claim_token NOT IN (SELECT token FROM outbox_claims))""",
    reach="CASE WHEN NOT EXISTS (SELECT 1 FROM ended) THEN %(front)s END",
    ring=RING_IF_ASLEEP,
)
