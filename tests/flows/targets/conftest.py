"""A tenant with tables of its own, and what loads into them."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from django.db import connection, transaction

from flows.engines.base import Feed
from flows.formats.base import Column
from flows.ir.targets import TargetNode
from flows.services.tables import data_schema_of
from flows.targets.base import LoadContext, Loaded
from flows.targets.loading import load_feed
from kaireon.platform.tenancy.models import Tenant

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


def engine_types(table: pa.Table) -> list[str]:
    """Return how DuckDB calls the types of the columns."""
    with duckdb.connect() as session:
        return [str(kind) for kind in session.from_arrow(table).types]


def feed_of(table: pa.Table, *, batch_rows: int = 1_000, node_id: str = "out") -> Feed:
    """Return rows on their way to a target."""
    columns = tuple(map(Column, table.column_names, engine_types(table)))

    def batches() -> pa.RecordBatchReader:
        return pa.RecordBatchReader.from_batches(table.schema, iter(table.to_batches(max_chunksize=batch_rows)))

    return Feed(node_id=node_id, columns=columns, rows=None, batches=batches)


def target_of(table: str = "ds_orders", mode: str = "append", **more: Any) -> TargetNode:
    """Return a target node, with further settings as the IR spells them."""
    given = {"id": "out", "kind": "target", "input": "in", "schema": table, "loadMode": mode, **more}
    return TargetNode.model_validate(given)


@dataclass
class World:
    """A tenant, its context, and short ways to make tables, load and look."""

    tenant: Tenant
    context: LoadContext
    schema: str

    def make(self, columns: str, name: str = "ds_orders") -> None:
        """Make a table of the tenant."""
        self.run(f'CREATE TABLE "{self.schema}"."{name}" ({columns})')

    def run(self, statement: str, *values: Any) -> None:
        """Execute one statement."""
        with connection.cursor() as cursor:
            cursor.execute(statement, values or None)

    def load(self, target: TargetNode, rows: pa.Table, **more: Any) -> Loaded:
        """Load in a transaction of its own; a refusal leaves nothing."""
        with transaction.atomic():
            return load_feed(connection, target, feed_of(rows, **more), self.context)

    def without_lineage(self) -> LoadContext:
        """Return the context of a pipeline that keeps no lineage."""
        return replace(self.context, lineage=False)

    def of_pipeline(self, pipeline_id: uuid.UUID) -> LoadContext:
        """Return the context of a run of another pipeline."""
        return replace(self.context, pipeline_id=pipeline_id)

    def rows(self, what: str = "*", name: str = "ds_orders", order: str = "1") -> list[tuple[Any, ...]]:
        """Return what the table holds."""
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT {what} FROM "{self.schema}"."{name}" ORDER BY {order}')
            return [tuple(row) for row in cursor.fetchall()]


def context_of(tenant: Tenant, *, on_progress: Callable[[int], None] = lambda rows: None) -> LoadContext:
    """Return the context of a run of the tenant."""
    return LoadContext(
        tenant_id=tenant.pk, data_schema=data_schema_of(tenant), pipeline_id=uuid.UUID(int=2), run_id=uuid.UUID(int=1),
        source_node_id="src", now=NOW, on_progress=on_progress,
    )  # fmt: skip


@pytest.fixture
def world(acme: Tenant) -> World:
    """Return Acme's tables, none yet."""
    context = context_of(acme)
    return World(acme, context, context.data_schema)
