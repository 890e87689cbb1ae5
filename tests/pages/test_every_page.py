"""Every page, for every kind of tenant and everybody who may, or may not, look at it."""

import re
import uuid
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from alerts.models import AlertRule
from kaireon.platform.ids import new_id
from kaireon.platform.notifications.models import Delivery, Destination
from kaireon.platform.tenancy.models import Tenant
from kaireon.platform.tenancy.roles import Role
from kaireon.platform.tenancy.services import create_tenant
from reports.models import ReportRun, ReportSchedule, ReportTemplate
from tests.architecture.furniture import furnish
from tests.pages.flow_world import crowd_flows
from tests.people import Person, make_person

pytestmark = pytest.mark.django_db

# Address → the role that it needs.
LISTS = {
    "/": Role.VIEWER,
    "/settings/alerts": Role.VIEWER,
    "/settings/alerts/new": Role.EDITOR,
    "/settings/integrations": Role.VIEWER,
    "/settings/integrations/new": Role.ADMIN,
    "/settings/integrations/deliveries": Role.VIEWER,
    "/settings/api-keys": Role.ADMIN,
    "/settings/guardrails": Role.VIEWER,
    "/settings/audit": Role.ADMIN,
    "/system-health": Role.VIEWER,
    "/system-health/drawer": Role.VIEWER,
    "/dashboards/executive": Role.VIEWER,
    "/dashboards/business": Role.VIEWER,
    "/dashboards/operations": Role.VIEWER,
    "/dashboards/model-health": Role.VIEWER,
    "/dashboards/data-health": Role.VIEWER,
    "/dashboards/attribution": Role.VIEWER,
    "/dashboards/decision-health": Role.VIEWER,
    "/dashboards/save?dashboard=executive": Role.EDITOR,
    "/settings/outbox": Role.VIEWER,
    "/settings/outbox/stream": Role.VIEWER,
    "/settings/reports": Role.VIEWER,
    "/settings/reports/new": Role.EDITOR,
    "/data/flow-pipelines": Role.VIEWER,
    "/data/flow-pipelines/new": Role.EDITOR,
    "/data/flow-runs": Role.VIEWER,
    "/data/scheduler": Role.VIEWER,
    "/data/connectors": Role.VIEWER,
    "/data/connectors/new": Role.EDITOR,
    "/data/schemas": Role.VIEWER,
    "/data/schemas/new": Role.EDITOR,
}
DETAILS = {
    "/settings/alerts/{rule}": Role.VIEWER,
    "/settings/alerts/{rule}/edit": Role.EDITOR,
    "/settings/alerts/{rule}/backtest?days=1": Role.VIEWER,
    "/settings/alerts/{rule}/timeline": Role.VIEWER,
    "/settings/integrations/{destination}": Role.VIEWER,
    "/settings/integrations/{destination}/edit": Role.ADMIN,
    "/settings/integrations/deliveries/{delivery}": Role.VIEWER,
    "/settings/outbox/events/{event}": Role.VIEWER,
    "/settings/outbox/dead-letters/{letter}": Role.VIEWER,
    "/settings/outbox/dead-letters/rehearse/retry?id={letter}": Role.ADMIN,
    "/settings/outbox/dead-letters/rehearse/purge?id={letter}": Role.ADMIN,
    "/settings/reports/{template}": Role.VIEWER,
    "/settings/reports/{template}/preview": Role.VIEWER,
    "/settings/reports/{template}/row": Role.VIEWER,
    "/settings/reports/{template}/runs": Role.VIEWER,
    "/settings/reports/schedules/{schedule}": Role.VIEWER,
    "/settings/reports/runs/{run}": Role.VIEWER,
    "/data/flow-pipelines/{pipeline}/edit": Role.VIEWER,
    "/data/flow-pipelines/{pipeline}/row": Role.VIEWER,
    "/data/flow-pipelines/{pipeline}/settings": Role.EDITOR,
    "/data/flow-pipelines/{pipeline}/lineage": Role.VIEWER,
    "/data/flow-pipelines/{pipeline}/versions": Role.VIEWER,
    "/data/flow-runs/{pipelinerun}": Role.VIEWER,
    "/data/flow-runs/{pipelinerun}/rejects": Role.VIEWER,
    "/data/scheduler/pipelines/{pipeline}/schedule": Role.VIEWER,
    "/data/scheduler/pipelines/{pipeline}/triggers": Role.VIEWER,
    "/data/connectors/{connector}": Role.VIEWER,
    "/data/schemas/{dataschema}": Role.VIEWER,
    "/data/schemas/{dataschema}/edit": Role.EDITOR,
}
PAGES = {**LISTS, **DETAILS}
IDS = (
    "rule", "destination", "delivery", "event", "letter", "template", "schedule", "run", "pipeline", "pipelinerun",
    "connector", "dataschema",
)  # fmt: skip
NASTY = "<script>alert(1)</script>&\"'" + "W" * 30
MOST_QUERIES = 17
# A section takes a savepoint, a time limit and the statements of its source.
MOST_QUERIES_OF_A_DASHBOARD = 40
# Every part of the page asks once: what is due, late, missed, failed, parked, held, watched, ticked.
MOST_QUERIES_OF_THE_SCHEDULER = 26


