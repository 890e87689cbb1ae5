"""What goes on by itself: the stream, the outbox and an event's page, also unseen, unanswered and in a flood."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Request

from kaireon.platform.tenancy.models import Tenant
from outbox.models import OutboxEvent
from tests.browser.conftest import Window
from tests.browser.test_outbox import STREAM, hold_still, keys, poll, rows
from tests.pages.outbox_world import published, waiting

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300), pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def patience(window: Window) -> None:
    """Wait longer than elsewhere: what goes on by itself takes its turns, also on a machine that does much else."""
    window.page.set_default_timeout(60_000)


@contextmanager
def asked(page: Page, part: str) -> Iterator[list[str]]:
    """Collect the addresses that the page asks for and that hold `part`."""
    found: list[str] = []

    def keep(request: Request) -> None:
        if part in request.url:
            found.append(request.url)

    page.on("request", keep)
    yield found
    page.remove_listener("request", keep)


HIDE = """(isHidden) => {
  Object.defineProperty(document, "hidden", { value: isHidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_a_hidden_tab_asks_nothing_and_goes_on_when_it_is_seen_again(tenant: Tenant, window: Window) -> None:
    page = window.page
    window.sign_in()
    page.clock.install()
    window.open(STREAM)

    page.evaluate(HIDE, True)
    with asked(page, "/stream/news") as while_hidden:
        page.clock.run_for(60_000)
    waiting(tenant, timezone.now(), key="meanwhile")
    page.evaluate(HIDE, False)
    page.clock.run_for(4_000)
    page.get_by_role("link", name="meanwhile", exact=True).wait_for()

    assert while_hidden == []
    assert window.complaints == []


def test_the_stream_says_that_the_server_is_away_and_goes_on_when_it_is_back(tenant: Tenant, window: Window) -> None:
    page = window.page
    window.sign_in()
    window.open(STREAM)
    card = page.get_by_role("region", name="Events")

    page.context.set_offline(True)
    card.get_by_text("the server does not answer").wait_for()
    toasts = page.locator("#k-toast > *").count()
    waiting(tenant, timezone.now(), key="meanwhile")
    page.context.set_offline(False)
    page.get_by_role("link", name="meanwhile", exact=True).wait_for()
    card.get_by_text("following live").wait_for()

    assert toasts == 0
    assert card.get_by_text("the server does not answer").is_hidden()


def test_the_outbox_says_that_what_it_shows_may_be_out_of_date(tenant: Tenant, window: Window) -> None:
    page = window.page
    window.sign_in()
    window.open("/settings/outbox")
    note = page.get_by_text("What stands here may be out of date")
    before = note.is_visible()

    page.context.set_offline(True)
    note.wait_for()
    page.context.set_offline(False)
    note.wait_for(state="hidden")

    assert not before


def test_a_flood_keeps_the_list_bounded_and_is_told_as_a_number(tenant: Tenant, window: Window) -> None:
    page = window.page
    window.sign_in()
    window.open(STREAM)
    hold_still(page)
    page.evaluate("document.getElementById('stream-rows').dataset.keep = '60'")

    for wave in range(4):
        began = timezone.now()
        for number in range(40):
            # Ids of one millisecond are in no order.
            waiting(tenant, began + timedelta(milliseconds=number), key=f"w{wave}-{number}")
        poll(page)

    assert rows(page).count() == 60
    assert keys(page)[0] == "w3-39"
    assert re.fullmatch(r"\d+ new events", page.locator("#k-said").inner_text())
    assert page.get_by_role("link", name="Older", exact=True).is_visible()
    assert window.complaints == []


def test_an_events_page_goes_on_until_the_event_has_come_to_an_end(tenant: Tenant, window: Window) -> None:
    now = timezone.now()
    event = waiting(tenant, now)
    page = window.page
    window.sign_in()
    window.open(f"/settings/outbox/events/{event.pk}")

    page.get_by_role("heading", name="It waits for a publisher").wait_for()
    page.get_by_label("The envelope as JSON").focus()
    OutboxEvent.objects.for_tenant(tenant).all().delete()
    published(tenant, now, id=event.pk)
    page.get_by_role("heading", name="It was published").wait_for()

    assert page.locator("#event-live[data-poll]").count() == 0
    assert page.evaluate("document.activeElement.className") == "k-payload"
    page.locator("#k-said", has_text="It was published").wait_for(state="attached")
    assert window.serious_issues() == []
    assert window.complaints == []


def test_a_closed_drawer_asks_nothing_more(tenant: Tenant, window: Window) -> None:
    event = waiting(tenant, timezone.now(), key="c-1")
    page = window.page
    window.sign_in()
    page.clock.install()
    window.open(STREAM)

    page.get_by_role("link", name="interaction.recorded.v1").click()
    page.get_by_role("dialog", name="Details").get_by_role("heading", name="It waits for a publisher").wait_for()
    with asked(page, f"/events/{event.pk}") as while_open:
        page.clock.run_for(10_000)
    page.keyboard.press("Escape")
    page.get_by_role("dialog", name="Details").wait_for(state="hidden")
    with asked(page, f"/events/{event.pk}") as while_closed:
        page.clock.run_for(30_000)

    assert while_open
    assert while_closed == []
