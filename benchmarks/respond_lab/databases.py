"""Two databases of one server: an empty one, and one whose table of interactions is full; the full one is kept."""

import os
from typing import Any, Final

import psycopg
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from benchmarks.outbox_lab.lab import connect, dsn_of, socket_folder
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.roles import Role
from kaireon.platform.tenancy.services import create_api_key, create_tenant

EMPTY: Final = "respond_empty"
FULL: Final = "respond_full"
TABLE: Final = "interactions_interaction"
BATCH: Final = 1_000_000
# All rows are the caller's own, and their keys are random: a new key falls anywhere among the ten million.
_ROWS: Final = """
INSERT INTO interactions_interaction (
    id, tenant_id, event_id, idempotency_key, request_hash, customer_id, recommendation_id, channel_id, placement_id,
    occurred_at, created_at, outcome, classification, category, direction, rank, offer_id, context)
SELECT lpad(to_hex(g), 32, '0')::uuid, %(tenant)s, lpad(to_hex(g), 32, '0')::uuid, md5('key-' || g)::uuid::text,
    sha256(int8send(g)), 'customer-' || g %% 50021, 'rec-' || g, 'web', 'home-hero', t.at, t.at, 'click', 'positive',
    'response', 'inbound', 1, 'offer-' || g %% 40, '{"page": "/offers", "device": "mobile"}'
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS g,
LATERAL (SELECT now() - interval '30 days' + g * (interval '30 days' / %(total)s) AS at) AS t
"""


def url_of(database: str) -> str:
    """Return the address of a database as settings read it."""
    return f"postgres://postgres@{socket_folder().replace('/', '%2F')}/{database}"


def ready_empty() -> tuple[str, str]:
    """Make the empty database anew with a tenant; return the tenant's id and a key of it."""
    return _ready(EMPTY)


def ready_full(rows: int) -> tuple[str, str]:
    """Make the full database, or take the one that is there with so many rows; return the tenant's id and a key."""
    if _count_of_full() < rows:
        tenant_id, key = _ready(FULL)
        _fill(tenant_id, rows)
        return tenant_id, key
    _use(FULL)
    call_command("migrate", verbosity=0)
    tenant = Tenant.objects.get(slug="bench")
    return str(tenant.pk), _make_key(tenant)


def _ready(name: str) -> tuple[str, str]:
    with connect("postgres") as session:
        session.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        session.execute(f'CREATE DATABASE "{name}"')
    _use(name)
    call_command("migrate", verbosity=0)
    tenant = create_tenant(name="Bench", slug="bench", now=timezone.now())
    return str(tenant.pk), _make_key(tenant)


def _make_key(tenant: Tenant) -> str:
    _, key = create_api_key(tenant=tenant, name="engine", role=Role.EDITOR, actor=SYSTEM, now=timezone.now())
    connection.close()
    return str(key)


def _use(name: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = name
    os.environ["DATABASE_URL"] = url_of(name)


def _count_of_full() -> int:
    with connect("postgres") as session:
        if session.execute("SELECT 1 FROM pg_database WHERE datname = %s", [FULL]).fetchone() is None:
            return 0
    with connect(FULL) as session:
        # A database that was left half-filled has no mark.
        row = session.execute("SELECT to_regclass('bench_filled')").fetchone()
        if row is None or row[0] is None:
            return 0
        filled = session.execute("SELECT number FROM bench_filled").fetchone()
        return int(filled[0]) if filled else 0


def _fill(tenant_id: str, rows: int) -> None:
    print(f"Filling the table with {rows:,} interactions …", flush=True)
    with psycopg.connect(dsn_of(FULL), autocommit=True) as session:
        session.execute("SET synchronous_commit = off")
        session.execute("SET maintenance_work_mem = '512MB'")
        # Indexes are built when the rows are there, from the definitions that the migration gave them.
        definitions = _drop_indexes(session)
        for first in range(0, rows, BATCH):
            values: dict[str, Any] = {"tenant": tenant_id, "first": first, "total": rows}
            session.execute(_ROWS, values | {"last": min(first + BATCH, rows) - 1})
        for definition in definitions:
            session.execute(definition)
        session.execute(f"VACUUM (ANALYZE, FREEZE) {TABLE}")
        session.execute("CREATE TABLE bench_filled AS SELECT %s::bigint AS number", [rows])
        session.execute("CHECKPOINT")


def _drop_indexes(session: "psycopg.Connection[tuple[Any, ...]]") -> list[str]:
    constraints = session.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE conrelid = %s::regclass AND contype IN ('p', 'u')",
        [TABLE],
    ).fetchall()
    again = [f'ALTER TABLE {TABLE} ADD CONSTRAINT "{name}" {definition}' for name, definition in constraints]
    for name, _ in constraints:
        session.execute(f'ALTER TABLE {TABLE} DROP CONSTRAINT "{name}"')
    indexes = session.execute("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s", [TABLE]).fetchall()
    for name, _ in indexes:
        session.execute(f'DROP INDEX "{name}"')
    return again + [definition for _, definition in indexes]


def clear(database: str) -> None:
    """Take away what a round has left: its events, and in the empty database its interactions."""
    with connect(database) as session:
        session.execute("TRUNCATE outbox_events")
        if database == EMPTY:
            session.execute(f"TRUNCATE {TABLE}")


def counts(database: str) -> tuple[int, int]:
    """Return how many events there are, and how many interactions were written with one of them."""
    with connect(database) as session:
        row = session.execute(
            f"SELECT (SELECT count(*) FROM outbox_events), (SELECT count(*) FROM {TABLE} "
            "WHERE occurred_at >= (SELECT min(occurred_at) FROM outbox_events) "
            "AND event_id IN (SELECT id FROM outbox_events))"
        ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])
