"""The page of one event: what it says, to whom, and what it never shows."""

from typing import Any

import pytest
from django.utils import timezone

from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.models import Tenant
from tests.pages.outbox_world import dead, held, published, publisher, under_way, waiting
from tests.people import Person

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
FOLLOWING = {**HTMX, "HX-Target": "event-live"}


def text_of(person: Person, address: str, **headers: str) -> str:
    answer = person.browser().get(address, headers=headers)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def event_page(person: Person, event_id: Any) -> str:
    return text_of(person, f"/settings/outbox/events/{event_id}")


def test_an_event_that_waits_says_so(acme: Tenant, bob: Person) -> None:
    text = event_page(bob, waiting(acme, timezone.now()).pk)

    assert "It waits for a publisher" in text
    assert "Written to the outbox" in text


def test_an_event_under_way_says_until_when_it_is_claimed(acme: Tenant, bob: Person) -> None:
    text = event_page(bob, under_way(acme, timezone.now()).pk)

    assert "A publisher has it" in text
    assert "Its claim ends" in text


def test_a_held_event_shows_its_failure_and_those_behind_it_lead_to_it(acme: Tenant, bob: Person) -> None:
    head, follower = held(acme, timezone.now(), behind=1)

    failing, aside = event_page(bob, head.pk), event_page(bob, follower.pk)

    assert "It is held back" in failing
    assert "3 attempts failed" in failing
    assert "leader not available" in failing
    assert str(head.error_id) in failing
    assert "stands aside behind an earlier event" in aside
    assert f'href="/settings/outbox/events/{head.pk}"' in aside


def test_a_published_event_shows_receipt_publisher_and_how_long_it_took(acme: Tenant, bob: Person) -> None:
    now = timezone.now()
    process = publisher(now)
    event_id = published(acme, now, publisher=process.pk, attempts=3)

    text = event_page(bob, event_id)

    assert "It was published" in text
    assert "Published to kafka by worker-1, process 4711" in text
    assert "0/42" in text
    assert "12 ms" in text
    assert "2 attempts failed" in text


def test_an_event_of_a_publisher_that_is_gone_still_has_its_page(acme: Tenant, bob: Person) -> None:
    text = event_page(bob, published(acme, timezone.now(), receipt=""))

    assert "by a publisher that is gone" in text
    assert "gave no receipt" in text


@pytest.mark.parametrize(
    ("reason", "words"),
    [("exhausted", "its attempts are used up"), ("permanent", "trying again does not help")],
)
def test_a_dead_letter_says_why_it_died(reason: str, words: str, acme: Tenant, alice: Person) -> None:
    letter = dead(acme, timezone.now(), reason=reason)

    text = text_of(alice, f"/settings/outbox/dead-letters/{letter.pk}")

    assert words in text
    assert "Message too large." in text
    assert "after 10 attempts" in text
    assert f"/settings/outbox/dead-letters/rehearse/retry?id={letter.pk}" in text


@pytest.mark.parametrize("name", ["bob", "eve"])
def test_who_may_not_act_is_told_who_may(name: str, acme: Tenant, request: pytest.FixtureRequest) -> None:
    person: Person = request.getfixturevalue(name)
    letter = dead(acme, timezone.now())

    text = text_of(person, f"/settings/outbox/dead-letters/{letter.pk}")

    assert "An admin of your tenant can retry or purge it." in text
    assert "rehearse" not in text


def test_a_dead_letter_that_was_retried_leads_to_where_it_is_now(acme: Tenant, alice: Person) -> None:
    event = waiting(acme, timezone.now())

    answer = alice.browser().get(f"/settings/outbox/dead-letters/{event.pk}")

    assert (answer.status_code, answer["Location"]) == (303, f"/settings/outbox/events/{event.pk}")


def test_payload_key_and_error_are_shown_as_text(acme: Tenant, alice: Person) -> None:
    nasty = "<script>alert(1)</script>&\"'"
    letter = dead(acme, timezone.now(), key=nasty, error=nasty, payload={nasty: [nasty, None, 1.5, True]})

    for address in (f"/settings/outbox/dead-letters/{letter.pk}", "/settings/outbox/stream"):
        assert "<script>alert(1)" not in text_of(alice, address)


def test_the_envelope_is_what_goes_over_the_wire(acme: Tenant, bob: Person) -> None:
    event = waiting(acme, timezone.now(), payload={"customerId": "Zoë", "campaignId": None})

    text = event_page(bob, event.pk)

    assert "&quot;type&quot;: &quot;interaction.recorded.v1&quot;" in text
    assert "&quot;campaignId&quot;: null" in text
    assert "Zoë" in text
    assert "partitionkey" in text


def test_an_event_opens_as_a_drawer_without_the_frame(acme: Tenant, bob: Person) -> None:
    text = text_of(bob, f"/settings/outbox/events/{waiting(acme, timezone.now()).pk}", **HTMX)

    assert "<html" not in text
    assert "Open as a page" in text


def test_what_is_followed_is_the_state_alone_and_ends_with_the_event(acme: Tenant, bob: Person) -> None:
    now = timezone.now()
    addresses = [f"/settings/outbox/events/{each}" for each in (waiting(acme, now).pk, published(acme, now))]

    under_way, ended = (text_of(bob, address, **FOLLOWING) for address in addresses)

    assert "data-poll" in under_way
    assert "data-poll" not in ended
    assert "It was published" in ended
    assert not any(word in under_way + ended for word in ("<html", "The envelope as JSON"))


@pytest.mark.parametrize(("hours", "words"), [("6", "longer ago than the 6 h"), ("0", "OUTBOX_HISTORY_HOURS")])
def test_an_event_that_vanishes_while_it_is_followed_is_said_to_have_left(
    hours: str, words: str, acme: Tenant, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTBOX_HISTORY_HOURS", hours)

    text = text_of(bob, f"/settings/outbox/events/{new_id()}", **FOLLOWING)

    assert "It has left" in text
    assert words in text
    assert "data-poll" not in text


def test_another_tenants_event_cannot_be_followed(acme: Tenant, charlie: Person) -> None:
    event = waiting(acme, timezone.now(), key="c-secret")

    text = text_of(charlie, f"/settings/outbox/events/{event.pk}", **FOLLOWING)

    assert "It has left" in text
    assert "c-secret" not in text
