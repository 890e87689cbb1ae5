"""Who may record, and that the short way of a hot path grants nothing that the long way would not."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client import REGISTRY

from interactions.recording_api import RecordingThrottle
from kaireon.platform.tenancy import key_memory
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.models import ApiKey
from kaireon.platform.tenancy.roles import Role
from kaireon.platform.tenancy.services import create_api_key, revoke_api_key
from tests.interactions.recording import DECISIONS, RESPOND, click, decision, events, fields_of, post, recorded
from tests.people import Person

pytestmark = pytest.mark.django_db
BOTH = pytest.mark.parametrize("path", [RESPOND, DECISIONS])


@pytest.fixture(autouse=True)
def empty_memory() -> Iterator[None]:
    """Start without a remembered key."""
    key_memory._remembered.clear()
    yield
    key_memory._remembered.clear()


def body_for(path: str) -> dict[str, Any]:
    """Return a body that the route takes."""
    return click() if path == RESPOND else decision()


def row_of(person: Person) -> ApiKey:
    """Return the row of a person's key."""
    return ApiKey.objects.for_tenant(person.tenant).get(prefix=person.key[:12])


def change(person: Person, **values: Any) -> None:
    """Change a key's row as another process would: this one's memory is not told."""
    ApiKey.objects.for_tenant(person.tenant).filter(pk=row_of(person).pk).update(**values)


def key_with(person: Person, role: Role, scopes: list[str]) -> str:
    """Make a key of the person's tenant."""
    _, key = create_api_key(
        tenant=person.tenant, name="engine", role=role, scopes=scopes, actor=SYSTEM, now=timezone.now()
    )
    return str(key)


def post_with(key: str, path: str = RESPOND, body: Any = None, **headers: str) -> Any:
    """Post with a key."""
    client = Client(headers={"X-API-Key": key, **headers}, raise_request_exception=False)
    return client.post(path, body or body_for(path), content_type="application/json")


@BOTH
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": ""},
        {"X-API-Key": "   "},
        {"X-API-Key": "krn_nonsense"},
        {"X-API-Key": "krn_" + "x" * 10_000},
        {"X-API-Key": "krn_ü"},
        {"X-API-Key": "'; DROP TABLE tenancy_apikey; --"},
        {"Authorization": "Bearer krn_nonsense"},
        {"Authorization": "Basic a3JuX25vbnNlbnNl"},
    ],
    ids=str,
)
def test_without_a_live_key_the_answer_is_401_with_a_challenge(path: str, headers: dict[str, str]) -> None:
    response = Client(headers=headers).post(path, body_for(path), content_type="application/json")

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.json()["error"]["code"] == "UNAUTHENTICATED"


@BOTH
def test_a_key_is_taken_in_either_header_and_the_tenant_comes_from_it(
    engine: Person, charlie: Person, path: str
) -> None:
    headers = {"Authorization": f"Bearer {engine.key}", "X-Tenant-Id": str(charlie.tenant.pk)}

    response = Client(headers=headers).post(path, body_for(path), content_type="application/json")

    assert response.status_code == 201
    assert (len(events(engine.tenant)), len(events(charlie.tenant))) == (1, 0)


@BOTH
@pytest.mark.parametrize("is_known", [False, True])
def test_a_revoked_key_stops_at_once(engine: Person, path: str, *, is_known: bool) -> None:
    if is_known:
        assert post(engine, body_for(path), path).status_code == 201
    revoke_api_key(key=row_of(engine), actor=SYSTEM, now=timezone.now())

    response = post(engine, body_for(path), path)

    assert (response.status_code, response.json()["error"]["code"]) == (401, "UNAUTHENTICATED")
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert len(events(engine.tenant)) == int(is_known)


@pytest.mark.parametrize(
    "body",
    [{"customerId": 5}, b"{", click(outcome="nobody's"), click(timestamp="2199-01-01T00:00:00Z")],
    ids=["wrong type", "no JSON", "unknown outcome", "the future"],
)
def test_a_revoked_key_learns_nothing_but_that(engine: Person, body: Any) -> None:
    post(engine, click())
    change(engine, revoked_at=timezone.now())

    assert post(engine, body).status_code == 401


def test_a_revoked_key_does_not_learn_what_was_recorded_before(engine: Person) -> None:
    body = click()
    post(engine, body)
    change(engine, revoked_at=timezone.now())

    assert post(engine, body).status_code == 401


def test_a_deleted_key_stops_at_once(engine: Person) -> None:
    post(engine, click())
    ApiKey.objects.for_tenant(engine.tenant).filter(pk=row_of(engine).pk).delete()

    assert post(engine, click()).status_code == 401


