"""An enrich node: without credentials its column is null, and the run says so."""

from collections.abc import Sequence

from flows.engines.base import Finding
from flows.engines.rows import Rows
from flows.engines.work import Work
from flows.ir.flowing import EnrichNode


def compile_enrich(node: EnrichNode, inputs: Sequence[Rows], work: Work) -> Rows:
    """Compile the node."""
    (rows,) = inputs
    work.column(rows, node.field)
    work.free(rows, node.into)
    message = f"{node.id}: no credentials for {node.provider}, {node.into} is null"
    work.findings.append(Finding(node.id, "", message))
    return work.where(rows).compute({node.into: work.backend.dialect.nothing("VARCHAR")})
