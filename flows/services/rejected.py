"""Rows that a run could not take: into the quarantine tables in the run's transaction, the first thousand as errors."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

import pyarrow as pa

from flows.decisions.runs import MAX_ERRORS
from flows.engines.base import RejectFeed
from flows.formats.base import BadRow
from flows.models import PipelineRun, RunError
from flows.services.isolating import plain

UNREADABLE: Final = "unreadable"
LONGEST_VALUE: Final = 500
LONGEST_ERROR: Final = 1_000


@dataclass(slots=True)
class RowErrors:
    """The errors of a run, at most a thousand; those beyond are in the quarantine tables only."""

    run: PipelineRun
    rows: list[RunError] = field(default_factory=list)

    def add_bad_rows(self, node_id: str, bad_rows: Iterable[BadRow]) -> None:
        """Add rows of a source's files that could not be read."""
        for bad in bad_rows:
            if len(self.rows) >= MAX_ERRORS:
                return
            self._add(node_id, UNREADABLE, bad.error, file=bad.file, row=bad.line, column=bad.column, value=bad.value)

    def watch(self, feed: RejectFeed) -> RejectFeed:
        """Return the same feed; its first rows are noted as they pass."""

        def batches() -> pa.RecordBatchReader:
            reader = feed.batches()
            return pa.RecordBatchReader.from_batches(reader.schema, self._noted(feed.node_id, reader))

        return replace(feed, batches=batches)

    def write(self) -> None:
        """Write them, in the caller's transaction."""
        RunError.objects.bulk_create(self.rows, batch_size=500)

    def _noted(self, node_id: str, reader: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in reader:
            room = MAX_ERRORS - len(self.rows)
            for row in batch.slice(0, max(0, room)).to_pylist():
                # Behind filters and joins nobody knows its line; the row itself is in the quarantine table.
                self._add(
                    node_id, row["rule_id"] or "", row["error"] or "", row=None, column=row["column_name"] or "",
                    value=row["value"] or "",
                )  # fmt: skip
            yield batch

    def _add(
        self, node_id: str, rule_id: str, error: str, *, file: str = "", row: int | None, column: str, value: str
    ) -> None:
        self.rows.append(
            RunError(
                tenant_id=self.run.tenant_id,
                run=self.run,
                node_id=node_id[:63],
                rule_id=plain(rule_id)[:120],
                file=plain(file),
                row=row,
                column=plain(column)[:63],
                value=plain(value)[:LONGEST_VALUE],
                error=plain(error)[:LONGEST_ERROR],
            )
        )
