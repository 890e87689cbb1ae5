"""What the pages of flows read: every pipeline with its newest run, runs as a list, what is under way or went wrong."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, OuterRef, Q

from flows.decisions.vocabulary import RunStatus
from flows.models import DataSchema, Pipeline, PipelineRun, PipelineVersion, RunError, RunFile
from kaireon.platform.errors import NotFound
from kaireon.platform.paging import Key
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.scoping import TenantQuerySet

# What lists do not show and what may be large.
HEAVY = ("metadata", "stages", "parameters", "warnings", "partitions")
OPEN = (RunStatus.PENDING, RunStatus.RUNNING)
WRONG = (RunStatus.FAILED, RunStatus.COMPLETED_WITH_ERRORS)
# A worker looks for runs every second or so; one that waits longer than this has nobody who takes it.
UNUSUAL_WAIT = timedelta(seconds=60)
COUNTED_UP_TO = 1_000


@dataclass(frozen=True, slots=True)
class PipelineRow:
    """A pipeline with the version that runs, or else its newest, and its newest run."""

    pipeline: Pipeline
    ir: Any
    last_run: PipelineRun | None = None


@dataclass(frozen=True, slots=True)
class RunTally:
    """How many runs are under way, wait, and have failed since a moment; counted up to `COUNTED_UP_TO`."""

    running: int
    waiting: int
    failed: int


def pipeline_rows(tenant: Tenant, *, after: Key | None, limit: int, text: str = "") -> list[PipelineRow]:
    """Return the tenant's pipelines, newest first, from the key on; three queries."""
    rows = _with_newest_run(tenant)
    if text:
        rows = rows.filter(Q(name__icontains=text) | Q(description__icontains=text))
    if after is not None:
        at, row_id = after
        rows = rows.filter(Q(created_at__lt=at) | Q(created_at=at, pk__lt=row_id))
    return _complete(tenant, list(rows.order_by("-created_at", "-pk")[:limit]))


def pipeline_row(tenant: Tenant, pipeline_id: uuid.UUID) -> PipelineRow:
    """Return one pipeline as the list shows it; raise NotFound."""
    found = _complete(tenant, list(_with_newest_run(tenant).filter(pk=pipeline_id)))
    if not found:
        raise NotFound("There is no such pipeline for this tenant.")
    return found[0]


def pipelines_in_trouble(tenant: Tenant, limit: int) -> list[PipelineRow]:
    """Return the pipelines whose last run went wrong, or that somebody else than a person paused; worst first."""
    rows = _with_newest_run(tenant)
    rows = rows.filter(last_run_status__in=WRONG, paused_at=None)
    is_failed = F("last_run_status").desc()
    return _complete(tenant, list(rows.order_by(is_failed, F("last_run_at").desc(nulls_last=True), "-pk")[:limit]))


def _with_newest_run(tenant: Tenant) -> TenantQuerySet[Pipeline]:
    newest = PipelineRun.objects.for_tenant(tenant).filter(pipeline=OuterRef("pk")).order_by("-created_at", "-pk")
    rows: TenantQuerySet[Pipeline] = Pipeline.objects.for_tenant(tenant).select_related("connector", "data_schema")
    return rows.annotate(newest_run_id=newest.values("pk")[:1])


def _complete(tenant: Tenant, pipelines: Sequence[Pipeline]) -> list[PipelineRow]:
    runs = _runs_by_id(tenant, (getattr(each, "newest_run_id", None) for each in pipelines))
    irs = _irs(tenant, pipelines)
    return [
        PipelineRow(each, irs.get(each.pk), runs.get(getattr(each, "newest_run_id", None))) for each in pipelines
    ]  # fmt: skip


def _runs_by_id(tenant: Tenant, run_ids: Iterable[uuid.UUID | None]) -> dict[uuid.UUID | None, PipelineRun]:
    wanted = [each for each in run_ids if each is not None]
    return {run.pk: run for run in PipelineRun.objects.for_tenant(tenant).filter(pk__in=wanted).defer(*HEAVY)}


def _irs(tenant: Tenant, pipelines: Sequence[Pipeline]) -> dict[uuid.UUID, Any]:
    wanted = Q(version=F("pipeline__live_version"))
    wanted |= Q(pipeline__live_version=None, version=F("pipeline__latest_version"))
    rows = PipelineVersion.objects.for_tenant(tenant).filter(wanted, pipeline__in=[each.pk for each in pipelines])
    return {row.pipeline_id: row.ir for row in rows}


