"""The table as it was before the load: one copy, which the next replaces; no other table is ever replaced."""

from typing import Any, Final

from flows.decisions.naming import literal
from flows.targets.base import TargetRefused
from flows.targets.shapes import TableShape, find_shape

MARK: Final = "Kaireon: the rows before the last load of "


def back_up(cursor: Any, shape: TableShape) -> str:
    """Copy the table's rows to `<table>_backup` and return that name; raise TargetRefused when another table has it."""
    copy = shape.table.beside("_backup")
    mark = MARK + shape.table.name
    standing = find_shape(cursor, copy)
    if standing is not None:
        cursor.execute("SELECT obj_description(%s, 'pg_class')", [standing.oid])
        if cursor.fetchone()[0] != mark:
            raise TargetRefused(f"backupBeforeLoad needs the name {copy.shown}, and another table has it.")
        cursor.execute(f"DROP TABLE {copy.sql}")
    cursor.execute(f"CREATE TABLE {copy.sql} AS TABLE {shape.table.sql}")
    cursor.execute(f"COMMENT ON TABLE {copy.sql} IS {literal(mark)}")
    return copy.shown
