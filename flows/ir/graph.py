"""The graph of a pipeline: who reads whom, in which order, and what is wrong with it. Nothing here recurses."""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from flows.ir.flowing import ArchiveNode, BranchNode, EnrichNode, JoinNode, TransformNode
from flows.ir.ops import Aggregate
from flows.ir.pipeline import PipelineIR
from flows.ir.sources import SourceNode
from flows.ir.targets import TargetNode
from flows.ir.validation import ValidateNode

AnyNode = (
    SourceNode | TransformNode | ValidateNode | TargetNode | BranchNode | JoinNode | EnrichNode | ArchiveNode
)  # what `Node` is without its discriminator


@dataclass(frozen=True, slots=True)
class Upstream:
    """Whose rows an input takes: a node's, or those that leave a branch by one of its exits."""

    node_id: str
    exit: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The nodes in an order in which every input comes before its reader; stable: else as they stand in the document.

    `inputs`: of each node what it reads (a join: left, then right). `consumers`: of each node the ids that read it.
    """

    order: tuple[AnyNode, ...]
    inputs: Mapping[str, tuple[Upstream, ...]]
    consumers: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Exit:
    """A way out of a branch: its name, the number of the case it stands for, and whether the rest leaves by it."""

    name: str
    case: int | None
    is_default: bool


def exits_of(branch: BranchNode) -> tuple[Exit, ...]:
    """Return a branch's exits: each case, and `default` as one of its own unless it is the name of a case.

    A row leaves by the first case that is true; when none is, by the exit that is the default, if there is one.
    """
    cases = [Exit(case.id, number, case.id == branch.default) for number, case in enumerate(branch.cases)]
    if branch.default is not None and not any(case.is_default for case in cases):
        cases.append(Exit(branch.default, None, is_default=True))
    return tuple(cases)


def read_upstream(reference: str) -> Upstream:
    """Read `node` or `branch.exit`."""
    node_id, _, exit_name = reference.partition(".")
    return Upstream(node_id, exit_name or None)


def references_of(node: AnyNode) -> tuple[tuple[str, str], ...]:
    """Return the fields of a node that name what it reads, with what they say."""
    if isinstance(node, JoinNode):
        return (("left", node.left), ("right", node.right))
    return () if isinstance(node, SourceNode) else (("input", node.input),)


def plan_of(ir: PipelineIR) -> Plan:
    """Return the plan of an IR that was parsed; one with a cycle or a dangling input is none and raises ValueError."""
    nodes = {node.id: node for node in ir.nodes}
    inputs = {node.id: tuple(read_upstream(text) for _, text in references_of(node)) for node in ir.nodes}
    links = {node_id: [upstream.node_id for upstream in upstreams] for node_id, upstreams in inputs.items()}
    order, left = sort_nodes(links)
    if left or len(nodes) != len(ir.nodes) or any(name not in nodes for names in links.values() for name in names):
        raise ValueError("The IR was not parsed: its nodes form no graph without cycles.")
    return Plan(tuple(nodes[node_id] for node_id in order), inputs, consumers_of(links))


def is_row_by_row(ir: PipelineIR) -> bool:
    """Tell whether every row read comes to one row at most: none is joined, summed up or read by two nodes."""
    read = [text for node in ir.nodes for _, text in references_of(node)]
    is_joined = any(isinstance(node, JoinNode) for node in ir.nodes)
    transforms = (node for node in ir.nodes if isinstance(node, TransformNode))
    is_summed = any(isinstance(op, Aggregate) for node in transforms for op in node.ops)
    return not (is_joined or is_summed) and len(read) == len(set(read))


def consumers_of(links: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Turn "reads" into "is read by", each reader once."""
    readers: dict[str, dict[str, None]] = {node_id: {} for node_id in links}
    for reader, names in links.items():
        for name in names:
            readers.setdefault(name, {})[reader] = None
    return {node_id: tuple(names) for node_id, names in readers.items()}


def sort_nodes(links: Mapping[str, Sequence[str]]) -> tuple[list[str], list[str]]:
    """Sort ids so that what is read comes first, else in the given order; return also those in or behind a cycle.

    Names that are no key count as read already.
    """
    waits = {node_id: len({name for name in names if name in links}) for node_id, names in links.items()}
    readers = consumers_of(links)
    rank = {node_id: number for number, node_id in enumerate(links)}
    ready = [rank[node_id] for node_id, count in waits.items() if count == 0]
    heapq.heapify(ready)
    names = list(links)
    order: list[str] = []
    while ready:
        node_id = names[heapq.heappop(ready)]
        order.append(node_id)
        for reader in readers[node_id]:
            waits[reader] -= 1
            if waits[reader] == 0:
                heapq.heappush(ready, rank[reader])
    return order, [node_id for node_id, count in waits.items() if count > 0]


def reached_from(starts: Iterable[str], steps: Mapping[str, Sequence[str]]) -> set[str]:
    """Return every id that can be reached, the starts included."""
    found = set(starts)
    waiting = list(found)
    while waiting:
        for name in steps.get(waiting.pop(), ()):
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found


def cycle_among(ids: Sequence[str], links: Mapping[str, Sequence[str]]) -> list[str]:
    """Return one cycle among ids that are in or behind one: each reads the next, and the last the first."""
    members = set(ids)
    path: dict[str, int] = {}
    node_id = ids[0]
    while node_id not in path:
        path[node_id] = len(path)
        node_id = next(name for name in links[node_id] if name in members)
    return list(path)[path[node_id] :]
