"""Settle a claim: take away what was sent, back off what failed, bury what cannot leave, release the rest.

Everything is `WHERE claim_token = mine`: a publisher that lost its lease settles nothing. Rows are found by where they
lie, which costs no index; a row that was moved meanwhile is found by its id.
"""

import random
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction

from outbox.decisions import Outcome, Sent, backoff_seconds
from outbox.decisions.settlement import Buried, Retried, Settlement
from outbox.services.claiming import Claim
from outbox.services.holding import promote_heads

_CLEAR_CLAIM: Final = "UPDATE outbox_claims SET keys = '{}' WHERE publisher = %(claimant)s AND token = %(token)s"
# Somebody who holds a row of ours, or the table, for long: the settlement fails, says so, and is made again.
_PATIENCE: Final = "SET LOCAL lock_timeout = '5s'"
_MINE_BY_TID: Final = "e.ctid = ANY(%(tids)s::tid[]) AND e.claim_token = %(token)s"
_MINE_BY_ID: Final = "e.id = ANY(%(ids)s::uuid[]) AND e.claim_token = %(token)s"
_DELETE: Final = "WITH gone AS (DELETE FROM outbox_events AS e WHERE {mine} RETURNING 1) SELECT count(*) FROM gone"
_DELETE_AND_KEEP: Final = """
WITH gone AS (
    DELETE FROM outbox_events AS e WHERE {mine} RETURNING e.*
), kept AS (
    INSERT INTO outbox_history (id, tenant_id, topic, key, payload, occurred_at, created_at, published_at, attempts,
                                publisher, receipt)
    SELECT g.id, g.tenant_id, g.topic, g.key, g.payload, g.occurred_at, g.created_at, %(now)s, g.attempts + 1,
           %(publisher)s, {receipt}
)
SELECT count(*) FROM gone"""
_NO_RECEIPTS: Final = "'' FROM gone AS g"
_RECEIPTS: Final = """coalesce(r.receipt, '') FROM gone AS g
    LEFT JOIN unnest(%(receipt_ids)s::uuid[], %(receipts)s::text[]) AS r (id, receipt) ON r.id = g.id"""
_RETRY: Final = """
UPDATE outbox_events AS e SET
    status = 'pending', claim_token = NULL, lease_until = NULL, is_held = true, attempts = f.attempts,
    next_attempt_at = f.next_attempt_at, last_error = f.error, error_id = f.error_id, updated_at = %(now)s
FROM unnest(%(ids)s::uuid[], %(attempts)s::int[], %(times)s::timestamptz[], %(errors)s::text[], %(error_ids)s::uuid[])
     AS f (id, attempts, next_attempt_at, error, error_id)
WHERE e.id = f.id AND e.claim_token = %(token)s"""
_BURY: Final = """
WITH gone AS (
    DELETE FROM outbox_events AS e
    USING unnest(%(ids)s::uuid[], %(attempts)s::int[], %(reasons)s::text[], %(errors)s::text[], %(error_ids)s::uuid[])
          AS f (id, attempts, reason, error, error_id)
    WHERE e.id = f.id AND e.claim_token = %(token)s
    RETURNING e.id, e.seq, e.tenant_id, e.topic, e.key, e.payload, e.occurred_at, e.created_at,
              f.attempts, f.reason, f.error, f.error_id
)
INSERT INTO outbox_dead_letters (id, seq, tenant_id, topic, key, payload, occurred_at, created_at, retry_count, reason,
                                 error, error_id, failed_at)
SELECT g.id, g.seq, g.tenant_id, g.topic, g.key, g.payload, g.occurred_at, g.created_at, g.attempts, g.reason,
       g.error, g.error_id, %(now)s
FROM gone AS g"""
_RELEASE: Final = """
UPDATE outbox_events AS e SET
    status = 'pending', claim_token = NULL, lease_until = NULL, is_held = e.is_held OR %(hold)s, updated_at = %(now)s
WHERE e.id = ANY(%(ids)s::uuid[]) AND e.claim_token = %(token)s"""


@dataclass(frozen=True, slots=True)
class Settled:
    """What a settlement found of the claim: `lost` events were somebody else's by then, sent or not."""

    lost: int


def settle_sent(*, publisher: uuid.UUID, claim: Claim, outcomes: Sequence[Outcome], keep: bool, now: datetime) -> int:
    """Settle a claim of which everything was sent and nothing was held: one message to the server, one transaction.

    With `keep` the events go to the history of `now`'s hour. Returns how many were still ours.
    """
    places = range(len(claim.events))
    found = _delete(publisher, claim, places, outcomes, keep=keep, now=now, and_clear=True)
    if found < len(claim.events):
        found += _delete(publisher, claim, places, outcomes, keep=keep, now=now, by_id=True)
    return found


