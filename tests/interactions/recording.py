"""What a caller sends to be recorded, and what then stands in the tables."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from interactions.models import Interaction
from interactions.services import seed_outcome_types
from kaireon.platform.tenancy.models import Tenant
from outbox.models import OutboxEvent
from tests.people import Person

RESPOND, DECISIONS = "/api/v1/respond", "/api/v1/decisions"


def click(**changes: Any) -> dict[str, Any]:
    """Return a body of respond that is taken; a change to None leaves the field out."""
    body = {
        "customerId": "c-1", "outcome": "click", "idempotencyKey": uuid.uuid4().hex, "recommendationId": "r-1",
        "rank": 1,
    } | changes  # fmt: skip
    return {name: value for name, value in body.items() if value is not None}


def decision(**changes: Any) -> dict[str, Any]:
    """Return a body of decisions that is taken; a change to None leaves the field out."""
    body = {
        "customerId": "c-1", "idempotencyKey": uuid.uuid4().hex, "totalLatencyMs": 12.5,
        "counts": {"afterQualification": 9, "afterContactPolicy": 5, "finalCount": 2},
        "selected": [{"offerId": "o-2", "rank": 2}, {"offerId": "o-1", "rank": 1, "score": 0.82}],
    } | changes  # fmt: skip
    return {name: value for name, value in body.items() if value is not None}


def post(person: Person, body: Any, path: str = RESPOND, **headers: str) -> Any:
    """Post a body with the person's key, as an engine does."""
    client = Client(headers={"X-API-Key": person.key, **headers}, raise_request_exception=False)
    return client.post(path, body, content_type="application/json")


def events(tenant: Tenant, topic: str = "") -> list[OutboxEvent]:
    """Return the tenant's events in their order."""
    rows = OutboxEvent.objects.for_tenant(tenant).order_by("seq")
    return [row for row in rows if row.topic == topic or not topic]


def recorded(tenant: Tenant) -> list[Interaction]:
    """Return the tenant's interactions."""
    return list(Interaction.objects.for_tenant(tenant).order_by("id"))


def fields_of(response: Any) -> list[str]:
    """Return the fields that an error names."""
    return list(response.json()["error"].get("fields", {}))


def at_once(count: int, step: Callable[[int], Any]) -> list[Any]:
    """Run a step so many times at one moment, each in a thread with a database connection of its own."""
    barrier = Barrier(count)

    def run(number: int) -> Any:
        try:
            barrier.wait(timeout=60)
            return step(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def seeded(tenant: Tenant, now: datetime | None = None) -> Tenant:
    """Give the tenant the system's outcome types."""
    seed_outcome_types(tenant, now or timezone.now())
    return tenant


@pytest.fixture
def engine(eve: Person) -> Person:
    """Return an editor whose tenant knows the system's outcome types."""
    seeded(eve.tenant)
    return eve
