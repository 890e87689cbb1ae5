"""What every mode gets and gives."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import pyarrow as pa

from flows.engines.base import Feed
from flows.formats.base import Column
from flows.ir.targets import TargetNode
from flows.targets.base import LoadContext, Loaded
from flows.targets.copying import CopyPlan, copy_rows
from flows.targets.marking import COLUMN, ensure_lineage, lineage_maker
from flows.targets.shapes import TableShape


@dataclass(frozen=True, slots=True)
class Job:
    """One load: everything checked, nothing written yet."""

    cursor: Any
    target: TargetNode
    shape: TableShape
    feed: Feed
    context: LoadContext

    @property
    def names(self) -> list[str]:
        """Return the feed's columns in their order."""
        return [column.name for column in self.feed.columns]

    def into(self, shape: TableShape) -> "Job":
        """Return the same load into another table of the same columns."""
        return replace(self, shape=shape)


class Mode(Protocol):
    """A module of this package."""

    def check(
        self, cursor: Any, target: TargetNode, shape: TableShape, columns: Sequence[Column], context: LoadContext
    ) -> None:
        """Raise TargetRefused when the mode cannot be done with this table and these columns."""
        ...

    def load(self, job: Job) -> Loaded:
        """Write the rows in the cursor's transaction. Raises TargetRefused."""
        ...


def copy_feed(job: Job, reader: pa.RecordBatchReader, *, nulls_empty: bool = False) -> int:
    """Copy rows straight into the job's table, with their lineage, and return their number."""
    marked = ensure_lineage(job.cursor, job.shape) if job.context.lineage else job.shape
    plan = CopyPlan(
        table=marked.table, names=job.names, columns=columns_of(marked, job.names), nulls_empty=nulls_empty,
        maker=lineage_maker(job.context) if job.context.lineage else None,
        made_column=COLUMN if job.context.lineage else None,
    )  # fmt: skip
    return copy_rows(job.cursor, reader, plan, on_progress=job.context.on_progress)


def columns_of(shape: TableShape, names: Sequence[str]) -> list[Any]:
    """Return columns of the table by their names, which `check` has found to be there."""
    found = {column.name: column for column in shape.columns}
    return [found[name] for name in names]


def peeked(reader: pa.RecordBatchReader) -> tuple[bool, pa.RecordBatchReader]:
    """Tell whether there is any row, and return a reader that still gives all of them."""
    batches = iter(reader)
    first = next((batch for batch in batches if batch.num_rows), None)

    def all_of_them() -> Iterator[pa.RecordBatch]:
        if first is not None:
            yield first
        yield from batches

    return first is not None, pa.RecordBatchReader.from_batches(reader.schema, all_of_them())
