"""The world of run tests: a tenant with a table, a folder of this machine as its inbox, and pipelines over both."""

import copy
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from flows.decisions.vocabulary import TriggerSource
from flows.models import Pipeline, PipelineRun, PipelineVersion, RunFile, RunLogLine
from flows.services.claims import Claim, Scope, claim_run
from flows.services.dispatching import Dispatched, dispatch_run
from flows.services.tables import data_schema_of
from kaireon.platform.budget import Budget
from kaireon.platform.health.models import SystemHealthAlert
from kaireon.platform.tenancy.models import Tenant
from outbox.models import OutboxEvent

NOW = datetime(2026, 4, 17, 8, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
SOURCE: dict[str, Any] = {
    "id": "src",
    "kind": "source",
    "connector": "local_fs",
    "config": {"path": "inbox", "pattern": {"type": "glob", "value": "*.csv"}, "format": "csv"},
}
CAST: dict[str, Any] = {
    "id": "typed",
    "kind": "transform",
    "input": "src",
    "ops": [
        {"op": "cast", "field": "id", "to": "bigint", "onError": "quarantine"},
        {"op": "cast", "field": "amount", "to": "double", "onError": "quarantine"},
    ],
}
TARGET: dict[str, Any] = {
    "id": "out",
    "kind": "target",
    "input": "typed",
    "schema": "public.ds_orders",
    "loadMode": "append",
}


def plain_ir(**retry: Any) -> dict[str, Any]:
    """Return a pipeline from CSV files in `inbox` to ds_orders, with changes to `errorHandling.retry`."""
    return {
        "kind": "pipeline", "version": "1.0", "id": "orders", "metadata": {"name": "Orders"},
        "nodes": copy.deepcopy([SOURCE, CAST, TARGET]),
        "errorHandling": {"dlq": {"enabled": True}, "retry": {"maxAttempts": 1, **retry}},
    }  # fmt: skip


def with_wait_policy(ir: dict[str, Any], **policy: Any) -> dict[str, Any]:
    """Return the pipeline with a wait policy at its source."""
    ir["nodes"][0]["config"]["waitPolicy"] = {"intervalMinutes": 5, **policy}
    return ir


def make_pipeline(tenant: Tenant, ir: dict[str, Any] | None = None, **values: Any) -> Pipeline:
    """Make a pipeline of which version 1 is live, and the table that it fills."""
    plain = {"name": "Orders", "live_version": 1, "latest_version": 1, "created_at": NOW, "updated_at": NOW}
    pipeline = Pipeline.objects.create(tenant=tenant, **(plain | values))
    PipelineVersion.objects.create(tenant=tenant, pipeline=pipeline, version=1, ir=ir or plain_ir(), created_at=NOW)
    return pipeline


def make_table(tenant: Tenant) -> str:
    """Make the tenant's ds_orders and return its name as SQL takes it."""
    name = f'"{data_schema_of(tenant)}"."ds_orders"'
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {name}")
        cursor.execute(f"CREATE TABLE {name} (id bigint, amount double precision)")
    return name


def rows_in(table: str) -> list[tuple[Any, ...]]:
    """Return id and amount of every row of the table, by id."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, amount FROM {table} ORDER BY id, amount")
        return list(cursor.fetchall())


def drop(folder: Path, name: str, rows: Sequence[tuple[Any, Any]]) -> Path:
    """Drop a CSV file of orders into a folder and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text("id,amount\n" + "".join(f"{first},{second}\n" for first, second in rows))
    return file


def files_below(folder: Path) -> list[str]:
    """Return every file below a folder, as paths from it; a staged one's token is left out."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(f"{path.parent}/{path.name.partition('-')[2]}" if ".processing" in path.parts else str(path)
                  for path in found)  # fmt: skip


def dispatch(pipeline: Pipeline, now: datetime = NOW, **given: Any) -> Dispatched:
    """Dispatch a run by hand, in a transaction of its own."""
    asked: dict[str, Any] = {"trigger_source": TriggerSource.MANUAL, "requested_by": "alice@acme.example", **given}
    with transaction.atomic():
        return dispatch_run(tenant_id=pipeline.tenant_id, pipeline_id=pipeline.pk, now=now, **asked)


def dispatched_run(pipeline: Pipeline, now: datetime = NOW, **given: Any) -> PipelineRun:
    """Dispatch a run and return it."""
    run_id = dispatch(pipeline, now, **given).run_id
    assert run_id is not None
    return find(pipeline.tenant_id, run_id)


def find(tenant_id: uuid.UUID, run_id: uuid.UUID) -> PipelineRun:
    """Read a run."""
    return PipelineRun.objects.for_tenant(tenant_id).get(pk=run_id)


def fresh(run: PipelineRun) -> PipelineRun:
    """Read the run again."""
    return find(run.tenant_id, run.pk)


def fresh_pipeline(pipeline: Pipeline) -> Pipeline:
    """Read the pipeline again."""
    return Pipeline.objects.for_tenant(pipeline.tenant_id).get(pk=pipeline.pk)


def claim(now: datetime = NOW, **scope: Any) -> Claim | None:
    """Claim the run whose turn it is."""
    return claim_run(now=now, scope=Scope(worker="test", **scope))


def claimed(pipeline: Pipeline, now: datetime = NOW, **given: Any) -> tuple[Claim, PipelineRun]:
    """Dispatch a run of the pipeline and claim it."""
    run = dispatched_run(pipeline, now, **given)
    found = claim(now, run_ids=[run.pk])
    assert found is not None
    return found, PipelineRun.objects.for_tenant(run.tenant_id).select_related("pipeline", "tenant").get(pk=run.pk)


def states(run: PipelineRun) -> list[tuple[str, str]]:
    """Return name and state of every file that the run ever took, in their order."""
    rows = RunFile.objects.for_tenant(run.tenant_id).filter(run=run).order_by("created_at", "pk")
    return [(row.key.rpartition("/")[2], row.state) for row in rows]


def log_of(run: PipelineRun) -> str:
    """Return the run's log as one text."""
    lines = RunLogLine.objects.for_tenant(run.tenant_id).filter(run=run).order_by("pk")
    return "\n".join(f"{line.level} {line.stage}: {line.message}" for line in lines)


def events(tenant: Tenant) -> list[tuple[str, dict[str, Any]]]:
    """Return topic and payload of the tenant's events, in their order."""
    rows = OutboxEvent.objects.for_tenant(tenant).order_by("pk")
    return [(row.topic, row.payload) for row in rows]


def open_alerts(tenant: Tenant) -> dict[str, int]:
    """Return the tenant's open health alerts: title and how often it was raised."""
    rows = SystemHealthAlert.objects.for_tenant(tenant).filter(resolved_at=None)
    return {row.title: row.occurrences for row in rows}


def soon(budget: float = 30.0) -> Budget:
    """Return a budget that no test spends."""
    return Budget(budget)


@pytest.fixture
def inbox(tmp_path: Path, settings: Any) -> Path:
    """Return the folder that pipelines of the test read; local_fs is confined to what it lies in."""
    root = tmp_path / "files"
    (root / "inbox").mkdir(parents=True)
    settings.FLOW_LOCAL_FS_ROOTS = [str(root)]
    settings.FLOW_TEMP_DIR = str(tmp_path / "work")
    return root / "inbox"
