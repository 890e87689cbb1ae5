"""The runs of pipelines as reports show them: each run of a stretch of time, and how many there were before it.

Plain values: `kaireon/report_sources.py` makes the data source of them.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import connection

from flows.decisions.vocabulary import RunStatus
from flows.models import Pipeline, PipelineRun
from interactions.selectors.streaming import stream_rows

_RUNS, _PIPELINES = (model._meta.db_table for model in (PipelineRun, Pipeline))
_WHERE: Final = """r.tenant_id = %(tenant)s AND r.created_at >= %(start)s AND r.created_at < %(end)s
    AND (%(pipeline)s::uuid IS NULL OR r.pipeline_id = %(pipeline)s)
    AND (%(status)s::text IS NULL OR r.status = %(status)s)"""
_LINES: Final = f"""SELECT r.created_at, p.name, r.status, r.trigger_source, r.rows_in, r.rows_out, r.failed_rows,
    extract(epoch FROM r.finished_at - r.started_at)::float8, r.error
FROM {_RUNS} AS r JOIN {_PIPELINES} AS p ON p.id = r.pipeline_id
WHERE {_WHERE}
ORDER BY r.created_at DESC, r.id DESC LIMIT %(limit)s"""  # noqa: S608 - names of tables
_COUNTS: Final = f"""SELECT count(*), count(*) FILTER (WHERE r.status = '{RunStatus.FAILED}'),
    coalesce(sum(r.rows_out), 0)::bigint, coalesce(sum(r.failed_rows), 0)::bigint
FROM {_RUNS} AS r WHERE {_WHERE}"""  # noqa: S608 - names of tables


@dataclass(frozen=True, slots=True)
class RunsAsk:
    """Ask for a tenant's runs; a pipeline or a status narrows them."""

    tenant_id: uuid.UUID
    pipeline_id: uuid.UUID | None = None
    status: str | None = None


class RunCounts(NamedTuple):
    """How many runs were asked for, how many of them failed, and what they loaded and set aside."""

    all: int
    failed: int
    rows_out: int
    rows_failed: int


class RunLine(NamedTuple):
    """One run; `seconds` is None while it has not ended."""

    at: datetime
    pipeline: str
    status: str
    trigger: str
    rows_in: int
    rows_out: int
    rows_failed: int
    seconds: float | None
    error: str


def read_run_counts(ask: RunsAsk, window: tuple[datetime, datetime]) -> RunCounts:
    """Return what ran in the window [start, end)."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, _values(ask, window))
        return RunCounts(*cursor.fetchone())


def read_run_lines(ask: RunsAsk, window: tuple[datetime, datetime], limit: int) -> Iterator[RunLine]:
    """Yield the newest runs of the window, inside a transaction."""
    return (RunLine(*row) for row in stream_rows(_LINES, _values(ask, window) | {"limit": limit}))


def _values(ask: RunsAsk, window: tuple[datetime, datetime]) -> dict[str, Any]:
    return {
        "tenant": ask.tenant_id, "pipeline": ask.pipeline_id, "status": ask.status, "start": window[0],
        "end": window[1],
    }  # fmt: skip
