"""COPY into a temporary table and on into the real one: types, duplicates, two loaders at once, and failures."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import DataError, connection

from interactions.decisions.demo import DemoTrace
from interactions.decisions.imported_rows import ImportedRow
from interactions.models import DecisionTrace, Interaction
from interactions.services.loading import INTERACTIONS, TRACES, load_interactions, load_rows
from kaireon.platform.tenancy.models import Tenant
from tests.interactions.history import NOON
from tests.people import make_tenant

LOADERS = 4


def row(key: str = "k-1", **fields: Any) -> ImportedRow:
    """Return a row with nothing but what it needs."""
    plain = ImportedRow(
        idempotency_key=key, customer_id="c-1", outcome="click", classification="positive", category="response",
        direction="inbound", occurred_at=NOON, recommendation_id=None, rank=None, creative_id=None, offer_id=None,
        channel_id=None, placement_id=None, conversion_value=None, context=None, outcome_details=None, attributes=None,
    )  # fmt: skip
    return plain._replace(**fields)


def decided(key: str = "d-1") -> DemoTrace:
    """Return a decision."""
    return DemoTrace(
        idempotency_key=key, customer_id="c-1", occurred_at=NOON, recommendation_id="r-1", channel_id="web",
        placement_id="top", after_qualification=9, after_contact_policy=7, final_count=2,
        selected='[{"offerId": "gold", "rank": 1}]', selected_count=1, total_latency_ms=41.5, degraded_scoring=True,
        status_code=503,
    )  # fmt: skip


def test_what_is_absent_is_null(acme: Tenant) -> None:
    load_interactions(tenant_id=acme.pk, rows=[row()])

    saved = Interaction.objects.for_tenant(acme).get()
    absent = (saved.event_id, saved.request_hash, saved.recommendation_id, saved.rank, saved.offer_id, saved.context)
    assert absent == (None,) * 6
    assert saved.conversion_value is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("conversion_value", Decimal("-12345678901234.654321")),
        ("rank", 2**31 - 1),
        ("occurred_at", datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC)),
        ("occurred_at", datetime(9000, 12, 31, tzinfo=UTC)),
        ("customer_id", "Zoë \\N \t' \" , Ω 🙂"),
        ("offer_id", "x" * 255),
    ],
)
def test_a_value_arrives_as_it_left(acme: Tenant, field: str, value: Any) -> None:
    load_interactions(tenant_id=acme.pk, rows=[row()._replace(**{field: value})])

    assert getattr(Interaction.objects.for_tenant(acme).get(), field) == value


def test_json_arrives_as_objects(acme: Tenant) -> None:
    load_interactions(tenant_id=acme.pk, rows=[row(context='{"a": {"b": [1, "ü"]}}', attributes="{}")])

    saved = Interaction.objects.for_tenant(acme).get()
    assert (saved.context, saved.attributes) == ({"a": {"b": [1, "ü"]}}, {})


def test_the_flags_that_metrics_count_are_the_databases(acme: Tenant) -> None:
    shown = row("k-2", outcome="impression", classification="neutral", category="impression")
    unseen = row("k-3", outcome="not_presented", classification="neutral", category="impression")
    load_interactions(tenant_id=acme.pk, rows=[row(), shown, unseen])

    flags = Interaction.objects.for_tenant(acme).order_by("idempotency_key")
    assert [(item.is_impression, item.is_positive, item.is_click) for item in flags] == [
        (False, True, True), (True, False, False), (False, False, False),
    ]  # fmt: skip


def test_decisions_are_loaded_too(acme: Tenant) -> None:
    new = load_rows(tenant_id=acme.pk, staging=TRACES, rows=[decided(), decided("d-2"), decided()])

    saved = DecisionTrace.objects.for_tenant(acme).get(idempotency_key="d-1")
    assert new == 2
    assert (saved.selected, saved.total_latency_ms, saved.status_code) == ([{"offerId": "gold", "rank": 1}], 41.5, 503)


def test_no_rows_are_no_trouble(acme: Tenant) -> None:
    assert load_rows(tenant_id=acme.pk, staging=INTERACTIONS, rows=[]) == 0


def test_only_new_keys_are_counted(acme: Tenant) -> None:
    load_interactions(tenant_id=acme.pk, rows=[row("k-1")])

    assert load_interactions(tenant_id=acme.pk, rows=[row("k-1"), row("k-2"), row("k-2")]) == 1


def test_the_first_of_two_rows_with_one_key_stays(acme: Tenant) -> None:
    load_interactions(tenant_id=acme.pk, rows=[row(customer_id="first"), row(customer_id="second")])

    assert Interaction.objects.for_tenant(acme).get().customer_id == "first"


def test_a_row_that_the_database_refuses_leaves_nothing_of_its_batch(acme: Tenant) -> None:
    with pytest.raises(DataError):
        load_interactions(tenant_id=acme.pk, rows=[row("k-1"), row("k-2", offer_id="x" * 256)])

    assert not Interaction.objects.for_tenant(acme).exists()


@pytest.mark.django_db(transaction=True)
def test_loaders_of_the_same_rows_at_once_write_each_row_once() -> None:
    tenant = make_tenant("Acme")
    rows = [row(f"k-{number:04d}") for number in range(500)]
    start = threading.Barrier(LOADERS)
    counts: list[int] = []

    def load() -> None:
        try:
            start.wait(timeout=10)
            counts.append(load_interactions(tenant_id=tenant.pk, rows=rows))
        finally:
            connection.close()

    run_together(load)

    assert sum(counts) == 500
    assert len(counts) == LOADERS
    assert Interaction.objects.for_tenant(tenant).count() == 500


def run_together(work: Callable[[], None]) -> None:
    """Run the work in several threads, each with a connection of its own."""
    threads = [threading.Thread(target=work) for _ in range(LOADERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
