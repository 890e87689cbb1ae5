"""The events that tell what became of a run, as payloads: documented keys, absent values null."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

RUN_COMPLETED: Final = "pipeline.run.completed.v1"
RUN_FAILED: Final = "pipeline.run.failed.v1"


@dataclass(frozen=True, slots=True)
class EndedRun:
    """What an event tells of a run."""

    tenant_id: UUID
    pipeline_id: UUID
    pipeline_name: str
    run_id: UUID
    ir_version: int
    trigger_source: str
    status: str
    rows_in: int
    rows_out: int
    failed_rows: int
    skipped_rows: int
    started_at: datetime | None
    ended_at: datetime
    error: str | None = None
    error_id: UUID | None = None


def run_payload(ended: EndedRun) -> Mapping[str, Any]:
    """Return the payload of both events; a completed run has no error, a failed one no rows out."""
    return {
        "tenantId": str(ended.tenant_id),
        "pipelineId": str(ended.pipeline_id),
        "pipelineName": ended.pipeline_name,
        "runId": str(ended.run_id),
        "irVersion": ended.ir_version,
        "triggerSource": ended.trigger_source,
        "status": ended.status,
        "rowsIn": ended.rows_in,
        "rowsOut": ended.rows_out,
        "failedRows": ended.failed_rows,
        "skippedRows": ended.skipped_rows,
        "startedAt": ended.started_at and ended.started_at.isoformat(),
        "finishedAt": ended.ended_at.isoformat(),
        "error": ended.error,
        "errorId": ended.error_id and str(ended.error_id),
        "timestamp": ended.ended_at.isoformat(),
    }
