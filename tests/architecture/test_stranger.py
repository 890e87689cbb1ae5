"""Charlie, the admin of another tenant, asks every route for Alice's things: they are not there, by any spelling.

The walk takes the whole URLconf. A route with an id that KINDS does not know fails the test: whoever adds a route
says here what its id is an id of.
"""

import json
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from alerts.models import AlertRule
from kaireon.platform.notifications.models import Delivery
from kaireon.platform.tenancy.models import Tenant
from reports.models import ReportSchedule, ReportTemplate
from tests.architecture.furniture import MARK, furnish, snapshot
from tests.architecture.routes import METHODS, Route, all_routes
from tests.people import Person, make_person

pytestmark = pytest.mark.django_db

# What the id in a route's address is an id of.
KINDS = {
    "api-key": "key",
    "api-key-revoke": "key",
    "system-health-alert": "health",
    "system-health-read": "health",
    "system-health-resolve": "health",
    "system-health-page-read": "health",
    "system-health-page-resolve": "health",
    "system-health-page-pin": "health",
    "system-health-page-delete": "health",
    "notification-provider": "destination",
    "notification-test": "destination",
    "notification-delivery": "delivery",
    "notification-resend": "delivery",
    "delivery-page": "delivery",
    "delivery-resend": "delivery",
    "destination-page": "destination",
    "destination-edit": "destination",
    "destination-test": "destination",
    "destination-delete": "destination",
    "alert": "rule",
    "alert-test": "rule",
    "alert-backtest": "rule",
    "alert-timeline": "rule",
    "alert-acknowledge": "rule",
    "alert-mute": "rule",
    "alert-page": "rule",
    "alert-edit": "rule",
    "alert-page-timeline": "rule",
    "alert-page-backtest": "rule",
    "alert-page-test": "rule",
    "alert-page-mute": "rule",
    "alert-page-acknowledge": "rule",
    "alert-page-switch": "rule",
    "alert-page-delete": "rule",
    "report-template": "template",
    "report-template-preview": "template",
    "report-template-run-now": "template",
    "report-run": "run",
    "report-run-resend": "run",
    "report-run-artifact": "run",
    "report-schedule": "schedule",
    "report-schedule-pause": "schedule",
    "report-schedule-resume": "schedule",
    "report-page": "template",
    "report-page-preview": "template",
    "report-page-schedules": "template",
    "report-page-runs": "template",
    "report-page-row": "template",
    "report-page-run": "template",
    "report-page-delete": "template",
    "report-schedule-page": "schedule",
    "report-schedule-page-pause": "schedule",
    "report-schedule-page-resume": "schedule",
    "report-schedule-page-delete": "schedule",
    "report-run-page": "run",
    "report-run-page-resend": "run",
    "connector": "connector",
    "data-schema": "dataschema",
    "data-schema-data": "dataschema",
    "pipeline": "pipeline",
    "pipeline-ir": "pipeline",
    "pipeline-versions": "pipeline",
    "pipeline-version": "pipeline",
    "pipeline-validate": "pipeline",
    "pipeline-preview": "pipeline",
    "pipeline-sample": "pipeline",
    "pipeline-publish": "pipeline",
    "pipeline-pause": "pipeline",
    "pipeline-resume": "pipeline",
    "pipeline-run-now": "pipeline",
    "pipeline-runs-of": "pipeline",
    "pipeline-run": "pipelinerun",
    "pipeline-run-progress": "pipelinerun",
    "pipeline-run-errors": "pipelinerun",
    "pipeline-run-retry": "pipelinerun",
    "pipeline-run-cancel": "pipelinerun",
    "pipeline-run-dlq": "pipelinerun",
    "trigger-secrets": "pipeline",
    "trigger-secret": "triggersecret",
    "trigger-secret-rotate": "triggersecret",
    "trigger-secret-page-rotate": "triggersecret",
    "trigger-secret-page-revoke": "triggersecret",
    "trigger-secret-new": "pipeline",
    "pipeline-backfill": "pipeline",
    "occurrence": "occurrence",
    "occurrence-page": "occurrence",
    "foretell-schedule": "pipeline",
    "foretell-trigger": "pipeline",
    "schedule-desk": "pipeline",
    "trigger-desk": "pipeline",
    "backfill-page": "pipeline",
    "flow-pipeline-timing": "pipeline",
    "flow-pipeline-page": "pipeline",
    "flow-pipeline-row": "pipeline",
    "flow-pipeline-settings": "pipeline",
    "flow-pipeline-run": "pipeline",
    "flow-pipeline-pause": "pipeline",
    "flow-pipeline-resume": "pipeline",
    "flow-pipeline-delete": "pipeline",
    "flow-pipeline-draft": "pipeline",
    "flow-pipeline-check": "pipeline",
    "flow-pipeline-node": "pipeline",
    "flow-pipeline-sql": "pipeline",
    "flow-pipeline-sample": "pipeline",
    "flow-pipeline-lineage": "pipeline",
    "flow-pipeline-publish": "pipeline",
    "flow-pipeline-versions": "pipeline",
    "flow-run-page": "pipelinerun",
    "flow-run-page-errors": "pipelinerun",
    "flow-run-page-rejects": "pipelinerun",
    "flow-run-page-retry": "pipelinerun",
    "flow-run-page-cancel": "pipelinerun",
    "connector-page": "connector",
    "connector-page-test": "connector",
    "connector-page-delete": "connector",
    "schema-page": "dataschema",
    "schema-edit": "dataschema",
    "schema-page-delete": "dataschema",
    "outbox-event-page": "event",
    "outbox-dead-letter-page": "letter",
    "admin:tenancy_membership": "membership",
    "admin:interactions_channel": "channel",
    "admin:interactions_offer": "offer",
    "admin:interactions_creative": "creative",
    "admin:interactions_outcometype": "outcometype",
    "admin:interactions_interaction": "interaction",
    "admin:interactions_decisiontrace": "decisiontrace",
}
# What stands in an address beside the id.
BESIDE = {"fmt": "csv", "version": "1", "part": "schedule"}
# Whose run it is, where an address names both.
OWNERS = {"pipeline_id": "pipeline"}
OWNED = {"pipeline_run_id", "secret_id"}
# Routes whose parameter is no id: an app's label of the settings site, what is done with dead letters.
NO_IDS = {"admin:app_list", "outbox-rehearsal", "outbox-settle"}
ADMIN_VERBS = ("_history", "_delete", "_change")
# Bodies with which a route gets as far as looking for its object.
BODIES: dict[str, dict[str, Any]] = {
    "alert-backtest": {"days": 1},
    "alert-page-backtest": {"days": 1},
    "alert-mute": {"until": "2099-01-01T00:00:00Z"},
    "alert-page-mute": {"minutes": 60},
    "pipeline-backfill": {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"},
}
# What a list can be narrowed by with somebody else's id.
QUERIES = {
    "notification-deliveries": "providerId={destination}",
    "deliveries-page": "destination={destination}",
    "audit-logs": "entityId={rule}",
    "audit-page": "entity={rule}",
    "report-schedules": "templateId={template}",
    "report-runs": "templateId={template}",
    "pipeline-runs": "pipelineId={pipeline}",
    "occurrences": "pipelineId={pipeline}",
    "scheduler-page": "pipeline={pipeline}",
    "lineage": "table=ds_t_zanzibar",
    "outbox-stream-page": "find={event}",
    "flow-runs-page": "pipeline={pipeline}",
    "outbox-stream-news": "watch={event}",
}


@pytest.fixture
def world(acme: Tenant, alice: Person, bob: Person, eve: Person) -> dict[str, str]:
    """Return the ids of one of everything of Alice's."""
    return furnish(acme, timezone.now())


def kind_of(route: Route) -> str | None:
    """Return what the route's id is an id of; None when this test does not know the route."""
    name = route.name
    for verb in ADMIN_VERBS:
        name = name.removesuffix(verb) if name.startswith("admin:") else name
    return KINDS.get(name)


def path_to(route: Route, row_id: str, world: dict[str, str]) -> str:
    """Return the address of a thing; `world` has whose it is."""
    # A run of a pipeline, or a secret of it, has the pipeline's id before its own.
    owners = {name: world[kind] for name, kind in OWNERS.items()} if OWNED & set(route.parameters) else {}
    return route.path(**{name: BESIDE.get(name, owners.get(name, row_id)) for name in route.parameters})


def with_ids() -> list[Route]:
    """Return the routes with an id in their address."""
    return [route for route in all_routes() if route.parameters and route.name not in NO_IDS]


def send(client: Client, route: Route, method: str, path: str) -> Any:
    """Send a request with the body that the route understands."""
    body = BODIES.get(route.name, {})
    if route.is_api:
        return client.generic(method, path, data=json.dumps(body), content_type="application/json")
    form = urlencode(body) if method != "GET" else ""
    return client.generic(method, path, data=form, content_type="application/x-www-form-urlencoded")


def clients_of(person: Person) -> list[Client]:
    """Return the person's browser and a client with their key."""
    return [person.browser(), Client(headers={"X-API-Key": person.key})]


def test_every_route_with_an_id_is_known_here() -> None:
    unknown = [str(route) for route in with_ids() if kind_of(route) is None]

    assert unknown == [], "say in KINDS what the id of these routes is an id of"


def test_no_entry_of_the_table_has_outlived_its_route() -> None:
    used = {kind_of(route) for route in with_ids()}
    names = {route.name for route in all_routes()}
    verbs = {name.removesuffix(verb) for name in names for verb in ADMIN_VERBS}

    assert set(KINDS.values()) == used
    assert set(KINDS) <= names | verbs
    assert set(BODIES) | set(QUERIES) <= names


def test_a_stranger_finds_none_of_alices_things_on_any_route(world: dict[str, str], charlie: Person) -> None:
    before = snapshot(Tenant.objects.get(slug="acme"))
    browser, by_key = clients_of(charlie)
    wrong: list[str] = []

    for route in with_ids():
        path = path_to(route, world[kind_of(route) or ""], world)
        for client in (browser, by_key) if route.is_api else (browser,):
            statuses = {method: send(client, route, method, path).status_code for method in METHODS}
            if set(statuses.values()) - {404, 405} or 404 not in statuses.values():
                wrong.append(f"{route}: {statuses}")

    assert not wrong, "\n".join(wrong)
    assert snapshot(Tenant.objects.get(slug="acme")) == before


def test_alice_finds_her_own_things_on_the_same_routes(world: dict[str, str], alice: Person) -> None:
    """Prove that the walk above asks for things that are there."""
    browser, missing = alice.browser(), list[str]()

    for route in with_ids():
        path = path_to(route, world[kind_of(route) or ""], world)
        statuses = {send(browser, route, method, path).status_code for method in ("GET", "POST", "PUT", "PATCH")}
        if not statuses & {200, 201, 202, 204, 302, 303, 403, 409, 422, 400} or 404 in statuses:
            missing.append(f"{route}: {statuses}")
        if "delete" in route.name:
            world |= furnish(alice.tenant, timezone.now(), mark=f"{MARK} again {len(missing)}{route.name}"[:60])

    assert not missing, "\n".join(missing)


def test_an_id_that_nobody_has_answers_exactly_as_alices_does(world: dict[str, str], charlie: Person) -> None:
    nobodys = "0192f0c1-7e5a-7cc0-8a55-0123456789ab"
    browser, different = charlie.browser(), list[str]()

    for route in with_ids():
        ids = (world[kind_of(route) or ""], nobodys)
        paths = [path_to(route, row_id, world) for row_id in ids]
        alices, missing = (send(browser, route, "GET", path).status_code for path in paths)
        if alices != missing:
            different.append(f"{route}: {alices} and {missing}")

    assert not different, "\n".join(different)


def test_nothing_of_alices_shows_on_any_list_page_or_export_of_a_stranger(
    world: dict[str, str], charlie: Person
) -> None:
    furnish(charlie.tenant, timezone.now(), mark="Home")
    secrets = [MARK, MARK.lower(), "Acme", *world.values()]
    clients, leaks = clients_of(charlie), list[str]()

    for route in all_routes():
        if route.parameters and route.name not in NO_IDS:
            continue
        for app in ("tenancy", "interactions") if route.parameters else ("",):
            path = route.path(**dict.fromkeys(route.parameters, app))
            query = QUERIES.get(route.name, "").format(**world)
            for client in clients:
                for address in {path, f"{path}?{query}&q={MARK[:4]}"}:
                    response = client.get(address)
                    body = _text_of(response)
                    found = [secret for secret in secrets if secret and secret in body and secret not in query]
                    if response.status_code >= 500 or (found and route.name not in {"metrics", "metrics-v1"}):
                        leaks.append(f"{route}: {response.status_code} {found}")

    assert not leaks, "\n".join(leaks)


def _text_of(response: Any) -> str:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return str(content, "utf-8", "replace")


def test_metrics_name_no_tenants_things(world: dict[str, str], alice: Person) -> None:
    text = _text_of(Client().get("/api/metrics"))

    assert MARK not in text
    assert "Acme" not in text


# --- Ids of others in a body


def test_a_rule_cannot_tell_another_tenants_destination(world: dict[str, str], charlie: Person) -> None:
    rule = {"name": "Spy", "metric": "decision_count", "operator": "gte", "threshold": 0}
    channels: list[Any] = [[world["destination"]], [{"providerId": world["destination"]}]]

    responses = [charlie.api().post("/api/v1/alerts", {**rule, "channels": entry}, format="json") for entry in channels]
    charlie.api().post("/api/cron/tick", headers={"x-cron-token": "test-cron-token-of-more-than-32-characters"})

    assert [response.status_code for response in responses if response.status_code >= 500] == []
    to_alices = Delivery.objects.for_tenant(charlie.tenant).filter(provider_id=world["destination"])
    assert not to_alices.filter(state="delivered").exists()
    assert (
        not any(rule.provider_ids for rule in AlertRule.objects.for_tenant(charlie.tenant))
        or not to_alices.filter(state__in=["delivered", "unknown", "sending", "pending"]).exists()
    )


def test_a_report_cannot_go_to_another_tenants_destination_nor_be_made_of_their_template(
    world: dict[str, str], charlie: Person
) -> None:
    client, path = charlie.api(), "/api/v1/reports"
    mine = client.post(f"{path}/templates", {"name": "Mine"}, format="json").json()["id"]
    schedule = {"templateId": mine, "name": "Spy", "cronExpression": "* * * * *"}
    alices = {"destinations": [world["destination"]]}

    responses = [
        client.post(f"{path}/templates", {"name": "Spy", "filters": alices}, format="json"),
        client.patch(f"{path}/templates/{mine}", {"filters": alices}, format="json"),
        client.post(f"{path}/schedules", {**schedule, **alices}, format="json"),
        client.post(f"{path}/schedules", {**schedule, "templateId": world["template"]}, format="json"),
    ]

    assert [response.status_code for response in responses] == [422, 422, 422, 404]
    assert not [response for response in responses if MARK in response.content.decode()]
    assert not any(row.destination_ids for row in ReportTemplate.objects.for_tenant(charlie.tenant))
    assert not ReportSchedule.objects.for_tenant(charlie.tenant).exists()


def test_a_message_cannot_be_sent_through_another_tenants_destination(world: dict[str, str], charlie: Person) -> None:
    body = {"providerIds": [world["destination"]], "subject": "x", "message": "x"}

    response = charlie.api().post("/api/v1/notifications/send", body, format="json")

    assert response.status_code < 500
    if response.status_code == 200:
        assert {result["status"] for result in response.json()["results"]} == {"failed"}
    assert not Delivery.objects.for_tenant(charlie.tenant).filter(state="delivered").exists()


def test_a_stranger_cannot_point_a_row_of_the_settings_site_at_alices(world: dict[str, str], charlie: Person) -> None:
    form = {"key": "spy", "name": "Spy", "is_active": "on", "offer": world["offer"], "channel": world["channel"]}

    response = charlie.browser().post("/settings/interactions/creative/add/", form)

    assert response.status_code in {200, 400, 403}
    assert MARK not in _text_of(response)


def test_a_tick_of_one_tenant_moves_no_other(world: dict[str, str], charlie: Person, acme: Tenant) -> None:
    before = snapshot(acme)
    now: datetime = timezone.now()

    furnish(charlie.tenant, now, mark="Home")

    assert snapshot(acme) == before


def test_a_member_of_both_tenants_sees_one_at_a_time(world: dict[str, str], charlie: Person, acme: Tenant) -> None:
    person = make_person("dora", charlie.tenant, charlie.role)
    person.user.memberships.create(tenant=acme, role="viewer")
    browser = person.browser()
    address = f"/api/v1/alerts/{world['rule']}"

    browser.post("/tenant/switch", {"tenant": str(charlie.tenant.pk)})
    elsewhere = browser.get(address).status_code
    browser.post("/tenant/switch", {"tenant": str(acme.pk)})

    assert (elsewhere, browser.get(address).status_code) == (404, 200)
