"""What a failure of a run means: its words, the node it is about, and whether the same may go well later."""

import logging
import uuid
from dataclasses import dataclass, field
from typing import Final

import django.db
import duckdb
import psycopg

from flows.decisions.retries import is_passing_state
from flows.engines.base import EngineError
from flows.formats.base import UnreadableFile
from flows.ir.problems import IrInvalid
from flows.models import PipelineRun
from flows.services.isolating import in_one_line, plain
from flows.storage.base import StorageError
from flows.targets.base import TargetRefused
from kaireon.platform.ids import new_id

logger = logging.getLogger(__name__)

LONGEST_ERROR: Final = 4_000
OUT_OF_MEMORY: Final = (
    "The run needs more memory than it may have (FLOW_MEMORY_LIMIT_MB), or more disk than FLOW_TEMP_DIR has: {reason}"
)
Refused = (StorageError, EngineError, TargetRefused, UnreadableFile, IrInvalid)


class RunRefused(Exception):
    """The run cannot go on, and says why; the same would happen again."""

    def __init__(self, message: str, *, node_id: str = "") -> None:
        super().__init__(message)
        self.message, self.node_id = message, node_id


@dataclass(frozen=True, slots=True)
class Failure:
    """A run's failure. Under `error_id` its trace stands in the log."""

    message: str
    node_id: str = ""
    is_transient: bool = False
    error_id: uuid.UUID = field(default_factory=new_id)


def failure_of(error: Exception, *, node_id: str = "") -> Failure:
    """Return what an error means for the run; `node_id` is the node it was at, if that is known."""
    if isinstance(error, (*Refused, RunRefused)):
        message = plain(getattr(error, "message", None) or str(error))[:LONGEST_ERROR]
        return Failure(message, getattr(error, "node_id", "") or node_id, getattr(error, "is_transient", False))
    if isinstance(error, django.db.Error | psycopg.Error):
        state = _sql_state(error)
        return Failure(f"PostgreSQL refused: {in_one_line(error)}", node_id, is_passing_state(state))
    if isinstance(error, duckdb.OutOfMemoryException | MemoryError):
        return Failure(OUT_OF_MEMORY.format(reason=in_one_line(error)), node_id)
    if isinstance(error, duckdb.Error):
        # Such as a broken page of a Parquet file, which shows when it is read.
        return Failure(f"The rows cannot be read or computed: {in_one_line(error)}", node_id)
    return Failure(in_one_line(error), node_id)


def log_failure(run: PipelineRun, failure: Failure, error: Exception) -> None:
    """Log a failure under its id: with a trace when it is none that the product knows."""
    is_known = isinstance(error, (*Refused, RunRefused))
    logger.log(
        logging.WARNING if is_known else logging.ERROR, "run failed", exc_info=None if is_known else error,
        extra={
            "event": "flows.run_failed", "errorId": str(failure.error_id), "runId": str(run.pk),
            "tenantId": str(run.tenant_id), "pipelineId": str(run.pipeline_id), "reason": failure.message[:500],
            "isTransient": failure.is_transient,
        },
    )  # fmt: skip


def _sql_state(error: Exception) -> str:
    return getattr(error, "sqlstate", None) or getattr(error.__cause__, "sqlstate", None) or ""
