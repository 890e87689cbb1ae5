"""The copy of a live version's file-arrival trigger, and of the folder that it watches."""

import uuid
from datetime import datetime

from flows.selectors.live import LivePipeline
from flows.services.following import Change


def mirror_trigger(*, live: LivePipeline, change: Change, now: datetime) -> None:
    """Bring the trigger's row into line with what is live."""


def forget_trigger(*, tenant_id: uuid.UUID, pipeline_id: uuid.UUID) -> None:
    """Let go of the folder of a pipeline that is about to go, if nobody else watches it."""
