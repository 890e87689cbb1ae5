"""Tell the house what became of a run: its pipeline, system health, the events for the outbox, the counters."""

from datetime import datetime
from typing import Final

from django.db.models import Q

from flows.decisions.events import RUN_COMPLETED, RUN_FAILED, EndedRun, run_payload
from flows.decisions.vocabulary import PipelineStatus, RunStatus
from flows.metrics import ROWS, RUNS
from flows.models import Pipeline, PipelineRun
from kaireon.platform.health.decisions import Source
from kaireon.platform.health.services import raise_alert, resolve_many
from outbox.services import enqueue

LONGEST_REASON: Final = 1_000


def announce_committed(run: PipelineRun, status: RunStatus, *, now: datetime) -> None:
    """Enqueue `pipeline.run.completed.v1` in the transaction of the load: once for rows that are there."""
    enqueue(
        tenant_id=run.tenant_id, topic=RUN_COMPLETED, payload=run_payload(_ended(run, status, now)),
        key=str(run.pipeline_id), now=now,
    )  # fmt: skip


def announce_failed(run: PipelineRun, *, now: datetime) -> None:
    """Enqueue `pipeline.run.failed.v1` and raise a system-health alert in the transaction in which the run ends.

    The alert is told once for a row of failures, and counts them; the next success resolves it.
    """
    enqueue(
        tenant_id=run.tenant_id, topic=RUN_FAILED, payload=run_payload(_ended(run, RunStatus.FAILED, now)),
        key=str(run.pipeline_id), now=now,
    )  # fmt: skip
    raise_alert(
        tenant_id=run.tenant_id, severity="error", source=Source.FLOW, title=f"Pipeline {run.pipeline.name} failed",
        message=run.error[:LONGEST_REASON], link=run_link(run), dedupe_key=failure_key(run),
        metadata={"pipelineId": str(run.pipeline_id), "runId": str(run.pk), "errorId": _text(run.error_id)}, now=now,
    )  # fmt: skip


def announce_missed(run: PipelineRun, node_id: str, message: str, *, now: datetime) -> None:
    """Raise a system-health alert for a source that found no file (`onMissAction: alert`)."""
    raise_alert(
        tenant_id=run.tenant_id, severity="warning", source=Source.FLOW,
        title=f"No file came for pipeline {run.pipeline.name}", message=message, link=run_link(run),
        dedupe_key=miss_key(run), now=now,
        metadata={"pipelineId": str(run.pipeline_id), "runId": str(run.pk), "nodeId": node_id},
    )  # fmt: skip


def announce_unarchived(run: PipelineRun, message: str, *, now: datetime) -> None:
    """Raise a system-health alert for files that could not be moved away after a run."""
    raise_alert(
        tenant_id=run.tenant_id, severity="warning", source=Source.FLOW,
        title=f"Files of pipeline {run.pipeline.name} lie where they are not meant to", message=message,
        link=run_link(run), dedupe_key=f"pipeline-files:{run.pipeline_id}", now=now,
        metadata={"pipelineId": str(run.pipeline_id), "runId": str(run.pk)},
    )  # fmt: skip


def settle_health(run: PipelineRun, *, now: datetime) -> None:
    """Resolve what earlier runs of the pipeline raised, now that one took files and went well."""
    resolve_many([(run.tenant_id, key) for key in (failure_key(run), miss_key(run))], now=now)


def note_end(run: PipelineRun) -> None:
    """Write at the pipeline how its latest run ended, and count it; the first load makes it active."""
    status = RunStatus(run.status)
    rows = Pipeline.objects.for_tenant(run.tenant_id).filter(pk=run.pipeline_id)
    rows.filter(Q(last_run_at=None) | Q(last_run_at__lte=run.created_at)).update(last_run_status=status)
    if run.committed_at is not None:
        rows.filter(status=PipelineStatus.DRAFT).update(status=PipelineStatus.ACTIVE)
        for kind in ("rows_in", "rows_out", "failed_rows", "skipped_rows"):
            ROWS.labels(kind.replace("rows_", "").replace("_rows", "")).inc(getattr(run, kind))
    RUNS.labels(status.value).inc()


def failure_key(run: PipelineRun) -> str:
    """Return the key under which a pipeline's failures stand in system health."""
    return f"pipeline:{run.pipeline_id}"


def miss_key(run: PipelineRun) -> str:
    """Return the key under which the files that a pipeline misses stand in system health."""
    return f"pipeline-miss:{run.pipeline_id}"


def run_link(run: PipelineRun) -> str:
    """Return the path of the page that shows the run."""
    return f"/data/flow-runs/{run.pk}"


def _ended(run: PipelineRun, status: RunStatus, now: datetime) -> EndedRun:
    return EndedRun(
        tenant_id=run.tenant_id, pipeline_id=run.pipeline_id, pipeline_name=run.pipeline.name, run_id=run.pk,
        ir_version=run.ir_version, trigger_source=run.trigger_source, status=status, rows_in=run.rows_in,
        rows_out=run.rows_out, failed_rows=run.failed_rows, skipped_rows=run.skipped_rows, started_at=run.started_at,
        ended_at=now, error=run.error[:LONGEST_REASON] or None, error_id=run.error_id,
    )  # fmt: skip


def _text(value: object) -> str | None:
    return None if value is None else str(value)
