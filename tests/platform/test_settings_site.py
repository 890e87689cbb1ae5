"""The settings site: lists of one tenant's rows, for roles, with no way around either."""

import pytest
from django.contrib.contenttypes.models import ContentType
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from interactions.models import Offer
from kaireon.platform.tenancy.models import Membership, Tenant
from tests.architecture.furniture import MARK, furnish
from tests.people import Person

pytestmark = pytest.mark.django_db
OFFERS = "/settings/interactions/offer/"
MEMBERS = "/settings/tenancy/membership/"


def make_offer(tenant: Tenant, name: str) -> Offer:
    """Make an offer."""
    return Offer.objects.create(tenant=tenant, key=name, name=name)


def test_the_sites_front_leads_to_the_overview(bob: Person) -> None:
    response = bob.browser().get("/settings/")

    assert response.status_code == 302
    assert response.headers["Location"] == "/"


def test_a_list_shows_the_tenants_rows_alone(alice: Person, charlie: Person) -> None:
    make_offer(alice.tenant, "Ours")
    make_offer(charlie.tenant, "Theirs")

    text = alice.browser().get(OFFERS).content.decode()

    assert "Ours" in text
    assert "Theirs" not in text


def test_a_row_is_added_to_the_tenant_of_the_session_whatever_the_form_says(alice: Person, charlie: Person) -> None:
    form = {"key": "new", "name": "New", "is_active": "on", "tenant": str(charlie.tenant.pk)}

    response = alice.browser().post(f"{OFFERS}add/", form)

    assert response.status_code == 302, response.content[:500]
    assert Offer.objects.across_tenants().get(key="new").tenant == alice.tenant


def test_two_tenants_may_use_one_key_and_one_tenant_may_not_twice(alice: Person, charlie: Person) -> None:
    make_offer(charlie.tenant, "same")
    form = {"key": "same", "name": "Same", "is_active": "on"}
    browser = alice.browser()

    first = browser.post(f"{OFFERS}add/", form)
    second = browser.post(f"{OFFERS}add/", form)

    assert first.status_code == 302
    assert second.status_code == 200
    assert Offer.objects.for_tenant(alice.tenant).count() == 1


def test_a_bulk_action_reaches_no_row_of_others(alice: Person, charlie: Person) -> None:
    theirs = make_offer(alice.tenant, "Ours")
    form = {"action": "delete_selected", "_selected_action": str(theirs.pk), "post": "yes"}

    charlie.browser().post(OFFERS, form)

    assert Offer.objects.for_tenant(alice.tenant).filter(pk=theirs.pk).exists()


def test_a_viewer_reads_and_cannot_add_change_or_delete(bob: Person) -> None:
    offer = make_offer(bob.tenant, "Ours")
    browser = bob.browser()

    assert browser.get(OFFERS).status_code == 200
    assert browser.get(f"{OFFERS}add/").status_code == 403
    assert browser.post(f"{OFFERS}{offer.pk}/change/", {"name": "Changed"}).status_code == 403
    assert browser.post(f"{OFFERS}{offer.pk}/delete/", {"post": "yes"}).status_code == 403
    offer.refresh_from_db()
    assert offer.name == "Ours"


@pytest.mark.parametrize(("name", "status"), [("alice", 200), ("eve", 403), ("bob", 403)])
def test_members_are_the_admins_matter(request: pytest.FixtureRequest, name: str, status: int) -> None:
    person: Person = request.getfixturevalue(name)

    assert person.browser().get(MEMBERS).status_code == status


def test_nobody_changes_members_here(alice: Person, bob: Person) -> None:
    row = Membership.objects.get(user=bob.user)
    browser = alice.browser()

    assert browser.get(f"{MEMBERS}{row.pk}/change/").status_code == 200
    assert browser.post(f"{MEMBERS}{row.pk}/change/", {"role": "admin"}).status_code == 403
    assert browser.post(f"{MEMBERS}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert browser.get(f"{MEMBERS}add/").status_code == 403
    row.refresh_from_db()
    assert row.role == "viewer"


@pytest.mark.parametrize(
    "query",
    ["user__password__startswith=md5", "tenant__slug=globex", "user__password__regex=(a%2B)%2B$", "nonsense=1",
     "id__in=x", "role__exact=x", "p=99999", "p=x", "o=99", "o=x", "q=%27%3B+DROP", "all=", "_popup=1", "e=1"],
)  # fmt: skip
def test_a_list_cannot_be_asked_what_it_does_not_show(alice: Person, query: str) -> None:
    response = alice.browser().get(f"{MEMBERS}?{query}")

    assert response.status_code in {200, 302, 400, 404}
    assert "md5$" not in response.content.decode()


def test_the_route_that_finds_any_object_by_its_type_is_gone(alice: Person, charlie: Person) -> None:
    ids = furnish(alice.tenant, timezone.now())
    offer_type = ContentType.objects.get_for_model(Offer)

    response = charlie.browser().get(f"/settings/r/{offer_type.pk}/{ids['offer']}/")

    assert response.status_code == 404
    with pytest.raises(NoReverseMatch):
        reverse("admin:view_on_site", args=(offer_type.pk, ids["offer"]))


@pytest.mark.parametrize("query", ["s=zanzibar", "s=a&page=x", "s=a&page=99", "s=zanzibar&extended=1"])
def test_the_search_over_all_tenants_is_gone(alice: Person, query: str) -> None:
    furnish(alice.tenant, timezone.now())

    response = alice.browser().get(f"/settings/search/?{query}")

    assert response.status_code == 404
    assert MARK not in response.content.decode()


@pytest.mark.parametrize("object_id", ["nonsense", "_5F", "0192f0c1-7e5a-7cc0-8a55-0123456789ab", "a/b/c", "'"])
@pytest.mark.parametrize("verb", ["change", "delete", "history"])
def test_an_id_that_is_nobodys_is_not_found_and_not_repeated(alice: Person, object_id: str, verb: str) -> None:
    response = alice.browser().get(f"{OFFERS}{object_id}/{verb}/")

    assert response.status_code == 404
    assert "doesn’t exist" not in response.content.decode()


def test_a_password_is_changed_by_its_owner_who_knows_the_old_one(bob: Person) -> None:
    browser = bob.browser()
    form = {"old_password": "wrong", "new_password1": "another long word", "new_password2": "another long word"}

    wrong = browser.post("/settings/password_change/", form)
    right = browser.post("/settings/password_change/", form | {"old_password": "correct horse battery"})

    bob.user.refresh_from_db()
    assert (wrong.status_code, right.status_code) == (200, 302)
    assert bob.user.check_password("another long word")
