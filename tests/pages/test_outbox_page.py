"""The outbox's page: is it draining, what is held, what is dead; retry and purge are rehearsed, then done."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.models import Tenant
from outbox.views.answer import Draining, answer
from tests.pages.outbox_world import dead, held, publisher, waiting
from tests.people import Person

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
PAGE = "/settings/outbox"
DEAD = "/settings/outbox/dead-letters"


def text_of(person: Person, address: str = PAGE, **headers: str) -> str:
    answer = person.browser().get(address, headers=headers)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


# --- The first answer


WORKING, IDLE = {"states": ["publishing"]}, {"states": ["idle"]}


@pytest.mark.parametrize(
    ("facts", "tone", "title"),
    [
        ({}, "warn", "No publisher is running"),
        ({"ready": 1, "oldest_seconds": 90}, "bad", "Nobody publishes: 1 event waits"),
        ({"ready": 12_000, "held": 5, "oldest_seconds": 90}, "bad", "Nobody publishes: 12,005 events wait"),
        (IDLE, "good", "Everything has left"),
        ({**WORKING, "ready": 40, "oldest_seconds": 1}, "good", "Draining: 40 events on the way out"),
        ({"states": ["backend_down"], "ready": 3}, "bad", "The back end does not answer"),
        ({"states": ["backend_down", "draining"]}, "warn", "It drains, but not every publisher reaches its back end"),
        (
            {**WORKING, "ready": 2, "oldest_seconds": 61, "ready_oldest_seconds": 61},
            "warn",
            "Behind: 2 events wait, the oldest 1 m 1 s",
        ),
        (
            {**WORKING, "ready": 2, "seconds_to_empty": 61, "oldest_seconds": 9},
            "warn",
            "Behind: 2 events wait, the oldest 9 s",
        ),
        ({**IDLE, "dead": 1}, "warn", "It drains, but 1 dead letter waits for a person"),
        (
            {**IDLE, "dead": 1_200, "held_keys": 1, "held": 9},
            "warn",
            "It drains, but 1,200 dead letters wait for a person and 1 key is held back",
        ),
        (
            {**IDLE, "held_keys": 2, "held": 9, "ready": 1, "oldest_seconds": 900, "ready_oldest_seconds": 5},
            "warn",
            "It drains, but 2 keys are held back",
        ),
        (
            {**IDLE, "held_keys": 2, "held": 9, "ready": 20, "oldest_seconds": 900, "ready_oldest_seconds": 300},
            "warn",
            "Behind: 29 events wait, the oldest 15 m 0 s",
        ),
    ],
)
def test_the_answer_says_whether_it_drains(facts: dict[str, Any], tone: str, title: str) -> None:
    found = answer(Draining(**facts))

    assert (found.tone, found.title) == (tone, title)


def test_the_answer_says_what_the_back_end_said_and_that_nothing_is_lost() -> None:
    found = answer(Draining(states=["backend_down"], ready=1, backend_error="No broker answers."))

    assert found.text.startswith("No broker answers. 1 event waits. Nothing is lost")
    assert found.remedy


def test_who_is_behind_while_one_publisher_reaches_nothing_is_told_what_it_said() -> None:
    facts = Draining(
        states=["idle", "backend_down"], ready=1, ready_oldest_seconds=90, backend_error="No broker answers."
    )

    assert answer(facts).title.startswith("Behind")
    assert answer(facts).text.startswith("No broker answers. ")


@pytest.mark.parametrize(
    ("seconds", "words"), [(None, "How long it takes shows"), (0.1, "about 1 s"), (90, "about 1 m 30 s")]
)
def test_the_answer_says_until_when(seconds: float | None, words: str) -> None:
    assert words in answer(Draining(states=["publishing"], ready=5, seconds_to_empty=seconds)).text


# --- The page


def test_without_a_publisher_the_page_says_how_to_start_one(acme: Tenant, bob: Person) -> None:
    waiting(acme, timezone.now() - timedelta(minutes=5))

    text = text_of(bob)

    assert "Nobody publishes: 1 event waits" in text
    assert "manage.py outbox_publisher" in text
    assert "No publisher has run here lately" in text


def test_publishers_are_shown_with_state_rate_and_last_error(bob: Person) -> None:
    now = timezone.now()
    error_id = new_id()
    publisher(now, last_error="No broker answers.", last_error_id=error_id, last_error_at=now, state="backend_down")
    publisher(now - timedelta(hours=1), host="worker-9", published_per_second=7.0)

    text = text_of(bob)

    assert "The back end does not answer" in text
    assert "Gone silent" in text
    assert "1,204,311" in text
    assert str(error_id) in text
    assert text.index("worker-1") < text.index("worker-9")


def test_a_held_key_shows_what_fails_and_what_waits_behind_it(acme: Tenant, bob: Person) -> None:
    publisher(timezone.now())
    head = held(acme, timezone.now() - timedelta(minutes=9), behind=4, key="c-7781")[0]

    text = text_of(bob)

    assert "It drains, but 1 key is held back" in text
    assert "c-7781" in text
    assert f"/settings/outbox/events/{head.pk}" in text
    assert "3 of 10" in text
    assert re.search(r'data-label="Behind it" class="k-right">4<', text)
    assert "5 events in them" in text


@pytest.mark.parametrize(("minutes", "title"), [(5, "Behind: 3 events wait"), (0, "It drains, but 1 key is held back")])
def test_an_older_held_event_does_not_hide_that_ready_ones_wait(
    acme: Tenant, bob: Person, minutes: int, title: str
) -> None:
    now = timezone.now()
    publisher(now)
    held(acme, now - timedelta(minutes=9), behind=1, key="c-7781")
    waiting(acme, now - timedelta(minutes=minutes), key="c-2")

    assert title in text_of(bob)


def test_figures_are_the_tenants_own(acme: Tenant, charlie: Person) -> None:
    now = timezone.now()
    waiting(acme, now, key="secret-key")
    held(acme, now, key="secret-held")
    dead(acme, now, key="secret-dead")

    text = text_of(charlie)

    assert "secret" not in text
    assert "No dead letters." in text
    assert "No key is held" in text


def test_dead_letters_stand_by_reason_and_topic_and_a_topic_narrows_them(acme: Tenant, alice: Person) -> None:
    now = timezone.now()
    dead(acme, now, topic="order.paid.v1", reason="permanent", key="c-1")
    dead(acme, now, key="c-2")

    everything, narrowed = text_of(alice), text_of(alice, f"{PAGE}?topic=order.paid.v1")

    assert {"c-1", "c-2"} <= set(re.findall(r">(c-\d)<", everything))
    assert set(re.findall(r">(c-\d)<", narrowed)) == {"c-1"}
    assert "By reason" in everything
    assert "Refused for good" in everything
    assert "rehearse/retry?topic=order.paid.v1" in narrowed
    assert "rehearse/retry?all=1" in everything


def test_dead_letters_are_paged_by_key(acme: Tenant, bob: Person) -> None:
    now = timezone.now()
    for number in range(30):
        dead(acme, now - timedelta(seconds=number), key=f"c-{number}")

    first = text_of(bob)
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older
    second = text_of(bob, PAGE + older[1])

    keys = [re.findall(r">(c-\d+)<", text) for text in (first, second)]
    assert keys[0] + keys[1] == [f"c-{number}" for number in range(30)]
    assert "Newest" in second
    assert "Publishers" not in second


def test_a_page_beyond_the_last_dead_letter_leads_back(acme: Tenant, bob: Person) -> None:
    assert "No dead letter here" in text_of(bob, f"{PAGE}?topic=order.paid.v1")


@pytest.mark.parametrize("name", ["bob", "eve"])
def test_only_an_admin_sees_the_buttons_and_others_are_told_why(
    name: str, acme: Tenant, request: pytest.FixtureRequest
) -> None:
    dead(acme, timezone.now())
    person: Person = request.getfixturevalue(name)

    text = text_of(person)

    assert "an admin of your tenant can retry or purge them" in text
    assert "rehearse" not in text


def test_the_live_part_is_the_page_without_its_frame(acme: Tenant, alice: Person) -> None:
    dead(acme, timezone.now())

    text = text_of(alice, **HTMX)

    assert "<html" not in text
    assert "data-poll" not in text
    assert "Retry all" in text


def test_the_page_asks_a_bounded_number_of_questions(
    acme: Tenant, alice: Person, django_assert_max_num_queries: Any
) -> None:
    now = timezone.now()
    for number in range(30):
        held(acme, now, behind=2, key=f"h-{number}")
        dead(acme, now, topic=f"topic-{number}", key=f"d-{number}")
        publisher(now, host=f"host-{number}")
    browser = alice.browser()

    with django_assert_max_num_queries(16):
        assert browser.get(PAGE).status_code == 200


def test_more_topics_than_fit_are_counted(acme: Tenant, bob: Person) -> None:
    for number in range(15):
        dead(acme, timezone.now(), topic=f"team.{number:02d}")

    text = text_of(bob)

    assert text.count('class="k-chip"') == 12
    assert "and 3 more" in text


def test_without_dead_letters_the_page_says_when_one_is_made(bob: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTBOX_MAX_ATTEMPTS", "3")

    assert "or 3 times in a row" in text_of(bob)
