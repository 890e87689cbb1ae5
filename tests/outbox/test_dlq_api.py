"""`/api/v1/admin/dlq` as documented, and what is ours: `all`, `dryRun` and the plan."""

import json
from typing import Any

import pytest
from django.test import Client

from kaireon.platform.ids import new_id
from kaireon.platform.tenancy.actors import SYSTEM
from kaireon.platform.tenancy.roles import Role
from kaireon.platform.tenancy.services import create_api_key
from outbox.models import DeadLetter
from tests.outbox.line import NOW, TOPIC, ago, dead, held, line, published
from tests.people import Person

URL = "/api/v1/admin/dlq"


def act(person: Person, **body: Any) -> Any:
    """Post a body and return the answer."""
    return person.api().post(URL, body, format="json")


def left(person: Person) -> int:
    """Return how many dead letters the person's tenant has."""
    return DeadLetter.objects.for_tenant(person.tenant).count()


# --- who may


@pytest.mark.parametrize("who", ["bob", "eve"])
def test_it_is_for_admins(who: str, request: pytest.FixtureRequest) -> None:
    person: Person = request.getfixturevalue(who)
    dead(person.tenant)

    assert person.api().get(URL).status_code == 403
    assert act(person, action="purge", all=True).status_code == 403
    assert left(person) == 1


def test_strangers_need_credentials(db: None) -> None:
    assert Client().get(URL).status_code == 401
    assert Client().post(URL, "{}", content_type="application/json").status_code == 401


def test_a_restricted_key_needs_the_outboxs_scope(alice: Person) -> None:
    dead(alice.tenant)
    keys = {}
    for scope in ("outbox:read", "outbox:write", "alerts:write"):
        _, keys[scope] = create_api_key(
            tenant=alice.tenant, name=scope, role=Role.ADMIN, scopes=[scope], actor=SYSTEM, now=NOW
        )
    body = json.dumps({"action": "retry", "all": True})

    def statuses(scope: str) -> tuple[int, int]:
        client = Client(headers={"X-API-Key": keys[scope]})
        return client.get(URL).status_code, client.post(URL, body, content_type="application/json").status_code

    assert {scope: statuses(scope) for scope in keys} == {
        "outbox:read": (200, 403), "outbox:write": (200, 200), "alerts:write": (403, 403),
    }  # fmt: skip


def test_a_browser_works_too_and_needs_its_csrf_token(alice: Person) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice.user, backend="django.contrib.auth.backends.ModelBackend")

    answer = alice.browser().post(URL, '{"action": "retry", "all": true}', content_type="application/json")

    assert answer.json() == {"action": "retry", "requeued": 0}
    assert strict.post(URL, "{}", content_type="application/json").status_code == 403


# --- GET


def test_an_empty_queue_is_ok(alice: Person) -> None:
    answer = alice.api().get(URL)

    assert (answer.status_code, answer.json()) == (200, {"totalEvents": 0, "byTopic": {}, "events": [], "alert": "OK"})
    assert answer.headers["Cache-Control"] == "no-store"


def test_events_are_shown_as_documented(alice: Person, charlie: Person) -> None:
    letter = dead(alice.tenant, payload={"customerId": "ann", "n": 1.5}, failed_at=ago(minutes=3))
    dead(charlie.tenant)

    body = alice.api().get(URL).json()

    assert list(body) == ["totalEvents", "byTopic", "events", "alert"]
    assert body["events"] == [
        {
            "id": str(letter.pk), "topic": TOPIC, "payload": {"customerId": "ann", "n": 1.5},
            "error": "The back end refused it.", "retryCount": 3, "failedAt": "2026-03-02T11:57:00.000Z",
        }
    ]  # fmt: skip
    assert (body["totalEvents"], body["byTopic"]) == (1, {TOPIC: 1})


