"""Who works on a run: a token and a lease, each change one conditional statement.

Only the owner of the token may go on with a run. A lease that has run out makes it anybody's; whoever held it then
finds out at the next beat, or at the latest in the statement that commits, and has changed nothing.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import connection, transaction

from flows.decisions.runs import LEASE, LONGEST_LEASE
from flows.decisions.vocabulary import RunStatus, Stage
from flows.models import PipelineRun
from flows.services.holding import end_when_silent
from kaireon.platform.locks import lock_key, xact_lock
from kaireon.platform.tenancy.scoping import TenantQuerySet

# Claims follow one another, so that the bounds hold to the letter; each takes milliseconds.
_TURN: Final = lock_key("flows.claim")
# A process that is frozen in the middle of a claim keeps nobody else from claiming for longer.
_LONGEST_CLAIM_MS: Final = 10_000
_ASKED: Final = """run.status = 'pending' AND run.not_before <= %(now)s
      AND (%(tenant)s::uuid IS NULL OR run.tenant_id = %(tenant)s::uuid)
      AND (%(ids)s::uuid[] IS NULL OR run.id = ANY(%(ids)s::uuid[])) AND NOT run.id = ANY(%(not_these)s::uuid[])"""
# Who is under way is looked up once, not for each run that waits: of those there may be many thousands.
_UNDER_WAY: Final = """
WITH running AS MATERIALIZED (SELECT tenant_id, pipeline_id FROM flows_pipelinerun WHERE status = 'running'),
busy AS MATERIALIZED (SELECT tenant_id, count(*) AS runs FROM running GROUP BY tenant_id)"""
_MAY_BEGIN: Final = f"""flows_pipelinerun AS run LEFT JOIN busy ON busy.tenant_id = run.tenant_id
    WHERE {_ASKED} AND coalesce(busy.runs, 0) < %(most)s
      AND (run.overlap = 'allow' OR run.pipeline_id NOT IN (SELECT pipeline_id FROM running))"""  # noqa: S608 - constants
_WAITING: Final = f"{_UNDER_WAY} SELECT EXISTS (SELECT FROM {_MAY_BEGIN})"  # noqa: S608 - constants
# Tenants that have fewest runs under way come first, then those served least recently, then their pipelines in the same
# way, then the oldest run: a thousand runs of one tenant, or of one pipeline, keep no other's single one waiting.
_CLAIM: Final = f"""{_UNDER_WAY}, first AS (
    SELECT run.id FROM {_MAY_BEGIN}
    ORDER BY coalesce(busy.runs, 0), coalesce(array_position(%(served)s::uuid[], run.tenant_id), 0),
             coalesce(array_position(%(begun)s::uuid[], run.pipeline_id), 0), run.created_at, run.id
    LIMIT 1 FOR UPDATE OF run SKIP LOCKED
)
UPDATE flows_pipelinerun SET status = 'running', stage = 'listing', claim_token = %(token)s, lease_until = %(lease)s,
       worker = %(worker)s, started_at = coalesce(started_at, %(now)s), ending = ''
