"""API keys over HTTP and on their page, and the caller's tenant."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import ApiKey
from kaireon.platform.tenancy.roles import Role
from kaireon.platform.tenancy.services import create_api_key
from tests.people import Person

pytestmark = pytest.mark.django_db
KEYS = "/api/v1/api-keys"
PAGE = "/settings/api-keys"
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")


def make_keys(person: Person, count: int) -> None:
    """Make so many more keys, a minute apart."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(count):
        row, _ = create_api_key(tenant=person.tenant, name=f"k{number}", role=Role.VIEWER, actor=SYSTEM, now=start)
        ApiKey.objects.for_tenant(person.tenant).filter(pk=row.pk).update(created_at=start + timedelta(minutes=number))


def create(person: Person, **body: Any) -> Any:
    """Create a key over the API."""
    return person.api().post(KEYS, body, format="json")


def test_a_key_is_created_used_read_and_revoked(alice: Person) -> None:
    created = create(alice, name="CI", role="editor", scopes=["alerts:read"], expiresAt="2099-01-01T00:00:00Z")

    body = created.json()
    assert created.status_code == 201
    assert list(body) == [
        "id", "name", "prefix", "role", "scopes", "expiresAt", "revokedAt", "lastUsedAt", "createdAt", "key",
    ]  # fmt: skip
    assert body["key"].startswith(body["prefix"])
    assert body["expiresAt"] == "2099-01-01T00:00:00.000Z"
    assert TIME.match(body["createdAt"])
    read = alice.api().get(f"{KEYS}/{body['id']}")
    assert read.json() == {name: value for name, value in body.items() if name != "key"}
    assert alice.api().delete(f"{KEYS}/{body['id']}").status_code == 204
    assert alice.api().get(f"{KEYS}/{body['id']}").json()["revokedAt"] is not None
    assert alice.api().delete(f"{KEYS}/{body['id']}").status_code == 204


