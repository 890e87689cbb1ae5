"""A tenant's schemas in PostgreSQL: made on first use, marked as the tenant's, and never another's."""

import uuid
from typing import Any

import pyarrow as pa
from django.db import connection, transaction

from flows.decisions.naming import literal, quarantine_schema, quoted
from flows.engines.base import Lookup
from flows.targets.looking import look_up
from kaireon.platform.errors import Conflict
from kaireon.platform.locks import lock_key, xact_lock
from kaireon.platform.tenancy.models import Tenant

OWNER = "SELECT obj_description(oid, 'pg_namespace') FROM pg_catalog.pg_namespace WHERE nspname = %s"
MARK = "Kaireon: tables of tenant "


def data_schema_of(tenant: Tenant) -> str:
    """Return the PostgreSQL schema of the tenant's tables; it and the quarantine's are made on first use.

    Raises Conflict when another tenant has a schema of that name.
    """
    for name in (tenant.data_schema, quarantine_schema(tenant.data_schema)):
        _ensure_schema(name, tenant.pk)
    return tenant.data_schema


def _ensure_schema(name: str, tenant_id: uuid.UUID) -> None:
    with connection.cursor() as cursor:
        if _is_ours(cursor, name, tenant_id):
            return
    with transaction.atomic(), connection.cursor() as cursor:
        xact_lock(lock_key("data-schema", name))
        if _is_ours(cursor, name, tenant_id):
            return
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(name)}")
        if name != "public":
            cursor.execute(f"COMMENT ON SCHEMA {quoted(name)} IS {literal(f'{MARK}{tenant_id}')}")


def _is_ours(cursor: Any, name: str, tenant_id: uuid.UUID) -> bool:
    """Tell whether the schema is there and the tenant's; raise Conflict when it is marked as another's."""
    cursor.execute(OWNER, [name])
    row = cursor.fetchone()
    if row is None:
        return False
    mark = row[0] or ""
    if mark.startswith(MARK) and mark != f"{MARK}{tenant_id}":
        raise Conflict(f"The database schema {name} belongs to another tenant; give this tenant another slug.")
    return name == "public" or mark == f"{MARK}{tenant_id}"


def make_lookup(tenant: Tenant) -> Lookup:
    """Return what an engine looks up the tenant's own tables with; each call is read to its end before it returns."""
    data_schema = data_schema_of(tenant)

    def lookup(table: str, columns: list[str]) -> pa.RecordBatchReader:
        with connection.cursor() as cursor:
            return look_up(cursor, table, columns, data_schema)

    return lookup
