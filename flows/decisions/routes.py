"""Ways through a pipeline, pure: where the rows of a target come from, and where rejected rows of a node go."""

from collections.abc import Mapping, Sequence

from flows.ir.graph import plan_of, reached_from
from flows.ir.pipeline import PipelineIR
from flows.ir.sources import SourceNode
from flows.ir.targets import TargetNode
from flows.ir.validation import ValidateNode

LONGEST_NAME = 63


def source_of(ir: PipelineIR, target_id: str) -> str:
    """Return the source node that lineage names for a target: the first in the pipeline's order that leads to it."""
    plan = plan_of(ir)
    upstream = {node_id: [each.node_id for each in inputs] for node_id, inputs in plan.inputs.items()}
    leads = reached_from([target_id], upstream)
    return next((node.id for node in plan.order if isinstance(node, SourceNode) and node.id in leads), "")


def quarantine_table(ir: PipelineIR, node_id: str) -> str:
    """Return the table for rows that a node rejects: its own or the nearest validate node's downstream.

    Else it is `dlq.<table>_rejects` of the nearest target; `dlq.<node>_rejects` where nothing leads to one.
    """
    nodes = {node.id: node for node in ir.nodes}
    downstream = [nodes[each] for each in _nearest_first(node_id, plan_of(ir).consumers)]
    for node in downstream:
        if isinstance(node, ValidateNode) and node.quarantine is not None:
            return node.quarantine.table
    table = next((node.table for node in downstream if isinstance(node, TargetNode)), node_id.lower().replace("-", "_"))
    return f"dlq.{table.removeprefix('public.')[: LONGEST_NAME - len('_rejects')]}_rejects"


def _nearest_first(start: str, steps: Mapping[str, Sequence[str]]) -> list[str]:
    found = [start]
    for node_id in found:
        found += [each for each in steps.get(node_id, ()) if each not in found]
    return found
