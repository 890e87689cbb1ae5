"""Rate limits: 429 with the seconds to wait, counted for each credential alone."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from kaireon.platform.throttling import PerCredentialThrottle
from tests.people import Person

pytestmark = pytest.mark.django_db
STATUS = "/api/v1/tenant/status"
KEYS = "/api/v1/api-keys"


@pytest.fixture(autouse=True)
def three_a_minute(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Allow three requests a minute."""
    monkeypatch.setitem(PerCredentialThrottle.THROTTLE_RATES, "credential", "3/min")
    cache.clear()
    yield
    cache.clear()


def statuses(client: APIClient, count: int) -> list[int]:
    """Return the status of so many requests."""
    return [client.get(STATUS).status_code for _ in range(count)]


def test_a_caller_that_is_too_fast_gets_429_with_the_seconds_to_wait(alice: Person) -> None:
    client = alice.api()
    before = statuses(client, 3)

    response = client.get(STATUS)

    assert before == [200, 200, 200]
    assert response.status_code == 429
    assert 1 <= int(response.headers["Retry-After"]) <= 61
    assert response.json()["error"]["code"] == "RATE_LIMITED"
    assert response.json()["error"]["requestId"]


def test_one_callers_haste_slows_no_other(alice: Person, bob: Person) -> None:
    statuses(alice.api(), 4)

    assert statuses(bob.api(), 3) == [200, 200, 200]


def test_reads_and_writes_of_every_route_count_together(alice: Person) -> None:
    client = alice.api()
    client.get(KEYS)
    client.post(KEYS, {"name": "CI"}, format="json")
    client.delete(f"{KEYS}/nonsense")

    assert client.get(STATUS).status_code == 429


def test_a_person_in_the_browser_is_counted_by_user(alice: Person) -> None:
    statuses(alice.browser(), 3)  # type: ignore[arg-type]

    assert alice.browser().get(STATUS).status_code == 429
    assert alice.api().get(STATUS).status_code == 200


def test_a_stranger_is_turned_away_before_anything_is_counted() -> None:
    assert statuses(APIClient(), 5) == [401] * 5
