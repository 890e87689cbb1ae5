"""Rows of a schema's table: put some in by hand, and look at them."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import DatabaseError, connection, transaction

from flows.decisions.naming import quoted
from flows.selectors.schemas import count_rows, find_schema, own_columns, require_shape, row_of, selected, table_of
from flows.targets.shapes import TableShape
from kaireon.platform.audit.services import record
from kaireon.platform.errors import Unprocessable
from kaireon.platform.tenancy.actors import Actor
from kaireon.platform.tenancy.models import Tenant

MAX_ROWS: Final = 5_000
# By hand; a pipeline takes longer texts.
MAX_TEXT: Final = 100_000
KEY: Final = """
SELECT a.attname FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
WHERE i.indrelid = %s AND i.indisprimary ORDER BY array_position(i.indkey, a.attnum)
"""
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Inserted:
    """How many rows went in; the others were there already."""

    inserted: int
    table_name: str


@transaction.atomic(durable=True)
def insert_rows(
    *, tenant: Tenant, schema_id: uuid.UUID, rows: Sequence[Row], actor: Actor, now: datetime
) -> Inserted:  # fmt: skip
    """Insert rows, leaving out those whose key is there already; all or none.

    Raises NotFound, and Unprocessable that names the row (`rows[3]`), or the value in it, that cannot be.
    """
    schema = find_schema(tenant, schema_id)
    if not rows or len(rows) > MAX_ROWS:
        raise Unprocessable(f"Between 1 and {MAX_ROWS:,} rows.", fields={"rows": [f"1 to {MAX_ROWS:,}"]})
    table = table_of(schema)
    with connection.cursor() as cursor:
        shape = require_shape(cursor, table)
        _refuse_unfit(shape, rows)
        count = sum(_insert(cursor, shape, group) for group in _groups(rows))
    record(
        tenant_id=tenant.pk, actor=actor, action="insert_rows", entity_type="schema", entity_id=str(schema.pk),
        entity_name=schema.name, after={"inserted": count}, now=now,
    )  # fmt: skip
    return Inserted(inserted=count, table_name=schema.table_name)


def list_rows(
    *, tenant: Tenant, schema_id: uuid.UUID, limit: int, offset: int
) -> tuple[int, list[dict[str, Any]]]:  # fmt: skip
    """Return how many rows the table has, and some of them in the order of its key. Raises NotFound."""
    table = table_of(find_schema(tenant, schema_id))
    with connection.cursor() as cursor:
        shape = require_shape(cursor, table)
        columns = list(shape.columns)
        listed = ", ".join(selected(column) for column in columns)
        ordered = f"SELECT {listed} FROM {table.sql} ORDER BY {_order(cursor, shape)}"  # noqa: S608 - quoted names
        cursor.execute(f"{_escaped(ordered)} LIMIT %s OFFSET %s", [limit, offset])
        rows = [row_of(columns, row) for row in cursor.fetchall()]
    return count_rows(table), rows


def _refuse_unfit(shape: TableShape, rows: Sequence[Row]) -> None:
    known = {column.name for column in own_columns(shape) if not column.is_computed}
    errors = {
        f"rows[{index}]": [f"The table has no column {', '.join(sorted(set(row) - known))}."]
        for index, row in enumerate(rows)
        if not row or set(row) - known
    } or {
        f"rows[{index}].{name}": [f"At most {MAX_TEXT:,} characters."]
        for index, row in enumerate(rows)
        for name, value in row.items()
        if isinstance(value, str) and len(value) > MAX_TEXT
    }
    if errors:
        path, texts = next(iter(errors.items()))
        raise Unprocessable(f"{path}: {texts[0]}", fields=errors)


def _groups(rows: Sequence[Row]) -> list[list[tuple[int, Row]]]:
    """Put rows with the same columns together: a column that a row does not have gets its default."""
    found: dict[frozenset[str], list[tuple[int, Row]]] = {}
    for index, row in enumerate(rows):
        found.setdefault(frozenset(row), []).append((index, row))
    return list(found.values())


def _insert(cursor: Any, shape: TableShape, group: Sequence[tuple[int, Row]]) -> int:
    try:
        with transaction.atomic():
            return _execute(cursor, shape, [row for _, row in group])
    except DatabaseError:
        for index, row in group:
            try:
                with transaction.atomic():
                    _execute(cursor, shape, [row])
            except DatabaseError as refusal:
                raise _refused(index, refusal) from None
        raise


def _execute(cursor: Any, shape: TableShape, rows: Sequence[Row]) -> int:
    names = sorted(rows[0])
    columns = [next(column for column in shape.columns if column.name == name) for name in names]
    listed = _escaped(", ".join(quoted(name) for name in names))
    typed = ", ".join(f"{quoted(column.name)} {column.type}" for column in columns)
    cursor.execute(
        f"INSERT INTO {shape.table.sql} ({listed}) "  # noqa: S608 - quoted names
        f"SELECT {listed} FROM jsonb_to_recordset(%s::jsonb) AS given({_escaped(typed)}) ON CONFLICT DO NOTHING",
        [json.dumps(rows)],
    )
    return int(cursor.rowcount)


def _escaped(sql: str) -> str:
    """Return the text for a statement with parameters: a column's name may have a % in it."""
    return sql.replace("%", "%%")


def _refused(index: int, refusal: DatabaseError) -> Unprocessable:
    diagnosis = getattr(refusal.__cause__, "diag", None)
    reason = getattr(diagnosis, "message_primary", None) or "the database refused it"
    column = getattr(diagnosis, "column_name", None)
    text = f"{column}: {reason}" if column else str(reason)
    return Unprocessable(f"rows[{index}]: {text}.", fields={f"rows[{index}]": [text]})


def _order(cursor: Any, shape: TableShape) -> str:
    cursor.execute(KEY, [shape.oid])
    keys = [quoted(name) for (name,) in cursor.fetchall()]
    return ", ".join(keys) or "ctid"
