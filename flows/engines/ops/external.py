"""Operations of external models: without credentials their output is null, and the run says so."""

from flows.engines.base import Finding
from flows.engines.rows import Rows
from flows.engines.work import Work
from flows.ir.columns.steps import EXTERNAL_TYPES
from flows.ir.ops import ExternalOp


def compile_external(op: ExternalOp, rows: Rows, work: Work) -> Rows:
    """Compile the operation: a column of nulls, of the type that the model would give."""
    work.column(rows, op.field)
    work.free(rows, op.into)
    word = str(getattr(op, "op", ""))
    work.findings.append(
        Finding(work.node_id, op.id or work.op_name, f"{work.place}: no credentials for a model, {op.into} is null")
    )
    return work.where(rows).compute({op.into: work.backend.dialect.nothing(EXTERNAL_TYPES[word])})
