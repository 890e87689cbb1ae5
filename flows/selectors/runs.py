"""Questions about runs: one, lists of them, how far one is, what was wrong with its rows."""

import uuid
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Count

from flows.decisions.progress import eta_seconds, eta_words
from flows.decisions.vocabulary import RunStatus, Stage
from flows.models import PipelineRun, RunError, RunLogLine
from kaireon.platform.errors import NotFound
from kaireon.platform.fields import format_time
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.scoping import TenantQuerySet

RUN_NOT_FOUND: Final = "There is no such run for this tenant."
# A file in one of these needs nothing more read of it.
READ: Final = frozenset({"read", "loaded", "archived"})
MOST_ERRORS_SHOWN: Final = 20
MOST_LINES: Final = 500
UNFINISHED: Final = (RunStatus.PENDING, RunStatus.RUNNING)


@dataclass(frozen=True, slots=True)
class RowError:
    """What was wrong with a row; `file` and `row` where it stands, if that is known."""

    node_id: str
    rule_id: str
    file: str
    row: int | None
    column: str
    value: str
    error: str


def list_runs(tenant: Tenant, *, pipeline_id: uuid.UUID | None = None) -> TenantQuerySet[PipelineRun]:
    """Return the tenant's runs with their pipelines, or those of one; the caller orders and pages them."""
    rows: TenantQuerySet[PipelineRun] = PipelineRun.objects.for_tenant(tenant)
    rows = rows.select_related("pipeline")
    return rows if pipeline_id is None else rows.filter(pipeline_id=pipeline_id)


def find_run(tenant: Tenant, run_id: uuid.UUID, *, pipeline_id: uuid.UUID | None = None) -> PipelineRun:
    """Return one run of the tenant, and of that pipeline when one is given; raise NotFound."""
    run = list_runs(tenant, pipeline_id=pipeline_id).filter(pk=run_id).first()
    if run is None:
        raise NotFound(RUN_NOT_FOUND)
    return run


def count_runs_by_status(tenant: Tenant, *, since: datetime) -> dict[str, int]:
    """Return how many runs there were since then, by their status; those without any are missing."""
    rows = PipelineRun.objects.for_tenant(tenant).filter(created_at__gte=since).values_list("status")
    return dict(rows.annotate(count=Count("pk")).order_by())


def unfinished_runs(tenant: Tenant, pipeline_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, PipelineRun]:
    """Return the oldest run that waits or is under way of each of these pipelines that has one."""
    rows = PipelineRun.objects.for_tenant(tenant).filter(pipeline_id__in=pipeline_ids, status__in=UNFINISHED)
    oldest = rows.order_by("pipeline_id", "created_at", "pk").distinct("pipeline_id")
    return {run.pipeline_id: run for run in oldest}


def errors_of(run: PipelineRun, *, limit: int | None = None) -> Iterator[RowError]:
    """Yield what was wrong with rows of the run, in the order in which it was found; at most a thousand are kept."""
    rows = RunError.objects.for_tenant(run.tenant_id).filter(run=run).order_by("pk")
    names = ("node_id", "rule_id", "file", "row", "column", "value", "error")
    for values in rows.values_list(*names)[:limit]:
        yield RowError(*values)


def log_of(run: PipelineRun) -> list[RunLogLine]:
    """Return the lines of the run's log, oldest first; of a very long one the newest."""
    rows = RunLogLine.objects.for_tenant(run.tenant_id).filter(run=run).order_by("-pk")
    return list(rows[:MOST_LINES])[::-1]


def progress_of(run: PipelineRun, *, now: datetime) -> dict[str, Any]:
    """Return how far the run is, in the documented shape (reference §5)."""
    return {
        "status": run.status,
        "stage": run.stage,
        "totalRows": run.total_rows,
        "processedRows": run.processed_rows,
        "rowsIn": run.rows_in,
        "rowsOut": run.rows_out,
        "failedRows": run.failed_rows,
        "skippedRows": run.skipped_rows,
        "bytesIn": run.bytes_in,
        "totalBytes": run.total_bytes,
        "partitions": len(run.partitions),
        "completedPartitions": sum(each["status"] in READ for each in run.partitions),
        "partitionDetails": [_partition(each) for each in run.partitions],
        "validationErrors": [
            {"row": each.row, "column": each.column, "value": each.value, "error": each.error}
            for each in errors_of(run, limit=MOST_ERRORS_SHOWN)
        ],
        "eta": eta_words(seconds_left(run, now=now)),
        "durationMs": duration_ms(run, now=now),
        "loadStrategy": run.load_strategy or None,
        "stages": run.stages,
        "warnings": run.warnings,
        "error": run.error or None,
        "errorId": run.error_id and str(run.error_id),
        "errorNode": run.error_node or None,
        "cancelRequested": run.cancel_requested_at is not None,
        "log": [
            {"stage": line.stage, "message": line.message, "level": line.level, "timestamp": format_time(line.at)}
            for line in log_of(run)
        ],
    }


def duration_ms(run: PipelineRun, *, now: datetime) -> int | None:
    """Return how long the run has taken, until now when it is under way; None before it began."""
    if run.started_at is None:
        return None
    seconds = ((run.finished_at or now) - run.started_at).total_seconds()
    return max(0, round(seconds * 1000))


def seconds_left(run: PipelineRun, *, now: datetime) -> float | None:
    """Return the seconds until the run is done, by its rows, or by its bytes while those are read; None if unknown."""
    if run.status != RunStatus.RUNNING or run.started_at is None:
        return None
    elapsed = (now - run.started_at).total_seconds()
    by_rows = eta_seconds(done=run.processed_rows, total=run.total_rows, elapsed=elapsed)
    if by_rows is not None or run.stage != Stage.READING:
        return by_rows
    return eta_seconds(done=run.bytes_in, total=run.total_bytes, elapsed=elapsed)


def _partition(each: dict[str, Any]) -> dict[str, Any]:
    return {
        "index": each["index"],
        "status": each["status"],
        "rows": each.get("rows"),
        "name": each.get("name", ""),
        "bytes": each.get("bytes"),
    }
