"""Rate limits: 429 with the seconds to wait, counted for each credential alone."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.cache import cache
from django.test import override_settings
from rest_framework.test import APIClient

from kaireon import settings
from kaireon.platform.throttling import PerCredentialThrottle
from tests.outbox.brokers import redis_server
from tests.people import Person
from tests.servers import unused_port

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


class Turned(PerCredentialThrottle):
    """A rate that a test sets, and a clock that it turns."""

    now = 1_000_000.0

    def __init__(self, rate: str) -> None:
        self.rate = rate
        super().__init__()

    def timer(self) -> float:
        """Return the time that the test says it is."""
        return self.now


@pytest.mark.parametrize(
    ("calls", "at", "is_allowed"),
    [
        (0, 0, True),
        (10, 0, False),
        (9, 0, True),
        (10, 59, False),
        # A minute later the ten still count, by the share of their window that is left.
        (10, 60, False),
        (10, 61, True),
        (5, 60, True),
        (10, 120, True),
    ],
)
def test_the_window_slides_over_the_counts_before(calls: int, at: float, *, is_allowed: bool) -> None:
    throttle = Turned("10/min")
    throttle.now = 60.0 * 1000
    assert all(throttle.count("caller") for _ in range(calls))

    throttle.now += at

    assert throttle.count("caller") is is_allowed


@pytest.mark.parametrize("at", [0.0, 1.0, 30.0, 59.9])
@pytest.mark.parametrize("before", [0, 4, 10])
def test_after_the_seconds_that_it_says_a_call_is_let_in_again(before: int, at: float) -> None:
    throttle = Turned("10/min")
    throttle.now = 60.0 * 999
    assert all(throttle.count("caller") for _ in range(before))
    throttle.now = 60.0 * 1000 + at
    while throttle.count("caller"):
        pass

    wait = throttle.wait()
    throttle.now += wait + 0.01

    assert 0 <= wait <= 60
    assert throttle.count("caller")


def test_a_call_that_was_refused_is_not_counted_against_the_next() -> None:
    throttle = Turned("2/min")
    assert [throttle.count("caller") for _ in range(100)] == [True, True] + [False] * 98
    throttle.now += 120

    assert [throttle.count("caller") for _ in range(3)] == [True, True, False]


def test_no_more_are_let_in_at_once_than_the_rate_allows() -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: Turned("100/min").count("caller"), range(400)))

    assert answers.count(True) == 100


@pytest.fixture
def asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask a cache that was away again with the next call."""
    monkeypatch.setattr("kaireon.platform.throttling.REST_SECONDS", 0.0)
    monkeypatch.setattr(PerCredentialThrottle, "_rests_until", 0.0)


def redis_cache(port: int) -> dict[str, Any]:
    """Return CACHES as settings make them with REDIS_URL."""
    return {"default": {**settings._redis_cache, "LOCATION": f"redis://:hidden@127.0.0.1:{port}/0"}}


def test_while_redis_is_away_everybody_is_let_in_and_the_log_says_so(
    alice: Person, asked_at_once: None, caplog: pytest.LogCaptureFixture
) -> None:
    with override_settings(CACHES=redis_cache(unused_port())):
        answers = statuses(alice.api(), 5)

    assert answers == [200] * 5
    record = caplog.records[0]
    assert (getattr(record, "event", ""), getattr(record, "reason", "")) == ("throttle.cache_away", "ConnectionError")
    assert "hidden" not in caplog.text


def test_a_cache_that_is_away_is_not_asked_with_every_call(
    alice: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("kaireon.platform.throttling.REST_SECONDS", 600.0)
    monkeypatch.setattr(PerCredentialThrottle, "_rests_until", 0.0)

    with override_settings(CACHES=redis_cache(unused_port())):
        statuses(alice.api(), 5)

    assert [getattr(each, "event", "") for each in caplog.records].count("throttle.cache_away") == 1


def test_through_redis_the_count_is_shared_and_goes_on_after_an_outage(alice: Person, asked_at_once: None) -> None:
    with (
        redis_server(password="hidden") as server,
        override_settings(CACHES=redis_cache(server.port)),
    ):
        before = statuses(alice.api(), 4)
        server.stop()
        away = statuses(alice.api(), 2)

    assert (before, away) == ([200, 200, 200, 429], [200, 200])
