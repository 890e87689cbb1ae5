"""Where rows came from: the newest rows of a table, each with the run, pipeline and source that wrote it."""

from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

from flows.decisions.naming import LINEAGE_COLUMN, NameRefused, TableName, quoted, target_table
from flows.models import DataSchema
from flows.selectors.schemas import own_columns, parsed, require_shape, row_of, selected
from kaireon.platform.errors import BadRequest, NotFound
from kaireon.platform.tenancy.models import Tenant

LEAST, MOST = 1, 1_000
# Of a table of more pages only the last so many are read: new rows stand at its end.
PAGES: Final = 4_000


@dataclass(frozen=True, slots=True)
class LineagePage:
    """Rows with their lineage, the newest first; `schema` is None for a table that nobody described."""

    schema: DataSchema | None
    table: str
    rows: list[tuple[dict[str, Any], dict[str, Any]]]
    column: str = LINEAGE_COLUMN


def lineage_rows(tenant: Tenant, schema: str, table: str, limit: int) -> LineagePage:
    """Return the newest rows of the tenant's table, at most `limit` of 1 to 1,000.

    Raises NotFound unless it is a `ds_*` table of the tenant, BadRequest when no row of it has lineage yet.
    """
    if schema != "public":
        raise NotFound("Tables of pipelines stand in the schema public.")
    try:
        name = target_table(table, tenant.data_schema)
    except NameRefused as refusal:
        raise NotFound(str(refusal)) from None
    described = DataSchema.objects.for_tenant(tenant).filter(table_name=name.name).first()
    return LineagePage(described, name.name, _rows(name, min(max(limit, LEAST), MOST)))


def _rows(table: TableName, limit: int) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    lineage = quoted(LINEAGE_COLUMN)
    with connection.cursor() as cursor:
        shape = require_shape(cursor, table)
        if not shape.has_lineage:
            raise BadRequest(
                f"{table.shown} has no column {LINEAGE_COLUMN}: a pipeline adds it when it first writes to the table. "
                "Run a pipeline that loads it, with lineage on."
            )
        columns = own_columns(shape)
        listed = ", ".join([lineage, *(selected(column) for column in columns)])
        cursor.execute(
            f"SELECT {listed} FROM {table.sql} WHERE {lineage} IS NOT NULL AND {_recent(cursor, table)} "  # noqa: S608 - quoted names
            f"ORDER BY {lineage}->>'runId' DESC, ({lineage}->>'writeOrder')::bigint DESC LIMIT {limit:d}"
        )
        found = cursor.fetchall()
    return [(row_of(columns, row[1:]), _read(row[0])) for row in found]


def _read(lineage: Any) -> dict[str, Any]:
    found = parsed(lineage)
    return found if isinstance(found, dict) else {}


def _recent(cursor: Any, table: TableName) -> str:
    cursor.execute("SELECT pg_relation_size(%s::regclass) / current_setting('block_size')::int", [table.sql])
    pages = int(cursor.fetchone()[0])
    return f"ctid >= '({pages - PAGES},0)'::tid" if pages > PAGES else "true"
