"""What PostgreSQL reads: a short window over a large table touches its own pages, and no more."""

import json
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from benchmarks.generators.history import make_history, make_tenants
from interactions.metrics import Gauge, catalogue
from interactions.selectors import MetricRequest, read_metrics
from kaireon.platform.tenancy.models import Tenant

END = datetime(2026, 3, 2, tzinfo=UTC)
SPAN = timedelta(days=2)
ROWS = 45_000
TENANTS = 3


@pytest.fixture(scope="module")
def history(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[list[uuid.UUID]]:
    """Write two days of three tenants in time order and VACUUM, which no test's own transaction can."""
    with django_db_blocker.unblock():
        tenants = make_tenants(TENANTS)
        make_history(tenants, rows=ROWS, end=END, span=SPAN)
        _vacuum_until_visible()
    yield tenants
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE interactions_interaction, interactions_decisiontrace")
        Tenant.objects.filter(pk__in=tenants).delete()


def _vacuum_until_visible() -> None:
    """Repeat VACUUM while an autovacuum worker's snapshot is older than the rows."""
    with connection.cursor() as cursor:
        for _ in range(50):
            cursor.execute(
                "SELECT min(relallvisible::float / relpages) FROM pg_class WHERE relname IN "
                "('interactions_interaction', 'interactions_decisiontrace')"
            )
            if cursor.fetchone()[0] > 0.95:
                return
            time.sleep(0.1)
            cursor.execute("VACUUM interactions_interaction, interactions_decisiontrace")


@pytest.fixture
def large_table(history: list[uuid.UUID], db: None) -> list[uuid.UUID]:
    """Return the tenants of the history."""
    return history


def pages_read(statement: str, parameters: Any = None) -> tuple[int, set[str]]:
    """Run a statement; return how many pages it touched and which kinds of nodes the plan has."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters)
        found = cursor.fetchone()[0]
    plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"], _kinds(plan)


def _kinds(node: dict[str, Any]) -> set[str]:
    return {node["Node Type"]}.union(*(_kinds(child) for child in node.get("Plans", [])))


def pages_of(table: str) -> int:
    """Return the size of a table in pages."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_size(%s) / current_setting('block_size')::int", [table])
        return int(cursor.fetchone()[0])


def explain_evaluation(requests: list[MetricRequest]) -> tuple[int, set[str]]:
    """Explain the one statement that the requests take."""
    seen: list[tuple[int, set[str]]] = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "EXPLAIN" not in sql:
            seen.append(pages_read(sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        read_metrics(requests)
    assert len(seen) == 1
    return seen[0]


@pytest.mark.parametrize("metric", ["ctr", "suppression_rate", "latency_p99"])
def test_a_five_minute_window_of_every_tenant_reads_its_minutes_only(large_table: list[uuid.UUID], metric: str) -> None:
    table = "interactions_interaction" if metric == "ctr" else "interactions_decisiontrace"
    current = [MetricRequest.ending(tenant, metric, END, timedelta(minutes=5)) for tenant in large_table]

    pages, kinds = explain_evaluation([*current, *(request.preceding() for request in current)])

    assert pages < pages_of(table) / 5
    assert "Seq Scan" not in kinds


def test_one_tenants_long_window_does_not_read_the_others_rows(large_table: list[uuid.UUID]) -> None:
    short = [MetricRequest.ending(tenant, "ctr", END, timedelta(minutes=5)) for tenant in large_table]
    long = MetricRequest.ending(large_table[0], "ctr", END, SPAN)

    pages, kinds = explain_evaluation([*short, long])

    # A third of the rows, on every page of the table, read from the tenant's own stretch of the index.
    assert pages < pages_of("interactions_interaction") / 3
    assert "Index Only Scan" in kinds


@pytest.mark.parametrize("metric", [metric.name for metric in catalogue() if not isinstance(metric.formula, Gauge)])
def test_every_metric_is_read_from_the_index_alone(large_table: list[uuid.UUID], metric: str) -> None:
    requests = [MetricRequest.ending(tenant, metric, END, timedelta(minutes=5)) for tenant in large_table]

    _, kinds = explain_evaluation(requests)

    assert "Index Only Scan" in kinds


def test_a_scan_of_everybodys_last_minutes_skips_all_other_blocks(large_table: list[uuid.UUID]) -> None:
    statement = "SELECT max(customer_id) FROM interactions_interaction WHERE occurred_at >= %s AND occurred_at < %s"

    pages, kinds = pages_read(statement, [END - timedelta(minutes=5), END])

    assert "Seq Scan" not in kinds
    assert pages < pages_of("interactions_interaction") / 10
