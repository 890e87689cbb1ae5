"""What a scrape says of the outbox: by the web process, by a publisher's own port, and of whom."""

import re
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from kaireon.platform.telemetry import metrics as telemetry
from kaireon.platform.tenancy.models import Tenant
from outbox import metrics
from outbox.metrics import EVENT_AGE, PROCESSED, register_metrics
from tests.chaos.processes import test_database_url as database_url
from tests.outbox.line import dead, held, publisher, waiting
from tests.people import Person

NAMES = (
    "kaireon_outbox_pending_count", "kaireon_outbox_oldest_seconds", "kaireon_outbox_ready_oldest_seconds",
    "kaireon_outbox_publishers", "kaireon_outbox_published_per_second", "kaireon_outbox_held_keys",
)  # fmt: skip


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    """Register the outbox's readers for a test, whoever else has."""
    before = dict(telemetry.AT_SCRAPE.readers)
    register_metrics()
    yield
    telemetry.AT_SCRAPE.readers.clear()
    telemetry.AT_SCRAPE.readers.update(before)


def scrape(client: Client) -> dict[str, float]:
    """Return the figures of a scrape by name with labels."""
    text = client.get("/api/metrics").content.decode()
    lines = re.findall(r"^(kaireon_\S+?(?:\{[^}]*\})?) (\S+)$", text, re.MULTILINE)
    return {name: float(figure) for name, figure in lines}


def test_an_empty_outbox_shows_zeros_and_not_nothing(client: Client, db: None) -> None:
    figures = scrape(client)

    assert {name: figures[name] for name in NAMES} == dict.fromkeys(NAMES, 0.0)


def test_the_web_process_shows_the_figures_of_now(client: Client, acme: Tenant, globex: Tenant) -> None:
    now = timezone.now()
    waiting(acme, created_at=now - timedelta(seconds=50))
    held(acme, "bob", next_attempt_at=now, created_at=now - timedelta(seconds=500))
    publisher(heartbeat_at=now, published_per_second=2.5)
    publisher(heartbeat_at=now, published_per_second=40)
    publisher(heartbeat_at=now - timedelta(minutes=1), published_per_second=1000)
    dead(acme)
    dead(acme, topic="outcome.recorded")
    dead(globex)

    figures = scrape(client)

    assert figures["kaireon_outbox_pending_count"] == 2
    assert 500 <= figures["kaireon_outbox_oldest_seconds"] < 600
    assert 50 <= figures["kaireon_outbox_ready_oldest_seconds"] < 150
    assert (figures["kaireon_outbox_publishers"], figures["kaireon_outbox_held_keys"]) == (2, 1)
    assert figures["kaireon_outbox_published_per_second"] == 42.5
    assert figures['kaireon_dlq_depth{tenant="acme"}'] == 2
    assert figures['kaireon_dlq_depth{tenant="globex"}'] == 1


def test_a_tenant_whose_dead_letters_are_gone_shows_zero(client: Client, acme: Tenant) -> None:
    dead(acme).delete()

    assert scrape(client)['kaireon_dlq_depth{tenant="acme"}'] == 0


def test_the_tiers_own_metrics_have_their_documented_names(client: Client, db: None) -> None:
    PROCESSED.labels("test.topic", "published").inc(3)
    EVENT_AGE.observe(0.004)

    figures = scrape(client)

    assert figures['kaireon_outbox_processed_total{result="published",topic="test.topic"}'] == 3
    assert figures['kaireon_outbox_event_age_seconds_bucket{le="0.005"}'] >= 1


def test_a_publishers_own_port_shows_the_same(acme: Tenant) -> None:
    waiting(acme)

    text = telemetry.exposition().decode()

    assert "kaireon_outbox_pending_count 1.0" in text
    assert "# TYPE kaireon_outbox_processed_total counter" in text


def test_registering_again_changes_nothing(db: None) -> None:
    before = set(telemetry.AT_SCRAPE.readers)

    register_metrics()

    assert set(telemetry.AT_SCRAPE.readers) == before
    assert {*NAMES, "kaireon_dlq_depth"} <= before


def test_an_admin_sees_the_depth_of_their_own_tenant_alone(alice: Person, charlie: Person) -> None:
    dead(alice.tenant)
    dead(charlie.tenant)

    body = alice.api().get("/api/v1/metrics/summary").json()

    assert body["kaireon_dlq_depth"]["values"] == [{"labels": {"tenant": "acme"}, "value": 1}]


def test_a_scrape_names_no_key_topic_or_payload_of_a_tenant(client: Client, acme: Tenant) -> None:
    waiting(acme, "zanzibar", topic="zanzibar.topic")
    held(acme, "zanzibar", last_error="zanzibar", next_attempt_at=timezone.now())
    dead(acme, "zanzibar", error="zanzibar")

    assert "zanzibar" not in client.get("/api/metrics").content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_table_that_cannot_be_read_costs_its_own_figures(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE outbox_dead_counts RENAME TO mislaid")
    try:
        figures = scrape(client)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE mislaid RENAME TO outbox_dead_counts")

    assert "kaireon_outbox_pending_count" in figures
    assert not [name for name in figures if name.startswith("kaireon_dlq_depth")]
    assert figures['kaireon_metrics_unreadable{metric="kaireon_dlq_depth"}'] == 1
    assert figures['kaireon_metrics_unreadable{metric="kaireon_outbox_pending_count"}'] == 0


@pytest.mark.django_db(transaction=True)
def test_a_scrape_does_not_wait_behind_somebodys_lock(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "READ_SECONDS", 0.1)
    with psycopg.connect(database_url()) as somebody:
        somebody.execute("LOCK TABLE outbox_events IN ACCESS EXCLUSIVE MODE")
        behind = scrape(client)
        somebody.rollback()
    after = scrape(client)

    assert behind['kaireon_metrics_unreadable{metric="kaireon_outbox_pending_count"}'] == 1
    assert behind["kaireon_outbox_publishers"] == 0
    assert after['kaireon_metrics_unreadable{metric="kaireon_outbox_pending_count"}'] == 0


@pytest.mark.django_db(transaction=True)
def test_the_bound_of_a_scrape_ends_with_it(client: Client) -> None:
    def bound() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            return str(cursor.fetchone()[0])

    before = bound()
    scrape(client)

    assert bound() == before
