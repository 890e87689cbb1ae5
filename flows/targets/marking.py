"""The lineage column: which run wrote a row, from which source, and as which of its rows."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from flows.decisions.naming import LINEAGE_COLUMN, quoted
from flows.targets.base import LoadContext, TargetRefused
from flows.targets.shapes import TableColumn, TableShape, find_shape

COLUMN = TableColumn(LINEAGE_COLUMN, "jsonb", "jsonb", is_required=False, is_computed=False)


def ensure_lineage(cursor: Any, shape: TableShape) -> TableShape:
    """Return the table with a lineage column, which its first write adds.

    Raises TargetRefused when there is a column of that name that is no jsonb.
    """
    column = shape.column(LINEAGE_COLUMN)
    if column is None:
        cursor.execute(f"ALTER TABLE {shape.table.sql} ADD COLUMN IF NOT EXISTS {quoted(LINEAGE_COLUMN)} jsonb")
        return find_shape(cursor, shape.table) or shape
    if column.kind != "jsonb":
        raise TargetRefused(f"{shape.table.shown}: the column {LINEAGE_COLUMN} is {column.type}; lineage needs jsonb.")
    return shape


def lineage_ends(context: LoadContext) -> tuple[str, str]:
    """Return the JSON of a row's lineage before and after the row's number; keys stand as jsonb sorts them."""
    known = json.dumps({"runId": str(context.run_id), "pipelineId": str(context.pipeline_id)}, separators=(",", ":"))
    return f'{known[:-1]},"writeOrder":', f',"sourceNodeId":{json.dumps(context.source_node_id)}}}'


def lineage_maker(context: LoadContext) -> Callable[[int, int], pa.Array]:
    """Return what makes the lineage of `count` rows from the row number `first` on, as JSON texts."""
    head, tail = lineage_ends(context)

    def made(first: int, count: int) -> pa.Array:
        numbers = pa.array(np.arange(first, first + count)).cast(pa.string())
        return pc.binary_join_element_wise(head, numbers, tail, "")

    return made
