"""A dead letter from its cause to its consumer: a real publisher, a real broker, and an operator at the browser."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from django.utils import timezone

from kaireon.platform.audit.models import AuditEntry
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.roles import Role
from kaireon.platform.tenancy.services import create_api_key
from outbox.models import DeadLetter
from tests.browser.conftest import Window
from tests.chaos.processes import ROOT, test_database_url, wait_until
from tests.outbox.brokers import RedisServer, redis_server

pytestmark = [
    pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240), pytest.mark.django_db(transaction=True),
]  # fmt: skip
STREAM = "kaireon:interaction.recorded.v1"
START_SECONDS, STOP_SECONDS = 60, 30


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """Run a Redis server of the test's own."""
    with redis_server() as server:
        yield server


@contextmanager
def publishing(redis: RedisServer, folder: Path) -> Iterator[None]:
    """Run `manage.py outbox_publisher` against the test's database, and end it as an orchestrator does."""
    environment = os.environ | {
        "DATABASE_URL": test_database_url(), "EVENT_PUBLISHER": "redis", "REDIS_URL": redis.url,
        "OUTBOX_MAX_ATTEMPTS": "1", "OUTBOX_METRICS_PORT": "0", "OUTBOX_LIVENESS_FILE": str(folder / "alive"),
    }  # fmt: skip
    with (folder / "publisher.log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "outbox_publisher"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    try:
        yield
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == 0, (folder / "publisher.log").read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)


def respond(window: Window, key: str, customer: str, click: str) -> str:
    """Record a click over HTTP, and return its event's id."""
    body = {"customerId": customer, "outcome": "click", "creativeId": "gold-card-web", "idempotencyKey": click}
    answer = requests.post(f"{window.base}/api/v1/respond", json=body, headers={"X-API-Key": key}, timeout=30)
    assert answer.status_code == 201, answer.text
    event_id: str = answer.json()["eventId"]
    return event_id


def entries(redis: RedisServer) -> Sequence[dict[str, str]]:
    """Return what consumers of the stream read, in its order."""
    with redis.client as client:
        found: Any = client.xrange(STREAM)
    return [fields for _, fields in found]


def test_a_dead_letter_is_seen_rehearsed_retried_and_reaches_its_consumer(
    tenant: Tenant, window: Window, redis: RedisServer, tmp_path: Path
) -> None:
    key = "krn_" + "r" * 40
    create_api_key(tenant=tenant, name="engine", role=Role.EDITOR, actor=SYSTEM, key=key, now=timezone.now())
    page = window.page
    page.set_default_timeout(START_SECONDS * 1000)
    with redis.client as client:
        client.set(STREAM, "somebody's string where the stream belongs")

    with publishing(redis, tmp_path):
        # A publisher lives, Redis refuses the event, and the page that stood open says so by itself.
        window.sign_in()
        window.open("/settings/outbox")
        page.get_by_role("heading", name="Everything has left").wait_for()
        event_id = respond(window, key, "c-7781", "first-click")
        page.get_by_role("heading", name="It drains, but 1 dead letter waits for a person").wait_for()
        dead = DeadLetter.objects.for_tenant(tenant).get()
        section = page.get_by_role("region", name="Dead letters")
        why = section.get_by_text("WRONGTYPE").inner_text()

        # The operator rehearses before the cause is mended: nothing changes.
        section.get_by_role("link", name="Retry interaction.recorded.v1 of c-7781").click()
        drawer = page.get_by_role("dialog", name="Details")
        drawer.get_by_text("Nothing has been done yet").wait_for()
        page.keyboard.press("Escape")
        drawer.wait_for(state="hidden")
        is_untouched = DeadLetter.objects.for_tenant(tenant).filter(pk=dead.pk).exists()
        before = retries(tenant)

        # The cause is mended, and the event retried: its page goes on until it has left.
        with redis.client as client:
            client.delete(STREAM)
        section.get_by_role("link", name="Retry interaction.recorded.v1 of c-7781").click()
        drawer.get_by_role("button", name="Retry 1 dead letter").click()
        page.get_by_role("heading", name="It was published").wait_for()
        window.settle()
        published = page.get_by_text("Published to redis by").count()
        window.open("/settings/outbox")
        page.get_by_text("No dead letters.").wait_for()
        later = respond(window, key, "c-7781", "second-click")
        wait_until(lambda: len(entries(redis)) == 2)

    assert str(dead.pk) == event_id
    assert "WRONGTYPE" in why
    assert is_untouched
    assert (before, retries(tenant)) == (0, 1)
    assert published == 1
    assert [entry["id"] for entry in entries(redis)] == [event_id, later]
    assert json.loads(entries(redis)[0]["data"])["payload"]["customerId"] == "c-7781"
    assert not DeadLetter.objects.for_tenant(tenant).exists()
    assert window.complaints == []


def retries(tenant: Tenant) -> int:
    """Count the retries that the audit log has."""
    return AuditEntry.objects.for_tenant(tenant).filter(action="retry").count()
