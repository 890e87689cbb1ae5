"""What a newcomer does first: a destination, a test, a rule, a tick, and the proof that somebody was told."""

import json
import urllib.request
from typing import Any

import pytest
from django.utils import timezone

from alerts.models import AlertRule
from kaireon.platform.tenancy.models import Tenant
from tests.architecture.furniture import furnish
from tests.browser.conftest import Window, named
from tests.servers import Receiver

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def tick(base: str, token: str) -> dict[str, Any]:
    """Call the documented door as a scheduler does."""
    request = urllib.request.Request(f"{base}/api/cron/tick", method="POST", headers={"x-cron-token": token})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return dict(json.load(answer))


@pytest.mark.parametrize(
    "window", [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")], indirect=True, ids=named
)
def test_from_signing_in_to_a_rule_that_has_fired(
    tenant: Tenant, window: Window, receiver: Receiver, settings: Any
) -> None:
    page = window.page
    window.sign_in()

    window.open("/settings/integrations")
    page.get_by_role("link", name="Add Destination").click()
    page.get_by_label("Kind").select_option("webhook")
    page.get_by_label("Name").fill("Pager duty")
    page.get_by_label("URL", exact=True).fill(receiver.url())
    page.get_by_role("button", name="Save").click()
    page.get_by_text("The signing secret, shown once").wait_for()

    window.open("/settings/integrations")
    page.get_by_role("button", name="Test Pager duty").click()
    page.get_by_text("Test delivered").wait_for()

    window.open("/settings/alerts/new")
    page.get_by_label("Name").fill("Scoring falls back")
    page.get_by_label("Metric").select_option("degraded_scoring_rate")
    page.get_by_label("Threshold").fill("0.2")
    page.get_by_label("Window").fill("60")
    page.get_by_text("in the last 7 days").first.wait_for()
    page.get_by_role("checkbox", name="Pager duty").check()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("heading", name="Not evaluated yet").wait_for()

    ticked = tick(window.base, settings.CRON_TOKEN)
    window.open("/settings/alerts")

    assert ticked["alertsFired"] >= 1
    firing = page.get_by_role("region", name="Rules in breach")
    assert firing.get_by_role("link", name="Scoring falls back").is_visible()
    assert firing.get_by_role("link", name="Pager duty").is_visible()
    assert [got.headers["webhook-id"] != "" for got in receiver.got] == [True, True]
    assert window.too_wide() == []
    assert window.complaints == []


def test_a_delivery_opens_in_a_drawer_and_escape_closes_it(tenant: Tenant, window: Window) -> None:
    furnish(tenant, timezone.now(), mark="Quito")
    page = window.page
    window.sign_in()
    window.open("/settings/integrations/deliveries")

    page.get_by_role("link", name="Quito rule").first.click()
    drawer = page.get_by_role("dialog", name="Details")
    drawer.get_by_role("heading", name="Attempts").wait_for()
    issues = window.serious_issues()
    page.keyboard.press("Escape")
    drawer.wait_for(state="hidden")

    assert issues == []
    assert page.url.endswith("/settings/integrations/deliveries")
    assert window.complaints == []


def test_deleting_asks_first_and_cancel_keeps_it(tenant: Tenant, window: Window) -> None:
    ids = furnish(tenant, timezone.now(), mark="Lagos")
    page = window.page
    window.sign_in()
    window.open(f"/settings/alerts/{ids['rule']}")

    page.get_by_role("button", name="Delete", exact=True).click()
    dialog = page.get_by_role("dialog", name="Delete the rule “Lagos rule”?")
    dialog.get_by_role("button", name="Cancel").click()
    dialog.wait_for(state="hidden")
    is_kept = AlertRule.objects.for_tenant(tenant).filter(pk=ids["rule"]).exists()
    page.get_by_role("button", name="Delete", exact=True).click()
    dialog.get_by_role("button", name="Delete rule").click()
    page.get_by_text("is deleted; its deliveries stay").wait_for()

    assert is_kept
    assert not AlertRule.objects.for_tenant(tenant).filter(pk=ids["rule"]).exists()


def test_the_keyboard_reaches_search_and_a_live_part_keeps_what_somebody_does(tenant: Tenant, window: Window) -> None:
    page = window.page
    window.sign_in()
    window.open("/settings/alerts")

    page.keyboard.press("/")
    focused = page.evaluate("document.activeElement.id")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="High suppression").focus()
    AlertRule.objects.for_tenant(tenant).filter(name="High suppression").update(last_observed=0.4242)
    page.evaluate("htmx.trigger('#alerts-live', 'k-poll')")
    page.get_by_text("0.4242").wait_for()

    assert focused == "rule-search"
    assert page.evaluate("document.activeElement.textContent") == "High suppression"
    assert window.complaints == []


@pytest.mark.parametrize("window", [(390, "light")], indirect=True, ids=named)
def test_the_navigation_opens_on_a_phone_by_keyboard(tenant: Tenant, window: Window) -> None:
    page = window.page
    window.sign_in()

    page.get_by_role("button", name="Open the navigation").press("Enter")
    page.get_by_role("link", name="Guardrails").click()
    page.get_by_role("heading", name="Guardrails", level=1).wait_for()

    assert window.complaints == []
