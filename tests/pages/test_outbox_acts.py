"""Retry and purge on the outbox's pages: rehearsed, then done, by those who may."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.utils import timezone

from kaireon.platform.audit.models import AuditEntry
from kaireon.platform.tenancy.models import Tenant
from outbox.models import DeadLetter, OutboxEvent
from tests.pages.outbox_world import dead, held, published, waiting
from tests.pages.test_outbox_page import DEAD, HTMX, PAGE, text_of
from tests.people import Person

pytestmark = pytest.mark.django_db


def said(response: Any) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def test_a_rehearsal_of_many_topics_and_keys_says_how_many_more_there_are(acme: Tenant, alice: Person) -> None:
    now = timezone.now()
    for number in range(23):
        dead(acme, now - timedelta(minutes=5), topic=f"team.{number:02d}", key=f"c-{number}")
        published(acme, now, key=f"c-{number}")

    text = text_of(alice, f"{DEAD}/rehearse/retry?all=1")

    assert "and 3 more topics" in text
    assert "and 18 more keys" in text
    assert "Retry 23 dead letters" in text


def rehearsal(person: Person, action: str, query: str) -> str:
    return text_of(person, f"{DEAD}/rehearse/{action}?{query}", **HTMX)


def test_a_rehearsal_counts_and_changes_nothing(acme: Tenant, alice: Person) -> None:
    now = timezone.now()
    letters = [dead(acme, now - timedelta(hours=number)) for number in range(3)]

    text = rehearsal(alice, "retry", "all=1")

    assert "<html" not in text
    assert "3 dead letters" in text
    assert "Retry 3 dead letters" in text
    assert "is not known" in text
    assert DeadLetter.objects.for_tenant(acme).count() == len(letters)


def test_a_rehearsal_warns_of_what_is_superseded_held_or_refused_for_good(acme: Tenant, alice: Person) -> None:
    now = timezone.now()
    dead(acme, now - timedelta(minutes=9), key="c-1", reason="permanent")
    dead(acme, now - timedelta(minutes=9), key="c-2")
    published(acme, now - timedelta(minutes=1), key="c-1")
    held(acme, now, key="c-2")

    text = rehearsal(alice, "retry", "all=1")

    assert "Later events of 1 key have left since" in text
    assert "1 later event, the last" in text
    assert "1 key is held at the moment" in text
    assert "1 was refused for good" in text


def test_a_purge_is_rehearsed_in_its_own_words(acme: Tenant, alice: Person) -> None:
    dead(acme, timezone.now(), topic="order.paid.v1")

    text = rehearsal(alice, "purge", "topic=order.paid.v1")

    assert "no consumer will ever see" in text
    assert "Purge 1 dead letter" in text
    assert 'name="topic" value="order.paid.v1"' in text


def test_a_rehearsal_without_htmx_is_a_page_with_a_way_back(acme: Tenant, alice: Person) -> None:
    text = text_of(alice, f"{DEAD}/rehearse/retry?id={dead(acme, timezone.now()).pk}")

    assert "<html" in text
    assert "Back to the outbox" in text


def test_a_retried_dead_letter_is_back_in_line_and_its_page_is_shown(acme: Tenant, alice: Person) -> None:
    letter = dead(acme, timezone.now())

    done = alice.browser().post(f"{DEAD}/do/retry", {"id": str(letter.pk)})

    assert (done.status_code, done["Location"]) == (303, f"/settings/outbox/events/{letter.pk}")
    assert "1 dead letter is back in line" in said(done)
    assert OutboxEvent.objects.for_tenant(acme).get().pk == letter.pk
    assert not DeadLetter.objects.for_tenant(acme).exists()
    assert AuditEntry.objects.for_tenant(acme).latest("timestamp").action == "retry"


def test_without_a_history_the_outbox_follows_a_retry(
    acme: Tenant, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTBOX_HISTORY_HOURS", "0")
    letter = dead(acme, timezone.now())

    done = alice.browser().post(f"{DEAD}/do/retry", {"id": str(letter.pk)})

    assert (done.status_code, done["Location"]) == (303, "/settings/outbox")


def test_a_topic_is_retried_alone(acme: Tenant, alice: Person) -> None:
    now = timezone.now()
    dead(acme, now, topic="order.paid.v1")
    dead(acme, now, topic="order.paid.v1")
    other = dead(acme, now)

    done = alice.browser().post(f"{DEAD}/do/retry", {"topic": "order.paid.v1"})

    assert done["Location"] == PAGE
    assert "2 dead letters are back in line" in said(done)
    assert [letter.pk for letter in DeadLetter.objects.for_tenant(acme)] == [other.pk]


def test_everything_is_purged_when_everything_was_meant(acme: Tenant, globex: Tenant, alice: Person) -> None:
    now = timezone.now()
    dead(acme, now)
    dead(acme, now, topic="order.paid.v1")
    theirs = dead(globex, now)

    done = alice.browser().post(f"{DEAD}/do/purge", {"all": "1"})

    assert "2 dead letters are purged" in said(done)
    assert not OutboxEvent.objects.for_tenant(acme).exists()
    assert not DeadLetter.objects.for_tenant(acme).exists()
    assert DeadLetter.objects.for_tenant(globex).get().pk == theirs.pk


@pytest.mark.parametrize("action", ["retry", "purge"])
def test_who_comes_second_is_told_so(action: str, acme: Tenant, alice: Person) -> None:
    event = waiting(acme, timezone.now())

    done = alice.browser().post(f"{DEAD}/do/{action}", {"id": str(event.pk)})

    assert done["Location"] == PAGE
    assert "somebody else was here first" in said(done)
    assert "somebody else was here first" in rehearsal(alice, action, f"id={event.pk}")


@pytest.mark.parametrize("action", ["retry", "purge"])
def test_another_tenants_dead_letter_can_be_neither_rehearsed_nor_touched(
    action: str, acme: Tenant, charlie: Person
) -> None:
    letter = dead(acme, timezone.now())
    browser = charlie.browser()

    statuses = {
        browser.get(f"{DEAD}/rehearse/{action}?id={letter.pk}").status_code,
        browser.post(f"{DEAD}/do/{action}", {"id": str(letter.pk)}).status_code,
    }

    assert statuses == {404}
    assert DeadLetter.objects.for_tenant(acme).count() == 1


@pytest.mark.parametrize("name", ["bob", "eve"])
@pytest.mark.parametrize("action", ["retry", "purge"])
def test_viewers_and_editors_may_neither_rehearse_nor_act(
    name: str, action: str, acme: Tenant, request: pytest.FixtureRequest
) -> None:
    browser = request.getfixturevalue(name).browser()
    letter = dead(acme, timezone.now())

    asked = browser.get(f"{DEAD}/rehearse/{action}?id={letter.pk}")
    done = browser.post(f"{DEAD}/do/{action}", {"id": str(letter.pk)})

    assert (asked.status_code, done.status_code) == (403, 403)
    assert DeadLetter.objects.for_tenant(acme).count() == 1


@pytest.mark.parametrize(
    ("action", "given"),
    [("retry", {}), ("purge", {}), ("purge", {"all": "yes"}), ("burn", {"all": "1"}), ("purge", {"id": "nonsense"})],
)
def test_without_a_choice_or_with_nonsense_nothing_is_touched(
    action: str, given: dict[str, str], acme: Tenant, alice: Person
) -> None:
    dead(acme, timezone.now())
    browser = alice.browser()

    statuses = {
        browser.get(f"{DEAD}/rehearse/{action}", given).status_code,
        browser.post(f"{DEAD}/do/{action}", given).status_code,
    }

    assert statuses == {404}
    assert DeadLetter.objects.for_tenant(acme).count() == 1
