"""People ask for runs: Run now, and Retry."""

import uuid
from datetime import datetime
from typing import Final

from django.db import transaction

from flows.decisions.vocabulary import RunStatus, TriggerSource
from flows.models import PipelineRun
from flows.services.dispatching import Dispatched, dispatch_run
from kaireon.platform.audit.services import record
from kaireon.platform.errors import Conflict, NotFound
from kaireon.platform.tenancy.actors import Actor
from kaireon.platform.tenancy.models import Tenant

RUN: Final = "pipeline_run"


@transaction.atomic(durable=True)
def run_pipeline_now(
    *, tenant: Tenant, pipeline_id: uuid.UUID, actor: Actor, now: datetime, version: int | None = None,
    trigger_source: TriggerSource | str = TriggerSource.MANUAL,
) -> PipelineRun:  # fmt: skip
    """Queue a run of the live version, or of another, and return it. Raises NotFound, Conflict."""
    dispatched = dispatch_run(
        tenant_id=tenant.pk, pipeline_id=pipeline_id, trigger_source=trigger_source, requested_by=actor.name, now=now,
        version=version,
    )  # fmt: skip
    run = _dispatched_run(tenant, dispatched)
    record_run(run, "run_now", actor, now=now)
    return run


@transaction.atomic(durable=True)
def retry_run(*, tenant: Tenant, run_id: uuid.UUID, actor: Actor, now: datetime) -> PipelineRun:
    """Queue a new run of what a failed or cancelled one was to do, and return it; the old one stays as it ended.

    It takes the files that the old one left in the failure folder; where it left none it looks for files as any run
    does. A run that did not end so is a Conflict. Raises NotFound.
    """
    old = PipelineRun.objects.for_tenant(tenant).select_for_update(no_key=True).filter(pk=run_id).first()
    if old is None:
        raise NotFound(f"There is no run {run_id}.")
    if old.status not in {RunStatus.FAILED, RunStatus.CANCELLED}:
        raise Conflict(f"Only a failed or cancelled run is tried again; this one is {old.status}.", code="NOT_FAILED")
    dispatched = dispatch_run(
        tenant_id=tenant.pk, pipeline_id=old.pipeline_id, trigger_source=TriggerSource.RETRY, requested_by=actor.name,
        now=now, parameters=old.parameters, version=old.ir_version, retry_of=old,
    )  # fmt: skip
    run = _dispatched_run(tenant, dispatched)
    record_run(run, "retry", actor, now=now, retryOf=str(old.pk))
    return run


def _dispatched_run(tenant: Tenant, dispatched: Dispatched) -> PipelineRun:
    if dispatched.run_id is None:
        raise Conflict(f"No run begins: {dispatched.reason}.")
    return PipelineRun.objects.for_tenant(tenant).select_related("pipeline").get(pk=dispatched.run_id)


def record_run(run: PipelineRun, action: str, actor: Actor, *, now: datetime, **after: str) -> None:
    """Record what a person did to a run in the audit log."""
    record(
        tenant_id=run.tenant_id, actor=actor, action=action, entity_type=RUN, entity_id=str(run.pk),
        entity_name=run.pipeline.name, after={"pipelineId": str(run.pipeline_id), **after}, now=now,
    )  # fmt: skip