@transaction.atomic
def settle_mixed(
    *,
    publisher: uuid.UUID,
    claim: Claim,
    outcomes: Sequence[Outcome],
    plan: Settlement,
    error_ids: Sequence[uuid.UUID],
    keep: bool,
    now: datetime,
) -> Settled:
    """Settle any claim in one transaction; `error_ids` has one id per retried, then per buried event.

    Keys whose first held event left or died go on with the next one.
    """
    lost = 0
    _be_patient()
    if plan.sent:
        # By id: where a sent row lay, a rewrite of the table may have put one of this claim that was not sent.
        lost += len(plan.sent) - _delete(publisher, claim, plan.sent, outcomes, keep=keep, now=now, by_id=True)
    lost += _retry(claim, plan.retried, error_ids[: len(plan.retried)], now)
    lost += _bury(claim, plan.buried, error_ids[len(plan.retried) :], now)
    lost += _release(claim, plan.behind, now, hold=True)
    lost += _release(claim, plan.released, now, hold=False)
    gone = [*plan.sent, *(each.place for each in plan.buried)]
    held = [claim.events[place] for place in gone if claim.marks[place].is_held]
    promote_heads(keys=[(uuid.UUID(event.tenant_id), event.key) for event in held], now=now)
    _clear(claim)
    return Settled(lost)


@transaction.atomic
def release_claim(*, claim: Claim, now: datetime) -> Settled:
    """Give a whole claim back, untouched: no attempt is burnt."""
    _be_patient()
    lost = _release(claim, range(len(claim.events)), now, hold=False)
    _clear(claim)
    return Settled(lost)


def _delete(
    publisher: uuid.UUID,
    claim: Claim,
    places: Sequence[int],
    outcomes: Sequence[Outcome],
    *,
    keep: bool,
    now: datetime,
    and_clear: bool = False,
    by_id: bool = False,
) -> int:
    """Delete the events at these places, into the history if it is kept; return how many were still ours."""
    parameters: dict[str, Any] = {
        "publisher": publisher, "claimant": claim.claimant, "token": claim.token, "now": now,
    }  # fmt: skip
    if by_id:
        parameters["ids"] = _array(claim.events[place].id for place in places)
    else:
        parameters["tids"] = _array(f'"{claim.marks[place].tid}"' for place in places)
    receipts = [(claim.events[place].id, _receipt(outcomes[place])) for place in places] if keep else []
    with_receipts = any(receipt for _, receipt in receipts)
    if with_receipts:
        parameters["receipt_ids"] = _array(event_id for event_id, _ in receipts)
        parameters["receipts"] = [receipt for _, receipt in receipts]
    template = _DELETE_AND_KEEP if keep else _DELETE
    statement = template.format(
        mine=_MINE_BY_ID if by_id else _MINE_BY_TID, receipt=_RECEIPTS if with_receipts else _NO_RECEIPTS
    )
    # Events before the note, as the reaper takes them: the other way round the two could wait for each other.
    clear = f"; {_CLEAR_CLAIM}" if and_clear else ""
    patience = f"{_PATIENCE}; " if and_clear else ""
    with connection.cursor() as cursor:
        cursor.execute(patience + statement + clear, parameters)
        if patience:
            cursor.nextset()
        return int(cursor.fetchone()[0])


def _receipt(outcome: Outcome) -> str:
    return outcome.receipt if isinstance(outcome, Sent) else ""


def _array(elements: Iterable[str]) -> str:
    """Return an array literal: hundreds of ids as one parameter, not one by one."""
    return "{" + ",".join(elements) + "}"


def _retry(claim: Claim, retried: Sequence[Retried], error_ids: Sequence[uuid.UUID], now: datetime) -> int:
    if not retried:
        return 0
    # No secret hangs on the spread.
    waits = [backoff_seconds(each.attempts, random.uniform(-1, 1)) for each in retried]  # noqa: S311
    return len(retried) - _run(_RETRY, {
        "token": claim.token, "now": now, "ids": [claim.events[each.place].id for each in retried],
        "attempts": [each.attempts for each in retried], "times": [now + timedelta(seconds=wait) for wait in waits],
        "errors": [each.reason for each in retried], "error_ids": list(error_ids),
    })  # fmt: skip


def _bury(claim: Claim, buried: Sequence[Buried], error_ids: Sequence[uuid.UUID], now: datetime) -> int:
    if not buried:
        return 0
    return len(buried) - _run(_BURY, {
        "token": claim.token, "now": now, "ids": [claim.events[each.place].id for each in buried],
        "attempts": [each.attempts for each in buried], "reasons": [each.why.value for each in buried],
        "errors": [each.reason for each in buried], "error_ids": list(error_ids),
    })  # fmt: skip


def _release(claim: Claim, places: Sequence[int], now: datetime, *, hold: bool) -> int:
    if not places:
        return 0
    ids = _array(claim.events[place].id for place in places)
    return len(places) - _run(_RELEASE, {"token": claim.token, "now": now, "ids": ids, "hold": hold})


def _clear(claim: Claim) -> None:
    _run(_CLEAR_CLAIM, {"claimant": claim.claimant, "token": claim.token})


def _be_patient() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_PATIENCE)


def _run(statement: str, parameters: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)
