"""What an engine takes and gives."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import duckdb
import pyarrow as pa

from flows.formats.base import Column, ReadTable
from flows.ir.pipeline import PipelineIR

# Rows of one of the tenant's own tables, for lookup_join: (table, columns) → batches. Raises EngineError.
Lookup = Callable[[str, list[str]], pa.RecordBatchReader]


class EngineError(Exception):
    """The pipeline cannot go on: a cast that fails, a validator that aborts. Names the node, and the op or rule."""

    def __init__(self, message: str, *, node_id: str = "", rule_id: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.node_id = node_id
        self.rule_id = rule_id


@dataclass(frozen=True, slots=True)
class Feed:
    """Rows on their way to a target: in the order of the files, Arrow batches of at most some tens of thousands."""

    node_id: str
    columns: tuple[Column, ...]
    rows: int | None
    batches: Callable[[], pa.RecordBatchReader]


@dataclass(frozen=True, slots=True)
class RejectFeed:
    """Rows that a cast or a row rule set aside at a node.

    The batches have the columns rule_id, column_name, value, error, row: all text, `row` the whole row as JSON.
    """

    node_id: str
    # Of the node's own `quarantine`, else None: the run has a default table for them.
    table: str | None
    rows: int | None
    batches: Callable[[], pa.RecordBatchReader]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that the run says and that stops nothing: a validator that warns, a model without credentials."""

    node_id: str
    rule_id: str
    message: str
    rows: int | None = None


@dataclass(slots=True)
class Execution:
    """What came out; good until the session is closed."""

    targets: Mapping[str, Feed]
    rejects: Iterable[RejectFeed]
    findings: list[Finding] = field(default_factory=list)
    # Of each node: its SQL in the engine's dialect, and how many rows left it where that is known.
    sql: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    # Rows that no case of a branch took, and rows that filters left out.
    skipped_rows: int = 0


@dataclass(frozen=True, slots=True)
class Sample:
    """The first rows of a node, for the editor; values as JSON takes them."""

    columns: tuple[Column, ...]
    rows: list[dict[str, Any]]


class Session(Protocol):
    """One run's engine: memory limit, temporary folder and threads are set; nothing outlives it."""

    name: str
    version: str
    # Where readers put relations; the Spark session has one too.
    duckdb: duckdb.DuckDBPyConnection

    def execute(
        self, ir: PipelineIR, inputs: Mapping[str, ReadTable], *, now: datetime, lookup: Lookup,
        on_node: Callable[[str, str], None],
    ) -> Execution:  # fmt: skip
        """Run the whole pipeline over what its sources read. `on_node(node id, kind)` is called as each begins.

        Raises EngineError. May be called once.
        """
        ...

    def interrupt(self) -> None:
        """Stop what runs, from another thread: a cancelled run, a time limit."""
        ...

    def close(self) -> None:
        """Forget everything."""
        ...
