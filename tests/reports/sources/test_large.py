"""A hundred thousand rows: from the server's cursor into the spool, and from there to a file, in bounded memory."""

import io
import tracemalloc
from datetime import UTC, datetime

import pytest
from django.db import connection

from kaireon.platform.tenancy.models import Tenant
from reports.decisions.definition import ReportDefinition, SourceCall
from reports.renderers import render
from reports.sources import Spool, build_document
from tests.reports.sources.world import figures

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
NOW = datetime(2026, 3, 5, 10, tzinfo=UTC)
ROWS = 100_000
# Rows in memory, in the spool's blocks, on their way from the server: none of it grows with the table.
MOST_BYTES = 12_000_000

_OFFERS = """
INSERT INTO interactions_interaction (id, tenant_id, idempotency_key, customer_id, offer_id, occurred_at, outcome,
    classification, category, direction)
SELECT gen_random_uuid(), %(tenant)s, 'k-' || n, 'c-' || n, 'offer-' || lpad(n::text, 6, '0'), %(at)s, 'impression',
    'neutral', 'impression', 'outbound'
FROM generate_series(1, %(rows)s) AS n
"""


def test_a_hundred_thousand_offers_in_the_memory_of_a_few_thousand(acme: Tenant) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_OFFERS, {"tenant": acme.pk, "at": NOW.replace(hour=9), "rows": ROWS})
    definition = ReportDefinition("All", data_sources=(SourceCall("offer_performance", {"days": 1, "limit": ROWS}),))

    tracemalloc.start()
    with Spool() as spool:
        document = build_document(
            definition, tenant=acme, data_until=NOW, generated_at=NOW, zone="UTC", spool=spool
        )  # fmt: skip
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        (section,) = document.sections
        ids = [row[1] for row in section.rows]
        file = io.BytesIO()
        render(document, "csv", file)

    assert peak < MOST_BYTES
    assert spool.size > 0
    assert len(section.rows) == ROWS
    assert ids == [f"offer-{number:06}" for number in range(1, ROWS + 1)]
    assert figures(section)["impressions"] == (ROWS, 0)
    assert file.getvalue().count(b"\r\n") > ROWS
