"""Definitions, the scrape and the summary."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections
from django.test import Client

from kaireon.platform.telemetry import metrics
from tests.people import Person


@contextmanager
def reading(**readers: metrics.Reader) -> Iterator[None]:
    """Define figures that are read at scrape, without labels, before all others and for the length of a block."""
    before = dict(metrics.AT_SCRAPE.readers)
    metrics.AT_SCRAPE.readers.clear()
    for name, read in readers.items():
        metrics.read_at_scrape(name, "A test.", [], read)
    metrics.AT_SCRAPE.readers.update(before)
    try:
        yield
    finally:
        metrics.AT_SCRAPE.readers.clear()
        metrics.AT_SCRAPE.readers.update(before)


@pytest.mark.parametrize("path", ["/api/metrics", "/api/v1/metrics", "/api/metrics/"])
def test_it_is_prometheus_text(client: Client, path: str, db: None) -> None:
    client.get("/api/health")

    response = client.get(path)

    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain")
    assert "# TYPE kaireon_http_request_duration_seconds histogram" in response.content.decode()
    assert "django_http_requests_total_by_method_total" in response.content.decode()


def test_with_a_token_set_only_its_bearer_may_scrape(client: Client, settings: Any, db: None) -> None:
    settings.METRICS_TOKEN = "scrape-me"

    assert client.get("/api/metrics").status_code == 401
    assert client.get("/api/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert client.get("/api/metrics", headers={"Authorization": "Basic scrape-me"}).status_code == 401
    assert client.get("/api/metrics", headers={"Authorization": "Bearer scrape-me"}).status_code == 200


def test_figures_read_at_scrape_are_those_of_now(client: Client, db: None) -> None:
    figures = [(("a",), 3.0)]
    metrics.read_at_scrape("kaireon_test_depth", "A test.", ["tenant"], lambda: figures)
    first = client.get("/api/metrics").content.decode()
    figures[:] = [(("a",), 5.0)]

    second = client.get("/api/metrics").content.decode()
    metrics.AT_SCRAPE.readers.pop("kaireon_test_depth")

    assert 'kaireon_test_depth{tenant="a"} 3.0' in first
    assert 'kaireon_test_depth{tenant="a"} 5.0' in second


def test_a_figure_that_cannot_be_read_costs_itself_alone(client: Client, db: None) -> None:
    def broken() -> list[metrics.Reading]:
        raise DatabaseError("gone")

    with reading(kaireon_test_broken=broken, kaireon_test_whole=lambda: [((), 7.0)]):
        response = client.get("/api/metrics")

    text = response.content.decode()
    assert response.status_code == 200
    assert 'kaireon_metrics_unreadable{metric="kaireon_test_broken"} 1.0' in text
    assert 'kaireon_metrics_unreadable{metric="kaireon_test_whole"} 0.0' in text
    assert "\nkaireon_test_whole 7.0" in text
    assert "\nkaireon_test_broken " not in text
    assert "kaireon_http_request_duration_seconds" in text


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_asked_once_in_a_scrape(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def ask(name: str) -> list[metrics.Reading]:
        asked.append(name)
        connection.ensure_connection()
        return [((), 7.0)]

    lost = {"host": "127.0.0.1", "port": 9, "dbname": "prod", "user": "somebody", "password": "hidden-word"}
    connection.close()
    with (
        reading(kaireon_test_first=lambda: ask("first"), kaireon_test_second=lambda: ask("second")),
        monkeypatch.context() as patched,
    ):
        patched.setattr(connections["default"], "get_connection_params", lambda: dict(lost))
        text = metrics.exposition().decode()

    assert asked == ["first"]
    for name in ("kaireon_test_first", "kaireon_test_second"):
        assert f'kaireon_metrics_unreadable{{metric="{name}"}} 1.0' in text
        assert f"\n{name} " not in text
    assert "kaireon_http_request_duration_seconds" in text
    assert "hidden-word" not in text


def test_several_processes_add_up_in_the_shared_folder(tmp_path: Any) -> None:
    script = (
        "import sys; sys.path.insert(0, '.');"
        "from kaireon.platform.telemetry import metrics as m;"
        "m.counter('kaireon_shared_total', 'x').inc(2);"
        "m.read_at_scrape('kaireon_shared_depth', 'x', [], lambda: [((), 4.0)]);"
        "print(m.exposition().decode())"
    )
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}

    outputs = [
        subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(3)
    ]

    assert "kaireon_shared_total 6.0" in outputs[-1]
    assert "kaireon_shared_depth 4.0" in outputs[-1]


def test_the_same_definition_is_the_same_metric() -> None:
    first = metrics.counter("kaireon_test_same_total", "x")

    assert metrics.counter("kaireon_test_same_total", "x") is first


def test_a_name_says_whose_it_is_and_what() -> None:
    with pytest.raises(ValueError, match="kaireon_"):
        metrics.gauge("other_depth", "x")
    with pytest.raises(ValueError, match="_total"):
        metrics.counter("kaireon_things", "x")
    with pytest.raises(ValueError, match="kaireon_"):
        metrics.read_at_scrape("depth", "x", [], list)


def test_one_name_is_one_kind() -> None:
    metrics.gauge("kaireon_test_kind_total", "x")

    with pytest.raises(ValueError, match="another kind"):
        metrics.counter("kaireon_test_kind_total", "x")


def test_an_admin_gets_our_metrics_by_name(alice: Person) -> None:
    alice.api().get("/api/v1/system-health")

    body = alice.api().get("/api/v1/metrics/summary").json()

    requests = body["kaireon_api_requests_total"]
    assert set(requests) == {"name", "help", "type", "values"}
    assert (requests["name"], requests["type"]) == ("kaireon_api_requests_total", "counter")
    assert "/api/v1/system-health" in [value["labels"]["route"] for value in requests["values"]]
    assert all(name.startswith("kaireon_") for name in body)


def test_figures_of_another_tenant_are_left_out(alice: Person, charlie: Person) -> None:
    def read() -> list[metrics.Reading]:
        return [((str(alice.tenant.pk),), 3.0), ((str(charlie.tenant.pk),), 4.0)]

    metrics.read_at_scrape("kaireon_test_private", "A test.", ["tenant"], read)

    body = alice.api().get("/api/v1/metrics/summary").json()
    metrics.AT_SCRAPE.readers.pop("kaireon_test_private")

    assert body["kaireon_test_private"]["values"] == [{"labels": {"tenant": str(alice.tenant.pk)}, "value": 3.0}]


def test_what_is_no_finite_number_is_null(alice: Person) -> None:
    figures = [((), float("nan"))]
    metrics.read_at_scrape("kaireon_test_odd", "A test.", [], lambda: figures)

    body = alice.api().get("/api/v1/metrics/summary").json()
    metrics.AT_SCRAPE.readers.pop("kaireon_test_odd")

    assert body["kaireon_test_odd"]["values"] == [{"labels": {}, "value": None}]


def test_others_may_not_read_it(bob: Person, eve: Person, client: Client) -> None:
    assert bob.api().get("/api/v1/metrics/summary").status_code == 403
    assert eve.api().get("/api/v1/metrics/summary").status_code == 403
    assert client.get("/api/v1/metrics/summary").status_code == 401
