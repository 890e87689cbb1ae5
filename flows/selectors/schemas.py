"""Questions about schemas and the rows of their tables."""

import json
import math
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from django.db import connection
from django.db.models import Prefetch, QuerySet

from flows.decisions.naming import LINEAGE_COLUMN, TableName, quoted
from flows.models import DataSchema, Pipeline, PipelineVersion, SchemaField
from flows.targets.shapes import TableColumn, TableShape, find_shape
from kaireon.platform.errors import NotFound
from kaireon.platform.tenancy.models import Tenant

SCHEMA_NOT_FOUND: Final = "There is no such schema."
# As PostgreSQL's own JSON spells them, infinity included: Python has no such dates.
BY_JSON: Final = frozenset({"date", "timestamp", "timestamptz", "time", "timetz", "interval"})
NATIVE: Final = frozenset({
    "bool", "int2", "int4", "int8", "float4", "float8", "numeric", "text", "varchar", "bpchar", "uuid", "json", "jsonb",
})  # fmt: skip


def list_schemas(tenant: Tenant) -> QuerySet[DataSchema]:
    """Return the tenant's schemas with their fields in order, the newest first."""
    fields = Prefetch("fields", queryset=SchemaField.objects.for_tenant(tenant).order_by("ordinal", "name"))
    return DataSchema.objects.for_tenant(tenant).prefetch_related(fields).order_by("-created_at", "-id")


def find_schema(tenant: Tenant, schema_id: uuid.UUID) -> DataSchema:
    """Return a schema with its fields; raise NotFound."""
    found = list_schemas(tenant).filter(pk=schema_id).first()
    if found is None:
        raise NotFound(SCHEMA_NOT_FOUND)
    return found


def table_of(schema: DataSchema) -> TableName:
    """Return where the schema's table stands."""
    return TableName(schema.tenant.data_schema, schema.table_name)


def require_shape(cursor: Any, table: TableName) -> TableShape:
    """Return the table as it is; raise NotFound when nothing that holds rows stands there."""
    shape = find_shape(cursor, table)
    if shape is None or shape.relkind not in {"r", "p"}:
        raise NotFound(f"There is no table {table.shown}.")
    return shape


def pipelines_that_use(schema: DataSchema) -> list[Pipeline]:
    """Return the pipelines that are linked to a schema, or whose live version reads or writes its table; by name."""
    names = [schema.table_name, f"public.{schema.table_name}"]
    tenant_id = schema.tenant_id
    linked = set(Pipeline.objects.for_tenant(tenant_id).filter(data_schema=schema).values_list("pk", flat=True))
    versions = PipelineVersion.objects.for_tenant(tenant_id)
    for name in names:
        for part in ({"schema": name}, {"ops": [{"op": "lookup_join", "table": name}]}):
            linked |= set(versions.filter(ir__contains={"nodes": [part]}).values_list("pipeline_id", flat=True))
    return list(Pipeline.objects.for_tenant(tenant_id).filter(pk__in=linked).order_by("name"))


def count_rows(table: TableName) -> int:
    """Return how many rows a table holds."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table.sql}")  # noqa: S608 - quoted names
        return int(cursor.fetchone()[0])


def selected(column: TableColumn) -> str:
    """Return the expression that gives a column's value as JSON takes it: numbers exact, times and the rest as text."""
    name = quoted(column.name)
    if column.kind in NATIVE:
        return name
    if column.kind in BY_JSON:
        return f"to_json({name}) #>> '{{}}'"
    return f"{name}::text"


def row_of(columns: Sequence[TableColumn], values: Sequence[Any]) -> dict[str, Any]:
    """Return a row by column names: JSON read, and numbers that JSON has not (NaN, infinity) as text."""
    return {column.name: _shown(column, value) for column, value in zip(columns, values, strict=True)}


def parsed(value: Any) -> Any:
    """Return what a JSON column holds; a cursor of Django gives its text."""
    return json.loads(value) if isinstance(value, str) else value


def _shown(column: TableColumn, value: Any) -> Any:
    if column.kind in {"json", "jsonb"}:
        return parsed(value)
    if isinstance(value, float | Decimal) and not math.isfinite(value):
        return str(value)
    return value


def own_columns(shape: TableShape) -> list[TableColumn]:
    """Return the table's columns without that of flows."""
    return [column for column in shape.columns if column.name != LINEAGE_COLUMN]
