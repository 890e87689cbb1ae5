"""Reading an IR: everything that is wrong with it at once, and the exact way back."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import ValidationError

from flows.formats.base import Column
from flows.ir.base import IrModel
from flows.ir.checks import problems_of_meaning, problems_of_wiring
from flows.ir.columns import column_problems
from flows.ir.guards import read_document
from flows.ir.pieces import pieces_of, readable_pieces
from flows.ir.pipeline import PipelineIR
from flows.ir.problems import MOST_PROBLEMS, IrInvalid, IrProblem, Location, path_of
from flows.ir.shape import errors_of, is_unreadable, problems_of_shape
from flows.ir.sources import SourceNode
from flows.ir.timing import Schedule

__all__ = ["IrInvalid", "IrProblem", "dump_ir", "parse_pipeline_ir", "parse_schedule"]

_SCHEDULE: Final = "schedule"


class _Alone(IrModel):
    """What has a schedule and nothing else."""

    schedule: Schedule


def parse_pipeline_ir(data: object) -> PipelineIR:
    """Return the pipeline that a document describes: JSON as text or bytes, or what it was read into.

    Raises IrInvalid with all problems at once, in the order of the document, and nothing else.
    """
    document = read_document(data)
    try:
        ir = PipelineIR.model_validate(document)
    except ValidationError as error:
        errors = errors_of(error)
        found = [*problems_of_shape(errors), *problems_of_meaning(readable_pieces(document))]
        invalid = _invalid(document, [*found, *problems_of_wiring(document)], is_unreadable=is_unreadable(errors))
        # Without its cause: that would tell every problem, with its value, in each trace.
        raise invalid from None
    found = [*problems_of_meaning(pieces_of(ir)), *problems_of_wiring(document)]
    if found:
        raise _invalid(document, found, is_unreadable=False)
    if problems := column_problems(ir, named_columns(ir)):
        raise IrInvalid(problems, is_unreadable=False)
    return ir


def parse_schedule(data: Mapping[str, Any]) -> Schedule:
    """Return the schedule that an object describes alone, without a pipeline around it.

    Raises IrInvalid with all problems at once; paths begin with `schedule`.
    """
    document = read_document({_SCHEDULE: data})
    try:
        schedule = _Alone.model_validate(document).schedule
    except ValidationError as error:
        errors = errors_of(error)
        found = [*problems_of_shape(errors), *problems_of_meaning(readable_pieces(document))]
        raise _invalid(document, found, is_unreadable=is_unreadable(errors)) from None
    if problems := [*problems_of_meaning(pieces_of(schedule, (_SCHEDULE,)))]:
        raise _invalid(document, problems, is_unreadable=False)
    return schedule


def dump_ir(ir: PipelineIR) -> dict[str, Any]:
    """Return the document that an IR was read from, exactly: nothing added, nothing left out."""
    dumped: dict[str, Any] = ir.model_dump(mode="python", by_alias=True, exclude_unset=True)
    return dumped


def named_columns(ir: PipelineIR) -> dict[str, tuple[Column, ...]]:
    """Return the columns of the sources that name them in their format options: text, as text formats give it."""
    return {
        node.id: tuple(Column(name, "VARCHAR") for name in node.config.format_options.columns)
        for node in ir.nodes
        if isinstance(node, SourceNode)
        and node.config.format in {"csv", "tsv"}
        and node.config.format_options.columns is not None
    }


def _invalid(document: Mapping[str, Any], found: Iterable[tuple[Location, str]], *, is_unreadable: bool) -> IrInvalid:
    ranks: dict[int, dict[str, int]] = {}
    ordered = sorted(dict.fromkeys(found), key=lambda one: _rank(document, one[0], ranks))
    problems = [IrProblem(path_of(location), message) for location, message in ordered[:MOST_PROBLEMS]]
    if len(ordered) > MOST_PROBLEMS:
        problems.append(IrProblem("", f"has {len(ordered) - MOST_PROBLEMS:,} further problems"))
    return IrInvalid(problems, is_unreadable=is_unreadable)


def _rank(document: object, location: Location, ranks: dict[int, dict[str, int]]) -> tuple[int, ...]:
    """Return where a location stands in the document; what is missing comes after what is there.

    `ranks` keeps the order of each object's fields, so that many problems of a large object stay cheap.
    """
    rank: list[int] = []
    value = document
    for step in location:
        if isinstance(value, dict):
            order = ranks.setdefault(id(value), {})
            if len(order) != len(value):
                order.update({key: number for number, key in enumerate(value)})
            rank.append(order.get(str(step), len(value)))
            value = value.get(step)
        else:
            rank.append(step if isinstance(step, int) else 0)
            value = value[step] if isinstance(value, list) and isinstance(step, int) and step < len(value) else None
    return tuple(rank)