def runs_of(
    tenant: Tenant, *, pipeline_id: uuid.UUID | None = None, status: str = "", trigger: str = ""
) -> TenantQuerySet[PipelineRun]:
    """Return runs without what lists do not show; the caller orders and pages them."""
    runs: TenantQuerySet[PipelineRun] = PipelineRun.objects.for_tenant(tenant)
    runs = runs.select_related("pipeline").defer(*HEAVY)
    if pipeline_id is not None:
        runs = runs.filter(pipeline=pipeline_id)
    if status:
        runs = runs.filter(status=status)
    return runs.filter(trigger_source=trigger) if trigger else runs


def open_runs(tenant: Tenant, limit: int) -> list[PipelineRun]:
    """Return the runs that are under way or wait, those that work first; one query."""
    runs = PipelineRun.objects.for_tenant(tenant).filter(status__in=OPEN).select_related("pipeline").defer(*HEAVY)
    return list(runs.order_by("-status", "not_before", "pk")[:limit])


def tally_runs(tenant: Tenant, *, since: datetime) -> RunTally:
    """Count what is under way, what waits and what failed since a moment; three queries."""
    runs = PipelineRun.objects.for_tenant(tenant)
    return RunTally(
        running=_count(runs.filter(status=RunStatus.RUNNING)),
        waiting=_count(runs.filter(status=RunStatus.PENDING)),
        failed=_count(runs.filter(status=RunStatus.FAILED, created_at__gte=since)),
    )


def _count(rows: TenantQuerySet[PipelineRun]) -> int:
    return len(rows.order_by().values_list("pk", flat=True)[:COUNTED_UP_TO])


def newest_failures(tenant: Tenant, *, since: datetime, limit: int) -> list[PipelineRun]:
    """Return the runs that failed since a moment and whose pipeline has not gone well since; one query."""
    runs = PipelineRun.objects.for_tenant(tenant).filter(status=RunStatus.FAILED, created_at__gte=since)
    runs = runs.filter(pipeline__last_run_status=RunStatus.FAILED)
    return list(runs.select_related("pipeline").defer(*HEAVY).order_by("-created_at", "-pk")[:limit])


def is_waiting_long(run: PipelineRun, now: datetime) -> bool:
    """Tell whether a run should have been begun a while ago: nobody works on runs, or all are busy."""
    return run.status == RunStatus.PENDING and now - max(run.not_before, run.created_at) > UNUSUAL_WAIT


def find_pipeline_page(tenant: Tenant, pipeline_id: uuid.UUID) -> Pipeline:
    """Return one pipeline with its connector and schema; raise NotFound."""
    rows = Pipeline.objects.for_tenant(tenant).select_related("connector", "data_schema")
    found = rows.filter(pk=pipeline_id).first()
    if found is None:
        raise NotFound("There is no such pipeline for this tenant.")
    return found


def files_of(run: PipelineRun, *, limit: int) -> list[RunFile]:
    """Return the files of a run, by name; one query."""
    rows = RunFile.objects.for_tenant(run.tenant_id).filter(run=run)
    return list(rows.order_by("is_control", "key")[:limit])


def error_count(run: PipelineRun) -> int:
    """Return how many rows with errors are kept of a run, at most a thousand."""
    return RunError.objects.for_tenant(run.tenant_id).filter(run=run).count()


def schemas_of(tenant: Tenant) -> TenantQuerySet[DataSchema]:
    """Return the tenant's schemas; the caller orders and pages them."""
    rows: TenantQuerySet[DataSchema] = DataSchema.objects.for_tenant(tenant)
    return rows


def pipelines_of_schema(schema: DataSchema) -> list[Pipeline]:
    """Return the pipelines that are about a schema, or of which a version names its table, by name; one query."""
    names = (schema.table_name, f"public.{schema.table_name}")
    parts = [part for name in names for part in ({"schema": name}, {"ops": [{"op": "lookup_join", "table": name}]})]
    named = Q()
    for part in parts:
        named |= Q(ir__contains={"nodes": [part]})
    versions = PipelineVersion.objects.for_tenant(schema.tenant_id).filter(named).values("pipeline_id")
    rows = Pipeline.objects.for_tenant(schema.tenant_id).filter(Q(data_schema=schema) | Q(pk__in=versions))
    return list(rows.order_by("name"))
