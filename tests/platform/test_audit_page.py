"""The audit page."""

from datetime import UTC, datetime

import pytest

from kaireon.platform.audit.models import AuditEntry
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


def test_an_admin_sees_who_changed_what(alice: Person) -> None:
    write(alice.tenant, entity_name="<b>Rule</b>", before={"threshold": 1}, after={"threshold": 2})

    page = alice.browser().get("/settings/audit")

    assert page.status_code == 200
    assert "&lt;b&gt;Rule&lt;/b&gt;" in page.content.decode()
    assert "<b>Rule</b>" not in page.content.decode()
    assert page.context["entity_types"] == ["rule"]


def test_older_entries_are_reached_by_key(alice: Person) -> None:
    write(alice.tenant, 55)
    browser = alice.browser()

    first = browser.get("/settings/audit")
    second = browser.get(f"/settings/audit?before={first.context['next_before']}")

    assert len(first.context["entries"]) == 50
    assert [row.sequence for row in second.context["entries"]] == [5, 4, 3, 2, 1]
    assert second.context["next_before"] is None


def test_filters_and_odd_parameters_do_no_harm(alice: Person) -> None:
    write(alice.tenant)
    write(alice.tenant, entity_type="destination")

    page = alice.browser().get("/settings/audit?entityType=destination&before=²&action=")

    assert [row.entity_type for row in page.context["entries"]] == ["destination"]


def test_htmx_gets_the_rows_alone(alice: Person) -> None:
    write(alice.tenant)

    page = alice.browser().get("/settings/audit", headers={"HX-Request": "true"})

    assert "<html" not in page.content.decode()


def test_verify_answers_in_words(alice: Person) -> None:
    rows = write(alice.tenant, 3)
    browser = alice.browser()
    sound = browser.post("/settings/audit/verify").content.decode()
    AuditEntry.objects.for_tenant(alice.tenant).filter(pk=rows[1].pk).update(action="forged")

    broken = browser.post("/settings/audit/verify").content.decode()

    assert "Intact" in sound
    assert str(rows[1].pk) in broken


def test_others_may_not_see_it(bob: Person, eve: Person) -> None:
    for person in (bob, eve):
        assert person.browser().get("/settings/audit").status_code == 403
        assert person.browser().post("/settings/audit/verify").status_code == 403
