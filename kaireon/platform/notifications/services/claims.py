"""The ledger's statements: claim, mark as leaving, record the outcome, recover what a dead process left.

Each is one conditional statement that commits by itself. A claim is a token: only its owner may write an outcome.
"""

import json
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction

from kaireon.platform.ids import new_id
from kaireon.platform.notifications.decisions import (
    FIRING_NEVER_ARRIVED,
    LEASE,
    MAX_IN_FLIGHT_PER_DESTINATION,
    STOPPED_BEFORE_ANSWER,
    Message,
    State,
    Verdict,
)
from kaireon.platform.notifications.models import Delivery, DeliveryAttempt

RECOVERY_BATCH: Final = 500

# Every destination that has something pending, by hops along the index: its cost does not grow with the backlog.
_ALL_PROVIDERS: Final = """
    (SELECT provider_id FROM notifications_delivery WHERE state = 'pending' ORDER BY provider_id LIMIT 1)
    UNION ALL
    SELECT (SELECT later.provider_id FROM notifications_delivery later
            WHERE later.state = 'pending' AND later.provider_id > provider.provider_id
            ORDER BY later.provider_id LIMIT 1)
    FROM provider WHERE provider.provider_id IS NOT NULL"""

_NAMED_PROVIDERS: Final = """
    SELECT DISTINCT provider_id FROM notifications_delivery WHERE state = 'pending' AND id = ANY(%(ids)s)"""

# The oldest of each destination first, then everybody's second: a long queue for one destination delays no other.
_CLAIM: Final = """
WITH RECURSIVE provider(provider_id) AS ({providers}),
due AS (
    SELECT next.id FROM provider
    CROSS JOIN LATERAL (
        SELECT queued.id, queued.next_attempt_at,
               row_number() OVER (ORDER BY queued.next_attempt_at, queued.id) AS turn
        FROM (
            SELECT waiting.id, waiting.next_attempt_at FROM notifications_delivery waiting
            WHERE waiting.state = 'pending' AND waiting.provider_id = provider.provider_id
              AND waiting.next_attempt_at <= %(now)s
              AND (%(tenant)s::uuid IS NULL OR waiting.tenant_id = %(tenant)s::uuid)
              AND (%(ids)s::uuid[] IS NULL OR waiting.id = ANY(%(ids)s::uuid[]))
              AND NOT EXISTS (
                  SELECT 1 FROM notifications_delivery first
                  LEFT JOIN notifications_delivery digest ON digest.id = first.digest_id
                  WHERE first.id = waiting.depends_on_id
                    AND (first.state IN ('pending', 'sending') OR digest.state IN ('pending', 'sending')))
            ORDER BY waiting.next_attempt_at, waiting.id
            LIMIT greatest(0, %(per_destination)s - (
                SELECT count(*) FROM notifications_delivery busy
                WHERE busy.state = 'sending' AND busy.provider_id = provider.provider_id
                  AND busy.lease_until > %(now)s))
        ) queued
    ) next
    WHERE NOT EXISTS (
        SELECT 1 FROM notifications_destination paused
        WHERE paused.id = provider.provider_id AND paused.paused_until > %(now)s)
    ORDER BY next.turn, next.next_attempt_at
    LIMIT %(limit)s
),
mine AS (
    SELECT id FROM notifications_delivery
    WHERE id IN (SELECT id FROM due) AND state = 'pending' FOR UPDATE SKIP LOCKED
)
UPDATE notifications_delivery SET state = 'sending', claim_token = %(token)s, lease_until = %(lease)s,
       sending_at = NULL, next_attempt_at = NULL
WHERE id IN (SELECT id FROM mine)
RETURNING id, tenant_id, provider_id, provider_kind, event_type, message, attempts"""

_FAIL_ORPHANS: Final = """
UPDATE notifications_delivery waiting
SET state = 'failed', error = %(reason)s, finished_at = %(now)s, next_attempt_at = NULL
FROM notifications_delivery first LEFT JOIN notifications_delivery digest ON digest.id = first.digest_id
WHERE waiting.state = 'pending' AND waiting.depends_on_id = first.id
  AND coalesce(digest.state, first.state) IN ('failed', 'capped')
RETURNING waiting.id"""

