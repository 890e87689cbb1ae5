"""Create, change, pause and delete pipelines."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from flows.decisions.vocabulary import RunStatus
from flows.models import Connector, DataSchema, Pipeline, PipelineRun
from flows.selectors.connectors import CONNECTOR_NOT_FOUND
from flows.selectors.pipelines import count_pipelines, find_version
from flows.services.auditing import pipeline_entry, pipeline_state
from flows.services.following import Change, tell_change
from flows.services.versions import insert_version, lock_pipeline, read_ir
from kaireon.platform.audit.services import record_many
from kaireon.platform.errors import Conflict, NotFound, Unprocessable
from kaireon.platform.ids import new_id
from kaireon.platform.locks import lock_key, xact_lock
from kaireon.platform.tenancy.actors import Actor
from kaireon.platform.tenancy.guardrails import guardrails_of
from kaireon.platform.tenancy.models import Tenant

NO_SCHEMA: Final = "There is no such schema for this tenant."
OPEN: Final = (RunStatus.PENDING, RunStatus.RUNNING)
# Of a PATCH: the model's names.
SETTINGS: Final = ("name", "description", "connector_id", "data_schema_id", "execution_config")


@dataclass(frozen=True, slots=True)
class Removed:
    """What went with a pipeline; rows that it has loaded stay in their tables, files in their folders."""

    versions: int
    runs: int


@transaction.atomic(durable=True)
def create_pipeline(*, tenant: Tenant, values: Mapping[str, Any], actor: Actor, now: datetime) -> Pipeline:
    """Create a pipeline with its IR as version 1, which is live, and return it.

    `values` has the model's names, and `ir`. Raises NotFound for a connector or schema that is not there, Conflict for
    a name that is taken, BadRequest or Unprocessable for an IR that cannot be, Unprocessable over `maxPipelines`.
    """
    # Two requests at the cap must not both see room for one, nor both find one name free.
    xact_lock(lock_key("flows.pipelines", tenant.pk))
    _require_room(tenant)
    pipeline = Pipeline(id=new_id(), tenant=tenant, created_by=actor.name[:254], created_at=now, updated_at=now)
    _apply(pipeline, values)
    read_ir(tenant, values["ir"], connector_id=pipeline.connector_id, now=now)
    pipeline.live_version = 1
    pipeline.save(force_insert=True)
    insert_version(pipeline, values["ir"], values.get("comment", ""), actor, now)
    pipeline.save(update_fields=["latest_version"])
    entry = pipeline_entry(pipeline, "create", actor, after=pipeline_state(pipeline), version=1)
    record_many([entry], now=now)
    tell_change(tenant.pk, pipeline.pk, Change.CREATED, now)
    return pipeline


@transaction.atomic(durable=True)
def update_pipeline(
    *, tenant: Tenant, pipeline_id: uuid.UUID, changes: Mapping[str, Any], actor: Actor, now: datetime
) -> Pipeline:
    """Change name, description, connector, schema or execution config of a pipeline and return it.

    Raises NotFound, Conflict for a name that is taken, and Unprocessable when its live version has a source that the
    new connector does not serve.
    """
    xact_lock(lock_key("flows.pipelines", tenant.pk))
    pipeline = lock_pipeline(tenant, pipeline_id)
    before = pipeline_state(pipeline)
    _apply(pipeline, changes)
    if before["connectorId"] != (pipeline.connector_id and str(pipeline.connector_id)):
        live = find_version(pipeline, pipeline.live_version)
        read_ir(tenant, live.ir, connector_id=pipeline.connector_id, pipeline_id=pipeline.pk)
    pipeline.updated_at = now
    pipeline.save(update_fields=["name", "description", "connector", "data_schema", "execution_config", "updated_at"])
    record_many([pipeline_entry(pipeline, "update", actor, before=before, after=pipeline_state(pipeline))], now=now)
    tell_change(tenant.pk, pipeline.pk, Change.UPDATED, now)
    return pipeline


@transaction.atomic(durable=True)
def delete_pipeline(*, tenant: Tenant, pipeline_id: uuid.UUID, actor: Actor, now: datetime) -> Removed:
    """Delete a pipeline with its versions and the history of its runs, and say how many there were.

    Rows that it loaded stay. Raises NotFound, and Conflict while a run is waiting or under way.
    """
    pipeline = lock_pipeline(tenant, pipeline_id, for_deletion=True)
    runs = PipelineRun.objects.for_tenant(tenant).filter(pipeline=pipeline)
    if unfinished := runs.filter(status__in=OPEN).count():
        what = "A run is" if unfinished == 1 else f"{unfinished} runs are"
        raise Conflict(f"{what} waiting or under way: cancel, or wait for the end.", code="PIPELINE_RUNNING")
    removed = Removed(versions=pipeline.latest_version, runs=runs.count())
    before = pipeline_state(pipeline) | {"runs": removed.runs}
    # As everywhere: first the entry, then whoever follows, who locks rows that all pipelines of the tenant share.
    record_many([pipeline_entry(pipeline, "delete", actor, before=before)], now=now)
    tell_change(tenant.pk, pipeline.pk, Change.DELETED, now)
    Pipeline.objects.for_tenant(tenant).filter(pk=pipeline.pk).delete()
    return removed


@transaction.atomic(durable=True)
def pause_pipeline(
    *, tenant: Tenant, pipeline_id: uuid.UUID, actor: Actor, now: datetime, reason: str = ""
) -> Pipeline:  # fmt: skip
    """Stop schedule and trigger of a pipeline until it is resumed, and return it; a run by hand is still possible.

    One that is paused stays as it is. Raises NotFound.
    """
    pipeline = lock_pipeline(tenant, pipeline_id)
    if pipeline.paused_at is None:
        before = pipeline_state(pipeline)
        pipeline.paused_at = pipeline.updated_at = now
        pipeline.paused_reason = reason or f"Paused by {actor.name[:254]}."
        pipeline.save(update_fields=["paused_at", "paused_reason", "updated_at"])
        record_many([pipeline_entry(pipeline, "pause", actor, before=before, after=pipeline_state(pipeline))], now=now)
        tell_change(tenant.pk, pipeline.pk, Change.PAUSED, now)
    return pipeline


@transaction.atomic(durable=True)
def resume_pipeline(*, tenant: Tenant, pipeline_id: uuid.UUID, actor: Actor, now: datetime) -> Pipeline:
    """Set a paused pipeline going again and return it; one that is not paused stays as it is. Raises NotFound."""
    pipeline = lock_pipeline(tenant, pipeline_id)
    if pipeline.paused_at is not None:
        before = pipeline_state(pipeline)
        pipeline.paused_at, pipeline.paused_reason, pipeline.updated_at = None, "", now
        pipeline.save(update_fields=["paused_at", "paused_reason", "updated_at"])
        record_many([pipeline_entry(pipeline, "resume", actor, before=before, after=pipeline_state(pipeline))], now=now)
        tell_change(tenant.pk, pipeline.pk, Change.RESUMED, now)
    return pipeline


def _apply(pipeline: Pipeline, values: Mapping[str, Any]) -> None:
    for name in SETTINGS:
        if name in values:
            setattr(pipeline, name, values[name])
    if values.get("connector_id"):
        _hold(Connector, pipeline, values["connector_id"], "connectorId", CONNECTOR_NOT_FOUND)
    if values.get("data_schema_id"):
        _hold(DataSchema, pipeline, values["data_schema_id"], "schemaId", NO_SCHEMA)
    if "name" in values:
        _require_name(pipeline)


def _hold(model: type[Connector | DataSchema], pipeline: Pipeline, row_id: uuid.UUID, field: str, rule: str) -> None:
    """Keep what a pipeline names until the transaction ends, so that nobody deletes it meanwhile."""
    rows = model.objects.for_tenant(pipeline.tenant_id).select_for_update().filter(pk=row_id)
    if rows.values_list("pk", flat=True).first() is None:
        raise NotFound(rule, fields={field: [rule]})


def _require_name(pipeline: Pipeline) -> None:
    same = Pipeline.objects.for_tenant(pipeline.tenant_id).filter(name=pipeline.name).exclude(pk=pipeline.pk)
    if same.exists():
        rule = "Another pipeline has this name."
        raise Conflict(f"name: {rule}", fields={"name": [rule]})


def _require_room(tenant: Tenant) -> None:
    limit = guardrails_of(tenant).max_pipelines
    if count_pipelines(tenant.pk) >= limit:
        text = f"The tenant has {limit} pipelines, which is its cap (guardrails.maxPipelines)."
        raise Unprocessable(text, code="GUARDRAIL", fields={"guardrails.maxPipelines": [text]})
