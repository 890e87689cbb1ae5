"""Fixtures of the whole suite."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import TransactionTestCase
from pytest_django import DjangoDbBlocker

from outbox.services.history import drop_partitions
from tests.emptying import empty_tables
from tests.people import acme, alice, bob, charlie, eve, globex

__all__ = ["acme", "alice", "bob", "charlie", "eve", "globex"]


TABLES = """
SELECT 'SCHEMA ' || quote_ident(nspname) FROM pg_catalog.pg_namespace WHERE nspname = 'dlq' OR nspname LIKE 't\\_%'
UNION ALL SELECT 'TABLE public.' || quote_ident(relname) FROM pg_catalog.pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname LIKE 'ds\\_%'
"""


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Cut off, before the database is dropped, what still speaks to it: a killed client's work may end late."""
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture(scope="session", autouse=True)
def quick_flush() -> Iterator[None]:
    """Empty the database quickly after tests that commit, of which there are many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_tables)
        yield


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    """Start every test with an empty cache, so that throttles do not add up over tests."""
    cache.clear()


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Drop what a committing test left beside the models, which no flush takes: history, tenants' own tables."""
    yield
    marker = request.node.get_closest_marker("django_db")
    if "transactional_db" in request.fixturenames or (marker and marker.kwargs.get("transaction")):
        with django_db_blocker.unblock():
            drop_partitions(before=None)
            _drop_tenants_tables()


def _drop_tenants_tables() -> None:
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        for (thing,) in cursor.fetchall():
            cursor.execute(f"DROP {thing} CASCADE")
