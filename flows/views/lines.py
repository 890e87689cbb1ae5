"""What rows of the flow pages show: a pipeline in words with its newest run, a run with how far it is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flows.decisions.vocabulary import RunStatus, Stage, TriggerSource
from flows.models import Pipeline, PipelineRun
from flows.selectors.overview import PipelineRow, is_waiting_long
from flows.selectors.showing import Ends, ends_of, next_run_at, trigger_words

TRIGGERS: Final = {
    TriggerSource.MANUAL: "by hand",
    TriggerSource.SCHEDULE: "by its schedule",
    TriggerSource.FILE_ARRIVAL: "a file arrived",
    TriggerSource.BACKFILL: "backfill",
    TriggerSource.RETRY: "retry",
    TriggerSource.API: "through the API",
}


@dataclass(frozen=True, slots=True)
class PipelineLine:
    """A pipeline as the list shows it; `state` is the word of its newest run."""

    pipeline: Pipeline
    ends: Ends
    trigger: str
    next_at: datetime | None
    run: PipelineRun | None
    state: str

    @property
    def is_running(self) -> bool:
        """Tell whether its newest run has not ended."""
        return self.run is not None and not RunStatus(self.run.status).is_final


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run as lists show it; `percent` is how far it is where that can be told."""

    run: PipelineRun
    state: str
    percent: int | None
    is_waiting_long: bool
    trigger: str

    @property
    def is_over(self) -> bool:
        """Tell whether it has ended."""
        return RunStatus(self.run.status).is_final


def pipeline_line(row: PipelineRow, now: datetime) -> PipelineLine:
    """Return what a row of a pipeline shows."""
    is_scheduled = row.pipeline.live_version is not None and row.pipeline.paused_at is None
    last_run_at, created_at = row.pipeline.last_run_at, row.pipeline.created_at
    next_at = next_run_at(row.ir, now, last_run_at=last_run_at, created_at=created_at) if is_scheduled else None
    return PipelineLine(
        pipeline=row.pipeline, ends=ends_of(row.ir), trigger=trigger_words(row.ir), next_at=next_at,
        run=row.last_run, state=state_of(row.last_run),
    )  # fmt: skip


def run_line(run: PipelineRun, now: datetime) -> RunLine:
    """Return what a row of a run shows."""
    trigger = TRIGGERS.get(TriggerSource(run.trigger_source), "")
    return RunLine(run, state_of(run), percent_of(run), is_waiting_long(run, now), trigger)


def state_of(run: PipelineRun | None) -> str:
    """Return the word of the vocabulary for a run: the stage of one that is under way, else how it ended."""
    if run is None:
        return ""
    if run.status == RunStatus.PENDING:
        return "queued"
    if run.status == RunStatus.RUNNING:
        return "cancelling" if run.cancel_requested_at else _stage_word(run.stage)
    return "completed_with_rejects" if run.status == RunStatus.COMPLETED_WITH_ERRORS else str(run.status)


def _stage_word(stage: str) -> str:
    return "running" if stage in {Stage.QUEUED, Stage.DONE} else stage


def percent_of(run: PipelineRun) -> int | None:
    """Return how far a run is, by rows where their number is known, else by bytes; None where neither is."""
    if run.status != RunStatus.RUNNING:
        return None
    for done, whole in ((run.processed_rows, run.total_rows), (run.bytes_in, run.total_bytes)):
        if whole:
            return min(100, int(100 * done / whole))
    return None