@pytest.mark.parametrize("address", LISTS)
def test_a_page_of_a_tenant_without_anything_renders(address: str, alice: Person) -> None:
    page = alice.browser().get(address)

    assert page.status_code == 200


@pytest.mark.parametrize("address", LISTS)
def test_a_page_of_a_tenant_with_its_defaults_renders(address: str) -> None:
    tenant = create_tenant(name="Fresh Ltd", now=timezone.now())
    admin = make_person("fay", tenant, Role.ADMIN)

    page = admin.browser().get(address)

    assert page.status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        "/settings/alerts",
        "/settings/integrations",
        "/settings/integrations/deliveries",
        "/settings/reports",
        "/data/flow-pipelines",
        "/data/flow-runs",
        "/data/connectors",
        "/data/schemas",
    ],
)
def test_an_empty_list_holds_the_button_that_makes_the_first_one(address: str, alice: Person) -> None:
    text = alice.browser().get(address).content.decode()

    assert re.search(r'class="k-empty".*?<a class="k-button', text, re.DOTALL)


@pytest.mark.parametrize(
    "address",
    [
        "/settings/alerts", "/settings/integrations", "/settings/reports", "/data/flow-pipelines", "/data/connectors",
        "/data/schemas",
    ],
)  # fmt: skip
def test_a_viewer_is_told_who_can_make_the_first_one(address: str, bob: Person) -> None:
    text = bob.browser().get(address).content.decode()

    assert "of your tenant can" in text
    assert f'href="{address}/new"' not in text


@pytest.mark.parametrize("address", PAGES)
def test_names_with_markup_and_without_spaces_are_shown_as_text(address: str, acme: Tenant, alice: Person) -> None:
    ids = furnish(acme, timezone.now(), mark=NASTY)

    page = alice.browser().get(address.format(**ids))

    assert page.status_code == 200
    assert "<script>alert(1)" not in page.content.decode()


@pytest.mark.parametrize("address", PAGES)
@pytest.mark.parametrize("name", ["bob", "eve", "alice"])
def test_a_page_opens_for_its_role_and_says_which_one_it_needs(
    address: str, name: str, acme: Tenant, request: pytest.FixtureRequest
) -> None:
    person: Person = request.getfixturevalue(name)
    ids = furnish(acme, timezone.now())

    page = person.browser().get(address.format(**ids))

    if person.role.allows(PAGES[address]):
        assert page.status_code == 200
    else:
        assert page.status_code == 403
        assert f"This needs the role {PAGES[address]}" in page.content.decode()


@pytest.mark.parametrize("address", PAGES)
def test_a_stranger_is_led_to_the_sign_in_and_back(address: str) -> None:
    path = address.format(**dict.fromkeys(IDS, new_id()))

    page = Client().get(path)

    assert page.status_code == 302
    assert page["Location"].startswith("/settings/login/?next=%2F")


@pytest.mark.parametrize("address", DETAILS)
def test_another_tenants_page_is_not_found(address: str, acme: Tenant, alice: Person, charlie: Person) -> None:
    ids = furnish(acme, timezone.now())

    page = charlie.browser().get(address.format(**ids))

    assert page.status_code == 404


