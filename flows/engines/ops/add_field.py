"""`add_field`: a column with one value."""

from flows.engines.rows import Rows
from flows.engines.values import scalar_of
from flows.engines.work import Work
from flows.ir.ops import AddField
from flows.ir.types import type_of_values


def compile_add_field(op: AddField, rows: Rows, work: Work) -> Rows:
    """Compile the operation; a column of that name is replaced."""
    work.free(rows, op.field)
    return work.where(rows).compute({op.field: scalar_of(op.value, type_of_values([op.value]))})
