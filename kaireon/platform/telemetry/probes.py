"""Ask whether this process can serve: the database answers, and it has the tables that this code expects.

A probe opens a connection of its own with short time-outs, so a database that hangs cannot hang the probe,
and the answer is about now and not about a connection that was good a minute ago.
"""

import functools
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from django.db import connections
from django.db.migrations.loader import MigrationLoader

CONNECT_SECONDS: Final = 2
STATEMENT_MILLISECONDS: Final = 2000
UNREACHABLE: Final = "The database does not answer."
NOT_CHECKED: Final = "Not checked: the database does not answer."


@dataclass(frozen=True, slots=True)
class Check:
    """One named check; `reason` says what is wrong in words that give nothing away."""

    name: str
    is_ok: bool
    reason: str = ""


def check_readiness(using: str = "default") -> list[Check]:
    """Return the checks `database` and `migrations`, in that order."""
    try:
        applied = _applied_migrations(using)
    except psycopg.errors.UndefinedTable:
        applied = frozenset()
    except psycopg.Error:
        # The driver's text names host, user and database: it stays out of the answer.
        return [
            Check("database", is_ok=False, reason=UNREACHABLE),
            Check("migrations", is_ok=False, reason=NOT_CHECKED),
        ]
    missing = len(_expected_migrations() - applied)
    reason = f"{missing} migrations are not applied; run `manage.py migrate`." if missing else ""
    return [Check("database", is_ok=True), Check("migrations", is_ok=not missing, reason=reason)]


def _applied_migrations(using: str) -> frozenset[tuple[str, str]]:
    parameters = connections[using].get_connection_params() | {
        "connect_timeout": CONNECT_SECONDS,
        "tcp_user_timeout": CONNECT_SECONDS * 1000,
        "autocommit": False,
    }
    for name in ("context", "cursor_factory", "prepare_threshold"):
        parameters.pop(name, None)
    with psycopg.connect(**parameters) as connection, connection.cursor() as cursor:
        # LOCAL, as everywhere: behind a transaction pooler nothing may outlive the transaction.
        cursor.execute(f"SET LOCAL statement_timeout = {STATEMENT_MILLISECONDS}")
        cursor.execute("SELECT app, name FROM django_migrations")
        rows: list[Any] = cursor.fetchall()
    return frozenset((app, name) for app, name in rows)


@functools.cache
def _expected_migrations() -> frozenset[tuple[str, str]]:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    return frozenset(loader.disk_migrations or {})
