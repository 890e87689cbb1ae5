"""System health over the API."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kaireon.platform.audit.models import AuditEntry
from kaireon.platform.health.models import SystemHealthAlert
from tests.people import Person
from tests.platform.health_world import raised

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
URL = "/api/v1/system-health"
KEYS = [
    "id", "tenantId", "userId", "severity", "source", "title", "message", "link", "metadata", "pinned", "createdAt",
    "read", "occurrences", "lastRaisedAt", "resolvedAt", "resolvedBy",
]  # fmt: skip


def titles(body: dict[str, Any]) -> list[str]:
    return [alert["title"] for alert in body["data"]]


def test_it_has_the_documented_shape(bob: Person) -> None:
    alert_id = raised(bob.tenant, message="No file", link="/data/flow-runs", metadata={"a": 1})

    body = bob.api().get(URL).json()

    alert = body["data"][0]
    assert list(alert) == KEYS
    assert (alert["id"], alert["tenantId"], alert["userId"]) == (alert_id, str(bob.tenant.pk), None)
    assert (alert["createdAt"], alert["read"], alert["metadata"]) == ("2026-03-01T12:00:00.000Z", False, {"a": 1})
    assert body["pagination"] == {"total": 1, "limit": 50, "hasMore": False, "cursor": None}
    assert body["severities"] == ["info", "success", "warning", "error", "critical"]
    assert body["sources"][:8] == [
        "flow", "decisioning", "approvals", "license", "system", "data", "model", "sentinel",
    ]  # fmt: skip


def test_the_cursor_leads_through_everything_once(bob: Person) -> None:
    for minute in range(5):
        raised(bob.tenant, minute)
    seen: list[str] = []
    cursor: Any = ""

    while cursor is not None:
        body = bob.api().get(URL, {"limit": 2, "cursor": cursor}).json()
        seen += titles(body)
        cursor = body["pagination"]["cursor"]

    assert seen == [f"Problem {minute}" for minute in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("severity=error", ["Problem 1"]),
        ("severity=error,warning", ["Problem 3", "Problem 1", "Problem 0"]),
        ("source=data", ["Problem 2"]),
        ("source=data,%20flow&severity=info", ["Problem 2"]),
        ("since=2026-03-01T12:02:00Z", ["Problem 3", "Problem 2"]),
        ("state=resolved", ["Problem 3"]),
        ("state=open", ["Problem 2", "Problem 1", "Problem 0"]),
        ("state=open,resolved", ["Problem 3", "Problem 2", "Problem 1", "Problem 0"]),
        ("severity=&source=", ["Problem 3", "Problem 2", "Problem 1", "Problem 0"]),
        ("severity=critical", []),
    ],
)
def test_filters_narrow_it(bob: Person, alice: Person, query: str, expected: list[str]) -> None:
    raised(bob.tenant, 0)
    raised(bob.tenant, 1, severity="error")
    raised(bob.tenant, 2, severity="info", source="data")
    alice.api().post(f"{URL}/{raised(bob.tenant, 3)}/resolve")

    assert titles(bob.api().get(f"{URL}?{query}").json()) == expected


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("severity=fatal", "severity"),
        ("source=flow,nowhere", "source"),
        ("state=gone", "state"),
        ("limit=201", "limit"),
        ("limit=0", "limit"),
        ("unreadOnly=maybe", "unreadOnly"),
        ("since=soon", "since"),
        ("cursor=xyz", "cursor"),
    ],
)
def test_a_parameter_that_cannot_be_read_is_named(bob: Person, query: str, field: str) -> None:
    answer = bob.api().get(f"{URL}?{query}")

    assert answer.status_code == 400
    assert field in answer.json()["error"]["fields"]


def test_a_browser_knows_what_its_person_has_read_and_a_key_does_not(bob: Person) -> None:
    first, _ = raised(bob.tenant, 0), raised(bob.tenant, 1)
    browser = bob.browser()
    browser.patch(f"{URL}/{first}/read")

    own = browser.get(URL).json()
    unread = browser.get(f"{URL}?unreadOnly=true").json()
    by_key = bob.api().get(URL).json()

    assert [alert["read"] for alert in own["data"]] == [False, True]
    assert titles(unread) == ["Problem 1"]
    assert [alert["read"] for alert in by_key["data"]] == [False, False]


def test_what_is_for_one_person_is_hidden_from_keys_and_others(bob: Person, alice: Person) -> None:
    raised(bob.tenant, user_id=bob.user.pk)

    answers = [client.get(URL).json() for client in (bob.browser(), alice.browser(), bob.api())]

    assert [len(answer["data"]) for answer in answers] == [1, 0, 0]


def test_another_tenants_are_not_there(bob: Person, charlie: Person) -> None:
    raised(bob.tenant)

    assert charlie.api().get(URL).json()["data"] == []


def test_the_number_of_queries_does_not_grow(bob: Person) -> None:
    browser = bob.browser()
    raised(bob.tenant)
    browser.get(URL)
    with CaptureQueriesContext(connection) as few:
        browser.get(URL)
    for minute in range(30):
        raised(bob.tenant, minute)

    with CaptureQueriesContext(connection) as many:
        browser.get(URL)

    assert len(many) == len(few)


def test_reading_answers_with_the_alert(bob: Person) -> None:
    alert_id = raised(bob.tenant)

    answer = bob.browser().patch(f"{URL}/{alert_id}/read")

    assert (answer.status_code, answer.json()["id"], answer.json()["read"]) == (200, alert_id, True)


def test_reading_all_says_how_many_were_unread(bob: Person) -> None:
    raised(bob.tenant, 0)
    raised(bob.tenant, 1)
    browser = bob.browser()

    answers = [browser.post(f"{URL}/read-all", content_type="application/json").json() for _ in range(2)]

    assert answers == [{"updated": 2}, {"updated": 0}]


def test_a_key_cannot_read_for_anybody(bob: Person) -> None:
    alert_id = raised(bob.tenant)

    assert bob.api().patch(f"{URL}/{alert_id}/read").status_code == 403
    assert bob.api().post(f"{URL}/read-all").status_code == 403


def test_a_viewer_deletes_and_the_log_says_who(bob: Person) -> None:
    alert_id = raised(bob.tenant)

    answer = bob.browser().delete(f"{URL}/{alert_id}")

    assert answer.status_code == 204
    assert not SystemHealthAlert.objects.for_tenant(bob.tenant).exists()
    entry = AuditEntry.objects.for_tenant(bob.tenant).get(entity_id=alert_id)
    assert (entry.action, entry.user_name) == ("delete", bob.user.email)


def test_an_editor_resolves_and_pins_and_a_viewer_does_not(bob: Person, eve: Person) -> None:
    alert_id = raised(bob.tenant)

    refused = [
        bob.api().post(f"{URL}/{alert_id}/resolve").status_code,
        bob.api().patch(f"{URL}/{alert_id}", {"pinned": True}, format="json").status_code,
    ]
    pinned = eve.api().patch(f"{URL}/{alert_id}", {"pinned": True}, format="json").json()
    resolved = eve.api().post(f"{URL}/{alert_id}/resolve").json()

    assert refused == [403, 403]
    assert pinned["pinned"] is True
    assert resolved["resolvedAt"] is not None
    assert resolved["resolvedBy"] == "eve"


@pytest.mark.parametrize("body", [{}, {"pinned": "yes"}, {"pinned": 1}, {"pinned": None}, {"pinned": True, "x": 1}])
def test_a_pin_that_cannot_be_read_is_refused(eve: Person, body: dict[str, Any]) -> None:
    alert_id = raised(eve.tenant)

    answer = eve.api().patch(f"{URL}/{alert_id}", body, format="json")

    assert answer.status_code == 400
    assert answer.json()["error"]["fields"]


@pytest.mark.parametrize("path", ["read-all", "{id}/resolve"])
def test_a_body_where_none_belongs_is_named(alice: Person, path: str) -> None:
    alert_id = raised(alice.tenant)

    answer = alice.api().post(f"{URL}/{path.format(id=alert_id)}", {"surprise": 1}, format="json")

    assert answer.status_code == 400
    assert "surprise" in answer.json()["error"]["fields"]


@pytest.mark.parametrize("alert_id", ["nonsense", str(uuid.UUID(int=1)), "' OR 1=1 --", "💥"])
def test_what_is_not_there_is_not_found(alice: Person, alert_id: str) -> None:
    api = alice.api()

    statuses = [
        api.get(f"{URL}/{alert_id}").status_code,
        api.patch(f"{URL}/{alert_id}", {"pinned": True}, format="json").status_code,
        api.delete(f"{URL}/{alert_id}").status_code,
        api.patch(f"{URL}/{alert_id}/read").status_code,
        api.post(f"{URL}/{alert_id}/resolve").status_code,
    ]

    assert statuses == [404] * 5


def test_another_tenants_alert_is_not_found(bob: Person, charlie: Person) -> None:
    alert_id = raised(bob.tenant)
    api = charlie.api()

    statuses = [
        api.get(f"{URL}/{alert_id}").status_code,
        api.delete(f"{URL}/{alert_id}").status_code,
        api.post(f"{URL}/{alert_id}/resolve").status_code,
        charlie.browser().patch(f"{URL}/{alert_id}/read").status_code,
    ]

    assert statuses == [404] * 4
    assert SystemHealthAlert.objects.for_tenant(bob.tenant).filter(resolved_at=None).exists()
