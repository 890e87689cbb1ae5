"""Request ids and measurements of requests."""

import pytest
from django.test import Client

from kaireon.platform.telemetry import metrics
from tests.people import Person


def sample(name: str, **labels: str) -> float:
    """Return what this process has counted; the figures that a scrape reads from the database are not asked for."""
    counted, *_ = metrics.registries()
    for family in counted.collect():
        for found in family.samples:
            if found.name == name and found.labels == labels:
                return found.value
    return 0.0


def test_a_sane_id_is_kept(client: Client) -> None:
    response = client.get("/api/health", headers={"x-request-id": "caller-1"})

    assert response.headers["x-request-id"] == "caller-1"


@pytest.mark.parametrize("sent", ["", "two words", "x" * 200, "<b>", "ü"])
def test_another_one_is_replaced(client: Client, sent: str) -> None:
    response = client.get("/api/health", headers={"x-request-id": sent})

    assert response.headers["x-request-id"] not in {"", sent}


def test_two_requests_get_two_ids(client: Client) -> None:
    ids = {client.get("/api/health").headers["x-request-id"] for _ in range(2)}

    assert len(ids) == 2


@pytest.mark.parametrize("path", ["/api/v1/nothing-here", "/api/v1/audit-logs", "/nothing-here"])
def test_errors_carry_it_too(client: Client, path: str, db: None) -> None:
    response = client.get(path, headers={"x-request-id": "caller-2"})

    assert response.status_code in {401, 404}
    assert response.headers["x-request-id"] == "caller-2"
    if path.startswith("/api/"):
        assert response.json()["error"]["requestId"] == "caller-2"


def test_an_unforeseen_failure_carries_it_too(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode() -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr("kaireon.platform.telemetry.views.exposition", explode)
    client.raise_request_exception = False

    response = client.get("/api/metrics", headers={"x-request-id": "caller-3"})

    assert response.status_code == 500
    assert response.headers["x-request-id"] == "caller-3"


def test_the_audit_log_keeps_the_id_of_the_request(alice: Person) -> None:
    api = alice.api()
    api.put("/api/v1/tenant-settings", {"retentionDays": 30}, format="json", headers={"x-request-id": "caller-4"})

    logs = api.get("/api/v1/audit-logs?entityType=tenant_settings").json()["logs"]

    assert logs[0]["requestId"] == "caller-4"


def test_a_request_is_counted_by_its_route_and_not_its_path(alice: Person) -> None:
    labels = {"method": "GET", "route": "/api/v1/system-health/<str:alert_id>", "status": "404"}
    before = sample("kaireon_api_requests_total", **labels)
    timed = sample("kaireon_http_request_duration_seconds_count", **labels)

    alice.api().get("/api/v1/system-health/some-id")
    alice.api().get("/api/v1/system-health/other-id")

    assert sample("kaireon_api_requests_total", **labels) == before + 2
    assert sample("kaireon_http_request_duration_seconds_count", **labels) == timed + 2


def test_unknown_paths_and_methods_make_no_new_series(client: Client) -> None:
    labels = {"method": "other", "route": "unmatched", "status": "404"}
    before = sample("kaireon_api_requests_total", **labels)

    client.generic("BREW", "/api/v1/coffee")

    assert sample("kaireon_api_requests_total", **labels) == before + 1


def test_pages_are_timed_and_are_no_api_requests(client: Client) -> None:
    labels = {"method": "GET", "route": "unmatched", "status": "404"}
    timed = sample("kaireon_http_request_duration_seconds_count", **labels)
    counted = sample("kaireon_api_requests_total", **labels)

    client.get("/no-such-page")

    assert sample("kaireon_http_request_duration_seconds_count", **labels) == timed + 1
    assert sample("kaireon_api_requests_total", **labels) == counted