def test_a_key_that_has_expired_since_stops_at_once(engine: Person) -> None:
    post(engine, click())
    change(engine, expires_at=timezone.now())

    assert post(engine, click()).status_code == 401


def test_a_key_is_remembered_no_longer_than_it_lives(engine: Person) -> None:
    now = timezone.now()
    row = row_of(engine)
    row.expires_at = now + timedelta(seconds=5)

    key_memory.remember(engine.key, row, now)

    assert key_memory.recall(engine.key, now + timedelta(seconds=4)) is row
    assert key_memory.recall(engine.key, now + timedelta(seconds=5)) is None


def test_a_key_is_forgotten_after_fifteen_seconds_and_when_it_is_told_to(engine: Person) -> None:
    now = timezone.now()
    row = row_of(engine)

    key_memory.remember(engine.key, row, now)

    assert key_memory.recall(engine.key, now + timedelta(seconds=14)) is row
    assert key_memory.recall(engine.key, now + timedelta(seconds=15)) is None
    key_memory.forget(engine.key)
    assert key_memory.recall(engine.key, now) is None


def test_the_memory_holds_no_key_in_clear_and_does_not_grow_without_end(engine: Person) -> None:
    now, row = timezone.now(), row_of(engine)

    for number in range(key_memory.MOST_KEYS + 1):
        key_memory.remember(f"krn_{number}", row, now)

    assert len(key_memory._remembered) == 1
    assert not any(text.startswith("krn_") for text in key_memory._remembered)


def test_a_key_that_was_made_a_viewers_is_refused_at_once(engine: Person) -> None:
    post(engine, click())
    change(engine, role=Role.VIEWER)

    response = post(engine, click())

    assert (response.status_code, response.json()["error"]["code"]) == (403, "FORBIDDEN")
    assert len(recorded(engine.tenant)) == 1


def test_a_key_whose_scopes_were_taken_is_refused_at_once(engine: Person) -> None:
    post(engine, click())
    change(engine, scopes=["alerts:write"])

    assert post(engine, click()).status_code == 403


def test_a_key_that_was_given_more_records_at_once(bob: Person) -> None:
    assert post(bob, click()).status_code == 403
    change(bob, role=Role.EDITOR)

    assert post(bob, click()).status_code == 201


@BOTH
def test_a_viewer_may_not_record(bob: Person, path: str) -> None:
    response = post(bob, body_for(path), path)

    assert response.status_code == 403
    assert "editor" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("scopes", "path", "status"),
    [
        (["respond:write"], RESPOND, 201),
        (["respond:read"], RESPOND, 403),
        (["decisions:write"], RESPOND, 403),
        (["decisions:write"], DECISIONS, 201),
        (["respond:write", "decisions:write"], DECISIONS, 201),
        ([], RESPOND, 201),
    ],
)
def test_a_key_with_scopes_needs_the_routes(engine: Person, scopes: list[str], path: str, status: int) -> None:
    assert post_with(key_with(engine, Role.EDITOR, scopes), path).status_code == status


def test_what_may_be_done_is_checked_before_the_body_is_looked_at(bob: Person) -> None:
    response = Client(headers={"X-API-Key": bob.key}).post(RESPOND, b"{", content_type="text/plain")

    assert response.status_code == 403


def test_a_key_that_is_used_is_noted_as_such(engine: Person) -> None:
    post(engine, click())

    assert row_of(engine).last_used_at is not None


def test_a_known_key_is_not_looked_up_again(engine: Person) -> None:
    post(engine, click())

    with CaptureQueriesContext(connection) as queries:
        post(engine, click())

    assert [query["sql"] for query in queries if "tenancy_apikey" in query["sql"]] == []


