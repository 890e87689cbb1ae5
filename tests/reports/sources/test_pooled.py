"""Sources behind PgBouncer in transaction mode: one connection for all, and each reader gets its own tenant's rows."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection, connections

from kaireon.platform.tenancy.models import Tenant
from reports.decisions.definition import SourceCall
from reports.sources import Spool, run_source
from tests.chaos.test_outbox_pgbouncer import bouncer

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240), pytest.mark.django_db(transaction=True)]
NOW = datetime(2026, 3, 5, 10, tzinfo=UTC)
ROWS, READERS = 6_000, 6

_OFFERS = """
INSERT INTO interactions_interaction (id, tenant_id, idempotency_key, customer_id, offer_id, occurred_at, outcome,
    classification, category, direction)
SELECT gen_random_uuid(), %(tenant)s, 'k-' || n, 'c-' || n, %(slug)s || '-' || n, %(at)s, 'impression',
    'neutral', 'impression', 'outbound'
FROM generate_series(1, %(rows)s) AS n
"""


def test_one_pooled_connection_serves_many_reports(acme: Tenant, globex: Tenant) -> None:
    tenants = [acme, globex]
    with connection.cursor() as cursor:
        for tenant in tenants:
            values: dict[str, Any] = {"tenant": tenant.pk, "slug": tenant.slug, "at": NOW.replace(hour=9), "rows": ROWS}
            cursor.execute(_OFFERS, values)

    with bouncer(pool=1) as url, ThreadPoolExecutor(READERS) as readers:
        found = list(readers.map(lambda number: offers_through(url, tenants[number % 2].pk), range(READERS)))

    for number, names in enumerate(found):
        assert len(names) == ROWS
        assert all(name.startswith(tenants[number % 2].slug) for name in names)


def offers_through(url: str, tenant_id: uuid.UUID) -> list[Any]:
    """Return the offers of a section that was read through the pooler, on a connection of this thread's own."""
    pooled, parts = connection.copy(), urlsplit(url)
    pooled.settings_dict = pooled.settings_dict | {"HOST": parts.hostname, "PORT": parts.port}
    connections["default"] = pooled
    call = SourceCall("offer_performance", {"days": 1, "limit": ROWS})
    try:
        with Spool() as spool:
            section = run_source(
                call, section_id="s", title="", tenant_id=tenant_id, now=NOW, zone="UTC", spool=spool
            )  # fmt: skip
            return [row[0] for row in section.rows]
    finally:
        pooled.close()
