"""The tick that most write first: every pipeline is read and asked of croniter, with and without a fetch for each.

It decides only: no occurrence, no run is written. psycopg, without an ORM, reads what ours reads.
"""

import time
from collections.abc import Iterator
from datetime import datetime

import psycopg
from croniter import croniter

from benchmarks.triggers_lab.filling import START

_LIST = "SELECT id, live_version, last_run_at FROM flows_pipeline WHERE live_version IS NOT NULL AND paused_at IS NULL"
_FETCH = "SELECT ir->'schedule' FROM flows_pipelineversion WHERE pipeline_id = %s AND version = %s"
_ONE_QUERY = """
SELECT v.ir->'schedule', p.last_run_at FROM flows_pipeline AS p
JOIN flows_pipelineversion AS v ON v.pipeline_id = p.id AND v.version = p.live_version WHERE p.paused_at IS NULL
"""


def one_fetch_each(session: psycopg.Connection) -> tuple[float, int]:
    """Return milliseconds and how many were due: a list, and each pipeline's IR by a query of its own."""

    def rows() -> Iterator[tuple[str, datetime]]:
        for pipeline_id, version, last_run_at in session.execute(_LIST).fetchall():
            found = session.execute(_FETCH, [pipeline_id, version]).fetchone()
            assert found is not None
            yield found[0]["expression"], last_run_at

    return _ask(rows())


def one_query(session: psycopg.Connection) -> tuple[float, int]:
    """Return milliseconds and how many were due: all schedules by one query."""

    def rows() -> Iterator[tuple[str, datetime]]:
        for spec, last_run_at in session.execute(_ONE_QUERY).fetchall():
            yield spec["expression"], last_run_at

    return _ask(rows())


def _ask(rows: Iterator[tuple[str, datetime]]) -> tuple[float, int]:
    began, due = time.perf_counter(), 0
    for expression, last_run_at in rows:
        # The occurrence at START itself counts: `(lastRunAt, now]`.
        if croniter(expression, START.replace(microsecond=1)).get_prev(datetime) > last_run_at:
            due += 1
    return (time.perf_counter() - began) * 1_000, due
