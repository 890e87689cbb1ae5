"""What a dispatch locks, reads and writes: a constant number of statements, however many runs it is asked for."""

import json
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection
from pydantic import ValidationError

from flows.decisions.vocabulary import Overlap, RunStatus, TriggerSource
from flows.ir.pipeline import Retry
from flows.models import Pipeline, PipelineRun
from kaireon.platform.bulk import insert_many

# A run of its own: catching up, each instant keeps its run, and no later one is put in its place.
STANDS_ALONE: Final = "standsAlone"
_TRIES: Final = """
SELECT version.pipeline_id, version.version, version.ir #> '{errorHandling,retry}'
FROM unnest(%s::uuid[], %s::int[]) AS wanted (pipeline_id, number)
JOIN flows_pipelineversion AS version
  ON version.pipeline_id = wanted.pipeline_id AND version.version = wanted.number"""
_UNFINISHED: Final = """
SELECT asked.id FROM unnest(%s::uuid[]) AS asked (id)
WHERE EXISTS (SELECT FROM flows_pipelinerun AS run
              WHERE run.pipeline_id = asked.id AND run.status IN ('pending', 'running'))"""
# Scheduled runs that nobody has begun, nor tried, nor begins just now; the oldest of each pipeline.
_WAITING: Final = f"""
SELECT asked.id, waiting.id FROM unnest(%s::uuid[]) AS asked (id)
CROSS JOIN LATERAL (
    SELECT run.id FROM flows_pipelinerun AS run
    WHERE run.pipeline_id = asked.id AND run.status = '{RunStatus.PENDING}' AND run.started_at IS NULL
      AND run.trigger_source = '{TriggerSource.SCHEDULE}' AND run.overlap = '{Overlap.QUEUE}'
      AND NOT run.metadata ? '{STANDS_ALONE}'
    ORDER BY run.created_at, run.id LIMIT 1 FOR UPDATE SKIP LOCKED
) AS waiting"""  # noqa: S608 - constants
_RENEW: Final = """
UPDATE flows_pipelinerun AS run SET parameters = latest.parameters::jsonb, ir_version = latest.version,
       metadata = run.metadata || jsonb_build_object('irVersion', latest.version)
FROM unnest(%s::uuid[], %s::text[], %s::int[]) AS latest (id, parameters, version)
WHERE run.id = latest.id
  AND coalesce(run.parameters ->> 'occurrenceAt', '') <= coalesce(latest.parameters::jsonb ->> 'occurrenceAt', '')"""


@dataclass(frozen=True, slots=True)
class Renewed:
    """What a run that waits does now instead: what is live, for the latest occurrence."""

    parameters: Mapping[str, Any]
    version: int


def lock_pipelines(asked_of: Collection[tuple[uuid.UUID, uuid.UUID]]) -> dict[uuid.UUID, Pipeline]:
    """Lock pipelines, given with their tenants, by the order of their ids, and return them by id."""
    tenants, ids = {tenant_id for tenant_id, _ in asked_of}, {pipeline_id for _, pipeline_id in asked_of}
    rows = Pipeline.objects.across_tenants().filter(tenant_id__in=tenants, pk__in=ids)
    asked = rows.select_for_update(no_key=True).order_by("pk")
    return {row.pk: row for row in asked.only("id", "tenant_id", "paused_at", "live_version", "execution_config")}


def read_tries(wanted: Collection[tuple[uuid.UUID, int]]) -> dict[tuple[uuid.UUID, int], int]:
    """Return how often each version that is there wants its run tried; of the IR no more is read."""
    with connection.cursor() as cursor:
        cursor.execute(_TRIES, [[pipeline_id for pipeline_id, _ in wanted], [number for _, number in wanted]])
        return {
            (pipeline_id, number): retry_of(None if given is None else json.loads(given)).max_attempts
            for pipeline_id, number, given in cursor.fetchall()
        }


def read_unfinished(pipeline_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of the pipelines that have a run which waits or is under way."""
    if not pipeline_ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_UNFINISHED, [list(pipeline_ids)])
        return {pipeline_id for (pipeline_id,) in cursor.fetchall()}


def lock_waiting(pipeline_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """Lock, and return by pipeline, the scheduled run that waits and may stand for a later occurrence too."""
    if not pipeline_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [list(pipeline_ids)])
        return dict(cursor.fetchall())


def renew_waiting(renewed: Mapping[uuid.UUID, Renewed]) -> None:
    """Write what runs that wait do now instead."""
    if not renewed:
        return
    parameters = [json.dumps(dict(each.parameters)) for each in renewed.values()]
    with connection.cursor() as cursor:
        cursor.execute(_RENEW, [list(renewed), parameters, [each.version for each in renewed.values()]])


def insert_runs(runs: Collection[PipelineRun]) -> None:
    """Insert runs that wait."""
    insert_many(list(runs))


def note_begun(pipeline_ids: Collection[uuid.UUID], *, counting: Collection[uuid.UUID], now: datetime) -> None:
    """Write that a run of each waits; `counting` are those whose due rule counts from it."""
    if not pipeline_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE flows_pipeline SET last_run_status = %s, "
            "last_run_at = CASE WHEN id = ANY(%s::uuid[]) THEN %s ELSE last_run_at END WHERE id = ANY(%s::uuid[])",
            [RunStatus.PENDING, list(counting), now, list(pipeline_ids)],
        )


def retry_of(given: Any) -> Retry:
    """Return how often a run is tried, and how it waits; what cannot be read is one try."""
    try:
        return Retry() if given is None else Retry.model_validate(given)
    except ValidationError:
        return Retry()


def retry_of_ir(ir: Any) -> Retry:
    """Return how often a saved IR wants its run tried, and how it waits; what cannot be read is one try."""
    handling = ir.get("errorHandling") if isinstance(ir, dict) else None
    return retry_of(handling.get("retry") if isinstance(handling, dict) else None)
