"""The audit log over the API."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kaireon.platform.audit import selectors
from kaireon.platform.audit.models import AuditEntry
from kaireon.platform.tenancy.actors import Actor
from kaireon.platform.tenancy.roles import Role
from tests.people import Person
from tests.platform.audit_world import forget_everything, write

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
KEYS = {
    "id", "sequence", "action", "entityType", "entityId", "entityName", "changes", "before", "after", "entityVersion",
    "actorKind", "userId", "userName", "tenantId", "requestId", "integrityHash", "prevHash", "timestamp",
}  # fmt: skip


@pytest.fixture(autouse=True)
def empty_log(alice: Person, bob: Person, eve: Person, charlie: Person) -> None:
    """Forget what making the people recorded."""
    forget_everything()


def test_an_admin_reads_the_documented_shape(alice: Person) -> None:
    row = write(alice.tenant, before={"a": 1}, after={"a": 2})[0]

    body = alice.api().get("/api/v1/audit-logs").json()

    assert {key: body[key] for key in ("total", "page", "limit")} == {"total": 1, "page": 1, "limit": 20}
    assert set(body["logs"][0]) == KEYS
    assert body["logs"][0]["changes"] == {"a": {"from": 1, "to": 2}}
    assert body["logs"][0]["timestamp"] == "2026-03-01T12:00:00.000Z"
    assert body["logs"][0]["integrityHash"] == row.integrity_hash


def test_pages_go_backwards_from_the_newest(alice: Person) -> None:
    write(alice.tenant, 5)

    body = alice.api().get("/api/v1/audit-logs?page=2&limit=2").json()

    assert [log["sequence"] for log in body["logs"]] == [3, 2]
    assert (body["total"], body["page"], body["limit"]) == (5, 2, 2)


def test_a_page_beyond_the_end_is_empty(alice: Person) -> None:
    write(alice.tenant)

    assert alice.api().get("/api/v1/audit-logs?page=9").json()["logs"] == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("entityType=rule", 1),
        ("entityType=destination", 1),
        ("entityType=nothing", 0),
        ("entityId=d1", 1),
        ("action=delete", 1),
        ("since=2026-03-01T12:30:00Z", 1),
        ("until=2026-03-01T12:30:00Z", 1),
        ("userId=00000000-0000-0000-0000-000000000005", 1),
        ("userId=00000000-0000-0000-0000-000000000006", 0),
        ("entityType=rule&action=delete", 0),
    ],
)
def test_filters_narrow_the_list(alice: Person, query: str, found: int) -> None:
    person = Actor(kind="user", name="x", role=Role.ADMIN, user_id=uuid.UUID(int=5))
    write(alice.tenant)
    later = NOW + timedelta(hours=1)
    write(alice.tenant, actor=person, action="delete", entity_type="destination", entity_id="d1", now=later)

    assert alice.api().get(f"/api/v1/audit-logs?{query}").json()["total"] == found


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page=0", "page"),
        ("page=x", "page"),
        ("page=99999999", "page"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("userId=me", "userId"),
        ("since=yesterday", "since"),
        ("until=2026-03-01", "until"),
    ],
)
def test_a_parameter_that_cannot_be_read_is_named(alice: Person, query: str, field: str) -> None:
    response = alice.api().get(f"/api/v1/audit-logs?{query}")

    assert response.status_code == 400
    assert field in response.json()["error"]["fields"]


def test_another_tenant_sees_nothing_of_it(alice: Person, charlie: Person) -> None:
    write(alice.tenant, 3)

    assert charlie.api().get("/api/v1/audit-logs").json()["total"] == 0


@pytest.mark.parametrize("path", ["audit-logs", "audit-logs/verify", "audit-export"])
def test_only_admins_may_read(bob: Person, eve: Person, path: str) -> None:
    assert bob.api().get(f"/api/v1/{path}").status_code == 403
    assert eve.api().get(f"/api/v1/{path}").status_code == 403


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_writes_to_it(alice: Person, method: str) -> None:
    for path in ("audit-logs", "audit-logs/verify", "audit-export"):
        response = getattr(alice.api(), method)(f"/api/v1/{path}", {}, format="json")

        assert response.status_code == 405
        assert response.json()["error"]["code"] == "METHOD_NOT_ALLOWED"


def test_the_number_of_queries_does_not_depend_on_the_number_of_entries(alice: Person) -> None:
    api = alice.api()
    write(alice.tenant)
    api.get("/api/v1/audit-logs")
    with CaptureQueriesContext(connection) as few:
        api.get("/api/v1/audit-logs")
    write(alice.tenant, 50)

    with CaptureQueriesContext(connection) as many:
        api.get("/api/v1/audit-logs?limit=100")

    assert len(many) == len(few)


def test_a_sound_chain_is_valid_and_gives_its_head(alice: Person) -> None:
    rows = write(alice.tenant, 3)

    body = alice.api().get("/api/v1/audit-logs/verify").json()

    assert body == {
        "valid": True, "checked": 3, "head": {"sequence": 3, "integrityHash": rows[2].integrity_hash},
        "firstBroken": None, "nextAfter": None,
    }  # fmt: skip


def test_an_empty_chain_is_valid(alice: Person) -> None:
    body = alice.api().get("/api/v1/audit-logs/verify").json()

    assert (body["valid"], body["checked"]) == (True, 0)


def test_the_first_broken_entry_is_named(alice: Person) -> None:
    rows = write(alice.tenant, 4)
    AuditEntry.objects.for_tenant(alice.tenant).filter(pk__in=[rows[1].pk, rows[3].pk]).update(after={"a": 9})

    body = alice.api().get("/api/v1/audit-logs/verify").json()

    assert body["valid"] is False
    assert body["firstBroken"] == {
        "id": str(rows[1].pk), "sequence": 2, "timestamp": "2026-03-01T12:00:00.000Z",
        "reason": "This entry was changed after it was written.",
    }  # fmt: skip


def test_a_long_chain_goes_on_with_after(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selectors, "CHUNK", 2)
    write(alice.tenant, 5)

    body = alice.api().get("/api/v1/audit-logs/verify?after=3").json()

    assert (body["valid"], body["checked"], body["head"]["sequence"]) == (True, 2, 5)


def test_after_must_be_a_number(alice: Person) -> None:
    assert alice.api().get("/api/v1/audit-logs/verify?after=-1").status_code == 400
