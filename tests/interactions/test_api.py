"""Outcome types and the metrics catalogue over HTTP."""

import pytest
from rest_framework.test import APIClient

from interactions.metrics import catalogue
from interactions.models import OutcomeType
from interactions.services import ensure_outcome_types, seed_outcome_types
from tests.interactions.history import NOON
from tests.people import Person

ROUTES = ["/api/v1/outcome-types", "/api/v1/metrics-catalogue"]


def test_the_first_look_finds_the_system_outcome_types_in_their_order(bob: Person) -> None:
    answer = bob.api().get("/api/v1/outcome-types")

    assert answer.status_code == 200
    assert [(row["key"], row["classification"], row["category"]) for row in answer.json()] == [
        ("impression", "neutral", "impression"),
        ("click", "positive", "response"),
        ("dismiss", "negative", "response"),
        ("accept", "positive", "response"),
        ("convert", "positive", "response"),
        ("not_presented", "neutral", "impression"),
        ("requested_info", "positive", "response"),
        ("not_interested", "negative", "response"),
        ("expired", "neutral", "response"),
        ("deferred", "neutral", "response"),
    ]


def test_an_outcome_type_has_the_documented_keys(bob: Person) -> None:
    first = bob.api().get("/api/v1/outcome-types").json()[0]

    assert list(first) == [
        "id", "tenantId", "key", "name", "description", "classification", "category", "isSystem", "ordinal", "status",
        "version", "deletedAt", "createdAt", "updatedAt",
    ]  # fmt: skip
    assert (first["tenantId"], first["isSystem"], first["version"]) == (str(bob.tenant.pk), True, 1)
    assert first["createdAt"].endswith("Z")


def test_looking_again_changes_nothing(bob: Person) -> None:
    first = bob.api().get("/api/v1/outcome-types").json()

    assert bob.api().get("/api/v1/outcome-types").json() == first


def test_deleted_outcome_types_are_shown_only_when_asked_for(bob: Person) -> None:
    seed_outcome_types(bob.tenant, NOON)
    OutcomeType.objects.for_tenant(bob.tenant).filter(key="click").update(deleted_at=NOON)

    plain = bob.api().get("/api/v1/outcome-types").json()
    everything = bob.api().get("/api/v1/outcome-types?includeDeleted=true").json()

    assert [len(plain), len(everything)] == [9, 10]
    assert "click" not in {row["key"] for row in plain}


def test_a_tenant_that_deleted_its_outcome_types_does_not_get_them_back(bob: Person) -> None:
    seed_outcome_types(bob.tenant, NOON)
    OutcomeType.objects.for_tenant(bob.tenant).update(deleted_at=NOON)

    assert bob.api().get("/api/v1/outcome-types").json() == []


def test_seeding_keeps_what_is_there(bob: Person) -> None:
    ensure_outcome_types(tenant=bob.tenant, now=NOON)
    OutcomeType.objects.for_tenant(bob.tenant).filter(key="click").update(name="Tap")

    seed_outcome_types(bob.tenant, NOON)

    assert OutcomeType.objects.for_tenant(bob.tenant).get(key="click").name == "Tap"


def test_outcome_types_of_another_tenant_are_not_shown(bob: Person, charlie: Person) -> None:
    theirs = {row["id"] for row in charlie.api().get("/api/v1/outcome-types").json()}
    ours = {row["id"] for row in bob.api().get("/api/v1/outcome-types").json()}

    assert theirs
    assert not theirs & ours


@pytest.mark.parametrize("value", ["maybe", "2", "null", "%FF"])
def test_a_flag_that_is_none_is_named(bob: Person, value: str) -> None:
    answer = bob.api().get(f"/api/v1/outcome-types?includeDeleted={value}")

    assert answer.status_code == 400
    assert "includeDeleted" in answer.json()["error"]["fields"]


def test_the_catalogue_lists_every_metric_for_the_rule_form(bob: Person) -> None:
    answer = bob.api().get("/api/v1/metrics-catalogue").json()

    by_name = {row["name"]: row for row in answer["data"]}
    assert list(by_name) == [metric.name for metric in catalogue()]
    assert by_name["suppression_rate"] == {
        "name": "suppression_rate",
        "title": "Suppression rate",
        "unit": "ratio",
        "kind": "ratio",
        "description": "Share of qualified offers that the contact policy removed.",
        "valueWithoutData": None,
    }
    assert by_name["revenue"]["valueWithoutData"] == 0
    assert answer["pagination"] == {
        "total": len(by_name), "limit": len(by_name), "hasMore": False, "cursor": None,
    }  # fmt: skip


@pytest.mark.parametrize("route", ROUTES)
def test_strangers_are_not_let_in(db: None, route: str) -> None:
    assert APIClient().get(route).status_code == 401


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_can_be_written_here(alice: Person, route: str, method: str) -> None:
    assert getattr(alice.api(), method)(route, {}, format="json").status_code == 405


@pytest.mark.parametrize("route", ROUTES)
def test_the_slash_form_works_too(bob: Person, route: str) -> None:
    assert bob.api().get(f"{route}/").status_code == 200
