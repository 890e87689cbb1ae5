"""What PostgreSQL reads for a section: the tenant's own stretch of an index, and nothing of the rest of the table."""

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from benchmarks.generators.history import make_history, make_tenants
from kaireon.platform.tenancy.models import Tenant
from reports.decisions.definition import SourceCall
from reports.sources import Spool, run_source

END = datetime(2026, 3, 3, tzinfo=UTC)
HISTORY = timedelta(days=20)
ROWS = 60_000
TENANTS = 3
TABLES = {"interactions_interaction": "interaction_tenant_time", "interactions_decisiontrace": "trace_tenant_time"}
# Of twenty days the last hour of the one before last, which the day before has too: two hours of 480.
MOMENT = END - timedelta(days=1) + timedelta(hours=1)
BUDGET = {"allocation": 5, "from": "2026-03-02", "to": "2026-03-02"}


@dataclass
class Read:
    """What the statements of a section read of a table."""

    pages: int = 0
    nodes: set[str] = field(default_factory=set)
    indexes: set[str] = field(default_factory=set)


@pytest.fixture(scope="module")
def history(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[list[uuid.UUID]]:
    """Write twenty days of three tenants, and tell the planner."""
    with django_db_blocker.unblock():
        tenants = make_tenants(TENANTS)
        make_history(tenants, rows=ROWS, end=END, span=HISTORY)
        vacuum_until_visible()
    yield tenants
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE interactions_interaction, interactions_decisiontrace")
        Tenant.objects.filter(pk__in=tenants).delete()


def vacuum_until_visible() -> None:
    """Repeat VACUUM while somebody's snapshot is older than the rows: an index alone answers for visible pages only."""
    with connection.cursor() as cursor:
        for _ in range(50):
            cursor.execute("VACUUM (ANALYZE) interactions_interaction, interactions_decisiontrace")
            cursor.execute(
                "SELECT min(relallvisible::float / relpages) FROM pg_class WHERE relname = ANY(%s)", [list(TABLES)]
            )
            if cursor.fetchone()[0] > 0.95:
                return
            time.sleep(0.1)


def explained(key: str, tenant_id: uuid.UUID, **params: Any) -> dict[str, Read]:
    """Run a section and return what each of its statements read of the tables of history."""
    found = {table: Read() for table in TABLES}

    def explain(execute: Any, sql: str, values: Any, many: bool, context: Any) -> Any:
        if any(table in sql for table in TABLES) and not sql.startswith(("EXPLAIN", "FETCH")):
            statement = sql.partition(" CURSOR FOR ")[2] or sql
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", values)
                plan = cursor.fetchone()[0]
            walk((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"], found, "")
        return execute(sql, values, many, context)

    with connection.execute_wrapper(explain), Spool() as spool:
        section = run_source(
            SourceCall(key, params), section_id="s", title="", tenant_id=tenant_id, now=MOMENT, zone="UTC", spool=spool
        )
        assert section.error == ""
    return found


def walk(node: dict[str, Any], found: dict[str, Read], table: str) -> None:
    """Note what the plan's nodes over a table read; the index of a bitmap stands below its table."""
    table = node.get("Relation Name", table)
    if table in found and ("Relation Name" in node or node["Node Type"] == "Bitmap Index Scan"):
        read = found[table]
        read.nodes.add(node["Node Type"])
        read.indexes |= {node["Index Name"]} if "Index Name" in node else set()
        if "Relation Name" in node:
            read.pages += node["Shared Hit Blocks"] + node["Shared Read Blocks"]
    for child in node.get("Plans", []):
        walk(child, found, table if node["Node Type"].startswith("Bitmap") else "")


def pages_of(table: str) -> int:
    """Return how many pages a table has."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_size(%s) / current_setting('block_size')::int", [table])
        return int(cursor.fetchone()[0])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("key", "params"),
    [
        ("offer_performance", {}),
        ("offer_performance", {"groupBy": "category", "categoryId": "cards"}),
        ("offer_performance", {"groupBy": "segment", "channelId": "channel-1"}),
        ("channel_effectiveness", {}),
        ("selection_frequency", {}),
        ("score_distribution", {}),
        ("why_not_ranked", {"offerId": "offer-1"}),
        ("anomaly_candidates", {"minEvents": 1}),
        ("decision_traces_summary", {}),
        ("decision_traces_summary", {"groupBy": "placement"}),
        ("funnel", {}),
        ("funnel", {"windowHours": 1}),
        ("revenue_trend", {}),
        ("daily_trend", {}),
        ("model_metrics_trend", {}),
        ("budget_burn", BUDGET),
    ],
    ids=str,
)
def test_a_window_is_read_from_the_tenants_own_stretch_of_the_index(
    key: str, params: dict[str, Any], history: list[uuid.UUID]
) -> None:
    days = {} if key == "budget_burn" else {"days": 1}

    for table, read in explained(key, history[0], **days, **params).items():
        assert read.nodes <= {"Index Scan", "Index Only Scan", "Bitmap Heap Scan", "Bitmap Index Scan"}
        assert read.indexes <= {TABLES[table]}
        assert read.pages < max(10, pages_of(table) / 3)


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["revenue_trend", "daily_trend", "model_metrics_trend", "funnel"])
def test_what_is_summed_by_day_alone_is_read_without_the_rows(key: str, history: list[uuid.UUID]) -> None:
    for read in explained(key, history[0], days=1).values():
        assert read.nodes <= {"Index Only Scan"}
