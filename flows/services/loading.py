"""The one transaction of a run: every target, every rejected row, the errors, the files' state, the event, the mark.

The last statement before the commit is the fence: it says `committed_at` only while the token is ours and nobody has
cancelled. So a run leaves all of its rows or none, and whoever finds it later sees which.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import psycopg
from django.db import connection, transaction

from flows.decisions.routes import quarantine_table, source_of
from flows.decisions.runs import status_after
from flows.decisions.vocabulary import FileState
from flows.engines.base import EngineError, Execution
from flows.formats.base import ReadTable
from flows.ir.graph import is_row_by_row
from flows.ir.pipeline import PipelineIR
from flows.ir.targets import TargetNode
from flows.models import PipelineRun, RunFile
from flows.services.announcing import announce_committed
from flows.services.claims import Claim, LeaseLost, mine
from flows.services.connecting import note_sync
from flows.services.counting import Counting
from flows.services.holding import end_when_silent, hold_load
from flows.services.progressing import Progress
from flows.services.pulse import Pulse, Stopped, Why
from flows.services.rejected import UNREADABLE, RowErrors
from flows.services.sourcing import source_nodes
from flows.services.tables import data_schema_of
from flows.targets.base import LoadContext, Loaded
from flows.targets.hooks import after_commit_hooks
from flows.targets.loading import load_feed
from flows.targets.locking import take_turns
from flows.targets.rejecting import write_bad_rows, write_rejects
from kaireon.platform.notifications.services.dispatch import Clock

logger = logging.getLogger(__name__)

# The server ends a transaction whose worker says nothing for so long, such as a frozen one that holds the table.
IDLE_MS: Final = 15 * 60 * 1000
CANCEL_SECONDS: Final = 5.0
FIGURES: Final = ("rows_in", "rows_out", "failed_rows", "skipped_rows", "total_rows", "processed_rows")
IN_HAND: Final = (FileState.CLAIMED, FileState.STAGED)


@dataclass(slots=True)
class Load:
    """The load of one run."""

    claim: Claim
    run: PipelineRun
    ir: PipelineIR
    progress: Progress
    pulse: Pulse
    clock: Clock
    _done: dict[str, Loaded] = field(default_factory=dict)
    _hooks: list[tuple[TargetNode, LoadContext, Loaded]] = field(default_factory=list)
    _rejected: int = 0
    _tables: dict[str, str] = field(default_factory=dict)

    def commit(
        self, execution: Execution, reads: Mapping[str, ReadTable], counting: Counting, *,
        require_unchanged: Callable[[], None],
    ) -> None:  # fmt: skip
        """Load everything and commit; `require_unchanged` is asked once all is read.

        Raises LeaseLost, Stopped, TargetRefused, EngineError, StorageError; then nothing was kept.
        """
        data_schema = data_schema_of(self.run.tenant)
        errors = RowErrors(self.run)
        with self._cancellable(), transaction.atomic(durable=True):
            end_when_silent(milliseconds=IDLE_MS)
            hold_load(self.run)
            with connection.cursor() as cursor:
                take_turns(cursor, self._targets(), data_schema, lineage=self._has_lineage())
            for target in self._targets():
                self._load(target, execution, data_schema)
            self._set_aside(execution, reads, errors, data_schema)
            errors.write()
            require_unchanged()
            self._seal(execution, reads, counting)

    def after_commit(self) -> None:
        """Call the hooks that come after the commit; what fails of them is a warning of the run."""
        # The pulse may have written what it had taken a moment before the commit.
        self.progress.note(**{name: getattr(self.run, name) for name in FIGURES})
        warnings = after_commit_hooks(self._hooks)
        if warnings:
            mine(self.claim).update(warnings=[*self.run.warnings, *warnings])

    def _targets(self) -> list[TargetNode]:
        return [node for node in self.ir.nodes if isinstance(node, TargetNode)]

    def _cancellable(self) -> "_Cancellable":
        return _Cancellable(self.pulse)

    def _load(self, target: TargetNode, execution: Execution, data_schema: str) -> None:
        before = sum(each.rows_written for each in self._done.values())

        def on_progress(rows: int) -> None:
            self.pulse.check()
            self.progress.note(processed_rows=before + rows)

        self.progress.say(f"{target.load_mode} into {target.table}")
        context = replace(self._context(target.id, data_schema), on_progress=on_progress)
        loaded = load_feed(connection, target, execution.targets[target.id], context)
        self._done[target.id] = loaded
        self._hooks.append((target, context, loaded))
        self.progress.say(f"{target.table}: {loaded.rows_written:,} rows, {loaded.strategy}")
        self.pulse.check()

    def _context(self, node_id: str, data_schema: str) -> LoadContext:
        return LoadContext(
            tenant_id=self.run.tenant_id, data_schema=data_schema, pipeline_id=self.run.pipeline_id,
            run_id=self.run.pk, source_node_id=source_of(self.ir, node_id), now=self.clock(),
            on_progress=self._check, lineage=self._has_lineage(),
        )  # fmt: skip

    def _has_lineage(self) -> bool:
        return self.run.pipeline.execution_config.get("lineage", True) is not False

    def _check(self, rows: int) -> None:
        self.pulse.check()

    def _set_aside(
        self, execution: Execution, reads: Mapping[str, ReadTable], errors: RowErrors, data_schema: str
    ) -> None:
        for node_id, read in reads.items():
            if read.bad_rows:
                errors.add_bad_rows(node_id, read.bad_rows)
                table, context = quarantine_table(self.ir, node_id), self._context(node_id, data_schema)
                written = write_bad_rows(
                    connection, read.bad_rows, context, node_id=node_id, table=table, rule_id=UNREADABLE
                )
                # Beyond the limit only their number is known.
                self._note(node_id, table, written, max(written, read.bad_row_count))
        for feed in execution.rejects:
            table = feed.table or quarantine_table(self.ir, feed.node_id)
            context = self._context(feed.node_id, data_schema)
            written = write_rejects(connection, errors.watch(feed), context, default_table=table)
            self._note(feed.node_id, table, written, written)

    def _note(self, node_id: str, table: str, written: int, rejected: int) -> None:
        if not rejected:
            return
        if not self.ir.error_handling.dlq.enabled:
            text = f"{rejected:,} rows were rejected, and errorHandling.dlq.enabled is false: nothing was kept."
            raise EngineError(text, node_id=node_id)
        self._rejected += rejected
        self._tables[node_id] = table
        self.progress.say(f"{rejected:,} rows of {node_id} set aside, {written:,} of them in {table}")

    def _seal(self, execution: Execution, reads: Mapping[str, ReadTable], counting: Counting) -> None:
        """Write what the run is now, the fence last."""
        now, run = self.clock(), self.run
        self._note_figures(execution, reads, counting)
        # From here on others wait for the rows of the run, its files and its connectors.
        end_when_silent()
        # Of an attempt that failed before.
        run.error, run.error_id, run.error_node = "", None, ""
        files = RunFile.objects.for_tenant(run.tenant_id).filter(run=run, state__in=IN_HAND)
        files.update(state=FileState.COMMITTED, updated_at=now)
        note_sync(pipeline=run.pipeline, sources=source_nodes(self.ir), rows=run.rows_in, now=now)
        status = status_after(failed_rows=run.failed_rows)
        announce_committed(run, status, now=now)
        changes = self.progress.take() | {
            name: getattr(run, name)
            for name in (*FIGURES, "load_strategy", "warnings", "metadata", "error", "error_id", "error_node")
        }  # fmt: skip
        fenced = mine(self.claim).filter(cancel_requested_at=None)
        if not fenced.update(committed_at=now, **changes):
            raise Stopped(Why.CANCELLED) if mine(self.claim).exists() else LeaseLost

    def _note_figures(self, execution: Execution, reads: Mapping[str, ReadTable], counting: Counting) -> None:
        run, done = self.run, self._done.values()
        run.rows_out = sum(each.rows_written for each in done)
        run.failed_rows = self._rejected
        run.rows_in = run.total_rows = sum(counting.rows_of(node_id) for node_id in reads)
        run.skipped_rows = execution.skipped_rows + sum(each.rows_skipped for each in done)
        if is_row_by_row(self.ir):
            # Whoever dropped them: a filter, a deduplication, a branch, or a row that was there already.
            run.skipped_rows = max(0, run.rows_in - run.rows_out - run.failed_rows)
        run.processed_rows = run.rows_in
        run.load_strategy = ", ".join(dict.fromkeys(each.strategy for each in done))[:60]
        run.warnings = _warnings(execution, reads, self._done)
        run.metadata = run.metadata | {
            "targetRows": {node: each.rows_written for node, each in self._done.items()},
            "sqlSnippets": dict(execution.sql), "quarantineTables": self._tables, "nodeRows": dict(execution.rows),
        }  # fmt: skip
        self.progress.note_stage(rowsIn=run.rows_in, rowsOut=run.rows_out, quarantined=run.failed_rows)


class _Cancellable:
    """Lets the pulse cancel the statement that this thread's connection is in the middle of."""

    def __init__(self, pulse: Pulse) -> None:
        self._pulse = pulse
        connection.ensure_connection()
        self._connection = connection.connection

    def __enter__(self) -> None:
        self._pulse.on_stop(self._cancel)

    def __exit__(self, *raised: object) -> None:
        self._pulse.forget(self._cancel)

    def _cancel(self) -> None:
        try:
            self._connection.cancel_safe(timeout=CANCEL_SECONDS)
        except psycopg.Error as error:
            # The pulse calls again in a second.
            logger.warning("statement not cancelled", exc_info=error, extra={"event": "flows.not_cancelled"})


def _warnings(execution: Execution, reads: Mapping[str, ReadTable], done: Mapping[str, Loaded]) -> list[str]:
    found = [f"{each.node_id}: {each.message}" for each in execution.findings]
    found += [f"{node_id}: {note}" for node_id, read in reads.items() for note in read.notes]
    return found + [f"{node_id}: {warning}" for node_id, loaded in done.items() for warning in loaded.warnings]
