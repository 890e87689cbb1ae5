"""Who may call what: strangers reach the public routes alone, viewers read, and every write has its role."""

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from kaireon.platform.tenancy.models import Tenant
from tests.architecture.furniture import furnish, snapshot
from tests.architecture.routes import METHODS, Route, all_routes
from tests.architecture.test_stranger import BODIES, NO_IDS, kind_of, path_to, send
from tests.people import Person

pytestmark = pytest.mark.django_db

# Reached without credentials, each for a reason.
PUBLIC = {
    "health": "the process's probe",
    "ready": "the probe of its database",
    "metrics": "the scrape, or its own METRICS_TOKEN",
    "metrics-v1": "the same under its documented address",
    "schema": "the description of the API holds nothing of anybody",
    "docs": "the same for people",
    "cron-tick": "has its own secret",
    "cron-outbox-reaper": "has the same secret",
    "cron-flow-scheduler-tick": "has the same secret, or a session",
    "file-arrival": "has the same secret, or a pipeline's own",
    "admin:login": "where one gets credentials",
    "admin:logout": "ends a session that is not there",
    "admin:jsi18n": "an empty catalogue of translations",
}
# A viewer's own affairs, and what reads although it is a POST.
VIEWERS_WRITE = {
    "tenant-switch": "chooses one's own tenant",
    "alert-test": "evaluates and sends nothing",
    "alert-backtest": "evaluates and sends nothing",
    "alert-page-test": "evaluates and sends nothing",
    "alert-page-backtest": "evaluates and sends nothing",
    "alert-preview": "evaluates and sends nothing",
    "schedule-preview": "reads a schedule and keeps nothing",
    "report-schedule-preview": "reads a cadence and keeps nothing",
    "report-template-preview": "makes a report and keeps nothing",
    "pipeline-preview": "writes an IR as SQL and keeps nothing",
    "pipeline-validate": "checks an IR and keeps nothing",
    "flow-pipeline-sql": "compiles a draft to SQL and keeps nothing",
    "report-export": "reads a dashboard into a file; nothing is kept",
    "dashboard-export": "reads a dashboard into a file; nothing is kept",
    "audit-verify": "reads the chain",
    "audit-page-verify": "reads the chain",
    "system-health-alert": "viewers delete, as documented; PATCH is refused below",
    "system-health-page-delete": "viewers delete, as documented",
    "system-health-read": "marks as read, for oneself",
    "system-health-read-all": "marks as read, for oneself",
    "system-health-page-read": "marks as read, for oneself",
    "system-health-page-read-all": "marks as read, for oneself",
    "admin:password_change": "one's own password",
    "admin:password_change_done": "a page that says so",
    "admin:logout": "ends one's own session",
    "admin:login": "leads on",
    "admin:index": "leads to the overview",
    "admin:autocomplete": "answers GET alone",
    "admin:jsi18n": "an empty catalogue of translations",
    "overview": "a page",
}
ONLY_WRITES_COUNT = ("POST", "PUT", "PATCH", "DELETE")
REFUSED = {403, 404, 405}


def path_of(route: Route, world: dict[str, str]) -> str:
    """Return an address of the route that is there."""
    value = "interactions" if route.name in NO_IDS else world[kind_of(route) or ""] if route.parameters else ""
    return path_to(route, value, world)


@pytest.fixture
def world(acme: Tenant, alice: Person, bob: Person, eve: Person) -> dict[str, str]:
    """Return the ids of one of everything of Acme's."""
    return furnish(acme, timezone.now())


def writes_of(route: Route) -> tuple[str, ...]:
    """Return the methods that could write; Django's settings site knows GET and POST, and lists read both alike."""
    if not route.name.startswith("admin:"):
        return ONLY_WRITES_COUNT
    reads_only = route.name in NO_IDS or route.name.endswith(("_changelist", "_history"))
    return () if reads_only else ("POST",)


def is_led_to_the_form(response: Any) -> bool:
    """Tell whether a page answered with the way to sign in."""
    return bool(response.status_code == 302 and response.headers["Location"].startswith("/settings/login/"))


def test_a_stranger_reaches_the_public_routes_alone(world: dict[str, str]) -> None:
    client, wrong = Client(), list[str]()

    for route in all_routes():
        if route.name in PUBLIC:
            continue
        for method in METHODS:
            response = send(client, route, method, path_of(route, world))
            is_refused = response.status_code == 401 if route.is_api else is_led_to_the_form(response)
            # A route without this method says so before it asks who calls; a removed page is not there for anybody.
            if not (is_refused or response.status_code == 405 or route.name == "admin:search"):
                wrong.append(f"{route}: {method} {response.status_code}")

    assert not wrong, "\n".join(wrong)


def test_every_public_route_is_there() -> None:
    names = {route.name for route in all_routes()}

    assert set(PUBLIC) <= names
    assert set(VIEWERS_WRITE) <= names


def test_public_routes_show_nothing_of_anybody(world: dict[str, str]) -> None:
    client = Client()

    for name in PUBLIC:
        route = next(route for route in all_routes() if route.name == name)
        response = client.get(route.template)
        text = response.content.decode(errors="replace")
        assert not [value for value in ("Zanzibar", "alice@", "Acme", *filter(None, world.values())) if value in text]


