"""append: the rows are added; empty texts become NULL."""

from collections.abc import Sequence
from typing import Any

from flows.formats.base import Column
from flows.ir.targets import TargetNode
from flows.targets.base import LoadContext, Loaded
from flows.targets.modes.base import Job, copy_feed
from flows.targets.shapes import TableShape


def check(
    cursor: Any, target: TargetNode, shape: TableShape, columns: Sequence[Column], context: LoadContext
) -> None:  # fmt: skip
    """Accept any table that the columns fit."""


def load(job: Job) -> Loaded:
    """Copy the rows in."""
    rows = copy_feed(job, job.feed.batches(), nulls_empty=True)
    return Loaded(rows_written=rows, rows_skipped=0, strategy="append")
