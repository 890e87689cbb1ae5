"""The stream's page and its news: what they show, to whom, and what they never show."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.models import Tenant
from outbox.models import OutboxEvent
from outbox.selectors.stream import first_id
from tests.pages.outbox_world import held, published, waiting
from tests.pages.test_outbox_events import HTMX, text_of
from tests.people import Person

pytestmark = pytest.mark.django_db
STREAM, NEWS = "/settings/outbox/stream", "/settings/outbox/stream/news"


def test_the_stream_shows_each_state_with_its_badge(acme: Tenant, bob: Person) -> None:
    now = timezone.now()
    published(acme, now)
    held(acme, now, behind=1)

    text = text_of(bob, STREAM)

    assert len(re.findall(r'<tr id="event-', text)) == 3
    assert "published in 12 ms" in text
    assert "behind an earlier event of its key" in text
    assert re.search(r"tried again <time [^>]+>in 59 m", text)


def test_only_events_that_can_still_change_are_watched(acme: Tenant, bob: Person) -> None:
    now = timezone.now()
    published(acme, now)
    pending = waiting(acme, now, key="c-2")

    text = text_of(bob, STREAM)

    assert re.findall(r'name="watch" value="([^"]+)"', text) == [str(pending.pk)]


def test_an_empty_stream_says_what_belongs_here(bob: Person) -> None:
    text = text_of(bob, STREAM)

    assert "No event yet" in text
    assert 'data-poll="2"' in text


@pytest.mark.parametrize("query", ["topic=nothing", "find=nobody", "state=dead"])
def test_a_search_without_a_hit_leads_back_to_everything(query: str, bob: Person) -> None:
    text = text_of(bob, f"{STREAM}?{query}")

    assert "No event matches" in text
    assert f'href="{STREAM}">Show all events' in text


@pytest.mark.parametrize("query", ["state=nonsense", "before=nonsense", "find=" + "x" * 3_000, "since=x"])
def test_nonsense_in_the_address_is_no_failure(query: str, acme: Tenant, bob: Person) -> None:
    waiting(acme, timezone.now())

    assert {bob.browser().get(f"{address}?{query}").status_code for address in (STREAM, NEWS)} == {200}


def test_older_events_are_a_page_of_their_own_that_is_not_followed(acme: Tenant, bob: Person) -> None:
    now = timezone.now()
    for number in reversed(range(60)):
        waiting(acme, now - timedelta(seconds=number))

    first = text_of(bob, STREAM)
    older = re.search(r'id="stream-older" rel="next" href="([^"]+)"', first)
    assert older
    second = text_of(bob, older[1])

    assert (first.count('<tr id="event-'), second.count('<tr id="event-')) == (50, 10)
    assert "data-poll" not in second.partition('id="stream-live"')[2].partition(">")[0]
    assert "Back to the newest" in second


@pytest.mark.parametrize(("hours", "is_said"), [("0", True), ("6", False), ("many", False)])
def test_history_that_is_off_is_said(hours: str, is_said: bool, bob: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTBOX_HISTORY_HOURS", hours)

    assert ("Published events are not kept" in text_of(bob, STREAM)) == is_said


def test_news_are_rows_and_tell_the_next_look_where_to_begin(acme: Tenant, bob: Person) -> None:
    now = timezone.now()
    event = waiting(acme, now)

    text = text_of(bob, f"{NEWS}?since={first_id(now - timedelta(seconds=1))}", **HTMX)

    assert "<html" not in text
    assert f'id="event-{event.pk}"' in text
    since = re.search(r'data-since="([^"]+)"', text)
    assert since
    assert since[1] >= str(first_id(now))


def test_a_watched_event_comes_back_in_its_new_state(acme: Tenant, bob: Person) -> None:
    then = timezone.now() - timedelta(hours=1)
    event = waiting(acme, then)
    OutboxEvent.objects.for_tenant(acme).filter(pk=event.pk).delete()
    published(acme, then, id=event.pk)
    purged = new_id()

    text = text_of(bob, f"{NEWS}?since={first_id(timezone.now())}&watch={event.pk}&watch={purged}", **HTMX)

    assert f'id="event-{event.pk}"' in text
    assert 'data-version="published 1"' in text
    assert f'data-gone="event-{purged}"' in text
    assert "Has left" in text


def test_another_tenants_watched_event_is_gone_and_nothing_of_it_shows(
    acme: Tenant, charlie: Person, globex: Tenant
) -> None:
    event = waiting(acme, timezone.now(), key="secret-customer")

    text = text_of(charlie, f"{NEWS}?since={first_id(timezone.now())}&watch={event.pk}", **HTMX)

    assert "secret-customer" not in text
    assert f'data-gone="event-{event.pk}"' in text


def test_a_flood_leaves_a_gap_that_leads_to_what_was_left_out(acme: Tenant, bob: Person) -> None:
    now = timezone.now()
    for number in reversed(range(60)):
        waiting(acme, now - timedelta(milliseconds=number))

    text = text_of(bob, f"{NEWS}?since={first_id(now - timedelta(seconds=5))}", **HTMX)

    assert text.count('<tr id="event-') == 50
    assert "More events came at once than fit here" in text
    assert f'href="{STREAM}?before=' in text


@pytest.mark.parametrize("address", [STREAM, NEWS])
def test_the_stream_asks_a_bounded_number_of_questions(
    address: str, acme: Tenant, bob: Person, django_assert_max_num_queries: Any
) -> None:
    now = timezone.now()
    for number in range(40):
        waiting(acme, now - timedelta(seconds=number))
        published(acme, now - timedelta(seconds=number))
    browser = bob.browser()

    with django_assert_max_num_queries(10):
        assert browser.get(address).status_code == 200