WHERE id IN (SELECT id FROM first)
RETURNING id, tenant_id, pipeline_id"""  # noqa: S608 - constants
_DEAD: Final = """status = 'running' AND (lease_until IS NULL OR lease_until <= %(now)s OR lease_until > %(beyond)s)
      AND (%(tenant)s::uuid IS NULL OR tenant_id = %(tenant)s::uuid)
      AND (%(ids)s::uuid[] IS NULL OR id = ANY(%(ids)s::uuid[]))"""
# Only who held the token when it died has died with it; a lease without a token is a wait.
_TAKE_OVER: Final = f"""
WITH first AS (
    SELECT id FROM flows_pipelinerun WHERE {_DEAD} AND NOT id = ANY(%(not_these)s::uuid[])
    ORDER BY lease_until NULLS FIRST, id LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE flows_pipelinerun SET deaths = deaths + CASE WHEN claim_token IS NULL OR committed_at IS NOT NULL THEN 0 ELSE 1
       END, claim_token = %(token)s, lease_until = %(lease)s, worker = %(worker)s
WHERE id IN (SELECT id FROM first)
RETURNING id, tenant_id, pipeline_id"""  # noqa: S608 - constants


class LeaseLost(Exception):
    """Somebody else has the run, or it is gone: whatever was made of it is thrown away."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A run that this process may go on with, as long as its token stands."""

    run_id: uuid.UUID
    tenant_id: uuid.UUID
    pipeline_id: uuid.UUID
    token: uuid.UUID


@dataclass(frozen=True, slots=True)
class Scope:
    """Of whom runs are taken: everybody's, a tenant's, or these; `worker` says who takes them."""

    tenant_id: uuid.UUID | None = None
    run_ids: Collection[uuid.UUID] | None = None
    worker: str = ""

    def parameters(self, now: datetime, not_these: Collection[uuid.UUID]) -> dict[str, Any]:
        """Return what the statements take."""
        return {
            "now": now, "tenant": self.tenant_id, "ids": None if self.run_ids is None else list(self.run_ids),
            "not_these": list(not_these), "most": settings.FLOW_RUNS_PER_TENANT, "worker": self.worker[:120],
            "token": uuid.uuid4(), "lease": now + LEASE, "beyond": now + LONGEST_LEASE,
        }  # fmt: skip


def claim_run(
    *, now: datetime, scope: Scope, served: Sequence[uuid.UUID] = (), begun: Sequence[uuid.UUID] = (),
    not_these: Collection[uuid.UUID] = (),
) -> Claim | None:  # fmt: skip
    """Claim the run whose turn it is for the length of a lease; None when none may begin. Not inside a transaction.

    `served` are the tenants of this pass and `begun` its pipelines, the latest last. `not_these` were tried in it
    already.
    """
    parameters = scope.parameters(now, not_these) | {"served": list(served), "begun": list(begun)}
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, parameters)
        if not cursor.fetchone()[0]:
            return None
    with transaction.atomic(), connection.cursor() as cursor:
        end_when_silent(milliseconds=_LONGEST_CLAIM_MS)
        xact_lock(_TURN)
        cursor.execute(_CLAIM, parameters)
        return _claimed(cursor.fetchone(), parameters["token"])


def take_over(*, now: datetime, scope: Scope, not_these: Collection[uuid.UUID] = ()) -> Claim | None:
    """Take a run whose owner is dead, or whose wait is over; None when there is none."""
    parameters = scope.parameters(now, not_these)
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_OVER, parameters)
        return _claimed(cursor.fetchone(), parameters["token"])


def claimable_runs(*, now: datetime, limit: int, scope: Scope) -> list[uuid.UUID]:
    """Return runs that could be claimed now, the oldest first: for executors that are told which."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_UNDER_WAY} SELECT run.id FROM {_MAY_BEGIN} "  # noqa: S608 - constants
            "ORDER BY run.created_at, run.id LIMIT %(limit)s",
            scope.parameters(now, ()) | {"limit": limit},
        )
        return [row[0] for row in cursor.fetchall()]


def postpone(claim: Claim, *, until: datetime) -> None:
    """Leave a run under way to whoever comes after `until`: there is something to be done for it that fails now."""
    changed = mine(claim).update(claim_token=None, lease_until=until)
    if not changed:
        raise LeaseLost


def requeue(claim: Claim, *, not_before: datetime, **changes: Any) -> None:
    """Give the run back to those that wait; raise LeaseLost when it is no longer ours."""
    changed = mine(claim).update(
        status=RunStatus.PENDING, stage=Stage.QUEUED, claim_token=None, lease_until=None, not_before=not_before,
        ending="", **changes,
    )  # fmt: skip
    if not changed:
        raise LeaseLost


def fence(claim: Claim) -> PipelineRun:
    """Lock the run in the caller's transaction and return it; raise LeaseLost when it is no longer ours.

    The transaction is to be short: a process that is frozen in it does not keep the run from others for long.
    """
    end_when_silent()
    rows = mine(claim).select_for_update(of=("self",), no_key=True).select_related("tenant", "pipeline")
    run = rows.first()
    if run is None:
        raise LeaseLost
    return run


def mine(claim: Claim) -> TenantQuerySet[PipelineRun]:
    """Return the run as long as it is ours."""
    return PipelineRun.objects.for_tenant(claim.tenant_id).filter(
        pk=claim.run_id, claim_token=claim.token, status=RunStatus.RUNNING
    )


def lease_after(now: datetime, *, seconds: float | None = None) -> datetime:
    """Return when a lease given now ends."""
    return now + (LEASE if seconds is None else timedelta(seconds=seconds))


def _claimed(row: tuple[uuid.UUID, uuid.UUID, uuid.UUID] | None, token: uuid.UUID) -> Claim | None:
    return None if row is None else Claim(row[0], row[1], row[2], token)
