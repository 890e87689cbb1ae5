"""A transform node: its operations in their order."""

from collections.abc import Sequence

from flows.engines.ops import REGISTRY
from flows.engines.rows import Rows
from flows.engines.work import Work
from flows.ir.flowing import TransformNode


def compile_transform(node: TransformNode, inputs: Sequence[Rows], work: Work) -> Rows:
    """Compile the node."""
    (rows,) = inputs
    for number, op in enumerate(node.ops):
        work.op_name = op.id or f"ops[{number}] {op.op}"
        rows = REGISTRY[op.op](op, rows, work)
    work.op_name = ""
    return rows
