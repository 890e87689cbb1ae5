"""The end of a run, whoever brings it there: its files are moved to where they belong, then it is told.

What is to become of a run is written first: `committed_at` in the transaction of its rows, or `ending` for a run that
has none. So a process that dies in the middle of this is followed by another that goes on with the same.
"""

import logging
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from flows.decisions.retries import wait_before_clearing
from flows.decisions.runs import MAX_CLEARINGS, Ending, cancelled_by, status_after
from flows.decisions.vocabulary import FileState, LogLevel, RunStatus, Stage
from flows.ir.problems import IrInvalid
from flows.models import PipelineRun, RunFile
from flows.services.announcing import announce_failed, announce_unarchived, note_end, settle_health
from flows.services.claims import Claim, LeaseLost, fence, mine, postpone, requeue
from flows.services.controls import claim_controls, is_archived, moves_controls
from flows.services.failures import RunRefused
from flows.services.files import OPEN, Hand, open_files
from flows.services.progressing import log_line
from flows.services.sourcing import OpenSource, opened_sources
from flows.services.versions_of_runs import ir_of
from flows.storage.base import StorageError
from kaireon.platform.notifications.services.dispatch import Clock

logger = logging.getLogger(__name__)

ENDS: Final = {
    Ending.FAILED: RunStatus.FAILED,
    Ending.CANCELLED: RunStatus.CANCELLED,
    Ending.NOTHING: RunStatus.COMPLETED,
}
LEFT: Final = "{count} file(s) of the run could not be moved and lie in the staging folder: {reason}"
CONTROL_LEFT: Final = "The control file of the run could not be moved away: {reason}"


def _on() -> None:
    """Nothing stops a run that is ending."""


def set_ending(claim: Claim, ending: Ending, **changes: Any) -> None:
    """Write where a run that has not committed is going, before anything is done about it. Raises LeaseLost."""
    if not mine(claim).filter(committed_at=None).update(ending=ending, **changes):
        raise LeaseLost


def settle(*, claim: Claim, clock: Clock, beat: Callable[[], None] = _on) -> RunStatus | None:
    """Move the files of a run to where they belong and end it; None when it waits: to begin again, or for its store.

    Its row says where it goes: `committed_at`, else `ending`. Raises LeaseLost.
    """
    run = mine(claim).select_related("tenant", "pipeline").first()
    if run is None:
        raise LeaseLost
    rows = open_files(run)
    try:
        if rows or moves_controls(run):
            _move(Hand(claim, run, clock, beat), rows)
    except (StorageError, IrInvalid, RunRefused) as error:
        if _is_tried_again(run, error):
            _try_later(claim, run, error, clock())
            return None
        return _end(claim, run, clock(), left=_left(run, error))
    return _end(claim, run, clock())


def _move(hand: Hand, rows: list[RunFile]) -> None:
    run, at = hand.run, hand.clock()
    with opened_sources(run, ir_of(run)) as sources:
        by_node: dict[str, list[RunFile]] = defaultdict(list)
        for row in [*rows, *claim_controls(hand, sources)]:
            by_node[row.node_id].append(row)
        for node_id, files in by_node.items():
            if node_id not in sources:
                raise StorageError(f"Source {node_id} not found in this version of the pipeline.")
            _move_of(hand, sources[node_id], files, at)


def _move_of(hand: Hand, source: OpenSource, files: list[RunFile], at: datetime) -> None:
    if hand.run.committed_at is not None:
        hand.archive(source, files, at=hand.run.committed_at)
    elif hand.run.ending == Ending.FAILED:
        hand.set_aside(source, files, at=at)
    else:
        hand.put_back(source, [row for row in files if not is_archived(hand.run, row)])
        hand.archive(source, [row for row in files if is_archived(hand.run, row)], at=at)


def _left(run: PipelineRun, error: Exception) -> str:
    count = len(open_files(run))
    return LEFT.format(count=count, reason=error) if count else CONTROL_LEFT.format(reason=error)


def _is_tried_again(run: PipelineRun, error: Exception) -> bool:
    return getattr(error, "is_transient", False) and run.clearings + 1 < MAX_CLEARINGS


def _try_later(claim: Claim, run: PipelineRun, error: Exception, now: datetime) -> None:
    tries = run.clearings + 1
    until = now + wait_before_clearing(tries)
    mine(claim).update(clearings=tries)
    log_line(run, Stage.ARCHIVING, f"Files are not moved yet: {error}", now=now, level=LogLevel.WARNING)
    postpone(claim, until=until)


@transaction.atomic(durable=True)
def _end(claim: Claim, run: PipelineRun, now: datetime, *, left: str = "") -> RunStatus | None:
    run = fence(claim)
    if left:
        _tell_left(run, left, now)
    if run.committed_at is not None:
        return _close(run, status_after(failed_rows=run.failed_rows), now)
    ending = Ending(run.ending)
    if ending is Ending.AGAIN and not left:
        if run.cancel_requested_at is None:
            requeue(claim, not_before=run.not_before)
            return None
        # Its files are where a cancel puts them, too.
        ending, run.error = Ending.CANCELLED, cancelled_by(run.cancelled_by)
    return _close(run, ENDS.get(ending, RunStatus.FAILED), now)


def _tell_left(run: PipelineRun, left: str, now: datetime) -> None:
    """Say which files lie where they are not meant to; those of a run without rows are out of its hands."""
    run.warnings = [*run.warnings, left]
    announce_unarchived(run, left, now=now)
    if run.committed_at is None:
        run.error = run.error or left
        # Another run may take them, above all its retry.
        files = RunFile.objects.for_tenant(run.tenant_id).filter(run=run, state__in=OPEN)
        files.update(state=FileState.FAILED, error=left, updated_at=now)


def _close(run: PipelineRun, status: RunStatus, now: datetime) -> RunStatus:
    run.status, run.stage, run.finished_at = status, Stage.DONE, now
    run.claim_token, run.lease_until, run.ending = None, None, Ending.NONE
    run.save(
        update_fields=["status", "stage", "finished_at", "claim_token", "lease_until", "ending", "warnings", "error"]
    )  # fmt: skip
    words = {RunStatus.FAILED: LogLevel.ERROR, RunStatus.CANCELLED: LogLevel.WARNING}
    log_line(run, Stage.DONE, _last_line(run), now=now, level=words.get(status, LogLevel.INFO))
    if status is RunStatus.FAILED:
        announce_failed(run, now=now)
    elif run.committed_at is not None:
        settle_health(run, now=now)
    note_end(run)
    return status


def _last_line(run: PipelineRun) -> str:
    if run.status in {RunStatus.FAILED, RunStatus.CANCELLED}:
        return run.error or run.status
    return f"{run.status}: {run.rows_out:,} rows loaded of {run.rows_in:,} read, {run.failed_rows:,} set aside"