def test_a_key_without_more_than_a_name_is_a_viewers(alice: Person) -> None:
    body = create(alice, name="CI").json()

    assert (body["role"], body["scopes"], body["expiresAt"]) == ("viewer", [], None)


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, "name"),
        ({"name": ""}, 400, "name"),
        ({"name": "   "}, 400, "name"),
        ({"name": None}, 400, "name"),
        ({"name": 5}, 400, "name"),
        ({"name": "x" * 121}, 400, "name"),
        ({"name": "CI", "role": "owner"}, 400, "role"),
        ({"name": "CI", "role": None}, 400, "role"),
        ({"name": "CI", "scopes": "alerts:read"}, 400, "scopes"),
        ({"name": "CI", "scopes": ["alerts"]}, 400, "scopes[0]"),
        ({"name": "CI", "scopes": ["alerts:read"] * 51}, 400, "scopes"),
        ({"name": "CI", "expiresAt": "tomorrow"}, 400, "expiresAt"),
        ({"name": "CI", "expiresAt": "2020-01-01T00:00:00Z"}, 422, "expiresAt"),
        ({"name": "CI", "isAdmin": True}, 400, "isAdmin"),
        ({"name": "a\u200bb"}, 422, "name"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_wrong_is_named(alice: Person, body: dict[str, Any], status: int, field: str) -> None:
    response = create(alice, **body)

    assert response.status_code == status
    assert field in response.json()["error"]["fields"]
    assert ApiKey.objects.for_tenant(alice.tenant).count() == 1


@pytest.mark.parametrize("key_id", ["0192f0c1-7e5a-7cc0-8a55-0123456789ab", "nonsense", "5", "..", "%00", "ü"])
def test_an_id_that_is_nobodys_is_not_found(alice: Person, key_id: str) -> None:
    assert alice.api().get(f"{KEYS}/{key_id}").status_code in {400, 404}
    assert alice.api().delete(f"{KEYS}/{key_id}").status_code in {400, 404}


def test_another_tenants_key_is_not_found_and_stays(alice: Person, charlie: Person) -> None:
    theirs = ApiKey.objects.for_tenant(alice.tenant).get()

    assert charlie.api().get(f"{KEYS}/{theirs.pk}").status_code == 404
    assert charlie.api().delete(f"{KEYS}/{theirs.pk}").status_code == 404
    assert charlie.browser().post(f"{PAGE}/{theirs.pk}/revoke").status_code == 404
    theirs.refresh_from_db()
    assert theirs.revoked_at is None


@pytest.mark.parametrize("method", ["put", "patch", "post"])
def test_a_method_that_the_route_does_not_have_is_405_in_the_envelope(alice: Person, method: str) -> None:
    response = getattr(alice.api(), method)(f"{KEYS}/0192f0c1-7e5a-7cc0-8a55-0123456789ab")

    assert response.status_code == 405
    assert response.json()["error"]["code"] == "METHOD_NOT_ALLOWED"
    assert "DELETE" in response.headers["Allow"]


# --- Pages of a list


def names_of(response: Any) -> list[str]:
    """Return the names on a page of keys."""
    return [row["name"] for row in response.json()["data"]]


def test_a_list_is_read_page_by_page_newest_first(alice: Person) -> None:
    make_keys(alice, 5)
    ApiKey.objects.for_tenant(alice.tenant).filter(name="alice").delete()
    person = Person(alice.user, alice.tenant, alice.role, "")
    browser = person.browser()

    first = browser.get(f"{KEYS}?limit=2")
    second = browser.get(f"{KEYS}?limit=2&cursor={first.json()['pagination']['cursor']}")
    third = browser.get(f"{KEYS}?limit=2&cursor={second.json()['pagination']['cursor']}")

    assert [names_of(page) for page in (first, second, third)] == [["k4", "k3"], ["k2", "k1"], ["k0"]]
    assert first.json()["pagination"] | {"cursor": ""} == {"total": 5, "limit": 2, "hasMore": True, "cursor": ""}
    assert third.json()["pagination"] == {"total": 5, "limit": 2, "hasMore": False, "cursor": None}


def test_rows_of_one_instant_are_each_shown_once(alice: Person) -> None:
    make_keys(alice, 6)
    ApiKey.objects.for_tenant(alice.tenant).update(created_at=datetime(2026, 1, 1, tzinfo=UTC))
    seen: list[str] = []
    cursor = ""

    while True:
        page = alice.api().get(f"{KEYS}?limit=2&cursor={cursor}")
        seen += names_of(page)
        cursor = page.json()["pagination"]["cursor"]
        if cursor is None:
            break

    assert sorted(seen) == ["alice", "k0", "k1", "k2", "k3", "k4", "k5"]


def test_a_row_that_arrives_between_two_pages_moves_nothing(alice: Person) -> None:
    make_keys(alice, 3)
    ApiKey.objects.for_tenant(alice.tenant).filter(name="alice").update(created_at=datetime(2025, 1, 1, tzinfo=UTC))
    first = alice.api().get(f"{KEYS}?limit=2").json()

    create(alice, name="late")

    second = alice.api().get(f"{KEYS}?limit=2&cursor={first['pagination']['cursor']}")
    assert names_of(second) == ["k0", "alice"]


@pytest.mark.parametrize("limit", ["0", "101", "-1", "two", "1e1", "1.0", "%D9%A1", "99999999999", " "])
def test_a_limit_that_cannot_be_is_named(alice: Person, limit: str) -> None:
    response = alice.api().get(f"{KEYS}?limit={limit}")

    assert response.status_code == 400
    assert set(response.json()["error"]["fields"]) == {"limit"}


@pytest.mark.parametrize(
    "cursor",
    ["x", "ü", "bnVsbA==", "W10=", "WzEsMl0=", "eyJhIjoxLCJiIjoyfQ==",
     # ["2026-01-01T00:00:00", id]: no offset; ["0001-…"]: too early; ["2026-…", "nonsense"]
     "WyIyMDI2LTAxLTAxVDAwOjAwOjAwIiwgIjAxOTJmMGMxLTdlNWEtN2NjMC04YTU1LTAxMjM0NTY3ODlhYiJd",
     "WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzAwOjAwIiwgIjAxOTJmMGMxLTdlNWEtN2NjMC04YTU1LTAxMjM0NTY3ODlhYiJd",
     "WyIyMDI2LTAxLTAxVDAwOjAwOjAwKzAwOjAwIiwgIm5vbnNlbnNlIl0=", "W1tbW1tbW1tbW1tbW1tbW1tbW1tb" * 400],
    ids=["text", "unicode", "null", "empty", "numbers", "object", "no offset", "year 1", "no id", "deep"],
)  # fmt: skip
def test_a_cursor_that_is_not_ours_is_named(alice: Person, cursor: str) -> None:
    response = alice.api().get(f"{KEYS}?cursor={cursor}")

    assert response.status_code == 400
    assert set(response.json()["error"]["fields"]) == {"cursor"}


def test_a_list_costs_the_same_queries_with_one_row_and_with_many(
    alice: Person, django_assert_max_num_queries: Any
) -> None:
    make_keys(alice, 30)

    with django_assert_max_num_queries(5):
        alice.api().get(f"{KEYS}?limit=30")


# --- The page


def test_the_page_shows_a_new_key_once(alice: Person) -> None:
    browser = alice.browser()

    made = browser.post(PAGE, {"name": "Deploy", "role": "editor", "lifetime": "30"})
    again = browser.get(PAGE)

    shown = re.search(r"krn_[\w-]{43}", made.content.decode())
    assert shown is not None
    assert shown[0] not in again.content.decode()
    assert "Deploy" in again.content.decode()
    assert "no-store" in made.headers["Cache-Control"]
    row = ApiKey.objects.for_tenant(alice.tenant).get(name="Deploy")
    assert row.role == "editor"
    assert row.expires_at is not None


def test_a_key_may_live_for_ever_if_one_says_so(alice: Person) -> None:
    alice.browser().post(PAGE, {"name": "Deploy", "role": "editor", "lifetime": ""})

    assert ApiKey.objects.for_tenant(alice.tenant).get(name="Deploy").expires_at is None


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"name": "", "role": "viewer"},
        {"name": "x" * 121, "role": "viewer"},
        {"name": "x" * 100_000, "role": "viewer"},
        {"name": "a\0b", "role": "viewer"},
        {"name": "a\x07b", "role": "viewer"},
        {"name": "a\u202eb", "role": "viewer"},
        {"name": "CI", "role": "owner"},
        {"name": "CI", "role": "viewer", "lifetime": "-1"},
        {"name": "CI", "role": "viewer", "lifetime": "nonsense"},
    ],
    ids=lambda form: ascii(form)[:60],
)
def test_a_form_that_cannot_be_comes_back_with_what_was_typed_and_makes_nothing(
    alice: Person, form: dict[str, str]
) -> None:
    response = alice.browser().post(PAGE, form)

    assert response.status_code == 400
    assert b"<form" in response.content
    assert ApiKey.objects.for_tenant(alice.tenant).count() == 1


