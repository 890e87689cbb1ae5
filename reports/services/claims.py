"""Who works on a run: a token and a lease, each change one conditional statement.

Only the owner of the token may go on with a run. A lease that has run out makes it anybody's; whoever held it then
finds out at the next heartbeat, or at the latest when committing, and has changed nothing.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection

from kaireon.platform.notifications.services.dispatch import Clock
from kaireon.platform.tenancy.scoping import TenantQuerySet
from reports.decisions.runs import LEASE, LONGEST_MAKING, MAX_ATTEMPTS
from reports.decisions.vocabulary import RunStatus, Stage
from reports.models import ReportRun

# A run in one of these is built, or built again; from `delivering` on only the ledger of deliveries goes on.
BUILDING: Final = (Stage.QUEUED, Stage.QUERYING, Stage.NARRATING, Stage.RENDERING)

# How many of a tenant's runs a claim looks at, so that two that claim at once take two.
CANDIDATES: Final = 8
# A lease that ends beyond any that is given was given by a clock that was ahead: nobody may wait for its end.
_MAY_BEGIN: Final = """status = 'running' AND stage = ANY(%(stages)s) AND attempts < %(most)s
      AND (lease_until IS NULL OR lease_until <= %(now)s OR lease_until > %(beyond)s)"""
# Tenants that this pass has served least recently come first, then the oldest run: a thousand runs of one tenant keep
# nobody else's single one waiting. The row's own conditions are checked again under its lock.
_CLAIM: Final = f"""
WITH waiting AS (
    SELECT id, tenant_id, row_number() OVER (PARTITION BY tenant_id ORDER BY created_at, id) AS turn
    FROM reports_reportrun
    WHERE {_MAY_BEGIN} AND (%(tenant)s::uuid IS NULL OR tenant_id = %(tenant)s::uuid)
      AND (%(ids)s::uuid[] IS NULL OR id = ANY(%(ids)s::uuid[])) AND NOT id = ANY(%(not_these)s::uuid[])
),
first AS (
    SELECT run.id FROM reports_reportrun run JOIN waiting ON waiting.id = run.id
    WHERE waiting.turn <= {CANDIDATES} AND {_MAY_BEGIN}
    ORDER BY coalesce(array_position(%(served)s::uuid[], waiting.tenant_id), 0), run.created_at, run.id
    LIMIT 1 FOR UPDATE OF run SKIP LOCKED
)
UPDATE reports_reportrun SET claim_token = %(token)s, lease_until = %(lease)s, attempts = attempts + 1,
       stage = 'querying', started_at = CASE WHEN attempts = 0 THEN %(now)s ELSE started_at END
WHERE id IN (SELECT id FROM first)
RETURNING id, tenant_id, schedule_id, attempts"""  # noqa: S608 - constants


class LeaseLost(Exception):
    """Somebody else has the run, or it has ended meanwhile: whatever was made of it is thrown away."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A run that this process may make, as long as its token stands."""

    run_id: uuid.UUID
    tenant_id: uuid.UUID
    schedule_id: uuid.UUID | None
    attempt: int
    token: uuid.UUID


def claim_run(
    *, now: datetime, tenant_id: uuid.UUID | None = None, run_ids: Collection[uuid.UUID] | None = None,
    served: Sequence[uuid.UUID] = (), not_these: Collection[uuid.UUID] = (),
) -> Claim | None:  # fmt: skip
    """Claim the run whose turn it is for the length of a lease; None when none waits.

    `served` are the tenants of this pass, the latest last. `not_these` were tried in this pass already.
    """
    token = uuid.uuid4()
    parameters = {
        "now": now, "tenant": tenant_id, "ids": None if run_ids is None else list(run_ids), "served": list(served),
        "not_these": list(not_these), "stages": [str(stage) for stage in BUILDING], "most": MAX_ATTEMPTS,
        "token": token, "lease": now + LEASE, "beyond": now + LONGEST_MAKING,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, parameters)
        row = cursor.fetchone()
    return None if row is None else Claim(row[0], row[1], row[2], row[3], token)


def renew(claim: Claim, stage: Stage, *, now: datetime) -> None:
    """Say how far the run has come and extend the lease; raise LeaseLost when the run is no longer ours."""
    if not _mine(claim).update(stage=stage, lease_until=now + LEASE):
        raise LeaseLost


def prolong(claim: Claim, *, now: datetime) -> bool:
    """Extend the lease and change nothing else; False when the run is no longer ours."""
    return bool(_mine(claim).update(lease_until=now + LEASE))


def release(claim: Claim, *, is_fault: bool) -> None:
    """Give the run back to the queue; without a fault of the run the attempt does not count."""
    attempts = claim.attempt if is_fault else claim.attempt - 1
    _mine(claim).update(stage=Stage.QUEUED, claim_token=None, lease_until=None, attempts=attempts)


def fence(claim: Claim) -> ReportRun:
    """Lock the run in the caller's transaction and return it; raise LeaseLost when it is no longer ours."""
    run = _mine(claim).select_for_update(of=("self",)).select_related("tenant").first()
    if run is None:
        raise LeaseLost
    return run


def _mine(claim: Claim) -> TenantQuerySet[ReportRun]:
    return ReportRun.objects.for_tenant(claim.tenant_id).filter(
        pk=claim.run_id, claim_token=claim.token, status=RunStatus.RUNNING, stage__in=BUILDING
    )


@dataclass(slots=True)
class Heart:
    """Beats between the steps of a run: renews the lease, and says when its time is over."""

    claim: Claim
    clock: Clock
    ends_at: datetime | None = None
    stage: Stage = Stage.QUERYING

    def beat(self, stage: Stage | None = None) -> None:
        """Renew the lease. Raises LeaseLost; OutOfTime when whoever waits for the run waits no longer."""
        self.stage = stage or self.stage
        now = self.clock()
        if self.ends_at is not None and now >= self.ends_at:
            raise OutOfTime
        renew(self.claim, self.stage, now=now)


class OutOfTime(Exception):
    """Whoever waited for the run waits no longer; it goes back to the queue."""