@pytest.mark.parametrize(("count", "alert"), [(10, "OK"), (11, "WARNING"), (101, "CRITICAL")])
def test_the_alert_says_how_bad_it_is(alice: Person, count: int, alert: str) -> None:
    DeadLetter.objects.bulk_create(
        DeadLetter(
            tenant=alice.tenant, topic=TOPIC, key="ann", payload={}, occurred_at=NOW, reason="permanent", error="",
            retry_count=0, failed_at=NOW,
        )
        for _ in range(count)
    )  # fmt: skip

    body = alice.api().get(URL).json()

    assert (body["totalEvents"], body["alert"], len(body["events"])) == (count, alert, min(count, 50))


def test_a_topic_narrows_the_events_and_not_the_totals(alice: Person) -> None:
    dead(alice.tenant)
    other = dead(alice.tenant, topic="outcome.recorded")

    body = alice.api().get(URL, {"topic": "outcome.recorded"}).json()

    assert [event["id"] for event in body["events"]] == [str(other.pk)]
    assert (body["totalEvents"], body["byTopic"]) == (2, {TOPIC: 1, "outcome.recorded": 1})
    assert alice.api().get(URL, {"topic": "none.such"}).json()["events"] == []


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "1.5", "9999999999", "５"])
def test_a_limit_that_is_none_is_named(alice: Person, limit: str) -> None:
    answer = alice.api().get(URL, {"limit": limit})

    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["limit"])


def test_the_newest_come_first_up_to_the_limit(alice: Person) -> None:
    letters = [dead(alice.tenant, failed_at=ago(minutes=age)) for age in (5, 1, 3)]

    body = alice.api().get(URL, {"limit": 2}).json()

    assert [event["id"] for event in body["events"]] == [str(letters[1].pk), str(letters[2].pk)]


@pytest.mark.parametrize("topic", ["'; DROP TABLE outbox_events; --", "x" * 5000, "\ud7ff\ue000"])
def test_any_text_is_a_topic_nobody_has(alice: Person, topic: str) -> None:
    assert alice.api().get(URL, {"topic": topic}).status_code == 200


# --- POST


def test_a_retry_answers_as_documented(alice: Person) -> None:
    letter = dead(alice.tenant)

    answer = act(alice, action="retry", eventIds=[str(letter.pk)])

    assert (answer.status_code, answer.json()) == (200, {"action": "retry", "requeued": 1})
    assert [event.pk for event in line(alice.tenant)] == [letter.pk]


def test_a_purge_answers_as_documented(alice: Person) -> None:
    dead(alice.tenant)
    dead(alice.tenant)

    answer = act(alice, action="purge", topic=TOPIC)

    assert (answer.status_code, answer.json()) == (200, {"action": "purge", "deleted": 2})
    assert (left(alice), line(alice.tenant)) == (0, [])


def test_a_sent_again_call_answers_zero(alice: Person) -> None:
    body = {"action": "retry", "eventIds": [str(dead(alice.tenant).pk)]}

    answers = [act(alice, **body).json() for _ in range(2)]

    assert answers == [{"action": "retry", "requeued": 1}, {"action": "retry", "requeued": 0}]


