"""The copy of a live version's schedule, and the tenant's counts."""

import uuid
from datetime import datetime

from flows.selectors.live import LivePipeline
from flows.services.following import Change


def mirror_schedule(*, live: LivePipeline, change: Change, now: datetime) -> None:
    """Bring the schedule's row into line with what is live."""


def forget_schedule(*, tenant_id: uuid.UUID, pipeline_id: uuid.UUID, change: Change) -> None:
    """Take a pipeline that is about to go out of the counts."""
