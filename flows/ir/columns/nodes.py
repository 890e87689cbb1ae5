"""What each kind of node makes of the columns, in the order of the graph."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from flows.formats.base import Column
from flows.ir.columns.joining import clashes, joined_columns
from flows.ir.columns.steps import columns_after
from flows.ir.columns.tracing import Known, Trace
from flows.ir.flowing import ArchiveNode, BranchNode, EnrichNode, JoinNode, TransformNode
from flows.ir.graph import plan_of
from flows.ir.pipeline import PipelineIR
from flows.ir.problems import IrProblem
from flows.ir.targets import TargetNode
from flows.ir.types import UNKNOWN
from flows.ir.validation import DatasetLevel, ValidateNode, as_list


def propagate(ir: PipelineIR, sources: Mapping[str, Sequence[Column]]) -> Mapping[str, tuple[Column, ...]]:
    """Return the columns that leave each node, as far as they can be told from those of the sources.

    A node about which nothing is known is left out; a type that is not known is an empty text. Targets have what they
    are given; every exit of a branch has the same columns.
    """
    return {
        node_id: tuple(Column(name, kind) for name, kind in columns.items())
        for node_id, columns in _walk(ir, sources, Trace()).items()
        if columns is not None
    }


def column_problems(ir: PipelineIR, sources: Mapping[str, Sequence[Column]]) -> tuple[IrProblem, ...]:
    """Return every column that a step names and that is not there, in the order of the graph."""
    trace = Trace()
    _walk(ir, sources, trace)
    return tuple(trace.problems)


def _walk(ir: PipelineIR, sources: Mapping[str, Sequence[Column]], trace: Trace) -> dict[str, Known]:
    plan = plan_of(ir)
    places = {node.id: number for number, node in enumerate(ir.nodes)}
    known: dict[str, Known] = {}
    for node in plan.order:
        inputs = [known[upstream.node_id] for upstream in plan.inputs[node.id]]
        trace.at = ("nodes", places[node.id])
        if not inputs:
            given = sources.get(node.id)
            known[node.id] = None if given is None else {column.name: column.type for column in given}
        else:
            known[node.id] = _NODES[type(node)](node, inputs, trace)
    return known


def _transform(node: TransformNode, inputs: list[Known], trace: Trace) -> Known:
    columns, at = inputs[0], trace.at
    for number, op in enumerate(node.ops):
        trace.at = (*at, "ops", number)
        columns = columns_after(op, columns, trace)
    return columns


def _branch(node: BranchNode, inputs: list[Known], trace: Trace) -> Known:
    for number, case in enumerate(node.cases):
        trace.read(case.when, inputs[0], "cases", number, "when")
    return inputs[0]


def _join(node: JoinNode, inputs: list[Known], trace: Trace) -> Known:
    left, right = inputs
    for number, key in enumerate(node.on):
        trace.need(left, key.left, "on", number, "left")
        trace.need(right, key.right, "on", number, "right")
    if left is None or right is None:
        return left if node.how in {"semi", "anti"} else None
    for name in clashes(node, left, right):
        trace.report((), f"would give the column {name} twice; rename one before")
    sides = {"left": left, "key": left, "right": right}
    made = {name: sides[side][column] for name, (side, column) in joined_columns(node, left, right).items()}
    if node.how in {"right", "full"}:
        # A key of either side has the type that holds both.
        keys = {key.left for key in node.on if key.left == key.right and key.left in left and key.right in right}
        made |= {name: UNKNOWN for name in keys if left[name] != right[name]}
    return made


def _enrich(node: EnrichNode, inputs: list[Known], trace: Trace) -> Known:
    trace.need(inputs[0], node.field, "field")
    return None if inputs[0] is None else {**inputs[0], node.into: "VARCHAR"}


def _validate(node: ValidateNode, inputs: list[Known], trace: Trace) -> Known:
    columns = inputs[0]
    for number, rule in enumerate(node.row_level):
        trace.need(columns, rule.field, "rowLevel", number, "field")
    _dataset(node.dataset_level, columns, trace)
    return columns


def _dataset(level: DatasetLevel, columns: Known, trace: Trace) -> None:
    for number, rate in enumerate(as_list(level.null_rate)):
        trace.need(columns, rate.field, "datasetLevel", "nullRate", *_place(level.null_rate, number), "field")
    for number, age in enumerate(as_list(level.freshness)):
        trace.need(columns, age.field, "datasetLevel", "freshness", *_place(level.freshness, number), "field")
    for number, unique in enumerate(as_list(level.uniqueness)):
        for position, name in enumerate(unique.fields):
            place = _place(level.uniqueness, number)
            trace.need(columns, name, "datasetLevel", "uniqueness", *place, "fields", position)


def _place(given: object, number: int) -> tuple[int, ...]:
    """Return the place in a list, when it is one."""
    return (number,) if isinstance(given, list) else ()


def _target(node: TargetNode, inputs: list[Known], trace: Trace) -> Known:
    columns = inputs[0]
    if isinstance(node.upsert_key, str):
        trace.need(columns, node.upsert_key, "upsertKey")
    trace.need_all(columns, node.upsert_key if isinstance(node.upsert_key, list) else (), "upsertKey")
    if node.watermark_column is not None:
        trace.need(columns, node.watermark_column, "watermarkColumn")
    if node.load_mode == "upsert" and columns and set(columns) <= set(node.upsert_keys):
        trace.report(("upsertKey",), "names every column, so that nothing is left to update")
    return columns


def _pass(node: ArchiveNode, inputs: list[Known], trace: Trace) -> Known:
    return inputs[0]


_NODES: Final[Mapping[type, Callable[[Any, list[Known], Trace], Known]]] = {
    TransformNode: _transform, BranchNode: _branch, JoinNode: _join, EnrichNode: _enrich, ValidateNode: _validate,
    TargetNode: _target, ArchiveNode: _pass,
}  # fmt: skip
