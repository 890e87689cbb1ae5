"""The system-health page and its drawer."""

from datetime import UTC, datetime
from typing import Any

from tests.people import Person
from tests.platform.health_world import raised

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
URL = "/api/v1/system-health"
KEYS = [
    "id", "tenantId", "userId", "severity", "source", "title", "message", "link", "metadata", "pinned", "createdAt",
    "read", "occurrences", "lastRaisedAt", "resolvedAt", "resolvedBy",
]  # fmt: skip


def test_the_page_answers_all_well_first(bob: Person) -> None:
    page = bob.browser().get("/system-health")

    assert page.status_code == 200
    assert "All well" in page.content.decode()


def test_open_ones_come_before_resolved_ones(bob: Person, eve: Person) -> None:
    done = raised(bob.tenant, 1)
    raised(bob.tenant, 0, title="<i>Open</i>", message="Why <b>", link="/data/flow-runs")
    eve.browser().post(f"/system-health/{done}/resolve")

    page = bob.browser().get("/system-health")

    text = page.content.decode()
    assert text.index("&lt;i&gt;Open") < text.index("Problem 1")
    assert "<i>Open" not in text
    assert [row.title for row in page.context["resolved_alerts"]] == ["Problem 1"]


def test_filters_narrow_the_page_and_unknown_words_do_no_harm(bob: Person) -> None:
    raised(bob.tenant, 0, severity="error")
    raised(bob.tenant, 1)
    browser = bob.browser()

    errors = browser.get("/system-health?severity=error").context["open_alerts"]
    everything = browser.get("/system-health?severity=fatal&source=nowhere").context["open_alerts"]

    assert ([row.title for row in errors], len(everything)) == (["Problem 0"], 2)


def test_the_drawer_holds_the_twenty_newest_and_says_what_is_unread(bob: Person) -> None:
    ids = [raised(bob.tenant, minute) for minute in range(22)]
    browser = bob.browser()
    browser.post(f"/system-health/{ids[-1]}/read")

    drawer = browser.get("/system-health/drawer")

    assert len(drawer.context["alerts"]) == 20
    assert (drawer.context["alerts"][0].is_read, drawer.context["alerts"][1].is_read) == (True, False)
    assert drawer.context["unread_label"] == "21"
    assert "<html" not in drawer.content.decode()


def test_forms_lead_back_to_the_page_and_htmx_gets_the_row(eve: Person) -> None:
    alert_id = raised(eve.tenant)
    browser = eve.browser()

    plain = browser.post(f"/system-health/{alert_id}/read")
    row = browser.post(f"/system-health/{alert_id}/pin", headers={"HX-Request": "true"})
    unpinned = browser.post(f"/system-health/{alert_id}/pin", {"pinned": "0"}, headers={"HX-Request": "true"})
    gone = browser.post(f"/system-health/{alert_id}/delete", headers={"HX-Request": "true"})

    assert (plain.status_code, plain.headers["Location"]) == (303, "/system-health")
    assert row.context["alert"].pinned is True
    assert unpinned.context["alert"].pinned is False
    assert (gone.status_code, gone.content) == (200, b"")


def test_everything_is_read_from_the_page_and_from_the_drawer(bob: Person) -> None:
    raised(bob.tenant)
    browser = bob.browser()

    page = browser.post("/system-health/read-all")
    drawer = browser.post("/system-health/read-all", headers={"HX-Target": "health-drawer"})

    assert page.status_code == 303
    assert drawer.context["unread"] == 0


def test_a_viewer_may_neither_resolve_nor_pin(bob: Person) -> None:
    alert_id = raised(bob.tenant)
    browser = bob.browser()

    assert browser.post(f"/system-health/{alert_id}/resolve").status_code == 403
    assert browser.post(f"/system-health/{alert_id}/pin").status_code == 403


def test_another_tenants_alert_is_not_found(bob: Person, charlie: Person) -> None:
    alert_id = raised(bob.tenant)
    browser = charlie.browser()

    statuses = {
        browser.post(f"/system-health/{alert_id}/{act}").status_code for act in ("read", "resolve", "pin", "delete")
    }

    assert statuses == {404}


def test_a_stranger_is_asked_to_sign_in(db: None, client: Any) -> None:
    assert client.get("/system-health").status_code == 302
    assert client.get("/system-health/drawer").status_code == 302
