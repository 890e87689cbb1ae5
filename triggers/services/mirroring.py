"""Keep a copy of what live versions say about when they run, in the transaction that changes it (settled 6, 27)."""

import uuid
from datetime import datetime
from typing import Final

from flows.selectors.live import LivePipeline, live_pipelines
from flows.services.following import Change
from triggers.services.counting import change_counts
from triggers.services.mirroring_files import forget_trigger, mirror_trigger
from triggers.services.mirroring_schedules import forget_schedule, mirror_schedule

PIPELINES: Final = {Change.CREATED: 1, Change.DELETED: -1}


def mirror_pipeline(*, tenant_id: uuid.UUID, pipeline_id: uuid.UUID, change: Change, now: datetime) -> None:
    """Bring schedule, trigger and counts of a pipeline into line with what is live; the pipeline's row is locked.

    Nothing is reached over the network. Called by flows (see `flows.services.following`).
    """
    if change is Change.DELETED:
        triggers = forget_trigger(tenant_id=tenant_id, pipeline_id=pipeline_id, now=now)
        scheduled = forget_schedule(tenant_id=tenant_id, pipeline_id=pipeline_id, now=now)
    else:
        live = _live(pipeline_id)
        triggers = mirror_trigger(live=live, now=now)
        scheduled = mirror_schedule(live=live, change=change, now=now)
    # The row of the counts is the last that anybody locks: a tick that parks holds schedules and waits for it.
    change_counts(tenant_id, pipelines=PIPELINES.get(change, 0), scheduled=scheduled, file_triggers=triggers)


def _live(pipeline_id: uuid.UUID) -> LivePipeline:
    (live,) = live_pipelines([pipeline_id])
    return live
