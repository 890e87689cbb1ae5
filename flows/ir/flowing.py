"""Nodes between sources and targets: transform, branch, join, enrich, and the archive of older revisions."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from flows.ir.base import ColumnName, Expression, InputRef, IrModel, NodeId
from flows.ir.ops import JoinKey, TransformOp


class TransformNode(IrModel):
    """A node that applies operations in their order."""

    id: NodeId
    kind: Literal["transform"]
    input: InputRef
    ops: Annotated[list[TransformOp], Field(min_length=1, max_length=200)]


class BranchCase(IrModel):
    """One way out of a branch, read as `<branchId>.<caseId>`."""

    id: NodeId
    when: Expression


class BranchNode(IrModel):
    """A row leaves by the first case that is true, else by `default`; without one it is dropped, and counted."""

    id: NodeId
    kind: Literal["branch"]
    input: InputRef
    cases: Annotated[list[BranchCase], Field(min_length=1, max_length=50)]
    default: NodeId | None = None


class JoinNode(IrModel):
    """Two inputs side by side. A right column whose name is taken gets the suffix `_right`."""

    id: NodeId
    kind: Literal["join"]
    left: InputRef
    right: InputRef
    on: Annotated[list[JoinKey], Field(min_length=1, max_length=10)]
    how: Literal["inner", "left", "right", "full", "semi", "anti"] = "inner"


class EnrichNode(IrModel):
    """A column from an external model or geocoder; null without credentials, and the run says so."""

    id: NodeId
    kind: Literal["enrich"]
    input: InputRef
    provider: Annotated[str, StringConstraints(min_length=1, max_length=60)]
    field: ColumnName
    into: ColumnName


class ArchiveNode(IrModel):
    """Of older revisions: lets rows through; files are archived by their source's atomicity."""

    id: NodeId
    kind: Literal["archive"]
    input: InputRef
    config: dict[str, Any] = {}
