"""The routes of contract §5, and what they answer to bad input and to strangers."""

import json
import uuid
from typing import Any

import pytest
from rest_framework.test import APIClient

from kaireon.platform.notifications.decisions import State
from kaireon.platform.notifications.models import Delivery, Destination
from kaireon.platform.notifications.services import PLACEHOLDER
from tests.notifications.ledger import deliver, make_destination, open_one
from tests.people import Person
from tests.servers import Receiver, Reply

PROVIDERS = "/api/v1/notifications/providers"
SEND = "/api/v1/notifications/send"
DELIVERIES = "/api/v1/notifications/deliveries"
SLACK = {"kind": "slack", "name": "Ops", "config": {"webhookUrl": "https://hooks.slack.com/services/T/B/s3cret"}}
WEBHOOK = {"kind": "webhook", "name": "Hook", "config": {"url": "https://example.com/s3cret", "secret": "s3cret"}}


def post(client: APIClient, path: str, body: Any = None) -> Any:
    # json.dumps escapes lone surrogates, which the client's own encoder cannot write.
    return client.post(path, json.dumps({} if body is None else body), content_type="application/json")


def create(person: Person, body: dict[str, Any] | None = None) -> str:
    answer = post(person.api(), PROVIDERS, body or SLACK)
    assert answer.status_code == 201, answer.json()
    return str(answer.json()["id"])


def fields_of(answer: Any) -> list[str]:
    return list(answer.json()["error"].get("fields", {}))


# --- create, read, change, delete


def test_creating_answers_without_the_config(alice: Person) -> None:
    answer = post(alice.api(), PROVIDERS, WEBHOOK)

    assert answer.status_code == 201
    body = answer.json()
    assert "config" not in body
    assert "s3cret" not in str(body)
    assert (body["kind"], body["name"], body["enabled"], body["state"]) == ("webhook", "Hook", True, "ok")
    assert body["configSummary"] == "example.com"
    assert body["createdAt"].endswith("Z")


def test_the_list_names_the_kinds_and_masks_secrets(alice: Person, bob: Person) -> None:
    create(alice)
    create(alice, WEBHOOK)

    body = bob.api().get(PROVIDERS).json()

    assert [item["kind"] for item in body["data"]] == ["webhook", "slack"]
    assert body["data"][0]["config"] == {"url": PLACEHOLDER, "secret": PLACEHOLDER}
    assert list(body["data"][1])[:7] == ["id", "kind", "name", "enabled", "createdAt", "updatedAt", "configSummary"]
    assert body["kinds"] == [
        {"kind": "slack", "displayName": "Slack"},
        {"kind": "teams", "displayName": "Microsoft Teams"},
        {"kind": "webhook", "displayName": "Outbound Webhook"},
        {"kind": "ops_email", "displayName": "Ops Email (SES)"},
    ]
    assert "s3cret" not in str(body)


def test_one_destination_is_read_masked(alice: Person, bob: Person) -> None:
    provider_id = create(alice)

    body = bob.api().get(f"{PROVIDERS}/{provider_id}").json()

    assert body["config"] == {"webhookUrl": PLACEHOLDER}
    assert body["configSummary"] == "hooks.slack.com"


def test_a_patch_merges_and_answers_masked(alice: Person) -> None:
    provider_id = create(alice, WEBHOOK)

    answer = alice.api().patch(
        f"{PROVIDERS}/{provider_id}",
        {"name": "Renamed", "enabled": False, "config": {"url": PLACEHOLDER, "headers": {"X-Team": "ops"}}},
        format="json",
    )

    body = answer.json()
    assert answer.status_code == 200
    assert (body["name"], body["enabled"]) == ("Renamed", False)
    assert body["config"] == {"url": PLACEHOLDER, "secret": PLACEHOLDER, "headers": {"X-Team": PLACEHOLDER}}


def test_an_empty_patch_changes_nothing(alice: Person) -> None:
    provider_id = create(alice)

    assert alice.api().patch(f"{PROVIDERS}/{provider_id}", {}, format="json").json()["name"] == "Ops"


