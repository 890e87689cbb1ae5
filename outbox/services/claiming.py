"""Claim events: one claim after another, the fair share of each tenant, and never a key that somebody holds.

Each claim is one message to the server and one transaction: take the turnstile (an advisory lock until commit), look,
and mark. The look has its own snapshot, taken when the lock is held, so it sees every claim before it. That alone
keeps the order of a key with any number of publishers: an event is taken only if no event of its key is in flight.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import psycopg
from django.db import OperationalError, connection

from outbox.decisions.sharing import Shares
from outbox.publishers.base import Event
from outbox.services.claim_sql import CLAIM_DUE, CLAIM_OF_ALL, CLAIM_OF_ONE, ClaimStatement

NO_TENANT: Final = uuid.UUID(int=0)
EVENT_FIELDS: Final = len(Event._fields)


class Mark(NamedTuple):
    """What the outbox knows of a claimed event beside the event: `created_at` in Unix seconds, `tid` where it lies."""

    created_at: float
    seq: int
    attempts: int
    is_held: bool
    tid: str


CLAIM_FIELDS: Final = EVENT_FIELDS + len(Mark._fields)


@dataclass(frozen=True, slots=True)
class Claim:
    """What one claim brought, in the order of the keys.

    `claimant` is the id that its keys are noted under. `aside` counts events put behind a held one of their key.
    `missed` counts events that somebody changed at that moment: later ones of their keys are among those claimed, so
    such a claim must be released. `skipped_locked` tells that locked rows were met, and left with the rest of their
    keys. `is_due`: of held keys. `tenants` were looked at, `last_tenant` the last of them.
    """

    token: uuid.UUID
    events: Sequence[Event]
    marks: Sequence[Mark]
    claimant: uuid.UUID = NO_TENANT
    aside: int = 0
    missed: int = 0
    skipped_locked: bool = False
    is_due: bool = False
    tenants: int = 0
    last_tenant: uuid.UUID | None = None


def claim_ready(
    *,
    claimant: uuid.UUID,
    token: uuid.UUID,
    shares: Shares,
    limit: int,
    after: uuid.UUID,
    lease_seconds: float,
    now: datetime,
    only_tenant: uuid.UUID | None = None,
    skip_locked: bool = False,
) -> Claim:
    """Claim up to `limit` events in the order of their keys; tenants after `after` in the order of their ids.

    A claimant settles one claim before it makes the next; one that does not know what became of a claim goes on under
    another id. A claim that finds MOST_TENANTS tenants has not seen the others. Rows that somebody else has locked are
    waited for a moment, then left; with `skip_locked` they are left at once. Raises django.db.OperationalError when the
    turnstile cannot be had within five seconds.
    """
    statement = CLAIM_OF_ONE if only_tenant else CLAIM_OF_ALL
    parameters = {
        "publisher": claimant, "token": token, "now": now, "lease_until": now + timedelta(seconds=lease_seconds),
        "limit": limit, "after": after, "tenant": only_tenant, "of_others": shares.of_others,
        "tenants": list(shares.of_tenant), "shares": list(shares.of_tenant.values()),
    }  # fmt: skip
    return _claim(statement, parameters, skip_locked=skip_locked)


def claim_due(
    *,
    claimant: uuid.UUID,
    token: uuid.UUID,
    limit: int,
    lease_seconds: float,
    now: datetime,
    only_tenant: uuid.UUID | None = None,
    skip_locked: bool = False,
) -> Claim:
    """Claim the first events of held keys whose time has come: a failed one alone, else a run of those behind it.

    `limit` bounds the keys, and the run of each.
    """
    lease_until = now + timedelta(seconds=lease_seconds)
    parameters = {
        "publisher": claimant, "token": token, "now": now, "lease_until": lease_until, "limit": limit,
        "tenant": only_tenant,
    }  # fmt: skip
    return _claim(CLAIM_DUE, parameters, skip_locked=skip_locked)


def _claim(statement: ClaimStatement, parameters: dict[str, Any], *, skip_locked: bool) -> Claim:
    if not skip_locked:
        try:
            return _read(_run(statement.quick, parameters), parameters, skipped_locked=False)
        except OperationalError as error:
            if not isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
                raise
    return _read(_run(statement.skipping, parameters), parameters, skipped_locked=True)


def _run(statement: str, parameters: dict[str, Any]) -> list[Any]:
    """Send all statements as one message, which the server runs as one transaction; return the last one's rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        while cursor.nextset():
            pass
        rows: list[Any] = cursor.fetchall()
    return rows


def _read(rows: list[Any], parameters: dict[str, Any], *, skipped_locked: bool) -> Claim:
    aside, taken, tenants, last_tenant = rows[0][CLAIM_FIELDS:]
    # UPDATE … RETURNING promises no order; the outer SELECT sorts by the place in the line.
    found = rows if rows[0][0] is not None else []
    return Claim(
        token=parameters["token"],
        events=[Event._make(row[:EVENT_FIELDS]) for row in found],
        marks=[Mark._make(row[EVENT_FIELDS:CLAIM_FIELDS]) for row in found],
        claimant=parameters["publisher"],
        aside=aside,
        missed=taken - len(found),
        skipped_locked=skipped_locked,
        is_due="after" not in parameters,
        tenants=tenants,
        last_tenant=last_tenant,
    )
