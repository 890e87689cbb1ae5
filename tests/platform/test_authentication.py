"""Who calls: by key in either header or by session; nobody else, and never for another tenant."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import ApiKey, Tenant, User
from kaireon.platform.tenancy.roles import Role
from kaireon.platform.tenancy.services import create_api_key, revoke_api_key
from tests.people import PASSWORD, Person

pytestmark = pytest.mark.django_db
STATUS = "/api/v1/tenant/status"


def row_of(person: Person) -> ApiKey:
    """Return the row of a person's key."""
    return ApiKey.objects.for_tenant(person.tenant).get(prefix=person.key[:12])


@pytest.mark.parametrize("header", ["X-API-Key", "Authorization"])
def test_a_key_is_taken_in_either_header(alice: Person, header: str) -> None:
    value = alice.key if header == "X-API-Key" else f"Bearer {alice.key}"

    response = APIClient().get(STATUS, headers={header: value})

    assert response.status_code == 200
    assert response.json()["tenantId"] == str(alice.tenant.pk)
    assert response.json()["role"] == "admin"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": ""},
        {"X-API-Key": "krn_nonsense"},
        {"X-API-Key": "krn_" + "x" * 100_000},
        {"X-API-Key": "krn_ü"},
        {"X-API-Key": "'; DROP TABLE tenancy_apikey; --"},
        {"Authorization": "Bearer krn_nonsense"},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic YWxpY2U6eA=="},
        {"Cookie": "sessionid=nonsense"},
    ],
    ids=str,
)
def test_without_valid_credentials_the_answer_is_401_with_a_challenge(headers: dict[str, str]) -> None:
    response = APIClient().get(STATUS, headers=headers)

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.json()["error"]["code"] == "UNAUTHENTICATED"


def test_the_tenant_comes_from_the_key_and_no_header_changes_it(alice: Person, charlie: Person) -> None:
    response = alice.api().get(STATUS, headers={"X-Tenant-Id": str(charlie.tenant.pk)})

    assert response.json()["slug"] == "acme"


def test_a_key_beats_the_session_beside_it(alice: Person, charlie: Person) -> None:
    response = charlie.browser().get(STATUS, headers={"X-API-Key": alice.key})

    assert response.json()["slug"] == "acme"


def test_a_bad_key_is_refused_though_the_session_beside_it_is_good(alice: Person) -> None:
    assert alice.browser().get(STATUS, headers={"X-API-Key": "krn_nonsense"}).status_code == 401


def test_a_revoked_key_stops_at_once(alice: Person) -> None:
    revoke_api_key(key=row_of(alice), actor=SYSTEM, now=timezone.now())

    assert alice.api().get(STATUS).status_code == 401


def test_an_expired_key_stops(alice: Person) -> None:
    ApiKey.objects.for_tenant(alice.tenant).update(expires_at=timezone.now() - timedelta(seconds=1))

    assert alice.api().get(STATUS).status_code == 401


def test_a_key_of_another_pepper_is_unknown(alice: Person, settings: object) -> None:
    settings.API_KEY_PEPPER = "another pepper of more than 32 characters"  # type: ignore[attr-defined]

    assert alice.api().get(STATUS).status_code == 401


def test_last_used_is_written_at_most_once_a_minute(alice: Person) -> None:
    alice.api().get(STATUS)
    first = row_of(alice).last_used_at
    alice.api().get(STATUS)
    second = row_of(alice).last_used_at
    ApiKey.objects.for_tenant(alice.tenant).update(last_used_at=timezone.now() - timedelta(minutes=2))
    alice.api().get(STATUS)
    third = row_of(alice).last_used_at

    assert first is not None
    assert second == first
    assert third is not None
    assert third > first


def test_a_session_brings_the_tenant_of_its_member(bob: Person) -> None:
    response = bob.browser().get(STATUS)

    assert response.json()["slug"] == "acme"
    assert response.json()["role"] == "viewer"


def test_a_write_by_session_needs_the_csrf_token(alice: Person) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice.user, backend="django.contrib.auth.backends.ModelBackend")

    response = browser.post("/api/v1/api-keys", {"name": "CI"}, content_type="application/json")

    assert response.status_code == 403
    assert "CSRF" in response.json()["error"]["message"]
    assert ApiKey.objects.for_tenant(alice.tenant).count() == 1


def test_a_write_by_key_needs_no_csrf_token(alice: Person) -> None:
    client = APIClient(enforce_csrf_checks=True)

    response = client.post("/api/v1/api-keys", {"name": "CI"}, format="json", headers={"X-API-Key": alice.key})

    assert response.status_code == 201


def test_a_user_of_no_tenant_is_told_so() -> None:
    nobody = User.objects.create_user("nobody@example.com", PASSWORD)
    browser = Client()
    browser.force_login(nobody, backend="django.contrib.auth.backends.ModelBackend")

    response = browser.get(STATUS)
    page = browser.get("/")

    assert response.status_code == 403
    assert response.json()["error"]["code"] == "NO_TENANT"
    assert page.status_code == 403
    assert b"not a member of any tenant" in page.content