@pytest.mark.parametrize("address", DETAILS)
@pytest.mark.parametrize("wrong", ["nonsense", "00000000-0000-0000-0000-000000000000"])
def test_an_id_that_is_not_there_is_a_page_with_a_way_back(address: str, wrong: str, alice: Person) -> None:
    page = alice.browser().get(address.format(**dict.fromkeys(IDS, wrong)))

    assert page.status_code == 404
    assert "Go to the overview" in page.content.decode()


@pytest.mark.parametrize("address", PAGES)
def test_the_number_of_queries_does_not_grow_with_what_is_there(
    address: str, acme: Tenant, alice: Person, django_assert_max_num_queries: Any
) -> None:
    ids = furnish(acme, timezone.now())
    _crowd(acme)
    browser = alice.browser()

    most = MOST_QUERIES_OF_A_DASHBOARD if address.startswith("/dashboards/") else MOST_QUERIES
    most = MOST_QUERIES_OF_THE_SCHEDULER if address == "/data/scheduler" else most
    with django_assert_max_num_queries(most):
        page = browser.get(address.format(**ids))

    assert page.status_code == 200


def test_a_fragment_of_somebody_whose_session_ended_moves_the_whole_page(db: None) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/settings/alerts?q=ctr"}

    answer = Client().get("/settings/alerts", headers=headers)

    assert answer.status_code == 204
    assert answer["HX-Redirect"] == "/settings/login/?next=%2Fsettings%2Falerts%3Fq%3Dctr"


@pytest.mark.parametrize(
    "address",
    [
        "/", "/settings/alerts", "/settings/integrations", "/settings/outbox", "/settings/reports",
        "/data/flow-pipelines", "/data/flow-runs", "/data/scheduler",
    ],
)  # fmt: skip
def test_a_live_part_is_answered_without_the_frame(address: str, alice: Person) -> None:
    answer = alice.browser().get(address, headers={"HX-Request": "true"})

    assert answer.status_code == 200
    assert "<html" not in answer.content.decode()


def _crowd(tenant: Tenant) -> None:
    """Add 120 rules, 60 destinations, 150 deliveries, 40 reports with two schedules and runs each, and 40 pipelines."""
    now = timezone.now()
    AlertRule.objects.bulk_create(
        AlertRule(
            tenant=tenant, name=f"Rule {number}", metric="ctr", operator="gt", threshold=number, created_at=now,
            updated_at=now,
        )
        for number in range(120)
    )  # fmt: skip
    destinations = Destination.objects.bulk_create(
        Destination(
            tenant=tenant, kind="slack", name=f"Room {number}", shown_config={}, config_summary="hooks.slack.com",
            state_changed_at=now, created_at=now, updated_at=now,
        )
        for number in range(60)
    )  # fmt: skip
    Delivery.objects.bulk_create(
        Delivery(
            tenant=tenant, provider_id=destinations[number % 60].pk, provider_kind="slack", provider_name="Room",
            event_type="test", subject=f"Message {number}", message={"message": "m", "data": {}}, state="failed",
            dedupe_key=f"crowd-{number}", created_at=now,
        )
        for number in range(150)
    )  # fmt: skip
    _crowd_reports(tenant, [each.pk for each in destinations])
    crowd_flows(tenant)


def _crowd_reports(tenant: Tenant, destination_ids: list[uuid.UUID]) -> None:
    now = timezone.now()
    made: dict[str, Any] = {"tenant": tenant, "created_at": now}
    templates = ReportTemplate.objects.bulk_create(
        ReportTemplate(**made, name=f"Report {number}", formats=["csv"], updated_at=now) for number in range(40)
    )
    schedules = ReportSchedule.objects.bulk_create(
        ReportSchedule(
            **made, template=templates[number // 2], name=f"Schedule {number}", cron_expression="0 8 * * *",
            destination_ids=destination_ids[:5], last_status="failed", next_run_at=now, updated_at=now,
        )
        for number in range(80)
    )  # fmt: skip
    ReportRun.objects.bulk_create(
        ReportRun(
            **made, template=each.template, schedule=each, definition={"name": "R"}, triggered_by="cron",
            started_at=now, data_until=now,
        )
        for each in schedules
    )  # fmt: skip
