"""A query on a tenant's table without a tenant is refused, whatever way it is asked."""

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import QuerySet

from kaireon.platform.tenancy.models import ApiKey, Tenant
from kaireon.platform.tenancy.roles import Role
from kaireon.platform.tenancy.scoping import TenantScopeMissing

pytestmark = pytest.mark.django_db


def make_key(tenant: Tenant, name: str) -> ApiKey:
    """Make a row of a tenant's table."""
    return ApiKey.objects.create(tenant=tenant, name=name, prefix="krn_x", key_hash=name, role=Role.VIEWER)


async def consume(rows: Any) -> list[Any]:
    """Return what an asynchronous iteration yields."""
    return [row async for row in rows]


UNSCOPED: dict[str, Callable[[Any], Any]] = {
    "iteration": list,
    "length": len,
    "truth": bool,
    "get": lambda rows: rows.get(pk=uuid.uuid4()),
    "first": lambda rows: rows.first(),
    "last": lambda rows: rows.last(),
    "index": lambda rows: rows[0],
    "slice": lambda rows: list(rows[:5]),
    "filter": lambda rows: list(rows.filter(name="x")),
    "exclude": lambda rows: list(rows.exclude(name="x")),
    "values": lambda rows: list(rows.values("name")),
    "values_list": lambda rows: list(rows.values_list("name", flat=True)),
    "iterator": lambda rows: list(rows.iterator()),
    "aiterator": lambda rows: asyncio.run(consume(rows.aiterator())),
    "in_bulk": lambda rows: rows.in_bulk([uuid.uuid4()]),
    "count": lambda rows: rows.count(),
    "exists": lambda rows: rows.exists(),
    "contains": lambda rows: rows.contains(ApiKey(pk=uuid.uuid4())),
    "aggregate": lambda rows: rows.aggregate(),
    "latest": lambda rows: rows.latest("created_at"),
    "dates": lambda rows: list(rows.datetimes("created_at", "day")),
    "update": lambda rows: rows.update(name="x"),
    "delete": lambda rows: rows.delete(),
    "explain": lambda rows: rows.explain(),
    "get_or_create": lambda rows: rows.get_or_create(key_hash="x"),
    "update_or_create": lambda rows: rows.update_or_create(key_hash="x"),
    "bulk_update": lambda rows: rows.bulk_update([ApiKey(pk=uuid.uuid4(), name="x")], ["name"]),
    "select_for_update": lambda rows: list(rows.select_for_update()),
    "sub-query": lambda rows: list(ApiKey.objects.across_tenants().filter(pk__in=rows.values("pk"))),
    "union": lambda rows: list(ApiKey.objects.across_tenants().union(rows)),
    "union of the unscoped": lambda rows: list(rows.union(ApiKey.objects.across_tenants())),
    "or": lambda rows: list(ApiKey.objects.across_tenants() | rows),
    "or of the unscoped": lambda rows: list(rows | ApiKey.objects.across_tenants()),
    "xor": lambda rows: list(ApiKey.objects.across_tenants() ^ rows),
}


@pytest.mark.parametrize("ask", UNSCOPED.values(), ids=UNSCOPED)
def test_a_query_without_a_tenant_is_refused(ask: Callable[[QuerySet[Any]], Any]) -> None:
    with pytest.raises(TenantScopeMissing, match=r"ApiKey: say for_tenant\(…\) or across_tenants\(\) first"):
        ask(ApiKey.objects.all())


def test_a_tenant_sees_its_own_rows_alone(acme: Tenant, globex: Tenant) -> None:
    mine, theirs = make_key(acme, "mine"), make_key(globex, "theirs")

    assert list(ApiKey.objects.for_tenant(acme)) == [mine]
    assert list(ApiKey.objects.for_tenant(globex.pk)) == [theirs]
    assert ApiKey.objects.for_tenant(acme).filter(pk=theirs.pk).first() is None


def test_an_update_or_delete_reaches_its_own_rows_alone(acme: Tenant, globex: Tenant) -> None:
    make_key(acme, "mine")
    theirs = make_key(globex, "theirs")

    changed = ApiKey.objects.for_tenant(acme).update(name="changed")
    ApiKey.objects.for_tenant(acme).delete()

    assert changed == 1
    assert list(ApiKey.objects.across_tenants()) == [theirs]


def test_across_tenants_is_everything_and_says_so(acme: Tenant, globex: Tenant) -> None:
    rows = {make_key(acme, "mine"), make_key(globex, "theirs")}

    assert set(ApiKey.objects.across_tenants()) == rows
    assert set(ApiKey.objects.across_tenants().filter(name="mine") | ApiKey.objects.for_tenant(globex)) == rows


def test_no_tenant_sees_nothing(acme: Tenant) -> None:
    make_key(acme, "mine")

    assert list(ApiKey.objects.for_tenant(None)) == []


@pytest.mark.parametrize("given", ["acme", "0192f0c1-7e5a-7cc0-8a55-0123456789ab", 5, object], ids=repr)
def test_what_is_no_tenant_is_an_error_and_not_an_empty_answer(given: Any) -> None:
    with pytest.raises(TypeError, match="a tenant is given as a Tenant or its UUID"):
        ApiKey.objects.for_tenant(given)


def test_another_models_row_is_no_tenant(acme: Tenant) -> None:
    with pytest.raises(TypeError, match="not as a ApiKey"):
        ApiKey.objects.for_tenant(make_key(acme, "mine"))


def test_rows_are_made_without_a_scope_for_they_carry_their_tenant(acme: Tenant) -> None:
    rows = [ApiKey(tenant=acme, name=name, prefix="krn_x", key_hash=name, role=Role.VIEWER) for name in ("one", "two")]

    ApiKey.objects.bulk_create(rows)

    assert ApiKey.objects.for_tenant(acme).count() == 2


def test_a_row_reloads_and_saves_itself(acme: Tenant) -> None:
    key = make_key(acme, "mine")
    key.name = "renamed"
    key.save(update_fields=["name"])

    key.refresh_from_db()

    assert key.name == "renamed"


def test_deleting_a_tenant_takes_its_rows_along(acme: Tenant, globex: Tenant) -> None:
    make_key(acme, "mine")
    theirs = make_key(globex, "theirs")

    acme.delete()

    assert list(ApiKey.objects.across_tenants()) == [theirs]
