"""What a tick, a push or a watcher says of each pipeline that it looked at."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from flows.decisions.vocabulary import TriggerSource

CREATED, ACCEPTED, CONFLICT, FAILED = 201, 202, 409, 500


@dataclass(frozen=True, slots=True)
class TickLine:
    """One pipeline that was due: `status` 201 for a run that began, 202 held or coalesced, 409 refused, 500 failed.

    `occurrence` is UTC. `reason` says why nothing fired; it is empty when a run began.
    """

    tenant_id: uuid.UUID
    pipeline_id: uuid.UUID
    fired: bool
    status: int
    trigger_source: TriggerSource
    occurrence: datetime | None = None
    run_id: uuid.UUID | None = None
    reason: str = ""
