"""What the tables themselves refuse and fill in."""

import pytest
from django.db import IntegrityError, connection, transaction

from interactions.models import Channel, Creative, DecisionTrace, Interaction, Offer, OutcomeType
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.scoping import TenantScopeMissing
from tests.interactions.history import interaction, save, trace

MODELS = [Channel, Offer, Creative, OutcomeType, Interaction, DecisionTrace]


@pytest.mark.parametrize("model", MODELS)
def test_rows_are_reached_through_a_tenant(db: None, model: type[Channel]) -> None:
    with pytest.raises(TenantScopeMissing):
        list(model.objects.all())


@pytest.mark.parametrize("make", [interaction, trace])
def test_a_key_is_used_once_per_tenant(acme: Tenant, globex: Tenant, make: object) -> None:
    assert callable(make)
    first, again, elsewhere = make(acme), make(acme), make(globex)
    again.idempotency_key = elsewhere.idempotency_key = first.idempotency_key
    save(first, elsewhere)

    with pytest.raises(IntegrityError), transaction.atomic():
        save(again)


@pytest.mark.parametrize("model", [Channel, Offer, Creative])
def test_a_catalogue_key_is_used_once_per_tenant(acme: Tenant, globex: Tenant, model: type[Channel]) -> None:
    model.objects.create(tenant=acme, key="web", name="Web")
    model.objects.create(tenant=globex, key="web", name="Web")

    with pytest.raises(IntegrityError), transaction.atomic():
        model.objects.create(tenant=acme, key="web", name="Other")


def test_a_creative_outlives_its_offer(acme: Tenant) -> None:
    offer = Offer.objects.create(tenant=acme, key="gold", name="Gold")
    creative = Creative.objects.create(tenant=acme, key="banner", name="Banner", offer=offer)

    Offer.objects.for_tenant(acme).filter(pk=offer.pk).delete()

    assert Creative.objects.for_tenant(acme).get(pk=creative.pk).offer is None


def test_the_database_notes_when_a_row_was_written(acme: Tenant) -> None:
    save(interaction(acme))

    row = Interaction.objects.for_tenant(acme).get()
    assert row.created_at > row.occurred_at


@pytest.mark.parametrize("table", ["interactions_interaction", "interactions_decisiontrace"])
def test_history_is_vacuumed_in_small_steps_so_that_windows_are_read_from_the_index(db: None, table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reloptions FROM pg_class WHERE relname = %s", [table])
        options = cursor.fetchone()[0]

    assert "autovacuum_vacuum_insert_threshold=50000" in options


@pytest.mark.parametrize("table", ["interactions_interaction", "interactions_decisiontrace"])
def test_history_has_an_index_over_time_that_stays_tiny(db: None, table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename = %s AND indexdef LIKE %s", [table, "%brin%"])
        (definition,) = cursor.fetchone()

    assert "timestamptz_minmax_multi_ops" in definition
    assert "autosummarize" in definition


def test_every_row_says_what_it_is(acme: Tenant) -> None:
    channel = Channel(tenant=acme, key="web", name="Website")
    outcome = OutcomeType(tenant=acme, key="click", name="Click")

    assert [str(channel), str(outcome), str(interaction(acme)), str(trace(acme))] == [
        "Website", "Click", "impression · customer-1", "decision · customer-1",
    ]  # fmt: skip