def test_a_membership_that_was_taken_away_counts_at_once(bob: Person) -> None:
    browser = bob.browser()
    before = browser.get(STATUS).status_code

    bob.user.memberships.all().delete()

    assert (before, browser.get(STATUS).status_code) == (200, 403)


def test_a_user_who_was_deactivated_is_signed_out_at_once(bob: Person) -> None:
    browser = bob.browser()

    User.objects.filter(pk=bob.user.pk).update(is_active=False)

    assert browser.get(STATUS).status_code == 401
    assert browser.get("/").status_code == 302


# --- The tenant switcher


def test_a_member_of_two_tenants_works_in_the_one_they_chose(alice: Person, globex: Tenant) -> None:
    alice.user.memberships.create(tenant=globex, role=Role.VIEWER)
    browser = alice.browser()
    first = browser.get(STATUS).json()

    response = browser.post("/tenant/switch", {"tenant": str(globex.pk), "next": "/settings/api-keys"})

    assert first["slug"] == "acme"
    assert response.status_code in {302, 303}
    assert response.headers["Location"] == "/settings/api-keys"
    assert browser.get(STATUS).json()["slug"] == "globex"
    assert browser.get(STATUS).json()["role"] == "viewer"


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "", "\\\\evil"])
def test_the_switcher_leads_nowhere_else(alice: Person, target: str) -> None:
    response = alice.browser().post("/tenant/switch", {"tenant": str(alice.tenant.pk), "next": target})

    assert response.headers["Location"] == "/"


@pytest.mark.parametrize("tenant", ["globex", "", "nonsense", "0192f0c1-7e5a-7cc0-8a55-0123456789ab"])
def test_a_tenant_of_others_is_not_found(alice: Person, globex: Tenant, tenant: str) -> None:
    wanted = str(globex.pk) if tenant == "globex" else tenant

    browser = alice.browser()

    assert browser.post("/tenant/switch", {"tenant": wanted}).status_code == 404
    assert browser.get(STATUS).json()["slug"] == "acme"


def test_a_choice_whose_membership_has_gone_falls_back_to_another(alice: Person, globex: Tenant) -> None:
    membership = alice.user.memberships.create(tenant=globex, role=Role.VIEWER)
    browser = alice.browser()
    browser.post("/tenant/switch", {"tenant": str(globex.pk)})

    membership.delete()

    assert browser.get(STATUS).json()["slug"] == "acme"


# --- A key for some things only


def make_key(tenant: Tenant, role: Role, *scopes: str) -> APIClient:
    """Return a client with a key of these scopes."""
    _, key = create_api_key(
        tenant=tenant, name="limited", role=role, actor=SYSTEM, now=timezone.now(), scopes=list(scopes)
    )
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=key)
    return client


@pytest.mark.parametrize(
    ("scopes", "reads", "writes"),
    [
        ([], 200, 201),
        (["api-keys:read"], 200, 403),
        (["api-keys:write"], 200, 403),
        (["alerts:write"], 403, 403),
    ],
    ids=["no scope is all", "read", "write without a scope of its own", "another area"],
)
def test_scopes_limit_a_key(acme: Tenant, scopes: list[str], reads: int, writes: int) -> None:
    client = make_key(acme, Role.ADMIN, *scopes)

    assert client.get("/api/v1/api-keys").status_code == reads
    assert client.post("/api/v1/api-keys", {"name": "CI"}, format="json").status_code == writes


def test_a_limited_key_makes_keys_within_its_limits(acme: Tenant) -> None:
    client = make_key(acme, Role.ADMIN, "api-keys:write", "alerts:read")

    inside = client.post("/api/v1/api-keys", {"name": "CI", "scopes": ["alerts:read"]}, format="json")
    outside = client.post("/api/v1/api-keys", {"name": "CI", "scopes": ["alerts:write"]}, format="json")

    assert (inside.status_code, outside.status_code) == (201, 403)


@pytest.mark.parametrize(("name", "status"), [("alice", 200), ("eve", 403), ("bob", 403)])
def test_roles_are_a_ladder(request: pytest.FixtureRequest, name: str, status: int) -> None:
    person: Person = request.getfixturevalue(name)

    assert person.api().get("/api/v1/api-keys").status_code == status
    assert person.browser().get("/settings/api-keys").status_code == status


def test_each_role_allows_itself_and_those_before_it() -> None:
    allowed = {(str(own), str(needed)) for own in Role for needed in Role if own.allows(needed)}

    assert allowed == {
        ("viewer", "viewer"), ("editor", "viewer"), ("editor", "editor"),
        ("admin", "viewer"), ("admin", "editor"), ("admin", "admin"),
    }  # fmt: skip
