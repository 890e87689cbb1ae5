"""Rows that runs set aside."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import connection

from flows.decisions.naming import NameRefused, TableName, quarantine_table
from flows.models import PipelineRun, PipelineVersion
from flows.selectors.schemas import parsed
from flows.targets.shapes import find_shape
from kaireon.platform.errors import NotFound
from kaireon.platform.tenancy.models import Tenant

LEAST, MOST = 1, 500
RUN_NOT_FOUND: Final = "There is no such run."
OF_RUN: Final = "run_id = %s AND (%s = '' OR node_id = %s)"
READ: Final = "id, rule_id, row, created_at, column_name, value, error, file, line, node_id"


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """A row that was set aside: by which rule of which node, what was wrong, and the row itself."""

    id: int
    rule_id: str | None
    row: Any
    created_at: datetime
    column: str | None
    value: str | None
    error: str | None
    file: str | None
    line: int | None
    node_id: str


@dataclass(frozen=True, slots=True)
class QuarantinePage:
    """What a run set aside at a node. `count` is of all of its rows; a `message` says why there are none."""

    run_id: uuid.UUID
    node_id: str
    table: str | None
    count: int
    rows: list[QuarantinedRow] = field(default_factory=list)
    message: str = ""


def quarantine_rows(tenant: Tenant, run_id: uuid.UUID, node: str = "", limit: int = 50) -> QuarantinePage:
    """Return the rows that a run set aside at a node, the first `limit` of 1 to 500; without a node, at any.

    Raises NotFound for a run that the tenant has not. No table, or none of its name, is a page with a message.
    """
    run = PipelineRun.objects.for_tenant(tenant).filter(pk=run_id).first()
    if run is None:
        raise NotFound(RUN_NOT_FOUND)
    tables = _tables(run, node)
    if not tables:
        where = f"The node {node}" if node else "This run"
        return QuarantinePage(run.pk, node, None, 0, message=f"{where} has no quarantine table configured.")
    pages = [_page(tenant, run, node, name, min(max(limit, LEAST), MOST)) for name in tables]
    whole = pages[0]
    rows = [row for page in pages for row in page.rows][:limit]
    shown = ", ".join(page.table for page in pages if page.table) or None
    return QuarantinePage(run.pk, node, shown, sum(page.count for page in pages), rows, "" if rows else whole.message)


def _page(tenant: Tenant, run: PipelineRun, node: str, name: str, limit: int) -> QuarantinePage:
    try:
        table = quarantine_table(name, tenant.data_schema)
    except NameRefused as refusal:
        return QuarantinePage(run.pk, node, None, 0, message=str(refusal))
    with connection.cursor() as cursor:
        if find_shape(cursor, table) is None:
            message = f"The table {table.shown} does not exist: no row has been set aside to it yet."
            return QuarantinePage(run.pk, node, table.shown, 0, message=message)
        count, rows = _read(cursor, table, run, node, limit)
    message = "" if rows else "This run set no row aside here."
    return QuarantinePage(run.pk, node, table.shown, count, rows, message)


def _read(
    cursor: Any, table: TableName, run: PipelineRun, node: str, limit: int
) -> tuple[int, list[QuarantinedRow]]:  # fmt: skip
    counted = f"SELECT count(*) FROM {table.sql} WHERE {OF_RUN}"  # noqa: S608 - quoted names
    cursor.execute(counted, [run.pk, node, node])
    count = int(cursor.fetchone()[0])
    chosen = f"SELECT {READ} FROM {table.sql} WHERE {OF_RUN} ORDER BY id LIMIT %s"  # noqa: S608 - quoted names
    cursor.execute(chosen, [run.pk, node, node, limit])
    return count, [_row(row) for row in cursor.fetchall()]


def _row(values: tuple[Any, ...]) -> QuarantinedRow:
    row_id, rule_id, row, *rest = values
    return QuarantinedRow(row_id, rule_id, parsed(row), *rest)


def _tables(run: PipelineRun, node: str) -> list[str]:
    """Return the names of the tables: those that the run wrote to, else the one that its version names for the node."""
    written = run.metadata.get("quarantineTables") or {}
    if node and node in written:
        return [str(written[node])]
    if not node:
        return sorted({str(name) for name in written.values()})
    version = PipelineVersion.objects.for_tenant(run.tenant_id).filter(
        pipeline_id=run.pipeline_id, version=run.metadata.get("irVersion") or run.ir_version
    )
    ir = version.values_list("ir", flat=True).first() or {}
    found: dict[str, Any] = next((each for each in ir.get("nodes", ()) if each.get("id") == node), {})
    table = (found.get("quarantine") or {}).get("table")
    return [str(table)] if table else []
