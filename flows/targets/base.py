"""What loading takes and gives."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


class TargetRefused(Exception):
    """The load cannot be done as it is written; nothing of it was kept. The message says what to change."""

    def __init__(self, message: str, *, node_id: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.node_id = node_id


@dataclass(frozen=True, slots=True)
class LoadContext:
    """For whom, by which run and when; `data_schema` is the tenant's schema in PostgreSQL (settled 28)."""

    tenant_id: uuid.UUID
    data_schema: str
    pipeline_id: uuid.UUID
    run_id: uuid.UUID
    source_node_id: str
    now: datetime
    # Called with the rows written so far, at most a few times a second; raises to stop the load.
    on_progress: Callable[[int], None]
    # Whether each row says which run wrote it; `executionConfig.lineage` of the pipeline.
    lineage: bool = True


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a target took: rows written, rows left out (below the watermark, equal), and how it was done in words."""

    rows_written: int
    rows_skipped: int
    strategy: str
    warnings: tuple[str, ...] = ()
