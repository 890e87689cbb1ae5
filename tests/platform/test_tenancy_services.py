"""Tenants, members and keys: what can be made, and what is refused with which field."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from kaireon.platform.audit.models import AuditEntry
from kaireon.platform.errors import Conflict, DomainError, Forbidden, Unprocessable
from kaireon.platform.tenancy import services
from kaireon.platform.tenancy.actors import SYSTEM, Actor
from kaireon.platform.tenancy.keys import hash_key
from kaireon.platform.tenancy.models import ApiKey, Membership, Tenant, User
from kaireon.platform.tenancy.roles import Role
from kaireon.platform.tenancy.selectors import find_live_key, find_tenant, members_with_role, memberships_of
from kaireon.platform.tenancy.services import create_api_key, create_tenant, create_user, revoke_api_key
from tests.people import PASSWORD, Person

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def actions_of(tenant: Tenant) -> list[str]:
    """Return what the audit log of a tenant says was done, oldest first."""
    return list(AuditEntry.objects.for_tenant(tenant).order_by("sequence").values_list("action", flat=True))


# --- Tenants


def test_the_first_tenant_works_in_the_public_schema_and_later_ones_in_their_own() -> None:
    first = create_tenant(name="Acme Bank", now=NOW)
    second = create_tenant(name="Globex & Söhne", now=NOW, timezone="Europe/Berlin")

    assert (first.slug, first.data_schema, first.timezone) == ("acme-bank", "public", "UTC")
    assert (second.slug, second.data_schema, second.timezone) == ("globex-sohne", "t_globex_sohne", "Europe/Berlin")


def test_making_a_tenant_is_in_its_audit_log() -> None:
    tenant = create_tenant(name="Acme", now=NOW)

    assert "create" in actions_of(tenant)


@pytest.mark.parametrize("name", ["", "   ", "x" * 121, "a\nb", "a\0b", "a\u202eb"], ids=ascii)
def test_a_name_that_cannot_be_shown_is_refused(name: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        create_tenant(name=name, now=NOW)

    assert set(refused.value.fields) == {"name"}


@pytest.mark.parametrize(
    "slug",
    ["A", "a b", "a_b", "-a", "a-", "a--b", "ä", 'a";drop', "../a", "x" * 58, "acme-dlq", "a\n", "١"],
    ids=ascii,
)
def test_a_slug_that_cannot_name_a_schema_is_refused(slug: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        create_tenant(name="Acme", slug=slug, now=NOW)

    assert set(refused.value.fields) == {"slug"}


def test_a_name_without_letters_needs_a_slug() -> None:
    with pytest.raises(Unprocessable, match="slug"):
        create_tenant(name="株式会社", now=NOW)

    assert create_tenant(name="株式会社", slug="kk", now=NOW).slug == "kk"


def test_a_long_name_makes_a_slug_that_fits_postgresql_with_its_dead_letters() -> None:
    create_tenant(name="First", now=NOW)

    tenant = create_tenant(name="word " * 24, now=NOW)

    assert len(f"{tenant.data_schema}_dlq") <= 63
    assert not tenant.slug.endswith("-")


@hypothesis_settings(max_examples=25, deadline=None)
@given(st.text(max_size=130))
def test_any_name_makes_a_safe_schema_or_is_refused(name: str) -> None:
    Tenant.objects.all().delete()
    create_tenant(name="First", now=NOW)

    with suppress(DomainError):
        tenant = create_tenant(name=name, now=NOW)
        assert tenant.data_schema.removeprefix("t_").replace("_", "a").isalnum()
        assert tenant.data_schema.isascii()


def test_a_slug_that_is_taken_is_a_conflict() -> None:
    create_tenant(name="Acme", now=NOW)

    with pytest.raises(Conflict, match="'acme' already"):
        create_tenant(name="ACME", now=NOW)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "UTC\n", "../UTC", "utc+2"])
def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        create_tenant(name="Acme", timezone=zone, now=NOW)

    assert set(refused.value.fields) == {"timezone"}


def test_a_step_that_fails_leaves_no_tenant_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(tenant: Tenant, now: Any) -> None:
        raise RuntimeError("no defaults today")

    monkeypatch.setattr(services, "_tenant_steps", [fail])

    with pytest.raises(RuntimeError):
        create_tenant(name="Acme", now=NOW)

    assert not Tenant.objects.filter(slug="acme").exists()


def test_a_step_is_registered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[Any] = []
    monkeypatch.setattr(services, "_tenant_steps", steps)

    def step(tenant: Tenant, now: Any) -> None:
        """Do nothing."""

    services.on_tenant_created(step)
    services.on_tenant_created(step)

    assert steps == [step]


def test_a_tenant_is_found_by_slug_or_id(acme: Tenant) -> None:
    assert find_tenant("acme") == acme
    assert find_tenant(str(acme.pk)) == acme
    assert find_tenant("0192f0c1-7e5a-7cc0-8a55-0123456789ab") is None
    assert find_tenant("nobody") is None


def test_a_slug_of_32_hexadecimal_digits_is_found_as_a_slug() -> None:
    tenant = Tenant.objects.create(name="Hex", slug="deadbeef" * 4, data_schema="hex")

    assert find_tenant("deadbeef" * 4) == tenant


# --- Members


def test_a_new_user_becomes_a_member_who_can_sign_in(acme: Tenant) -> None:
    user = create_user(email=" Ada@Example.com ", password=PASSWORD, tenant=acme, role=Role.EDITOR, now=NOW)

    assert user.email == "ada@example.com"
    assert user.check_password(PASSWORD)
    assert [(row.tenant, row.role) for row in memberships_of(user)] == [(acme, "editor")]
    assert actions_of(acme) == ["add_member"]


def test_an_existing_user_joins_another_tenant_and_keeps_their_password(alice: Person, globex: Tenant) -> None:
    user = create_user(
        email=alice.user.email.upper(), password="another long word", tenant=globex, role=Role.VIEWER, now=NOW
    )

    assert user.pk == alice.user.pk
    assert user.check_password(PASSWORD)
    assert [row.tenant.slug for row in memberships_of(user)] == ["acme", "globex"]


def test_a_member_who_is_added_again_has_the_new_role(alice: Person) -> None:
    create_user(email=alice.user.email, password=None, tenant=alice.tenant, role=Role.VIEWER, now=NOW)

    assert Membership.objects.get(user=alice.user).role == "viewer"


@pytest.mark.parametrize(
    "email", ["", "ada", "ada@", "a b@example.com", "a@" + "x" * 260 + ".com", "ada@exam\nple.com"]
)
def test_an_address_that_is_none_is_refused(acme: Tenant, email: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        create_user(email=email, password=PASSWORD, tenant=acme, role=Role.VIEWER, now=NOW)

    assert set(refused.value.fields) == {"email"}
    assert not User.objects.exists()


@pytest.mark.parametrize("password", ["", "short", "12345678", "password", "ada@example.com"])
def test_a_weak_password_is_refused_by_its_own_name(acme: Tenant, password: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        create_user(email="ada@example.com", password=password, tenant=acme, role=Role.VIEWER, now=NOW)

    assert set(refused.value.fields) == {"password"}


def test_a_user_without_a_password_cannot_sign_in(acme: Tenant) -> None:
    user = create_user(email="ada@example.com", password=None, tenant=acme, role=Role.VIEWER, now=NOW)

    assert not user.has_usable_password()


def test_members_are_asked_for_by_role_and_only_active_ones(alice: Person, bob: Person, eve: Person) -> None:
    User.objects.filter(pk=eve.user.pk).update(is_active=False)

    assert members_with_role(alice.tenant.pk, Role.ADMIN) == [alice.user]
    assert members_with_role(alice.tenant.pk, Role.EDITOR) == []


# --- Keys


def test_a_key_is_shown_once_and_kept_as_a_keyed_hash(acme: Tenant) -> None:
    row, key = create_api_key(tenant=acme, name="CI", role=Role.VIEWER, actor=SYSTEM, now=NOW)

    assert key.startswith("krn_")
    assert len(key) == 47
    assert row.key_hash == hash_key(key)
    assert key not in str(ApiKey.objects.for_tenant(acme).values().get())
    assert row.prefix == key[:12]


def test_making_and_revoking_a_key_is_in_the_audit_log_without_the_key(acme: Tenant) -> None:
    row, key = create_api_key(tenant=acme, name="CI", role=Role.VIEWER, actor=SYSTEM, now=NOW)
    revoke_api_key(key=row, actor=SYSTEM, now=NOW)
    revoke_api_key(key=row, actor=SYSTEM, now=NOW)

    assert actions_of(acme) == ["create", "revoke"]
    assert key not in str(list(AuditEntry.objects.for_tenant(acme).values()))


def test_a_key_lives_until_it_expires_or_is_revoked(acme: Tenant) -> None:
    ends = NOW + timedelta(days=1)
    row, key = create_api_key(tenant=acme, name="CI", role=Role.VIEWER, actor=SYSTEM, now=NOW, expires_at=ends)

    assert find_live_key(key, NOW) == row
    assert find_live_key(key, ends) is None
    revoke_api_key(key=row, actor=SYSTEM, now=NOW)
    assert find_live_key(key, NOW) is None


def test_a_key_that_has_expired_before_it_was_made_is_refused(acme: Tenant) -> None:
    with pytest.raises(Unprocessable) as refused:
        create_api_key(tenant=acme, name="CI", role=Role.VIEWER, actor=SYSTEM, now=NOW, expires_at=NOW)

    assert set(refused.value.fields) == {"expiresAt"}


@pytest.mark.parametrize("scope", ["alerts", "alerts:", "alerts:delete", "Alerts:read", "alerts:read\n", ":read", "*"])
def test_a_scope_that_grants_nothing_is_refused(acme: Tenant, scope: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        create_api_key(tenant=acme, name="CI", role=Role.VIEWER, actor=SYSTEM, now=NOW, scopes=[scope])

    assert set(refused.value.fields) == {"scopes"}


@pytest.mark.parametrize(
    ("own_role", "own_scopes", "role", "scopes", "is_allowed"),
    [
        (Role.ADMIN, (), Role.ADMIN, [], True),
        (Role.ADMIN, (), Role.VIEWER, ["alerts:read"], True),
        (Role.EDITOR, (), Role.ADMIN, [], False),
        (Role.ADMIN, ("api-keys:write", "alerts:read"), Role.VIEWER, ["alerts:read"], True),
        (Role.ADMIN, ("api-keys:write", "alerts:read"), Role.VIEWER, ["alerts:write"], False),
        (Role.ADMIN, ("api-keys:write",), Role.VIEWER, [], False),
    ],
    ids=["all of all", "part of all", "stronger role", "own scope", "other scope", "all of one"],
)
def test_nobody_makes_a_key_that_may_do_more_than_they(
    acme: Tenant, own_role: Role, own_scopes: tuple[str, ...], role: Role, scopes: list[str], is_allowed: bool
) -> None:
    actor = Actor(kind="api_key", name="maker", role=own_role, scopes=own_scopes)

    def make() -> None:
        create_api_key(tenant=acme, name="CI", role=role, actor=actor, now=NOW, scopes=scopes)

    if is_allowed:
        make()
    else:
        with pytest.raises(Forbidden):
            make()
    assert ApiKey.objects.for_tenant(acme).exists() is is_allowed


@pytest.mark.parametrize(
    ("hours", "is_allowed"),
    [(None, False), (25, False), (24, True), (1, True)],
    ids=["for ever", "longer", "as long", "shorter"],
)
def test_a_key_that_ends_makes_none_that_outlives_it(acme: Tenant, hours: int | None, is_allowed: bool) -> None:
    actor = Actor(kind="api_key", name="lent", role=Role.ADMIN, expires_at=NOW + timedelta(hours=24))
    expires_at = None if hours is None else NOW + timedelta(hours=hours)

    def make() -> None:
        create_api_key(tenant=acme, name="CI", role=Role.ADMIN, actor=actor, now=NOW, expires_at=expires_at)

    if is_allowed:
        make()
    else:
        with pytest.raises(Forbidden, match="expiresAt"):
            make()
    assert ApiKey.objects.for_tenant(acme).exists() is is_allowed


def test_a_key_that_ends_is_known_to_end_when_it_calls(acme: Tenant) -> None:
    _, key = create_api_key(
        tenant=acme, name="lent", role=Role.ADMIN, actor=SYSTEM, now=NOW, expires_at=NOW + timedelta(hours=24)
    )
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=key)

    assert client.post("/api/v1/api-keys", {"name": "for ever"}, format="json").status_code == 403