def test_deleting_answers_204_and_then_404(alice: Person) -> None:
    provider_id = create(alice)

    assert alice.api().delete(f"{PROVIDERS}/{provider_id}").status_code == 204
    assert alice.api().get(f"{PROVIDERS}/{provider_id}").status_code == 404
    assert alice.api().delete(f"{PROVIDERS}/{provider_id}").status_code == 404


def test_the_routes_work_with_a_slash_too(alice: Person) -> None:
    provider_id = create(alice)

    assert alice.api().get(f"{PROVIDERS}/").status_code == 200
    assert alice.api().get(f"{PROVIDERS}/{provider_id}/").status_code == 200


# --- who may


@pytest.mark.parametrize(
    ("method", "path", "body", "least"),
    [
        ("get", PROVIDERS, None, "viewer"),
        ("post", PROVIDERS, SLACK, "admin"),
        ("get", PROVIDERS + "/{id}", None, "viewer"),
        ("patch", PROVIDERS + "/{id}", {"name": "x"}, "admin"),
        ("post", PROVIDERS + "/{id}/test", {}, "admin"),
        ("delete", PROVIDERS + "/{id}", None, "admin"),
        ("get", DELIVERIES, None, "viewer"),
    ],
)
def test_each_route_needs_its_role(
    alice: Person, eve: Person, bob: Person, receiver: Receiver,
    method: str, path: str, body: Any, least: str,
) -> None:  # fmt: skip
    destination = make_destination(alice.tenant, receiver)
    route = path.format(id=destination.pk)
    ranks = ["viewer", "editor", "admin"]

    for person in (bob, eve, alice):
        answer = getattr(person.api(), method)(route, body, format="json")
        assert (answer.status_code != 403) is (ranks.index(person.role) >= ranks.index(least)), person.role
    assert getattr(APIClient(), method)(route, body, format="json").status_code == 401


def test_sending_and_resending_need_an_editor(eve: Person, bob: Person, receiver: Receiver) -> None:
    destination = make_destination(eve.tenant, receiver)
    body = {"providerIds": [str(destination.pk)], "subject": "s", "message": "m"}

    assert post(bob.api(), SEND, body).status_code == 403
    assert post(bob.api(), f"{DELIVERIES}/{uuid.uuid4()}/resend").status_code == 403
    assert post(eve.api(), SEND, body).status_code == 200
    assert post(eve.api(), f"{DELIVERIES}/{uuid.uuid4()}/resend").status_code == 404