def test_empty_ids_and_topic_count_as_not_given(alice: Person) -> None:
    letter = dead(alice.tenant)

    assert act(alice, action="retry", eventIds=[str(letter.pk)], topic="").json()["requeued"] == 1
    assert act(alice, action="retry", eventIds=[], topic="none.such").json()["requeued"] == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "action"), ({"action": "burn", "all": True}, "action"), ({"action": None, "all": True}, "action"),
        ({"action": "retry"}, "eventIds"), ({"action": "purge"}, "eventIds"),
        ({"action": "retry", "all": False}, "eventIds"), ({"action": "retry", "all": True, "topic": "t"}, "eventIds"),
        ({"action": "retry", "eventIds": ["x"]}, "eventIds[0]"), ({"action": "retry", "eventIds": "x"}, "eventIds"),
        ({"action": "retry", "eventIds": [None]}, "eventIds[0]"), ({"action": "retry", "topic": 5}, "topic"),
        ({"action": "retry", "topic": "x" * 121}, "topic"), ({"action": "retry", "topic": "a\0"}, "topic"),
        ({"action": "retry", "all": "yes"}, "all"), ({"action": "retry", "all": True, "dryRun": 1}, "dryRun"),
        ({"action": "retry", "all": True, "event_ids": []}, "event_ids"), ({"action": "retry", "topics": []}, "topics"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(alice: Person, body: dict[str, Any], field: str) -> None:
    dead(alice.tenant)

    answer = act(alice, **body)

    assert answer.status_code == 400
    assert field in answer.json()["error"]["fields"]
    assert left(alice) == 1


def test_nothing_chosen_says_what_to_give(alice: Person) -> None:
    message = act(alice, action="retry").json()["error"]["message"]

    assert "eventIds" in message
    assert "topic" in message
    assert "all: true" in message


def test_ten_thousand_ids_are_read_and_one_more_is_not(alice: Person) -> None:
    letter = dead(alice.tenant)
    ids = [str(letter.pk)] * 10_000

    taken = act(alice, action="retry", eventIds=ids)
    refused = act(alice, action="retry", eventIds=[*ids, str(letter.pk)])

    assert (taken.status_code, taken.json()["requeued"]) == (200, 1)
    assert (refused.status_code, list(refused.json()["error"]["fields"])) == (400, ["eventIds"])


@pytest.mark.parametrize("dry_run", [False, True])
def test_another_tenants_id_is_not_there(alice: Person, charlie: Person, dry_run: bool) -> None:
    letter = dead(alice.tenant)
    nobodys = new_id()

    answers = [
        act(charlie, action=action, eventIds=[str(event_id)], dryRun=dry_run)
        for action in ("retry", "purge")
        for event_id in (letter.pk, nobodys)
    ]

    assert [answer.status_code for answer in answers] == [404] * 4
    texts = [
        answer.json()["error"]["message"].replace(str(event_id), "…")
        for answer, event_id in zip(answers, [letter.pk, nobodys] * 2, strict=True)
    ]
    assert len(set(texts)) == 1
    assert (left(alice), line(charlie.tenant)) == (1, [])


# --- dryRun


def test_a_dry_run_answers_the_plan_and_changes_nothing(alice: Person) -> None:
    letter = dead(alice.tenant, failed_at=ago(minutes=30))
    dead(alice.tenant, "bob", reason="exhausted", failed_at=ago(minutes=5))
    published(alice.tenant, "ann", at=ago(minutes=2))
    held(alice.tenant, "bob", next_attempt_at=NOW)

    answer = act(alice, action="retry", all=True, dryRun=True)

    assert answer.json() == {
        "action": "retry",
        "requeued": 2,
        "dryRun": True,
        "plan": {
            "byTopic": {TOPIC: 2},
            "byReason": {"exhausted": 1, "permanent": 1},
            "oldestFailedAt": "2026-03-02T11:30:00.000Z",
            "newestFailedAt": "2026-03-02T11:55:00.000Z",
            "superseded": [
                {"key": "ann", "events": 1, "publishedSince": 1, "lastPublishedAt": "2026-03-02T11:58:00.000Z"}
            ],
            "heldKeys": [{"key": "bob", "events": 1}],
            "keysChecked": 2,
            "historySince": "2026-03-02T11:58:00.000Z",
        },
    }
    assert left(alice) == 2
    assert letter.pk not in [event.pk for event in line(alice.tenant)]


def test_a_dry_purge_counts_what_it_would_delete(alice: Person) -> None:
    dead(alice.tenant)

    answer = act(alice, action="purge", topic=TOPIC, dryRun=True).json()

    assert (answer["deleted"], answer["dryRun"], left(alice)) == (1, True, 1)


def test_with_dry_run_false_the_deed_is_done_and_no_plan_is_sent(alice: Person) -> None:
    dead(alice.tenant)

    assert act(alice, action="purge", all=True, dryRun=False).json() == {"action": "purge", "deleted": 1}
    assert left(alice) == 0
