"""History for benchmarks: millions of interactions and decision traces of many tenants, made inside PostgreSQL."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from kaireon.platform.tenancy.models import Tenant

BATCH = 1_000_000
TRACES_SHARE = 5

# Rows of all tenants are interleaved in time order, as a live system writes them. The id sorts by time like a UUIDv7.
_INTERACTIONS = """
INSERT INTO interactions_interaction (
    id, tenant_id, idempotency_key, customer_id, channel_id, offer_id, creative_id, occurred_at, created_at,
    outcome, classification, category, direction, conversion_value)
SELECT lpad(to_hex(g), 32, '0')::uuid, (%(tenants)s::uuid[])[1 + g * 7919 %% %(tenant_count)s], 'bench-' || g,
    'customer-' || g %% 50021, 'channel-' || g %% 4, 'offer-' || g %% 12, 'creative-' || g %% 37,
    t.at, t.at, o.outcome, o.classification, o.category, 'inbound', CASE o.outcome WHEN 'convert' THEN g %% 90 + 10 END
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS g,
LATERAL (SELECT %(start)s::timestamptz + g * %(step)s::interval AS at) AS t,
LATERAL (SELECT (hashint8(g) & 2147483647) %% 100 AS draw) AS d,
LATERAL (
    SELECT CASE WHEN draw < 72 THEN 'impression' WHEN draw < 86 THEN 'click' WHEN draw < 90 THEN 'accept'
                WHEN draw < 93 THEN 'convert' WHEN draw < 97 THEN 'dismiss' ELSE 'not_interested' END AS outcome,
           CASE WHEN draw < 72 THEN 'neutral' WHEN draw < 93 THEN 'positive' ELSE 'negative' END AS classification,
           CASE WHEN draw < 72 THEN 'impression' ELSE 'response' END AS category) AS o
"""
_TRACES = """
INSERT INTO interactions_decisiontrace (
    id, tenant_id, idempotency_key, customer_id, occurred_at, created_at, after_qualification, after_contact_policy,
    final_count, selected, selected_count, total_latency_ms, degraded_scoring, status_code)
SELECT lpad(to_hex(g), 32, '0')::uuid, (%(tenants)s::uuid[])[1 + g * 7919 %% %(tenant_count)s], 'bench-' || g,
    'customer-' || g %% 50021, t.at, t.at, 12, draw %% 12, draw %% 5, '[]', draw %% 5,
    5 + draw %% 400, draw %% 41 = 0, CASE WHEN draw %% 997 = 0 THEN 503 ELSE 200 END
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS g,
LATERAL (SELECT hashint8(g) & 2147483647 AS draw) AS d,
LATERAL (SELECT %(start)s::timestamptz + g * %(step)s::interval AS at) AS t
"""


def make_tenants(count: int) -> list[uuid.UUID]:
    """Create the tenants that are missing and return all ids."""
    names = [f"bench-{number}" for number in range(count)]
    rows = [Tenant(name=name, slug=name, data_schema=f"t_bench_{number}") for number, name in enumerate(names)]
    Tenant.objects.bulk_create(rows, ignore_conflicts=True)
    return list(Tenant.objects.filter(slug__in=names).order_by("slug").values_list("pk", flat=True))


def make_history(tenants: list[uuid.UUID], *, rows: int, end: datetime, span: timedelta) -> None:
    """Fill both tables with rows up to `end`: `rows` interactions and a fifth as many traces, then VACUUM ANALYZE."""
    for statement, total in ((_INTERACTIONS, rows), (_TRACES, rows // TRACES_SHARE)):
        parameters: dict[str, Any] = {
            "tenants": tenants, "tenant_count": len(tenants), "start": end - span, "step": span / total,
        }  # fmt: skip
        for first in range(0, total, BATCH):
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters | {"first": first, "last": min(first + BATCH, total) - 1})
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) interactions_interaction, interactions_decisiontrace")
