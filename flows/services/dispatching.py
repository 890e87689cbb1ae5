"""The one way in which a run comes to be: by hand, by the API, by a schedule, by a file, or as a retry."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet
from pydantic import ValidationError

from flows.decisions.runs import NotBegun, time_limit_of
from flows.decisions.vocabulary import Overlap, RunStatus, TriggerSource
from flows.executors import hand_on
from flows.ir.pipeline import Retry
from flows.models import Pipeline, PipelineRun, PipelineVersion
from kaireon.platform.errors import Conflict, NotFound
from kaireon.platform.ids import new_id

LONGEST_NAME: Final = 254
UNFINISHED: Final = (RunStatus.PENDING, RunStatus.RUNNING)
# A schedule and a trigger stand still while the pipeline is paused; a person may run it all the same.
STAND_STILL: Final = frozenset({TriggerSource.SCHEDULE, TriggerSource.FILE_ARRIVAL})


@dataclass(frozen=True, slots=True)
class Dispatched:
    """The run that begins, or stands for what was asked; None and the reason when none does."""

    run_id: uuid.UUID | None
    reason: str = ""


def dispatch_run(
    *, tenant_id: uuid.UUID, pipeline_id: uuid.UUID, trigger_source: TriggerSource | str, requested_by: str,
    now: datetime, parameters: Mapping[str, Any] | None = None, version: int | None = None,
    retry_of: PipelineRun | None = None, overlap: Overlap | str = Overlap.QUEUE, not_before: datetime | None = None,
) -> Dispatched:  # fmt: skip
    """Write a pending run with the caller's transaction; a worker takes it after the commit.

    It locks the pipeline's row, so a caller with several pipelines goes by the order of their ids. `version` defaults
    to the live one. `parameters` are what the trigger knew: `occurrenceAt`, `controlFile {nodeId, key}`. With overlap
    `skip` no run begins while another waits or is under way; with `queue` scheduled runs that wait are one. Raises
    NotFound, Conflict without a live version, RuntimeError outside a transaction.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("a run is dispatched in the transaction of what asked for it")
    source, wish = TriggerSource(trigger_source), Overlap(overlap)
    pipeline = _lock(tenant_id, pipeline_id)
    if pipeline.paused_at is not None and source in STAND_STILL:
        return Dispatched(None, NotBegun.PAUSED)
    chosen = _version_of(pipeline, version)
    given = dict(parameters or {})
    if (instead := _instead(pipeline, source, wish, given, chosen)) is not None:
        return instead
    run = _new_run(pipeline, chosen, source, now)
    run.requested_by, run.parameters, run.overlap = requested_by[:LONGEST_NAME], given, wish
    run.retry_of, run.not_before = retry_of, not_before or now
    run.save(force_insert=True)
    Pipeline.objects.for_tenant(tenant_id).filter(pk=pipeline_id).update(
        last_run_at=now, last_run_status=RunStatus.PENDING
    )  # fmt: skip
    transaction.on_commit(lambda: hand_on(run.pk), robust=True)
    return Dispatched(run.pk)


def _lock(tenant_id: uuid.UUID, pipeline_id: uuid.UUID) -> Pipeline:
    rows = Pipeline.objects.for_tenant(tenant_id).select_for_update(no_key=True)
    pipeline = rows.filter(pk=pipeline_id).first()
    if pipeline is None:
        raise NotFound(f"There is no pipeline {pipeline_id}.")
    return pipeline


def _version_of(pipeline: Pipeline, wanted: int | None) -> PipelineVersion:
    number = pipeline.live_version if wanted is None else wanted
    if number is None:
        raise Conflict("The pipeline has no live version yet; publish one first.", code="NOT_PUBLISHED")
    rows = PipelineVersion.objects.for_tenant(pipeline.tenant_id)
    version = rows.filter(pipeline=pipeline, version=number).first()
    if version is None:
        raise NotFound(f"The pipeline has no version {number}.")
    return version


def _instead(
    pipeline: Pipeline, source: TriggerSource, overlap: Overlap, parameters: Mapping[str, Any], version: PipelineVersion
) -> Dispatched | None:
    """Return what stands for the run that was asked for, or None when it is to begin."""
    unfinished = PipelineRun.objects.for_tenant(pipeline.tenant_id).filter(pipeline=pipeline, status__in=UNFINISHED)
    if overlap is Overlap.SKIP and unfinished.exists():
        return Dispatched(None, NotBegun.OVERLAP)
    if overlap is not Overlap.QUEUE or source is not TriggerSource.SCHEDULE:
        return None
    waiting = _waiting_scheduled(unfinished).first()
    if waiting is None:
        return None
    # It runs what is live now, for the latest occurrence.
    waiting.parameters, waiting.ir_version = dict(parameters), version.version
    waiting.save(update_fields=["parameters", "ir_version"])
    return Dispatched(waiting.pk, NotBegun.COALESCED)


def _waiting_scheduled(unfinished: QuerySet[PipelineRun]) -> QuerySet[PipelineRun]:
    """Return scheduled runs that nobody has begun, nor tried, nor begins just now."""
    waiting = unfinished.filter(
        status=RunStatus.PENDING, trigger_source=TriggerSource.SCHEDULE, overlap=Overlap.QUEUE, started_at=None
    )
    return waiting.select_for_update(skip_locked=True).order_by("created_at", "pk")


def _new_run(pipeline: Pipeline, version: PipelineVersion, source: TriggerSource, now: datetime) -> PipelineRun:
    return PipelineRun(
        id=new_id(), tenant_id=pipeline.tenant_id, pipeline=pipeline, ir_version=version.version,
        trigger_source=source, created_at=now, max_attempts=retry_of_ir(version.ir).max_attempts,
        time_limit_seconds=time_limit_of(pipeline.execution_config), metadata={"irVersion": version.version},
    )  # fmt: skip


def retry_of_ir(ir: Any) -> Retry:
    """Return how often a saved IR wants its run tried, and how it waits; what cannot be read is one try."""
    handling = ir.get("errorHandling") if isinstance(ir, dict) else None
    given = handling.get("retry") if isinstance(handling, dict) else None
    try:
        return Retry() if given is None else Retry.model_validate(given)
    except ValidationError:
        return Retry()
