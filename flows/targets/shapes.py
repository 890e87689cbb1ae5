"""Tables as they are: the columns of one, and what stands between it and a load."""

from dataclasses import dataclass
from typing import Any

from flows.decisions.naming import LINEAGE_COLUMN, TableName

COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), base.typname, a.attnotnull,
       a.atthasdef OR a.attidentity <> '', a.attgenerated <> '' OR a.attidentity = 'a'
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
JOIN pg_catalog.pg_type base ON base.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
TABLE = """
SELECT c.oid, c.relkind FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s
"""


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of a table: `type` with its length (`numeric(12,2)`), `kind` the bare name (`numeric`, `int4`)."""

    name: str
    type: str
    kind: str
    is_required: bool
    is_computed: bool


@dataclass(frozen=True, slots=True)
class TableShape:
    """A table that is there: its oid, what it is (`r`, `p`, `v`, `m`, …), and its columns in their order."""

    table: TableName
    oid: int
    relkind: str
    columns: tuple[TableColumn, ...]

    def column(self, name: str) -> TableColumn | None:
        """Return a column by its exact name."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def has_lineage(self) -> bool:
        """Tell whether rows say which run wrote them."""
        return self.column(LINEAGE_COLUMN) is not None


def find_shape(cursor: Any, table: TableName) -> TableShape | None:
    """Return the table as the transaction sees it, or None when there is none of the name."""
    cursor.execute(TABLE, [table.schema, table.name])
    row = cursor.fetchone()
    if row is None:
        return None
    cursor.execute(COLUMNS, [row[0]])
    columns = tuple(
        TableColumn(name, shown, kind, is_required and not default, computed)
        for name, shown, kind, is_required, default, computed in cursor.fetchall()
    )
    return TableShape(table, row[0], row[1], columns)