_RECOVER: Final = """
UPDATE notifications_delivery SET
    state = CASE WHEN sending_at IS NULL THEN 'pending' ELSE 'unknown' END,
    next_attempt_at = CASE WHEN sending_at IS NULL THEN %(now)s END,
    finished_at = CASE WHEN sending_at IS NULL THEN NULL ELSE %(now)s END,
    error = CASE WHEN sending_at IS NULL THEN error ELSE %(reason)s END,
    claim_token = CASE WHEN sending_at IS NULL THEN NULL ELSE claim_token END,
    lease_until = NULL
WHERE id IN (
    SELECT id FROM notifications_delivery WHERE state = 'sending' AND lease_until <= %(now)s
    ORDER BY lease_until LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING id, tenant_id, provider_id, attempts, sending_at, state"""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which deliveries a pass may touch: all, one tenant's, or these."""

    tenant_id: uuid.UUID | None = None
    delivery_ids: Collection[uuid.UUID] | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that this process may send, as long as the token stands."""

    delivery_id: uuid.UUID
    tenant_id: uuid.UUID
    provider_id: uuid.UUID
    provider_kind: str
    event_type: str
    message: Message
    attempts: int
    token: uuid.UUID


@dataclass(frozen=True, slots=True)
class LostDelivery:
    """What a dead process left: back in the queue, or `unknown` when the request may have left."""

    delivery_id: uuid.UUID
    tenant_id: uuid.UUID
    provider_id: uuid.UUID
    state: State


def claim_due(*, now: datetime, limit: int, scope: Scope) -> list[Claim]:
    """Claim up to `limit` due deliveries, round robin among destinations, for the length of a lease."""
    token = uuid.uuid4()
    ids = None if scope.delivery_ids is None else list(scope.delivery_ids)
    parameters = {
        "now": now,
        "tenant": scope.tenant_id,
        "ids": ids,
        "limit": limit,
        "token": token,
        "lease": now + LEASE,
        "per_destination": MAX_IN_FLIGHT_PER_DESTINATION,
    }
    statement = _CLAIM.format(providers=_ALL_PROVIDERS if ids is None else _NAMED_PROVIDERS)
    return [_claim_of(row, token) for row in _rows(statement, parameters)]


def mark_leaving(claim: Claim, *, now: datetime) -> int | None:
    """Write down that the request is about to leave, and return the attempt's number.

    None when the lease was lost meanwhile: somebody else has the delivery, so it must not be sent. From here on a
    process that dies leaves `unknown`.
    """
    statement = """
        UPDATE notifications_delivery SET sending_at = %(now)s, lease_until = %(lease)s, attempts = attempts + 1
        WHERE id = %(id)s AND claim_token = %(token)s AND state = 'sending' RETURNING attempts"""
    parameters = {"now": now, "lease": now + LEASE, "id": claim.delivery_id, "token": claim.token}
    rows = _rows(statement, parameters)
    return int(rows[0]["attempts"]) if rows else None


@transaction.atomic(durable=True)
def record_outcome(claim: Claim, verdict: Verdict, attempt: DeliveryAttempt | None, *, now: datetime) -> bool:
    """Write the outcome and the attempt; return False when the delivery is no longer ours.

    A lease that ran out made it `unknown`; the truth that arrives late still replaces that.
    """
    is_over = verdict.state is not State.PENDING
    mine = Delivery.objects.for_tenant(claim.tenant_id).filter(
        pk=claim.delivery_id, claim_token=claim.token, state__in=[State.SENDING, State.UNKNOWN]
    )
    changed = mine.update(
        state=verdict.state,
        error=verdict.error,
        status_code=attempt.status_code if attempt else None,
        next_attempt_at=verdict.next_attempt_at,
        finished_at=now if is_over else None,
        claim_token=None,
        lease_until=None,
        sending_at=None,
    )
    if changed and attempt is not None:
        DeliveryAttempt.objects.bulk_create(
            [attempt],
            update_conflicts=True,
            unique_fields=["delivery", "number"],
            update_fields=["finished_at", "outcome", "status_code", "error"],
        )
    return bool(changed)


def fail_orphans(*, now: datetime) -> int:
    """End the deliveries that waited for one that never arrived; return how many."""
    return len(_rows(_FAIL_ORPHANS, {"now": now, "reason": FIRING_NEVER_ARRIVED}))


@transaction.atomic(durable=True)
def recover_lost(*, now: datetime) -> list[LostDelivery]:
    """Settle the deliveries whose lease ran out: back to `pending` if nothing had left, else `unknown`."""
    rows = _rows(_RECOVER, {"now": now, "reason": STOPPED_BEFORE_ANSWER, "limit": RECOVERY_BATCH})
    DeliveryAttempt.objects.bulk_create(
        [
            DeliveryAttempt(
                tenant_id=row["tenant_id"], delivery_id=row["id"], number=row["attempts"], started_at=row["sending_at"],
                finished_at=now, outcome=State.UNKNOWN, error=STOPPED_BEFORE_ANSWER,
            )
            for row in rows
            if row["state"] == State.UNKNOWN
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    return [LostDelivery(row["id"], row["tenant_id"], row["provider_id"], State(row["state"])) for row in rows]


def count_due(*, now: datetime, scope: Scope) -> int:
    """Count the deliveries of the scope that are due and not sent yet."""
    rows = Delivery.objects.across_tenants().filter(state=State.PENDING, next_attempt_at__lte=now)
    if scope.tenant_id is not None:
        rows = rows.filter(tenant_id=scope.tenant_id)
    if scope.delivery_ids is not None:
        rows = rows.filter(pk__in=scope.delivery_ids)
    return rows.count()


def new_attempt(claim: Claim, *, number: int, started_at: datetime, finished_at: datetime) -> DeliveryAttempt:
    """Return the row of one attempt, without its outcome."""
    return DeliveryAttempt(
        id=new_id(), tenant_id=claim.tenant_id, delivery_id=claim.delivery_id, number=number,
        started_at=started_at, finished_at=finished_at,
    )  # fmt: skip


def _claim_of(row: dict[str, Any], token: uuid.UUID) -> Claim:
    # Django's raw cursors leave jsonb as text.
    message = json.loads(row["message"])
    return Claim(
        delivery_id=row["id"], tenant_id=row["tenant_id"], provider_id=row["provider_id"],
        provider_kind=row["provider_kind"], event_type=row["event_type"], attempts=row["attempts"], token=token,
        message=Message.from_json(message),
    )  # fmt: skip


def _rows(statement: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
