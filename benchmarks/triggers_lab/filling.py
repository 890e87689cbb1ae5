"""Scheduled pipelines by the hundred thousand, made inside PostgreSQL: versions, schedules, a past run, a ledger."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import connection

from benchmarks.generators.history import make_tenants
from flows.decisions.vocabulary import RunStatus
from flows.models import PipelineRun

TENANTS: Final = 50
# The first tick's instant. What is not due in the benchmark is daily, in hours that its ticks stay away from.
START: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
STEP: Final = timedelta(minutes=5)
OFTEN: Final = "*/5 * * * *"

_EXPRESSION = "CASE WHEN g <= %(due)s THEN %(often)s ELSE g %% 60 || ' ' || g %% 10 || ' * * *' END"
_LAST = (
    "CASE WHEN g <= %(due)s THEN %(start)s::timestamptz - interval '5 minutes' ELSE date_trunc('day', "
    "%(start)s::timestamptz, 'UTC') + g %% 10 * interval '1 hour' + g %% 60 * interval '1 minute' END"
)
_NEXT = "CASE WHEN g <= %(due)s THEN %(start)s::timestamptz ELSE last + interval '1 day' END"
_SCHEDULE = (
    "jsonb_build_object('kind', 'cron', 'expression', expression, 'timezone', 'UTC', 'catchUp', 'latest', "
    "'overlap', 'queue', 'jitterSeconds', 0, 'enabled', true)"
)
_ROWS = f"""
SELECT g, lpad(to_hex(g), 32, '0')::uuid AS id, (%(tenants)s::uuid[])[1 + g %% %(tenant_count)s] AS tenant,
    {_EXPRESSION} AS expression, {_LAST} AS last
FROM generate_series(1, %(size)s) AS g
"""
_STATEMENTS = (
    f"""
    INSERT INTO flows_pipeline (id, tenant_id, name, description, status, execution_config, live_version,
        latest_version, paused_reason, last_run_at, last_run_status, created_by, created_at, updated_at)
    SELECT id, tenant, 'Pipeline ' || g, '', 'active', '{{}}', 1, 1, '', last, 'completed', 'bench',
        %(start)s::timestamptz - interval '30 days', %(start)s
    FROM ({_ROWS}) AS rows""",
    f"""
    INSERT INTO flows_pipelineversion (id, tenant_id, pipeline_id, version, ir, comment, authored_by, created_at)
    SELECT id, tenant, id, 1, jsonb_set(%(ir)s::jsonb, '{{schedule}}', {_SCHEDULE}), '', 'bench', %(start)s
    FROM ({_ROWS}) AS rows""",
    f"""
    INSERT INTO flows_pipelinerun (id, tenant_id, pipeline_id, ir_version, trigger_source, requested_by, parameters,
        overlap, status, stage, attempt, max_attempts, deaths, looks, ending, clearings, not_before, worker,
        cancelled_by, time_limit_seconds, created_at, started_at, finished_at, rows_in, rows_out, failed_rows,
        skipped_rows, processed_rows, bytes_in, partitions, stages, load_strategy, warnings, metadata, error,
        error_node)
    SELECT id, tenant, id, 1, 'schedule', 'scheduler', '{{}}', 'queue', 'completed', 'done', 1, 1, 0, 0, '', 0, last,
        '', '', 3600, last, last, last, 0, 0, 0, 0, 0, 0, '[]', '[]', '', '[]', '{{}}', '', ''
    FROM ({_ROWS}) AS rows""",
    f"""
    INSERT INTO triggers_pipelineschedule (id, tenant_id, pipeline_id, version, spec, state, reason, decided_until,
        next_due_at, last_fired_at, active_since, created_at, updated_at)
    SELECT id, tenant, id, 1, {_SCHEDULE}, 'active', '', last, {_NEXT}, last,
        %(start)s::timestamptz - interval '30 days', %(start)s::timestamptz - interval '30 days', %(start)s
    FROM ({_ROWS}) AS rows""",
    f"""
    INSERT INTO triggers_occurrence (id, tenant_id, pipeline_id, kind, key, occurrence_at, count, outcome, reason,
        run_id, decided_at, held_for, repeats, via, version, detail, is_shared)
    SELECT gen_random_uuid(), tenant, id, 'schedule', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), at,
        1, 'fired', '', CASE WHEN d = 0 THEN id END, at, '', 0, 'tick', 1, '{{}}', false
    FROM ({_ROWS}) AS rows, generate_series(0, 2) AS d, LATERAL (SELECT last - d * interval '1 day' AS at) AS t""",
    f"""
    INSERT INTO triggers_tenantcounts (tenant_id, pipelines, scheduled, file_triggers)
    SELECT tenant, count(*), count(*), 0 FROM ({_ROWS}) AS rows GROUP BY tenant""",
)


def fill(size: int, due: int, ir: dict[str, Any]) -> list[uuid.UUID]:
    """Write `size` pipelines of which `due` run every five minutes, and return the tenants."""
    tenants = make_tenants(TENANTS)
    parameters = {
        "tenants": tenants, "tenant_count": TENANTS, "size": size, "due": due, "often": OFTEN, "start": START,
        "ir": json.dumps(ir),
    }  # fmt: skip
    with connection.cursor() as cursor:
        for statement in _STATEMENTS:
            cursor.execute(statement, parameters)
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("CHECKPOINT")
    return tenants


def pipeline_of(number: int) -> uuid.UUID:
    """Return the id of a pipeline."""
    return uuid.UUID(int=number)


def end_runs() -> None:
    """Let what waits have run, as workers would have before the next tick."""
    waiting = PipelineRun.objects.across_tenants().filter(status=RunStatus.PENDING)
    waiting.update(status=RunStatus.COMPLETED, finished_at=START)
