"""The lists under /settings/: the tenant's own rows, and history that nobody edits."""

import pytest
from django.core.paginator import Paginator

from interactions import admin as admin_module
from interactions.models import Channel, Creative, DecisionTrace, Interaction, Offer, OutcomeType
from interactions.services import seed_outcome_types
from kaireon.platform.tenancy.models import Tenant
from tests.interactions.history import NOON, interaction, save, trace
from tests.people import Person

LISTS = ["channel", "offer", "creative", "outcometype", "interaction", "decisiontrace"]


def fill(tenant: Tenant, mark: str) -> None:
    """Write one row of each kind whose text holds the mark."""
    channel = Channel.objects.create(tenant=tenant, key=f"{mark}-channel", name=f"{mark} channel")
    offer = Offer.objects.create(tenant=tenant, key=f"{mark}-offer", name=f"{mark} offer")
    Creative.objects.create(tenant=tenant, key=f"{mark}-c", name=f"{mark} creative", offer=offer, channel=channel)
    seed_outcome_types(tenant, NOON)
    OutcomeType.objects.for_tenant(tenant).filter(key="click").update(name=f"{mark} outcome")
    seen, decided = interaction(tenant), trace(tenant)
    seen.customer_id, decided.customer_id = f"{mark}-customer", f"{mark}-customer"
    save(seen, decided)


@pytest.mark.parametrize("name", LISTS)
def test_a_list_shows_the_tenants_rows_and_no_others(bob: Person, globex: Tenant, name: str) -> None:
    fill(bob.tenant, "ours")
    fill(globex, "theirs")

    page = bob.browser().get(f"/settings/interactions/{name}/")

    assert page.status_code == 200
    assert "ours" in page.content.decode()
    assert "theirs" not in page.content.decode()


@pytest.mark.parametrize("model", [Channel, Offer, Creative, OutcomeType, Interaction, DecisionTrace])
def test_another_tenants_row_is_not_found(
    alice: Person, globex: Tenant, model: type[Channel | Offer | Creative | OutcomeType | Interaction | DecisionTrace]
) -> None:
    fill(globex, "theirs")
    row = model.objects.for_tenant(globex).first()
    assert row is not None

    page = alice.browser().get(f"/settings/interactions/{model._meta.model_name}/{row.pk}/change/", follow=True)

    assert "theirs" not in page.content.decode()


@pytest.mark.parametrize("name", ["outcometype", "interaction", "decisiontrace"])
def test_history_cannot_be_added_to(alice: Person, name: str) -> None:
    assert alice.browser().get(f"/settings/interactions/{name}/add/").status_code == 403


@pytest.mark.parametrize("name", ["interaction", "decisiontrace"])
def test_a_row_of_history_opens_for_reading(bob: Person, name: str) -> None:
    fill(bob.tenant, "ours")
    model = Interaction if name == "interaction" else DecisionTrace
    row = model.objects.for_tenant(bob.tenant).first()
    assert row is not None

    page = bob.browser().get(f"/settings/interactions/{name}/{row.pk}/change/")

    assert page.status_code == 200
    assert 'name="_save"' not in page.content.decode()


def test_an_editor_adds_an_offer_to_the_own_tenant(eve: Person) -> None:
    values = {"name": "Gold card", "key": "gold", "category": "cards", "is_active": "on"}

    answer = eve.browser().post("/settings/interactions/offer/add/", values)

    assert answer.status_code == 302
    assert [offer.name for offer in Offer.objects.for_tenant(eve.tenant)] == ["Gold card"]


def test_a_viewer_adds_nothing(bob: Person) -> None:
    answer = bob.browser().post("/settings/interactions/offer/add/", {"name": "Gold", "key": "gold"})

    assert answer.status_code == 403
    assert not Offer.objects.for_tenant(bob.tenant).exists()


def test_a_creative_can_be_given_the_tenants_own_offers_only(eve: Person, globex: Tenant) -> None:
    fill(eve.tenant, "ours")
    fill(globex, "theirs")

    page = eve.browser().get("/settings/interactions/creative/add/").content.decode()

    assert "ours offer" in page
    assert "theirs" not in page


def test_a_foreign_offer_cannot_be_posted(eve: Person, globex: Tenant) -> None:
    fill(globex, "theirs")
    foreign = Offer.objects.for_tenant(globex).get()

    answer = eve.browser().post(
        "/settings/interactions/creative/add/", {"name": "X", "key": "x", "offer": str(foreign.pk)}
    )

    assert answer.status_code == 200
    assert not Creative.objects.for_tenant(eve.tenant).exists()


def test_a_customers_history_is_found_by_exact_id(bob: Person) -> None:
    fill(bob.tenant, "ours")

    found = bob.browser().get("/settings/interactions/interaction/?q=ours-customer")
    part = bob.browser().get("/settings/interactions/interaction/?q=ours")

    assert [page.context["cl"].result_count for page in (found, part)] == [1, 0]


def test_counting_a_large_table_stops_early(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_module, "COUNTED_ROWS", 3)
    save(*(interaction(acme) for _ in range(5)))
    rows = Interaction.objects.for_tenant(acme).order_by("pk")

    assert admin_module.CappedPaginator(rows, 2).count == 3
    assert Paginator(rows, 2).count == 5
