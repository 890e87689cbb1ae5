"""The run that never was: a failed one for a file that did not come in time, so that what counts failures counts it."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from flows.decisions.vocabulary import LogLevel, RunStatus, Stage, TriggerSource
from flows.models import Pipeline, PipelineRun
from flows.services.announcing import announce_failed, note_end
from flows.services.progressing import log_line
from kaireon.platform.ids import new_id

DEADLINE_MISSED: Final = "file arrival deadline missed"
REQUESTED_BY: Final = "file-arrival deadline"


def write_missed_run(
    *, tenant_id: uuid.UUID, pipeline_id: uuid.UUID, detail: str, parameters: Mapping[str, Any], now: datetime
) -> uuid.UUID | None:  # fmt: skip
    """Write a failed run for a deadline that was missed, tell of it as of any failure, and return its id.

    It does not move `last_run_at` (settled 34), so the next file finds the pipeline as it was. `detail` goes to its
    log. None when the pipeline is gone or nothing of it is live. Joins the caller's transaction; raises RuntimeError
    outside of one.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("a missed run is written in the transaction of what missed it")
    rows = Pipeline.objects.for_tenant(tenant_id).select_for_update(no_key=True)
    pipeline = rows.filter(pk=pipeline_id).first()
    if pipeline is None or pipeline.live_version is None:
        return None
    run = PipelineRun(
        id=new_id(), tenant_id=tenant_id, pipeline=pipeline, ir_version=pipeline.live_version,
        trigger_source=TriggerSource.FILE_ARRIVAL, requested_by=REQUESTED_BY, parameters=dict(parameters),
        status=RunStatus.FAILED, stage=Stage.DONE, not_before=now, created_at=now, finished_at=now,
        metadata={"irVersion": pipeline.live_version, "isSynthetic": True}, error=DEADLINE_MISSED, error_id=new_id(),
    )  # fmt: skip
    run.save(force_insert=True)
    log_line(run, Stage.DONE, f"{DEADLINE_MISSED}: {detail}", now=now, level=LogLevel.ERROR)
    announce_failed(run, now=now)
    note_end(run)
    return run.pk
