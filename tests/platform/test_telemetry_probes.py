"""The two probes."""

import json
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from kaireon.platform.telemetry import probes
from tests.people import Person

UNREACHABLE = {"status": "failed", "reason": "The database does not answer."}


def test_health_never_touches_the_database(client: Client) -> None:
    # No `db` mark: pytest-django fails any query.
    response = client.get("/api/health")

    assert response.status_code == 200
    assert response.json() == {"status": "ok"}


def test_health_of_a_signed_in_browser_costs_no_query(
    alice: Person, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    key = alice.key
    client = Client()

    with django_assert_num_queries(0):
        response = client.get("/api/health", headers={"X-API-Key": key})

    assert response.status_code == 200


def test_ready_names_its_checks(client: Client, db: None) -> None:
    response = client.get("/api/ready")

    assert response.status_code == 200
    assert response.json() == {
        "status": "ok", "checks": {"database": {"status": "ok"}, "migrations": {"status": "ok"}},
    }  # fmt: skip


def test_a_database_that_is_not_there_makes_it_503_without_telling_where_it_was(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = {"host": "127.0.0.1", "port": 9, "dbname": "prod", "user": "hidden-user", "password": "hidden-word"}
    monkeypatch.setattr(connections["default"], "get_connection_params", lambda: dict(lost))

    response = client.get("/api/ready")

    assert response.status_code == 503
    assert response.json()["status"] == "unavailable"
    assert response.json()["checks"]["database"] == UNREACHABLE
    assert not any(word in response.content.decode() for word in ("hidden", "127.0.0.1", "prod"))


def test_a_missing_migration_makes_it_503(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = probes._expected_migrations() | {("alerts", "9999_next")}
    monkeypatch.setattr(probes, "_expected_migrations", lambda: expected)

    response = client.get("/api/ready")

    assert response.status_code == 503
    assert response.json()["checks"]["database"] == {"status": "ok"}
    assert "1 migrations are not applied" in json.dumps(response.json()["checks"]["migrations"])


def test_probes_only_read(client: Client) -> None:
    for path in ("/api/health", "/api/ready", "/api/metrics"):
        assert client.post(path).status_code == 405


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/health", "/api/health/", "/api/ready", "/api/metrics", "/api/v1/metrics"])
def test_machines_call_by_any_name_and_over_plain_http(path: str, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["kaireon.example.com"]
    settings.SECURE_SSL_REDIRECT = True

    response = Client(headers={"Host": "10.1.2.3:3000"}).get(path)

    assert response.status_code == 200
    assert response.headers["x-request-id"]


def test_everything_else_is_still_reached_under_its_own_name_alone(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["kaireon.example.com"]

    for path in ("/api/v1/alerts", "/api/schema", "/settings/login/", "/api/healthy"):
        assert Client(headers={"Host": "10.1.2.3:3000"}).get(path).status_code == 400
