"""A small world for engines: rows of Python values in, a pipeline over them, rows of Python values out."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from flows.engines.base import Execution, Lookup, RejectFeed, Session
from flows.engines.opening import EngineSettings, open_session
from flows.formats.base import Column, ReadTable
from flows.ir.pipeline import PipelineIR

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
Table = Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class Ran:
    """What came out of a pipeline: rows of each target and rejected ones, as dictionaries."""

    execution: Execution
    targets: dict[str, list[dict[str, Any]]]
    rejects: list[dict[str, Any]]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of the only target."""
        (rows,) = self.targets.values()
        return rows

    def column(self, name: str) -> list[Any]:
        """Return a column of the only target."""
        return [row[name] for row in self.rows]


def source(name: str) -> dict[str, Any]:
    """Return a source node."""
    config = {"path": "/in", "pattern": {"type": "glob", "value": "*"}, "format": "csv"}
    return {"id": name, "kind": "source", "connector": "local_fs", "config": config}


def target(name: str, reads: str) -> dict[str, Any]:
    """Return a target node."""
    return {"id": name, "kind": "target", "input": reads, "schema": f"ds_{name}", "loadMode": "append"}


def transform(*ops: dict[str, Any], name: str = "clean", reads: str = "src") -> dict[str, Any]:
    """Return a transform node."""
    return {"id": name, "kind": "transform", "input": reads, "ops": list(ops)}


def pipeline(*nodes: dict[str, Any]) -> PipelineIR:
    """Return a pipeline of nodes."""
    return PipelineIR.model_validate({
        "kind": "pipeline", "version": "1.0", "id": "p", "metadata": {"name": "P"}, "errorHandling": {},
        "nodes": list(nodes),
    })  # fmt: skip


def chain(*nodes: dict[str, Any]) -> PipelineIR:
    """Return a pipeline of a source, nodes that stand in a row, and a target."""
    return pipeline(source("src"), *nodes, target("out", nodes[-1]["id"]))


def no_lookup(table: str, columns: list[str]) -> pa.RecordBatchReader:
    """Stand in for lookups where there are none."""
    raise AssertionError(f"nothing is looked up here: {table}")


@dataclass(frozen=True)
class Engine:
    """An engine under test."""

    name: str
    folder: Path
    memory_limit_mb: int = 256

    @contextmanager
    def opened(self) -> Iterator[Session]:
        """Yield a session of the engine."""
        settings = EngineSettings(
            engine=self.name, memory_limit_mb=self.memory_limit_mb, threads=2, temp_dir=self.folder,
            readable=(self.folder,),
        )  # fmt: skip
        with open_session(settings=settings) as session:
            yield session

    def run(
        self, ir: PipelineIR, *, lookup: Lookup = no_lookup, types: Mapping[str, str] | None = None, **tables: Table
    ) -> Ran:
        """Run a pipeline over tables, each the input of the source of its name, and read all that it gives."""
        with self.opened() as session:
            inputs = {name: put(session, name, table, types or {}) for name, table in tables.items()}
            execution = session.execute(ir, inputs, now=NOW, lookup=lookup, on_node=lambda node, kind: None)
            targets = {name: feed.batches().read_all().to_pylist() for name, feed in execution.targets.items()}
            return Ran(execution, targets, [row for feed in execution.rejects for row in _rejected(feed)])

    def apply(self, *ops: dict[str, Any], types: Mapping[str, str] | None = None, **columns: Sequence[Any]) -> Ran:
        """Run operations over one table."""
        return self.run(chain(transform(*ops)), types=types, src=columns)


def put(session: Session, name: str, table: Table, types: Mapping[str, str], *, is_view: bool = True) -> ReadTable:
    """Put a table into the session as a reader would: all text unless `types` says otherwise."""
    kinds = {column: types.get(column, "VARCHAR") for column in table}
    shape = ", ".join(f'"{column}" {kind}' for column, kind in kinds.items())
    session.duckdb.execute(f'CREATE TABLE "{name}_rows" ({shape})')
    rows = list(zip(*table.values(), strict=True))
    if rows:
        marks = ", ".join("?" for _ in kinds)
        session.duckdb.executemany(f'INSERT INTO "{name}_rows" VALUES ({marks})', rows)
    session.duckdb.execute(f'CREATE VIEW "{name}" AS FROM "{name}_rows"')
    relation = name if is_view else f"{name}_rows"
    return ReadTable(relation, tuple(Column(column, kind) for column, kind in kinds.items()), None, 0)


def _rejected(feed: RejectFeed) -> list[dict[str, Any]]:
    rows = feed.batches().read_all().to_pylist()
    assert feed.rows == len(rows)
    return [{"node": feed.node_id, "table": feed.table, **row} for row in rows]
