"""Insert many rows of a model at once: what is the same in all of them travels once, the rest as arrays.

Django binds each value of each row apart, which costs more than the insert itself for a model of forty columns.
"""

import json
import uuid
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from django.db import connection, models

# As text: a cast to varchar(n) would cut without a word, where the column itself refuses.
_AS_TEXT: Final = frozenset({"varchar", "text", "jsonb"})


def insert_many(rows: Sequence[models.Model], *, unless_known_by: Sequence[str] = ()) -> set[uuid.UUID]:
    """Insert rows of one model, whose keys are UUIDs, in one statement; return the ids of those that were inserted.

    `unless_known_by` are the columns of a unique key: a row whose key is there already is left out.
    """
    if not rows:
        return set()
    fields = rows[0]._meta.concrete_fields
    constants, arrays, scalars, columns = [], [], [], []
    for field in fields:
        values = _values(field, rows)
        kind, end = _kind(field)
        # The key is an array also of one row: it says how many rows there are.
        name = str(field.column)
        if not field.primary_key and all(value == values[0] for value in values):
            constants.append((name, f"%s::{kind}{end}"))
            scalars.append(values[0])
        else:
            columns.append((name, f"%s::{kind}[]", f"new.{name}{end}"))
            arrays.append(values)
    names = [name for name, _ in constants] + [name for name, _, _ in columns]
    taken = [text for _, text in constants] + [text for _, _, text in columns]
    known = f"ON CONFLICT ({', '.join(unless_known_by)}) DO NOTHING" if unless_known_by else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {rows[0]._meta.db_table} ({', '.join(names)}) SELECT {', '.join(taken)} "  # noqa: S608 - names of columns
            f"FROM unnest({', '.join(cast for _, cast, _ in columns)}) AS new ({', '.join(n for n, _, _ in columns)}) "
            f"{known} RETURNING id",
            [*scalars, *arrays],
        )
        return {row_id for (row_id,) in cursor.fetchall()}


def _values(field: "models.Field[Any, Any]", rows: Sequence[models.Model]) -> list[Any]:
    values = [getattr(row, field.attname) for row in rows]
    return [json.dumps(value) for value in values] if isinstance(field, models.JSONField) else values


@cache
def _kind(field: "models.Field[Any, Any]") -> tuple[str, str]:
    """Return the type that a field's values travel as, and the cast to what the column takes."""
    whole = str(field.rel_db_type(connection) if field.is_relation else field.db_type(connection))
    kind = whole.partition("(")[0]
    return ("text" if kind in _AS_TEXT else kind), ("::jsonb" if kind == "jsonb" else "")