@BOTH
def test_a_browser_session_records_too_with_its_csrf_token(engine: Person, path: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(engine.user, backend="django.contrib.auth.backends.ModelBackend")

    refused = browser.post(path, body_for(path), content_type="application/json")
    browser.get("/settings/login/")
    browser.get("/")
    token = browser.cookies["csrftoken"].value
    taken = browser.post(path, body_for(path), content_type="application/json", headers={"X-CSRFToken": token})

    assert (refused.status_code, taken.status_code) == (403, 201)
    assert len(events(engine.tenant)) == 1


def test_a_viewers_session_may_not_record(bob: Person) -> None:
    assert bob.browser().post(RESPOND, click(), content_type="application/json").status_code == 403


def test_a_session_is_refused_in_the_same_words_as_a_key(engine: Person) -> None:
    bodies: list[Any] = [
        {"customerId": 5}, b"{", click(outcome="nobody's"), click(rank=None), click(idempotencyKey=None),
        click(timestamp="2199-01-01T00:00:00Z"), click(context={"x": "x" * 300_000}), [],
    ]  # fmt: skip
    browser = engine.browser()

    for body in bodies:
        by_key = post(engine, body)
        by_session = browser.post(RESPOND, body, content_type="application/json")

        assert by_key.status_code == by_session.status_code
        assert without_id(by_key) == without_id(by_session)


def without_id(response: Any) -> dict[str, Any]:
    """Return an error without what differs from request to request."""
    error: dict[str, Any] = response.json()["error"]
    assert error.pop("requestId") == response.headers["x-request-id"]
    return error


def test_the_short_way_sets_the_headers_of_the_long_one(engine: Person) -> None:
    long = post(engine, click(), f"{RESPOND}/")
    short = post(engine, click())
    refused = post(engine, {})

    for name in ("X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy", "X-Frame-Options"):
        assert long.headers[name] == short.headers[name] == refused.headers[name]
    assert long.headers["Cache-Control"] == short.headers["Cache-Control"] == refused.headers["Cache-Control"]
    assert int(short.headers["Content-Length"]) == len(short.content)


@override_settings(SECURE_SSL_REDIRECT=True, SECURE_HSTS_SECONDS=60)
def test_over_https_transport_security_is_asked_for_and_plain_http_is_sent_there(engine: Person) -> None:
    client = Client(headers={"X-API-Key": engine.key})

    plain = client.post(RESPOND, click(), content_type="application/json")
    secure = client.post(RESPOND, click(), content_type="application/json", secure=True)

    assert plain.status_code == 301
    assert (secure.status_code, secure.headers["Strict-Transport-Security"][:10]) == (201, "max-age=60")
    assert len(events(engine.tenant)) == 1


def test_another_host_is_refused(engine: Person) -> None:
    assert post(engine, click(), Host="evil.example").status_code == 400
    assert events(engine.tenant) == []


@pytest.mark.parametrize("sent", ["mine-1", "", "bad id\n", "x" * 500])
def test_an_answer_carries_its_request_id_and_a_sane_one_is_kept(engine: Person, sent: str) -> None:
    taken, refused = (post(engine, body, **{"X-Request-Id": sent}) for body in (click(), {}))

    kept = {each.headers["x-request-id"] == sent for each in (taken, refused)}
    assert kept == {sent == "mine-1"}
    assert refused.json()["error"]["requestId"] == refused.headers["x-request-id"] != ""


def requests(status: str) -> float:
    labels = {"method": "POST", "route": RESPOND, "status": status}
    return REGISTRY.get_sample_value("kaireon_api_requests_total", labels) or 0.0


def test_requests_are_counted_by_route_and_status(engine: Person) -> None:
    before = requests("201"), requests("400")

    post(engine, click())
    post(engine, {})

    assert (requests("201") - before[0], requests("400") - before[1]) == (1, 1)


def test_the_rate_is_counted_for_each_key_alone_and_429_says_how_long_to_wait(
    engine: Person, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RecordingThrottle.THROTTLE_RATES, "recording", "3/min")
    cache.clear()

    answers = [post(engine, body_for(path), path) for path in (RESPOND, DECISIONS, RESPOND, DECISIONS)]

    assert [each.status_code for each in answers] == [201, 201, 201, 429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 61
    assert answers[-1].json()["error"]["code"] == "RATE_LIMITED"
    assert len(events(engine.tenant)) == 3
    assert post(alice, click()).status_code == 201


def test_what_is_recorded_does_not_use_up_the_rate_of_other_routes(
    engine: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RecordingThrottle.THROTTLE_RATES, "credential", "1/min")
    cache.clear()

    statuses = [post(engine, click()).status_code for _ in range(3)]

    assert statuses == [201] * 3
    assert engine.api().get("/api/v1/outcome-types").status_code == 200


def test_a_stranger_is_turned_away_before_anything_is_counted(monkeypatch: pytest.MonkeyPatch, engine: Person) -> None:
    monkeypatch.setitem(RecordingThrottle.THROTTLE_RATES, "recording", "1/min")
    cache.clear()

    assert [post_with("krn_nonsense").status_code for _ in range(3)] == [401] * 3
    assert post(engine, click()).status_code == 201


def test_a_wrong_field_of_a_session_is_named_too(engine: Person) -> None:
    response = engine.browser().post(DECISIONS, decision(counts={}), content_type="application/json")

    assert response.status_code == 400
    assert fields_of(response) == ["counts.afterQualification", "counts.afterContactPolicy", "counts.finalCount"]
