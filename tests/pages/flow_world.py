"""What the tests of flow pages share: pipelines as people make them, and runs in every state, written by hand."""

import json
from datetime import datetime, timedelta
from typing import Any

from django.contrib.messages import get_messages
from django.utils import timezone

from flows.decisions.vocabulary import RunStatus, Stage
from flows.models import Connector, DataSchema, Pipeline, PipelineRun, PipelineVersion, RunError, RunFile, RunLogLine
from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.models import Tenant
from tests.flows.pipeline_world import orders_ir

HTMX = {"HX-Request": "true"}
LIST = "/data/flow-pipelines"
RUNS = "/data/flow-runs"
CONNECTORS = "/data/connectors"
SCHEMAS = "/data/schemas"
HOURLY = {"kind": "cron", "expression": "0 * * * *", "timezone": "UTC"}
SECOND = timedelta(seconds=1)
PASSED = (Stage.LISTING, Stage.STAGING, Stage.READING, Stage.TRANSFORMING, Stage.LOADING)


def edit_of(pipeline: Pipeline) -> str:
    """Return the address of a pipeline's editor."""
    return f"{LIST}/{pipeline.pk}/edit"


def part_of(pipeline: Pipeline, name: str) -> str:
    """Return the address of a fragment or an act of a pipeline."""
    return f"{LIST}/{pipeline.pk}/{name}"


def run_of(run: PipelineRun, name: str = "") -> str:
    """Return the address of a run, or of an act on it."""
    return f"{RUNS}/{run.pk}{f'/{name}' if name else ''}"


def make_run(pipeline: Pipeline, status: str = RunStatus.COMPLETED, **columns: Any) -> PipelineRun:
    """Write a run that ended a moment ago, or is in the middle; its pipeline says how its last one ended."""
    now = columns.pop("now", timezone.now())
    is_over, has_begun = RunStatus(status).is_final, status != RunStatus.PENDING
    values: dict[str, Any] = {
        "ir_version": 1, "trigger_source": "manual", "requested_by": "eve@acme.example", "status": status,
        "stage": Stage.DONE if is_over else Stage.READING if has_begun else Stage.QUEUED, "not_before": now,
        "created_at": now - 9 * SECOND, "started_at": now - 8 * SECOND if has_begun else None,
        "finished_at": now if is_over else None, "stages": stages(now) if has_begun else [], "rows_in": 4,
        "rows_out": 2,
    }  # fmt: skip
    run = PipelineRun.objects.create(tenant_id=pipeline.tenant_id, pipeline=pipeline, **{**values, **columns})
    Pipeline.objects.for_tenant(pipeline.tenant_id).filter(pk=pipeline.pk).update(
        last_run_at=run.created_at, last_run_status=status
    )
    return run


def stages(now: datetime) -> list[dict[str, Any]]:
    """Return the stages of a run, a second each, the last of them not ended."""
    begun = [now - (len(PASSED) - at) * SECOND for at in range(len(PASSED))]
    return [
        {
            "stage": stage.value, "startedAt": at.isoformat(), "rowsIn": 4, "rowsOut": 2, "quarantined": 2,
            "finishedAt": None if stage is PASSED[-1] else (at + SECOND).isoformat(),
        }
        for stage, at in zip(PASSED, begun, strict=True)
    ]  # fmt: skip


def fill_run(run: PipelineRun, mark: str = "orders") -> None:
    """Give a run a file, two lines of log and a row with an error."""
    now = timezone.now()
    common: dict[str, Any] = {"tenant_id": run.tenant_id, "run": run}
    RunFile.objects.create(
        **common, pipeline_id=run.pipeline_id, node_id="src", store="local_fs", key=f"/data/inbox/{mark}.csv",
        identity=new_id().hex * 2, final_key=f"/data/inbox/.archive/{mark}.csv", size_bytes=120, state="archived",
        rows=4, created_at=now, updated_at=now,
    )  # fmt: skip
    RunLogLine.objects.create(**common, at=now, stage=Stage.READING, message=f"Read 4 rows of {mark}.csv.")
    RunLogLine.objects.create(**common, at=now, stage=Stage.LOADING, level="warning", message="2 rows were set aside.")
    RunError.objects.create(
        **common, node_id="check", rule_id="amt-positive", file=f"{mark}.csv", row=3, column="amount", value="-3",
        error=f"{mark}: amount must be greater than 0.",
    )  # fmt: skip


def crowd_flows(tenant: Tenant) -> None:
    """Add 40 pipelines with three runs each, 60 connectors, 60 schemas, and files, log and errors of every run."""
    now = timezone.now()
    made: dict[str, Any] = {"tenant": tenant, "created_at": now}
    kept = {**made, "updated_at": now}
    Connector.objects.bulk_create(Connector(**kept, name=f"Place {at}", type="local_fs") for at in range(60))
    DataSchema.objects.bulk_create(
        DataSchema(**kept, name=f"crowd{at}", display_name=f"Crowd {at}", table_name=f"ds_crowd{at}")
        for at in range(60)
    )
    pipelines = Pipeline.objects.bulk_create(
        Pipeline(**kept, name=f"Pipeline {at}", live_version=1, latest_version=1, last_run_status="failed")
        for at in range(40)
    )
    PipelineVersion.objects.bulk_create(
        PipelineVersion(**made, pipeline=each, version=1, ir=orders_ir(schedule=HOURLY)) for each in pipelines
    )
    runs = PipelineRun.objects.bulk_create(
        PipelineRun(
            **made, pipeline=pipelines[at % 40], ir_version=1, trigger_source="schedule", not_before=now,
            status=("failed", "running", "pending")[at % 3], error="It failed.",
        )
        for at in range(120)
    )  # fmt: skip
    RunError.objects.bulk_create(RunError(tenant=tenant, run=run, error="No number.") for run in runs)
    RunLogLine.objects.bulk_create(RunLogLine(tenant=tenant, run=run, at=now, stage="reading") for run in runs)


def make_schema(tenant: Tenant, name: str = "orders", **columns: Any) -> DataSchema:
    """Write a schema without its table: pages show it all the same."""
    now = timezone.now()
    values = {"display_name": name.capitalize(), "table_name": f"ds_{name}", "created_at": now, "updated_at": now}
    return DataSchema.objects.create(tenant=tenant, name=name, **{**values, **columns})


def draft_of(pipeline: Pipeline) -> dict[str, Any]:
    """Return the JSON that the editor begins with."""
    rows = PipelineVersion.objects.for_tenant(pipeline.tenant_id).filter(pipeline=pipeline)
    ir: dict[str, Any] = rows.order_by("-version")[0].ir
    return ir


def said(answer: Any) -> str:
    """Return what the next page will say."""
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def events_of(answer: Any) -> dict[str, Any]:
    """Return what an answer tells the page's script."""
    found: dict[str, Any] = json.loads(answer.headers.get("HX-Trigger", "{}"))
    return found
