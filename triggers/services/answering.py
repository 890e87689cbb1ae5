"""The documented answer of a tick: what the route says, and `manage.py tick`, which may not reach for the route."""

from typing import Any

from kaireon.platform.fields import format_time
from triggers.services.telling import TickLine
from triggers.services.ticking import TickResult


def tick_json(result: TickResult) -> dict[str, Any]:
    """Return a tick's answer, with the documented keys in the documented order."""
    if result.was_locked:
        return {"skipped": True, "tickAt": format_time(result.tick_at)}
    return {
        "tickAt": format_time(result.tick_at),
        "totalPipelines": result.total_pipelines,
        "scheduled": result.scheduled,
        "due": result.due,
        "dispatched": result.dispatched,
        "failed": result.failed,
        "results": [_line_json(line) for line in result.lines],
        "durationMs": result.duration_ms,
        "remaining": result.remaining,
    }


def _line_json(line: TickLine) -> dict[str, Any]:
    return {
        "pipelineId": str(line.pipeline_id),
        "tenantId": str(line.tenant_id),
        "fired": line.fired,
        "status": line.status,
        "runId": line.run_id and str(line.run_id),
        "occurrence": line.occurrence and format_time(line.occurrence),
        "triggerSource": line.trigger_source.value,
        "reason": line.reason or None,
    }
