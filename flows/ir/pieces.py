"""The pieces of a document that can be read, also when the whole cannot: so that every problem is told at once."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from flows.ir import validation as rules
from flows.ir.base import IrModel
from flows.ir.flowing import BranchCase
from flows.ir.ops import TransformOp
from flows.ir.pipeline import Metadata, Node
from flows.ir.problems import Location
from flows.ir.sources import Atomicity, FormatOptions, Pattern, SourceConfig
from flows.ir.targets import Hook
from flows.ir.timing import FileArrivalTrigger, Schedule

Piece = tuple[Location, IrModel]
# By the field that holds them: what can be read alone within what cannot be read, a piece or a list of them.
_KINDS: Final[Mapping[str, Any]] = {
    "metadata": Metadata, "schedule": Schedule, "trigger": FileArrivalTrigger, "controlFilePattern": Pattern,
    "nodes": Node, "config": SourceConfig, "pattern": Pattern, "atomicity": Atomicity, "formatOptions": FormatOptions,
    "ops": TransformOp, "cases": BranchCase, "rowLevel": rules.RowRule, "datasetLevel": rules.DatasetLevel,
    "rowCount": rules.RowCount, "uniqueness": rules.Uniqueness, "schemaMatch": rules.SchemaMatch,
    "preHook": Hook, "postHook": Hook,
}  # fmt: skip


@cache
def _adapter(key: str) -> TypeAdapter[IrModel]:
    return TypeAdapter(_KINDS[key])


def pieces_of(model: IrModel, at: Location = ()) -> Iterator[Piece]:
    """Yield a model and all models in it, each with its place in the document."""
    yield at, model
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        place = (*at, field.alias or name)
        if isinstance(value, IrModel):
            yield from pieces_of(value, place)
        elif isinstance(value, list):
            for number, item in enumerate(value):
                if isinstance(item, IrModel):
                    yield from pieces_of(item, (*place, number))


def readable_pieces(document: Mapping[str, Any]) -> Iterator[Piece]:
    """Yield what can be read of a document that cannot be read as a whole: the largest pieces that can."""
    waiting: list[tuple[Location, Mapping[str, Any]]] = [((), document)]
    while waiting:
        at, holder = waiting.pop()
        for location, key, value in _held(holder, at):
            try:
                model = _adapter(key).validate_python(value)
            except ValidationError:
                waiting.append((location, value))
            else:
                yield from pieces_of(model, location)


def _held(holder: Mapping[str, Any], at: Location) -> Iterator[tuple[Location, str, dict[str, Any]]]:
    """Yield the objects in the known fields of an object, with the field that says what they are."""
    for key, value in holder.items():
        if key not in _KINDS:
            continue
        items = [((*at, key, number), item) for number, item in enumerate(value)] if isinstance(value, list) else []
        for location, item in items or [((*at, key), value)]:
            if isinstance(item, dict):
                yield location, key, item
