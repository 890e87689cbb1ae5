"""How far a run is: kept in memory by whoever works on it, written at most once a second by the pulse.

The pulse has a connection of its own: what is said in the middle of the load is there before the load commits, and
stays when it is rolled back.
"""

import threading
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from flows.decisions.progress import enter_stage, leave_stage, note_figures
from flows.decisions.vocabulary import LogLevel, Stage
from flows.models import PipelineRun, RunLogLine
from flows.services.isolating import plain
from kaireon.platform.notifications.services.dispatch import Clock

LONGEST_LINE: Final = 4_000
FIGURES: Final = frozenset(
    {"rows_in", "rows_out", "failed_rows", "skipped_rows", "total_rows", "processed_rows", "bytes_in", "total_bytes"}
)


def log_line(
    run: PipelineRun, stage: Stage, message: str, *, now: datetime, level: LogLevel = LogLevel.INFO
) -> None:  # fmt: skip
    """Write a line of the run's log, in the caller's transaction."""
    _line(run, stage, message, now, level).save(force_insert=True)


def _line(run: PipelineRun, stage: Stage, message: str, now: datetime, level: LogLevel) -> RunLogLine:
    return RunLogLine(
        tenant_id=run.tenant_id, run=run, at=now, stage=stage, level=level, message=plain(message)[:LONGEST_LINE]
    )


class Progress:
    """The figures of a run under way. Safe to write from the run's thread and read from the pulse's."""

    def __init__(self, run: PipelineRun, clock: Clock) -> None:
        self.run, self._clock = run, clock
        self._lock = threading.Lock()
        self._changed: dict[str, Any] = {}
        self._stages: list[dict[str, Any]] = []
        self._partitions: list[dict[str, Any]] = []
        self._lines: list[RunLogLine] = []
        self.stage = Stage.LISTING

    def enter(self, stage: Stage, message: str, *, level: LogLevel = LogLevel.INFO) -> None:
        """Begin a stage, with a line in the log."""
        now = self._clock()
        with self._lock:
            self.stage = stage
            self._stages = enter_stage(self._stages, stage, at=now)
            self._changed |= {"stage": stage, "stages": self._stages}
            self._lines.append(_line(self.run, stage, message, now, level))

    def say(self, message: str, *, level: LogLevel = LogLevel.INFO) -> None:
        """Add a line to the log of the stage under way."""
        with self._lock:
            self._lines.append(_line(self.run, self.stage, message, self._clock(), level))

    def note(self, **figures: int | None) -> None:
        """Set figures of the run: rows and bytes, absolute."""
        unknown = figures.keys() - FIGURES
        if unknown:
            raise ValueError(f"no figures of a run: {sorted(unknown)}")
        with self._lock:
            self._changed |= figures

    def note_stage(self, **figures: int) -> None:
        """Set figures of the stage under way: `rowsIn`, `rowsOut`, `quarantined`."""
        with self._lock:
            self._stages = note_figures(self._stages, **figures)
            self._changed["stages"] = self._stages

    def set_partitions(self, partitions: Sequence[dict[str, Any]]) -> None:
        """Say which files there are: `{"index", "name", "status", "rows", "bytes"}` each."""
        with self._lock:
            self._partitions = [dict(each) for each in partitions]
            self._changed["partitions"] = self._partitions

    def note_partitions(self, indexes: Sequence[int], **values: Any) -> None:
        """Change files of the list."""
        with self._lock:
            wanted = set(indexes)
            self._partitions = [each | values if each["index"] in wanted else each for each in self._partitions]
            self._changed["partitions"] = self._partitions

    def write_lines(self) -> None:
        """Write the lines that are not written yet, with this thread's connection."""
        with self._lock:
            lines, self._lines = self._lines, []
        if lines:
            RunLogLine.objects.bulk_create(lines)

    def take(self) -> dict[str, Any]:
        """Return what has changed since the last call, as columns of the run."""
        with self._lock:
            changed, self._changed = self._changed, {}
        return changed

    def finished(self) -> dict[str, Any]:
        """Return everything that is not written yet, with the last stage ended: for the transaction that ends it."""
        with self._lock:
            self._stages = leave_stage(self._stages, at=self._clock())
            self._changed["stages"] = self._stages
        return self.take()
