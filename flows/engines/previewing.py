"""What a pipeline compiles to, and the first rows of a node: for the editor, without running anything to its end."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
import sqlglot

from flows.engines.base import EngineError, Lookup, Sample
from flows.engines.duck.session import DuckSession
from flows.engines.rows import ORDER, Rows
from flows.engines.running import compile_node, sql_of
from flows.engines.work import MissingColumn, Work
from flows.formats.base import Column, ReadTable
from flows.ir.graph import Plan, plan_of, reached_from
from flows.ir.pipeline import PipelineIR
from flows.ir.sources import SourceNode

MOST_COLUMNS: Final = 500
# Nothing that is not judged asks what time it is.
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
DIALECTS: Final = ("duckdb", "spark")


def compile_sql(
    session: DuckSession, ir: PipelineIR, columns: Mapping[str, tuple[Column, ...]], *, dialect: str
) -> dict[str, str]:
    """Return each node's SQL over sources of these columns; those that are not known are found by what is asked for.

    Nothing is read; validators are not looked at. Raises EngineError when a node cannot be compiled.
    """
    known = {node.id: list(columns.get(node.id, ())) for node in ir.nodes if isinstance(node, SourceNode)}
    plan = plan_of(ir)
    work = Work(backend=session.backend, now=_NEVER, lookup=_nothing_found, is_dry=True)
    for _ in range(MOST_COLUMNS):
        inputs = {name: _empty(session, name, found) for name, found in known.items()}
        try:
            done = _compiled(plan, {node.id for node in plan.order}, inputs, work)
        except MissingColumn as missing:
            _add(missing, plan, known, fixed=columns)
            continue
        return {name: _written(sql, dialect) for name, sql in sql_of(done, session.backend).items()}
    raise EngineError(f"the pipeline names more than {MOST_COLUMNS} columns")


def sample_of(
    session: DuckSession, ir: PipelineIR, inputs: Mapping[str, ReadTable], node_id: str, *, limit: int, now: datetime,
    lookup: Lookup,
) -> Sample:  # fmt: skip
    """Return the first rows that leave a node. Raises EngineError."""
    plan = plan_of(ir)
    work = Work(backend=session.backend, now=now, lookup=lookup, is_dry=True)
    done = _compiled(plan, needed_for(ir, node_id), inputs, work)
    rows = work.settle(done[node_id])
    table = rows.table.order_by(ORDER) if rows.has_order else rows.table
    first = replace(rows, table=table.limit(limit))
    columns = session.backend.columns(first)
    batches = session.backend.stream(first, work.explainer())
    return Sample(columns, [{name: _plain(value) for name, value in row.items()} for row in _rows(batches)])


def needed_for(ir: PipelineIR, node_id: str) -> set[str]:
    """Return a node and all that it reads, near and far."""
    plan = plan_of(ir)
    return reached_from([node_id], {name: [upstream.node_id for upstream in ups] for name, ups in plan.inputs.items()})


def _compiled(plan: Plan, wanted: set[str], inputs: Mapping[str, ReadTable], work: Work) -> dict[str, Rows]:
    done: dict[str, Rows] = {}
    for node in plan.order:
        if node.id in wanted:
            done[node.id] = compile_node(node, plan, inputs, done, work)
    return done


def _nothing_found(table: str, columns: list[str]) -> pa.RecordBatchReader:
    return pa.table({name: pa.array([], pa.string()) for name in columns}).to_reader()


def _empty(session: DuckSession, name: str, columns: list[Column]) -> ReadTable:
    """Return a source of these columns without a row; a column must be there, whatever it is."""
    shown = columns or [Column("column1", "VARCHAR")]
    types = ", ".join(f"CAST(NULL AS {one.type or 'VARCHAR'}) AS {_quoted(one.name)}" for one in shown)
    session.duckdb.execute(f"CREATE OR REPLACE VIEW {_quoted(name)} AS SELECT {types} WHERE FALSE")
    return ReadTable(name, tuple(shown), 0, 0)


def _add(missing: MissingColumn, plan: Plan, known: dict[str, list[Column]], *, fixed: Mapping[str, Any]) -> None:
    """Give a column that a node asks for to the sources behind it that may have it."""
    behind = reached_from(
        [missing.node_id], {name: [one.node_id for one in upstreams] for name, upstreams in plan.inputs.items()}
    )
    sources = [name for name in known if name in behind and name not in fixed]
    if not sources or any(column.name == missing.column for name in sources for column in known[name]):
        raise missing
    for name in sources:
        known[name].append(Column(missing.column, "VARCHAR"))


def _written(sql: str, dialect: str) -> str:
    return sqlglot.parse_one(sql, dialect="duckdb").sql(dialect=dialect, pretty=True)


def _rows(batches: pa.RecordBatchReader) -> Iterator[dict[str, Any]]:
    for batch in batches:
        yield from batch.to_pylist()


def _plain(value: Any) -> Any:
    """Return a value as JSON takes it."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    is_odd = isinstance(value, float) and (value != value or value in {float("inf"), float("-inf")})  # noqa: PLR0124
    return str(value) if is_odd or isinstance(value, Decimal) else value


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
