"""Rows of one statement, as many as there are, in the memory of a few: a server-side cursor inside a transaction."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.db import connection

ROWS_AT_ONCE: Final = 2_000
_names = itertools.count()


class NoTransaction(RuntimeError):
    """A cursor of the server lives as long as its transaction, and outside of one there is none."""


def stream_rows(statement: str, values: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Yield the statement's rows; raise NoTransaction outside a transaction.

    The cursor ends with the transaction at the latest, so a pooler that gives the connection to others between
    transactions finds nothing left of it. All rows are of one snapshot.
    """
    if not connection.in_atomic_block:
        raise NoTransaction("Rows are streamed inside a transaction.")
    # Django's own named cursors are switched off for poolers; this one needs only what a transaction keeps anyway.
    name = f"rows_{next(_names)}"
    with connection.cursor() as cursor:
        cursor.execute(f"DECLARE {name} NO SCROLL CURSOR FOR {statement}", values)
        while rows := _fetch(name):
            yield from rows
        cursor.execute(f"CLOSE {name}")


def _fetch(name: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(f"FETCH {ROWS_AT_ONCE} FROM {name}")
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
