"""The whole of a pipeline."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from flows.ir.base import SLUG_PATTERN, IrModel, Words
from flows.ir.flowing import ArchiveNode, BranchNode, EnrichNode, JoinNode, TransformNode
from flows.ir.sources import SourceNode
from flows.ir.targets import TargetNode
from flows.ir.timing import FileArrivalTrigger, Schedule
from flows.ir.validation import ValidateNode

VERSION = "1.0"
MAX_NODES = 500

Node = Annotated[
    SourceNode | TransformNode | ValidateNode | TargetNode | BranchNode | JoinNode | EnrichNode | ArchiveNode,
    Field(discriminator="kind"),
]


class Metadata(IrModel):
    """What people call it."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    owner: Annotated[str, StringConstraints(max_length=254)] | None = None
    tags: Annotated[list[Annotated[str, StringConstraints(max_length=60)]], Field(max_length=50)] = []
    description: Words | None = None


class DeadLetterQueue(IrModel):
    """Whether rows that cannot be read go to a quarantine table; when not, they fail the run."""

    enabled: bool = True


class Retry(IrModel):
    """How often a run is tried, and how the wait between two tries grows."""

    max_attempts: Annotated[int, Field(ge=1, le=20)] = 1
    backoff: Literal["exponential", "fixed"] = "exponential"
    initial_seconds: Annotated[int, Field(ge=1, le=86_400)] = 30


class ErrorHandling(IrModel):
    """What is done about errors."""

    dlq: DeadLetterQueue = DeadLetterQueue()
    retry: Retry = Retry()


class PipelineIR(IrModel):
    """A pipeline: what it reads, does and writes, and when."""

    kind: Literal["pipeline"]
    version: Literal["1.0"]
    id: Annotated[str, StringConstraints(pattern=SLUG_PATTERN)]
    metadata: Metadata
    schedule: Schedule | None = None
    trigger: FileArrivalTrigger | None = None
    nodes: Annotated[list[Node], Field(min_length=1, max_length=MAX_NODES)]
    error_handling: ErrorHandling
