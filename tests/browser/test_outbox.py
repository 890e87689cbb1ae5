"""The outbox as an operator uses it: a dead letter is seen, rehearsed, retried and gone; the stream is followed."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page

from kaireon.platform.tenancy.models import Tenant
from outbox.models import DeadLetter, OutboxEvent
from tests.browser.conftest import Window, named
from tests.pages.outbox_world import dead, published, publisher, waiting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
STREAM = "/settings/outbox/stream"


def poll(page: Page, part: str = "stream-live") -> None:
    """Let the live part ask now, and wait until its answer stands."""
    with page.expect_event("requestfinished"):
        page.evaluate(f"htmx.trigger('#{part}', 'k-poll')")
    page.wait_for_function("document.querySelector('.htmx-request, .htmx-settling, .htmx-swapping') === null")


def rows(page: Page) -> Locator:
    return page.locator("#stream-rows > tr")


def keys(page: Page) -> list[str]:
    return [text.strip() for text in page.locator("#stream-rows [data-label=Key] a").all_inner_texts()]


def hold_still(page: Page) -> None:
    """Keep the stream from asking by itself, so that a test says when."""
    page.evaluate("document.getElementById('stream-live').dataset.poll = '9999'")


@pytest.mark.parametrize("window", [(1280, "light"), (390, "dark")], indirect=True, ids=named)
def test_a_dead_letter_is_seen_rehearsed_retried_and_gone(tenant: Tenant, window: Window) -> None:
    letter = dead(tenant, timezone.now(), key="c-7781")
    page = window.page
    window.sign_in()
    window.open("/settings/outbox")

    section = page.get_by_role("region", name="Dead letters")
    section.get_by_text("Message too large.").wait_for()
    section.get_by_role("link", name="Retry interaction.recorded.v1 of c-7781").click()
    drawer = page.get_by_role("dialog", name="Details")
    drawer.get_by_text("Nothing has been done yet").wait_for()
    is_untouched = DeadLetter.objects.for_tenant(tenant).filter(pk=letter.pk).exists()
    issues = window.serious_issues()
    drawer.get_by_role("button", name="Retry 1 dead letter").click()
    page.get_by_role("heading", name="It waits for a publisher").wait_for()
    window.open("/settings/outbox")

    assert is_untouched
    assert page.get_by_text("No dead letters.").is_visible()
    assert OutboxEvent.objects.for_tenant(tenant).get().pk == letter.pk
    assert issues == []
    assert window.complaints == []


def test_a_topic_is_purged_after_its_rehearsal_and_escape_changes_nothing(tenant: Tenant, window: Window) -> None:
    now = timezone.now()
    for number in range(3):
        dead(tenant, now, topic="order.paid.v1", key=f"o-{number}")
    dead(tenant, now, key="kept")
    page = window.page
    window.sign_in()
    window.open("/settings/outbox")

    page.get_by_role("link", name="order.paid.v1 3").click()
    page.get_by_role("link", name="Purge this topic").click()
    drawer = page.get_by_role("dialog", name="Details")
    drawer.get_by_text("no consumer will ever see").wait_for()
    page.keyboard.press("Escape")
    drawer.wait_for(state="hidden")
    before = DeadLetter.objects.for_tenant(tenant).count()
    page.get_by_role("link", name="Purge this topic").press("Enter")
    drawer.get_by_role("button", name="Purge 3 dead letters").press("Enter")
    page.get_by_text("3 dead letters are purged.").wait_for()

    assert before == 4
    assert [row.key for row in DeadLetter.objects.for_tenant(tenant)] == ["kept"]
    assert window.complaints == []


def test_the_outbox_goes_on_by_itself_and_keeps_focus_and_drawer(tenant: Tenant, window: Window) -> None:
    now = timezone.now()
    dead(tenant, now, key="c-1")
    page = window.page
    window.sign_in()
    window.open("/settings/outbox")

    page.get_by_role("link", name="c-1", exact=True).focus()
    publisher(now)
    poll(page, "outbox-live")
    focused = page.evaluate("document.activeElement.textContent")
    page.get_by_role("link", name="interaction.recorded.v1", exact=True).click()
    drawer = page.get_by_role("dialog", name="Details")
    drawer.get_by_role("heading", name="It could not be published").wait_for()
    dead(tenant, now, key="c-2")
    poll(page, "outbox-live")

    assert focused == "c-1"
    assert drawer.is_visible()
    assert page.get_by_text("c-2", exact=True).count() == 1
    assert page.get_by_role("heading", name="It drains, but 2 dead letters wait for a person").count() == 1
    assert window.complaints == []


# --- The stream


def test_the_stream_follows_by_itself_and_can_be_paused(tenant: Tenant, window: Window) -> None:
    page = window.page
    window.sign_in()
    window.open(STREAM)

    assert page.get_by_role("heading", name="No event yet").is_visible()
    waiting(tenant, timezone.now(), key="first")
    page.get_by_role("link", name="first", exact=True).wait_for()
    page.get_by_role("button", name="Pause").click()
    waiting(tenant, timezone.now(), key="second")
    # Two turns of the clock that polls, in which nothing may be asked.
    page.wait_for_timeout(4_500)
    paused = keys(page)
    page.get_by_role("button", name="Follow").press("Enter")
    page.get_by_role("link", name="second", exact=True).wait_for()

    assert paused == ["first"]
    assert keys(page) == ["second", "first"]
    assert page.get_by_role("heading", name="No event yet").is_hidden()
    assert window.complaints == []


def test_a_row_changes_where_it_stands_and_a_late_one_goes_where_it_belongs(tenant: Tenant, window: Window) -> None:
    now = timezone.now()
    old, new = waiting(tenant, now - timedelta(seconds=9), key="old"), waiting(tenant, now, key="new")
    page = window.page
    window.sign_in()
    window.open(STREAM)
    hold_still(page)

    page.get_by_role("link", name="old", exact=True).focus()
    OutboxEvent.objects.for_tenant(tenant).all().delete()
    published(tenant, now - timedelta(seconds=9), id=old.pk, key="old")
    waiting(tenant, now - timedelta(seconds=5), key="late")
    poll(page)

    assert keys(page) == ["new", "late", "old"]
    states = page.locator("#stream-rows [data-label=State]").all_inner_texts()
    assert [text.strip() for text in states] == ["Has left", "Pending", "Published"]
    assert page.evaluate("document.activeElement.textContent") == "old"
    assert page.locator(f"#event-{new.pk}").count() == 1


def test_new_rows_do_not_move_what_is_read(tenant: Tenant, window: Window) -> None:
    now = timezone.now()
    for number in range(49, -1, -1):
        published(tenant, now - timedelta(seconds=number), key=f"c-{number}")
    page = window.page
    window.sign_in()
    window.open(STREAM)
    hold_still(page)

    row = page.get_by_role("link", name="c-30", exact=True)
    row.scroll_into_view_if_needed()
    before = row.bounding_box()
    for number in range(5):
        waiting(tenant, timezone.now() + timedelta(milliseconds=number), key=f"n-{number}")
    poll(page)
    page.get_by_role("button", name="5 new above").wait_for()
    after = row.bounding_box()
    page.get_by_role("button", name="5 new above").click()

    assert before
    assert after
    assert abs(before["y"] - after["y"]) < 2
    assert page.evaluate("window.scrollY") == 0
    assert keys(page)[:5] == [f"n-{number}" for number in range(4, -1, -1)]
    assert window.complaints == []


def test_a_filter_narrows_the_stream_and_what_comes_after(tenant: Tenant, window: Window) -> None:
    now = timezone.now()
    waiting(tenant, now, key="wanted")
    dead(tenant, now, key="wanted", topic="outcome.recorded")
    waiting(tenant, now, key="other")
    page = window.page
    window.sign_in()
    window.open(STREAM)

    page.keyboard.press("/")
    page.keyboard.type("wanted")
    page.get_by_label("State").select_option("Pending")
    page.get_by_role("button", name="Show", exact=True).click()
    window.settle()
    found = keys(page)
    hold_still(page)
    waiting(tenant, timezone.now(), key="other")
    waiting(tenant, timezone.now(), key="wanted")
    poll(page)

    assert found == ["wanted"]
    assert keys(page) == ["wanted", "wanted"]
    page.get_by_role("link", name="Clear").click()
    window.settle()
    assert rows(page).count() == 5


def test_an_event_of_the_stream_opens_in_a_drawer_with_its_payload(tenant: Tenant, window: Window) -> None:
    published(tenant, timezone.now(), key="c-1", payload={"customerId": "c-1", "note": "<b>bold</b>"})
    page = window.page
    window.sign_in()
    window.open(STREAM)

    page.get_by_role("link", name="interaction.recorded.v1").click()
    drawer = page.get_by_role("dialog", name="Details")
    drawer.get_by_role("heading", name="It was published").wait_for()
    issues = window.serious_issues()

    assert '"note": "<b>bold</b>"' in drawer.get_by_label("The envelope as JSON").inner_text()
    assert issues == []
    assert window.complaints == []