def test_a_name_is_shown_as_text(alice: Person) -> None:
    response = alice.browser().post(PAGE, {"name": "<script>alert(1)</script>", "role": "viewer"})

    assert b"<script>alert(1)" not in response.content
    assert b"&lt;script&gt;alert(1)" in response.content


def test_a_key_is_revoked_on_the_page_by_post_alone(alice: Person) -> None:
    row = ApiKey.objects.for_tenant(alice.tenant).get()
    browser = alice.browser()

    looked = browser.get(f"{PAGE}/{row.pk}/revoke")
    revoked = browser.post(f"{PAGE}/{row.pk}/revoke")

    row.refresh_from_db()
    assert looked.status_code == 405
    assert revoked.status_code in {302, 303}
    assert row.revoked_at is not None


# --- The caller's tenant


def test_the_tenant_of_the_caller_is_told(eve: Person) -> None:
    assert eve.api().get("/api/v1/tenant/status").json() == {
        "tenantId": str(eve.tenant.pk),
        "name": "Acme",
        "slug": "acme",
        "timezone": "UTC",
        "role": "editor",
    }


def test_every_answer_carries_a_request_id_and_a_sane_one_is_kept(alice: Person) -> None:
    own = alice.api().get(KEYS, headers={"x-request-id": "deploy-42"})
    minted = alice.api().get(KEYS, headers={"x-request-id": "x" * 5000})

    assert own.headers["x-request-id"] == "deploy-42"
    assert len(minted.headers["x-request-id"]) < 200


def test_answers_stay_out_of_caches(alice: Person) -> None:
    listed = alice.api().get("/api/v1/api-keys")

    assert listed["Cache-Control"] == "no-store"
