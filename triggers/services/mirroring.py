"""Keep a copy of what live versions say about when they run, in the transaction that changes it (settled 6, 27)."""

import uuid
from datetime import datetime

from flows.selectors.live import LivePipeline, live_pipelines
from flows.services.following import Change
from triggers.services.mirroring_files import forget_trigger, mirror_trigger
from triggers.services.mirroring_schedules import forget_schedule, mirror_schedule


def mirror_pipeline(*, tenant_id: uuid.UUID, pipeline_id: uuid.UUID, change: Change, now: datetime) -> None:
    """Bring schedule, trigger and counts of a pipeline into line with what is live; the pipeline's row is locked.

    Nothing is reached over the network. Called by flows (see `flows.services.following`).
    """
    if change is Change.DELETED:
        forget_schedule(tenant_id=tenant_id, pipeline_id=pipeline_id, change=change)
        forget_trigger(tenant_id=tenant_id, pipeline_id=pipeline_id)
        return
    live = _live(pipeline_id)
    mirror_schedule(live=live, change=change, now=now)
    mirror_trigger(live=live, change=change, now=now)


def _live(pipeline_id: uuid.UUID) -> LivePipeline:
    (live,) = live_pipelines([pipeline_id])
    return live