def test_a_stranger_finds_nothing(alice: Person, charlie: Person, receiver: Receiver) -> None:
    destination = make_destination(alice.tenant, receiver)
    row = open_one(destination)
    client = charlie.api()

    answers = [
        client.get(f"{PROVIDERS}/{destination.pk}"),
        client.patch(f"{PROVIDERS}/{destination.pk}", {"name": "x"}, format="json"),
        client.delete(f"{PROVIDERS}/{destination.pk}"),
        post(client, f"{PROVIDERS}/{destination.pk}/test"),
        post(client, SEND, {"providerIds": [str(destination.pk)], "subject": "s", "message": "m"}),
        client.get(f"{DELIVERIES}/{row.pk}"),
        post(client, f"{DELIVERIES}/{row.pk}/resend"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 7
    assert client.get(PROVIDERS).json()["data"] == []
    assert client.get(DELIVERIES).json()["data"] == []
    assert client.get(DELIVERIES, {"providerId": str(destination.pk)}).json()["data"] == []
    assert receiver.got == []
    assert Destination.objects.for_tenant(alice.tenant).count() == 1


# --- test, send, deliveries, resend


def test_a_test_says_how_it_went(alice: Person, receiver: Receiver) -> None:
    destination = make_destination(alice.tenant, receiver)

    good = post(alice.api(), f"{PROVIDERS}/{destination.pk}/test").json()
    receiver.script = lambda got: Reply(410)
    bad = post(alice.api(), f"{PROVIDERS}/{destination.pk}/test").json()

    assert (good["status"], good["error"], good["attempts"], good["kind"]) == ("delivered", None, 1, "webhook")
    assert (bad["status"], bad["error"]) == ("failed", "Answered HTTP 410 Gone.")
    assert alice.api().get(f"{PROVIDERS}/{destination.pk}").json()["state"] == "broken"


def test_sending_answers_one_result_for_each_destination(eve: Person, receiver: Receiver) -> None:
    one, two = make_destination(eve.tenant, receiver), make_destination(eve.tenant, receiver, enabled=False)
    body = {
        "providerIds": [str(one.pk), str(two.pk), str(one.pk)], "subject": "s", "message": "line 1\nline 2",
        "severity": "warning", "link": "https://kaireon.example.com/x", "extraPayload": {"a": [1, None]},
    }  # fmt: skip

    results = post(eve.api(), SEND, body).json()["results"]

    assert [(result["providerId"], result["status"]) for result in results] == [
        (str(one.pk), "delivered"),
        (str(two.pk), "failed"),
    ]
    assert set(results[0]) == {"providerId", "kind", "status", "error", "deliveryId", "attempts"}
    assert b'"type":"notification"' in receiver.got[0].body
    assert b'"extraPayload":{"a":[1,null]}' in receiver.got[0].body


def test_the_ledger_is_listed_filtered_and_paged(alice: Person, bob: Person, receiver: Receiver) -> None:
    destination = make_destination(alice.tenant, receiver)
    rows = [open_one(destination, f"k{number}") for number in range(3)]
    deliver(delivery_ids=[rows[0].pk])
    client = bob.api()

    page = client.get(DELIVERIES, {"limit": 2}).json()
    rest = client.get(DELIVERIES, {"limit": 2, "cursor": page["pagination"]["cursor"]}).json()
    sent = client.get(DELIVERIES, {"status": "delivered", "providerId": str(destination.pk)}).json()

    assert page["pagination"]["total"] == 3
    assert page["pagination"]["hasMore"] is True
    assert {item["id"] for item in page["data"] + rest["data"]} == {str(row.pk) for row in rows}
    assert [item["id"] for item in sent["data"]] == [str(rows[0].pk)]
    assert sent["data"][0]["statusCode"] == 200


@pytest.mark.parametrize(
    ("query", "status"),
    [({"status": "lost"}, 400), ({"limit": "x"}, 400), ({"cursor": "x"}, 400), ({"providerId": "x"}, 400),
     ({"eventType": "x" * 5000}, 200), ({"eventType": "\ud7ff"}, 200)],
)  # fmt: skip
def test_a_bad_filter_is_named(bob: Person, query: dict[str, str], status: int) -> None:
    assert bob.api().get(DELIVERIES, query).status_code == status


def test_one_delivery_tells_its_story(alice: Person, bob: Person, receiver: Receiver) -> None:
    receiver.script = lambda got: Reply(400)
    row = open_one(make_destination(alice.tenant, receiver))
    deliver()

    body = bob.api().get(f"{DELIVERIES}/{row.pk}").json()

    assert (body["status"], body["message"], body["severity"]) == ("failed", "0.9 > 0.8", "info")
    assert [(each["number"], each["outcome"], each["statusCode"]) for each in body["attemptLog"]] == [
        (1, "failed", 400)
    ]


def test_resending_answers_with_the_new_delivery_and_conflicts_when_it_arrived(eve: Person, receiver: Receiver) -> None:
    receiver.script = lambda got: Reply(400)
    row = open_one(make_destination(eve.tenant, receiver))
    deliver()
    receiver.script = lambda got: Reply(200)

    first = post(eve.api(), f"{DELIVERIES}/{row.pk}/resend")
    again = post(eve.api(), f"{DELIVERIES}/{first.json()['deliveryId']}/resend")

    assert (first.status_code, first.json()["status"]) == (201, "delivered")
    assert Delivery.objects.for_tenant(eve.tenant).get(pk=first.json()["deliveryId"]).resend_of_id == row.pk
    assert again.status_code == 409
    assert State.DELIVERED in again.json()["error"]["message"]


# --- bad input


HUGE = "x" * 100_000
BAD_TEXTS: list[Any] = [None, 5, True, [], {}, "", " ", "a\0b", "\ud800", "a\u202eb", "a\x1bb", HUGE]
NO_BOOLEANS: list[Any] = [None, 1, "true", [], {}]
NO_OBJECTS: list[Any] = [None, 5, True, "x", [], [{}]]
NO_ADDRESSES: list[Any] = [
    None, 5, True, [], {}, "", "http://hooks.slack.com/x", "https://127.0.0.1/", "javascript:x", HUGE,
    "https://hooks.slack.com/<script>", "https://ex\u00e4mple.com/", PLACEHOLDER,
]  # fmt: skip
NO_SEVERITIES: list[Any] = [None, 5, "fatal", [], {}, ""]
NO_LINKS: list[Any] = [None, 5, [], "a\0b", HUGE]
NO_PAYLOADS: list[Any] = [None, 5, "x", [], {"a": "\0"}, {"\ud800": 1}]
CREATE_ROWS: list[tuple[dict[str, Any], int, str]] = [
    *(({**SLACK, "name": value}, 400, "name") for value in [*BAD_TEXTS, "x" * 121, "two\nlines"]),
    *(({**SLACK, "kind": value}, 400, "kind") for value in [*BAD_TEXTS, "pigeon", "SLACK"]),
    *(({**SLACK, "enabled": value}, 400, "enabled") for value in NO_BOOLEANS),
    *(({**SLACK, "config": value}, 400, "config") for value in NO_OBJECTS),
    *(({**SLACK, "config": {"webhookUrl": value}}, 422, "config.webhookUrl") for value in NO_ADDRESSES),
    *(({**SLACK, "config": {"webhookUrl": value}}, 400, "config") for value in ["a\0b", "\ud800"]),
    ({**SLACK, "config": {}}, 422, "config.webhookUrl"),
    ({**SLACK, "config": {"webhookUrl": "https://hooks.slack.com/s3cret", "x": 1}}, 422, "config.x"),
    ({**SLACK, "config": {"\ud800": 1}}, 400, "config"),
    ({**SLACK, "tenantId": str(uuid.uuid4())}, 400, "tenantId"),
    ({**SLACK, "<script>": 1}, 400, "<script>"),
    ({"kind": "slack"}, 400, "name"),
    ({**WEBHOOK, "config": {"url": "https://example.com/", "headers": {"X": "a\r\nb"}}}, 422, "config.headers"),
    ({**WEBHOOK, "config": {"url": "https://example.com/", "secret": ["x"]}}, 422, "config.secret"),
    (
        {"kind": "ops_email", "name": "Mail", "config": {"fromEmail": "a@b.example", "recipients": ["x"]}},
        422,
        "config.recipients[0]",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("body", "status", "field"), CREATE_ROWS)
def test_a_bad_body_is_refused_by_its_field(alice: Person, body: dict[str, Any], status: int, field: str) -> None:
    answer = post(alice.api(), PROVIDERS, body)

    assert answer.status_code == status, answer.json()
    assert field in fields_of(answer)
    assert "s3cret" not in str(answer.json())
    assert not Destination.objects.for_tenant(alice.tenant).exists()


def test_an_unknown_field_with_an_impossible_name_is_a_bad_request(alice: Person) -> None:
    assert post(alice.api(), PROVIDERS, {**SLACK, "\ud800": 1}).status_code == 400


@pytest.mark.parametrize(
    "raw",
    [b"", b"null", b"[]", b"5", b'"x"', b"{", b"\xff\xfe", b'{"name": NaN}', b'{"name": 1e999}', b"[" * 100_000,
     b'{"kind":"slack","kind":"slack"}', b'{"a":' * 5000],
)  # fmt: skip
@pytest.mark.parametrize("path", [PROVIDERS, SEND])
def test_what_is_no_json_object_is_refused(alice: Person, path: str, raw: bytes) -> None:
    assert alice.api().post(path, raw, content_type="application/json").status_code == 400


def test_a_body_beyond_the_limit_is_413_and_another_type_415(alice: Person) -> None:
    client = alice.api()

    assert client.post(PROVIDERS, b'"' + b"x" * 1_100_000 + b'"', content_type="application/json").status_code == 413
    assert client.post(PROVIDERS, b"<x/>", content_type="text/xml").status_code == 415


@pytest.mark.parametrize(
    ("patch", "status", "field"),
    [
        ({"kind": "teams"}, 400, "kind"),
        ({"name": None}, 400, "name"),
        ({"enabled": "no"}, 400, "enabled"),
        ({"config": []}, 400, "config"),
        ({"config": {"webhookUrl": "http://x.example/"}}, 422, "config.webhookUrl"),
        ({"config": {"webhookUrl": None}}, 422, "config.webhookUrl"),
        ({"config": {"url": "https://x.example/"}}, 422, "config.url"),
        ({"config": {"headers": {"X": PLACEHOLDER}}}, 422, "config.headers"),
        ({"id": str(uuid.uuid4())}, 400, "id"),
    ],
)
def test_a_bad_patch_is_refused_by_its_field(alice: Person, patch: dict[str, Any], status: int, field: str) -> None:
    provider_id = create(alice)

    answer = alice.api().patch(f"{PROVIDERS}/{provider_id}", patch, format="json")

    assert answer.status_code == status, answer.json()
    assert field in fields_of(answer)


@pytest.mark.parametrize(
    "path", [PROVIDERS + "/{}", PROVIDERS + "/{}/test", DELIVERIES + "/{}", DELIVERIES + "/{}/resend"]
)
@pytest.mark.parametrize(
    "bad", ["x", "0", "%00", "%ff", "..%2f", "1' OR '1'='1", "{}", "x" * 2000, "0192f0c1-7e5a-7cc0-8a55-0123456789ab"]
)
def test_an_id_that_is_none_is_not_there(alice: Person, path: str, bad: str) -> None:
    client = alice.api()
    route = path.replace("{}", bad)

    answer = client.get(route) if path.endswith("{}") else post(client, route)

    assert answer.status_code in {400, 404}


GOOD_SEND = {"providerIds": [str(uuid.uuid4())], "subject": "s", "message": "m"}


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"providerIds": []}, 400, "providerIds"),
        ({"providerIds": None}, 400, "providerIds"),
        ({"providerIds": "x"}, 400, "providerIds"),
        ({"providerIds": ["x"]}, 400, "providerIds[0]"),
        ({"providerIds": [5]}, 400, "providerIds[0]"),
        ({"providerIds": [None]}, 400, "providerIds[0]"),
        ({"providerIds": [str(uuid.uuid4())] * 51}, 400, "providerIds"),
        ({}, 404, "providerIds"),
        *(({"subject": value}, 400, "subject") for value in [*BAD_TEXTS, "a\nb"]),
        *(({"message": value}, 400, "message") for value in BAD_TEXTS),
        *(({"severity": value}, 400, "severity") for value in NO_SEVERITIES),
        *(({"link": value}, 400, "link") for value in NO_LINKS),
        *(({"link": value}, 422, "link") for value in ["javascript:alert(1)", "/x", "x", "ftp://x.example/"]),
        *(({"extraPayload": value}, 400, "extraPayload") for value in NO_PAYLOADS),
        ({"extraPayload": {"artifacts": 5}}, 422, "extraPayload.artifacts"),
        ({"extraPayload": {"artifacts": [{"filename": "x"}]}}, 422, "extraPayload.artifacts[0].contentType"),
        ({"extra": 1}, 400, "extra"),
    ],
)
def test_a_bad_message_is_refused_by_its_field(
    eve: Person, change: dict[str, Any], status: int, field: str
) -> None:  # fmt: skip
    answer = post(eve.api(), SEND, {**GOOD_SEND, **change})

    assert answer.status_code == status, answer.json()
    assert field in fields_of(answer)
    assert not Delivery.objects.for_tenant(eve.tenant).exists()


def test_calls_that_take_no_body_refuse_one(alice: Person, receiver: Receiver) -> None:
    destination = make_destination(alice.tenant, receiver)

    assert post(alice.api(), f"{PROVIDERS}/{destination.pk}/test", {"x": 1}).status_code == 400
    assert alice.api().post(f"{PROVIDERS}/{destination.pk}/test").status_code == 200
    assert len(receiver.got) == 1


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_405(alice: Person, method: str) -> None:
    assert getattr(alice.api(), method)(SEND, {}, format="json").status_code == 405
