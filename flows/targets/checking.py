"""What must hold before a row is written: the table is there and is the tenant's, and its columns fit."""

import difflib
from collections.abc import Sequence
from typing import Any

from flows.decisions.naming import LINEAGE_COLUMN, NameRefused, TableName, target_table
from flows.formats.base import Column
from flows.targets.base import LoadContext, TargetRefused
from flows.targets.encoding.families import family_of_type, fits
from flows.targets.shapes import TableShape, find_shape

KINDS = {"v": "a view", "m": "a materialised view", "f": "a foreign table", "S": "a sequence", "c": "a type"}


def require_table(cursor: Any, text: str, context: LoadContext) -> TableShape:
    """Return the tenant's table; raise TargetRefused when the name is none, or nothing that takes rows stands there."""
    try:
        table = target_table(text, context.data_schema)
    except NameRefused as refusal:
        raise TargetRefused(str(refusal)) from None
    shape = find_shape(cursor, table)
    if shape is None:
        raise TargetRefused(
            f"There is no table {table.shown}. Make it on the Schemas page (/data/schemas), or by POST /api/v1/schemas "
            f'with the name "{table.name.removeprefix("ds_")}".'
        )
    if shape.relkind not in {"r", "p"}:
        raise TargetRefused(f"{table.shown} is {KINDS.get(shape.relkind, 'no table')}; rows go to tables.")
    return shape


def check_columns(shape: TableShape, columns: Sequence[Column]) -> None:
    """Raise TargetRefused, with everything that is wrong, unless each column of the feed fits one of the table."""
    if not columns:
        raise TargetRefused(f"Nothing to write to {shape.table.shown}: the input has no columns.")
    given = {column.name for column in columns}
    missing = [
        f"{column.name} must have a value and the input has no such column"
        for column in shape.columns
        if column.is_required and not column.is_computed and column.name not in given
    ]
    problems = [problem for column in columns if (problem := _problem(shape, column))] + missing
    if problems:
        raise TargetRefused(f"The input does not fit {shape.table.shown}: {'; '.join(problems[:20])}.")


def _problem(shape: TableShape, column: Column) -> str:
    if column.name == LINEAGE_COLUMN:
        return f"{LINEAGE_COLUMN} is written by the run itself; drop it from the input"
    found = shape.column(column.name)
    if found is None:
        names = [other.name for other in shape.columns]
        near = difflib.get_close_matches(column.name.lower(), names, n=1, cutoff=0.8)
        hint = f" (there is {near[0]})" if near else ""
        return f"the table has no column {column.name}{hint}: add it on the Schemas page, or drop or rename it before"
    if found.is_computed:
        return f"{column.name} is computed by the table; drop it from the input"
    if not fits(family_of_type(column.type), found.kind):
        return f"{column.name} is {column.type} and the table's is {found.type}; add a cast"
    return ""


def named_columns(table: TableName, shape: TableShape, names: Sequence[str], what: str) -> None:
    """Raise TargetRefused unless the table has all the columns that a setting names."""
    unknown = [name for name in names if shape.column(name) is None]
    if unknown:
        raise TargetRefused(f"{what}: {table.shown} has no column {', '.join(unknown)}.")
