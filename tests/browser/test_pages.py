"""Every page in a real browser: nothing in the console, no sideways scroll, nothing serious for axe-core."""

from typing import Any

import pytest
from django.utils import timezone

from kaireon.platform.notifications.decisions import DestinationState
from kaireon.platform.notifications.models import Destination
from kaireon.platform.tenancy.models import Tenant
from tests.architecture.furniture import furnish
from tests.browser.conftest import EMAIL, Window, named

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WINDOWS = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]
PAGES = [
    "/", "/settings/alerts", "/settings/alerts/new", "/settings/alerts/{rule}", "/settings/alerts/{rule}/edit",
    "/settings/integrations", "/settings/integrations/new", "/settings/integrations/{destination}",
    "/settings/integrations/{destination}/edit", "/settings/integrations/deliveries",
    "/settings/integrations/deliveries/{delivery}", "/settings/api-keys", "/settings/guardrails", "/settings/audit",
    "/system-health", "/settings/outbox", "/settings/outbox/stream", "/settings/outbox/events/{event}",
    "/settings/outbox/dead-letters/{letter}", "/settings/outbox/dead-letters/rehearse/retry?id={letter}",
    "/settings/outbox/dead-letters/rehearse/purge?all=1",
    "/settings/reports", "/settings/reports/new", "/settings/reports/{template}", "/settings/reports/runs/{run}",
    "/settings/reports/schedules/{schedule}",
    "/data/flow-pipelines", "/data/flow-pipelines/new", "/data/flow-pipelines/{pipeline}/edit",
    "/data/flow-pipelines/{pipeline}/settings", "/data/flow-runs", "/data/flow-runs/{pipelinerun}", "/data/connectors",
    "/data/scheduler",
    "/data/connectors/new", "/data/connectors/{connector}", "/data/schemas", "/data/schemas/new",
    "/data/schemas/{dataschema}", "/data/schemas/{dataschema}/edit",
    "/settings/tenancy/membership/", "/settings/interactions/outcometype/",
]  # fmt: skip
LONG = "Ümläut & <b>Wide</b> " + "W" * 40


@pytest.mark.slow
@pytest.mark.parametrize("window", WINDOWS, indirect=True, ids=named)
def test_every_page_is_quiet_and_fits_its_window(tenant: Tenant, window: Window) -> None:
    ids = furnish(tenant, timezone.now(), mark=LONG)
    Destination.objects.for_tenant(tenant).update(state=DestinationState.BROKEN, state_reason="Answered HTTP 410 Gone.")
    window.sign_in()
    # Colours and structure are the same at both widths: axe looks at each theme and each width once.
    is_looked_at = (window.width, window.theme) in {(1280, "light"), (390, "dark")}

    too_wide, issues = [], []
    for page in PAGES:
        window.open(page.format(**ids))
        too_wide += [f"{page}: {element}" for element in window.too_wide()]
        issues += [f"{page}: {issue}" for issue in window.serious_issues()] if is_looked_at else []

    assert too_wide == []
    assert issues == []
    assert window.complaints == []


@pytest.mark.parametrize("window", [(390, "light"), (1280, "dark")], indirect=True, ids=named)
def test_pages_without_the_frame_are_as_sound(tenant: Tenant, window: Window, settings: Any) -> None:
    issues = []
    window.open("/settings/login/")
    issues += window.serious_issues()
    window.page.get_by_label("E-mail address").fill(EMAIL)
    window.page.get_by_label("Password").fill("wrong")
    window.page.get_by_role("button", name="Sign in").click()
    window.page.get_by_role("alert").wait_for()
    issues += window.serious_issues()
    window.open("/nothing/here")

    assert window.page.get_by_role("heading", name="There is nothing here").is_visible()
    assert window.serious_issues() + issues == []
    assert window.too_wide() == []


def test_axe_would_find_a_button_without_a_name(tenant: Tenant, window: Window) -> None:
    window.open("/settings/login/")

    window.page.evaluate("document.querySelector('form').append(document.createElement('button'))")

    assert [issue.partition(":")[0] for issue in window.serious_issues()] == ["button-name"]


def test_five_wrong_passwords_lock_the_sign_in(tenant: Tenant, window: Window) -> None:
    window.open("/")

    for _ in range(5):
        window.page.get_by_label("E-mail address").fill(EMAIL)
        window.page.get_by_label("Password").fill("wrong")
        window.page.get_by_role("button", name="Sign in").click()
        window.settle()

    assert window.page.get_by_role("heading", name="Signing in is locked for a while").is_visible()
    assert window.serious_issues() == []
