"""A pipeline from its sources to its feeds."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

from flows.engines.backend import Backend
from flows.engines.base import EngineError, Execution, Feed, Lookup
from flows.engines.nodes import REGISTRY
from flows.engines.nodes.branch import leave
from flows.engines.rejecting import Quarantines
from flows.engines.rows import Rows
from flows.engines.work import Work
from flows.formats.base import ReadTable
from flows.ir.flowing import BranchNode
from flows.ir.graph import AnyNode, Plan, Upstream, plan_of
from flows.ir.pipeline import PipelineIR
from flows.ir.sources import SourceNode
from flows.ir.targets import TargetNode

OnNode = Callable[[str, str], None]


def execute(
    backend: Backend, ir: PipelineIR, inputs: Mapping[str, ReadTable], *, now: datetime, lookup: Lookup, on_node: OnNode
) -> Execution:
    """Run a pipeline: what rejects, or is read twice, is put aside; what streams to a target streams as it is read."""
    quarantines = Quarantines(backend)
    work = Work(backend=backend, now=now, lookup=lookup)
    work.on_rejected = partial(quarantines.take, work)
    done: dict[str, Rows] = {}
    feeds: dict[str, Feed] = {}
    plan = plan_of(ir)
    for node in plan.order:
        on_node(node.id, node.kind)
        done[node.id] = compile_node(node, plan, inputs, done, work)
        if isinstance(node, TargetNode):
            feeds[node.id] = _feed(node, work.settle(done[node.id]), work)
    return Execution(
        targets=feeds, rejects=quarantines, findings=work.findings, sql=sql_of(done, backend),
        skipped_rows=work.skipped_rows,
    )  # fmt: skip


def compile_node(
    node: AnyNode, plan: Plan, inputs: Mapping[str, ReadTable], done: Mapping[str, Rows], work: Work
) -> Rows:
    """Return the rows that leave a node; `done` are those of the nodes before it. Raises EngineError."""
    work.node_id, work.op_name = node.id, ""
    if isinstance(node, SourceNode):
        if node.id not in inputs:
            raise EngineError(f"{node.id}: nothing was read for this source", node_id=node.id)
        rows = work.backend.source(inputs[node.id])
    else:
        taken = [_taken(upstream, plan, done, work) for upstream in plan.inputs[node.id]]
        work.node_id = node.id
        rows = REGISTRY[node.kind](node, taken, work)
    return work.keep(work.settle(rows)) if _readers(node, plan) > 1 else rows


def sql_of(done: Mapping[str, Rows], backend: Backend) -> dict[str, str]:
    """Return the SQL of each node's rows."""
    return {node_id: backend.sql(rows.bare()) for node_id, rows in done.items()}


def _taken(upstream: Upstream, plan: Plan, done: Mapping[str, Rows], work: Work) -> Rows:
    """Return what an input reads: a node's rows, or those that leave a branch by one of its exits."""
    rows = done[upstream.node_id]
    if upstream.exit is None:
        return rows
    branch = next(node for node in plan.order if node.id == upstream.node_id)
    assert isinstance(branch, BranchNode)
    work.node_id = branch.id
    return leave(branch, upstream.exit, rows, work)


def _readers(node: AnyNode, plan: Plan) -> int:
    """Return how often a node's rows are read."""
    return sum(upstream.node_id == node.id for upstreams in plan.inputs.values() for upstream in upstreams)


def _feed(node: TargetNode, rows: Rows, work: Work) -> Feed:
    explain = work.explainer()
    count = rows.count
    if rows.is_kept and count is None:
        count = int(work.figures(rows, n=rows.table.count())["n"])
    columns = work.backend.columns(rows)
    return Feed(node.id, columns, count, partial(work.backend.stream, rows, explain))