def test_a_viewer_writes_nothing(world: dict[str, str], bob: Person, acme: Tenant) -> None:
    before = snapshot(acme)
    browser, by_key = bob.browser(), Client(headers={"X-API-Key": bob.key})
    wrong: list[str] = []

    for route in all_routes():
        if route.name in PUBLIC or route.name in VIEWERS_WRITE:
            continue
        for client in (browser, by_key) if route.is_api else (browser,):
            for method in writes_of(route):
                status = send(client, route, method, path_of(route, world)).status_code
                if status not in REFUSED:
                    wrong.append(f"{route}: {method} {status}")

    assert not wrong, "\n".join(wrong)
    assert snapshot(acme) == before | {"ApiKey": snapshot(acme)["ApiKey"]}


def test_what_a_viewer_may_post_changes_nothing_that_others_see(
    world: dict[str, str], bob: Person, acme: Tenant
) -> None:
    before = snapshot(acme)
    browser = bob.browser()

    for route in all_routes():
        if route.name in VIEWERS_WRITE and not route.name.startswith("admin:"):
            response = send(browser, route, "POST", path_of(route, world))
            assert response.status_code < 500, str(route)

    kept: dict[str, Any] = {"ApiKey": [], "SystemHealthAlert": []}
    assert snapshot(acme) | kept == before | kept


def test_a_viewer_pins_nothing(world: dict[str, str], bob: Person) -> None:
    response = bob.api().patch(f"/api/v1/system-health/{world['health']}", {"pinned": True}, format="json")

    assert response.status_code == 403


def test_destinations_and_keys_are_the_admins_matter(world: dict[str, str], eve: Person) -> None:
    browser, allowed = eve.browser(), list[str]()

    for route in all_routes():
        is_admins = route.name.startswith(("api-key", "notification-provider", "destination-"))
        if not is_admins or route.name in {"destination-page"}:
            continue
        for method in ONLY_WRITES_COUNT:
            status = send(browser, route, method, path_of(route, world)).status_code
            if status not in REFUSED:
                allowed.append(f"{route}: {method} {status}")

    assert not allowed, "\n".join(allowed)


def test_an_editor_writes_rules(world: dict[str, str], eve: Person, bob: Person) -> None:
    rule = {"name": "New", "metric": "decision_count", "operator": "gt", "threshold": 1, "channels": []}

    by_editor = eve.api().post("/api/v1/alerts", rule, format="json")
    by_viewer = bob.api().post("/api/v1/alerts", rule, format="json")

    assert (by_editor.status_code, by_viewer.status_code) == (201, 403)


def test_an_editor_writes_reports(world: dict[str, str], eve: Person, bob: Person) -> None:
    template = {"name": "New"}
    schedule = {"templateId": world["template"], "name": "New", "cronExpression": "0 8 * * *"}
    answers = {
        person.role: [
            person.api().post("/api/v1/reports/templates", template, format="json").status_code,
            person.api().post("/api/v1/reports/schedules", schedule, format="json").status_code,
            person.api().get("/api/v1/reports/templates").status_code,
            person.api().get("/api/v1/reports/schedules").status_code,
        ]
        for person in (eve, bob)
    }

    assert answers == {"editor": [201, 201, 200, 200], "viewer": [403, 403, 200, 200]}


def test_no_two_routes_share_a_name() -> None:
    names = [route.name for route in all_routes() if route.name]

    assert sorted(name for name in set(names) if names.count(name) > 1) == []


def test_every_route_answers_an_admin_without_a_failure(world: dict[str, str], alice: Person) -> None:
    browser, by_key = alice.browser(), Client(headers={"X-API-Key": alice.key})
    failed: list[str] = []

    for route in all_routes():
        for client in (browser, by_key) if route.is_api else (browser,):
            for method in ("GET", "PUT", "PATCH", "OPTIONS", "HEAD") if route.is_api else ("GET", "OPTIONS"):
                status = send(client, route, method, path_of(route, world)).status_code
                if status >= 500:
                    failed.append(f"{route}: {method} {status}")

    assert not failed, "\n".join(failed)


def test_every_error_of_the_api_is_in_the_envelope(world: dict[str, str], bob: Person) -> None:
    by_key, bare = Client(headers={"X-API-Key": bob.key}), list[str]()

    for route in all_routes():
        if not route.is_api:
            continue
        for method in METHODS:
            response = send(by_key, route, method, path_of(route, world))
            if response.status_code >= 400 and not _is_enveloped(response):
                bare.append(f"{route}: {method} {response.status_code} {response.content[:60]!r}")

    assert not bare, "\n".join(bare)


def _is_enveloped(response: Any) -> bool:
    try:
        error = json.loads(response.content)["error"]
    except (ValueError, KeyError, TypeError):
        return False
    return {"code", "message", "status", "requestId"} <= set(error) and error["status"] == response.status_code


def test_the_tables_of_this_walk_give_reasons() -> None:
    assert all(PUBLIC.values())
    assert all(VIEWERS_WRITE.values())
    assert set(BODIES) <= {route.name for route in all_routes()}
