"""The alert rule API: shapes, roles, strangers, and every field wrongly filled."""

import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from alerts.models import AlertRule
from kaireon.platform.audit.models import AuditEntry
from kaireon.platform.notifications.models import Destination
from kaireon.platform.tenancy.models import Tenant
from tests.alerts.world import MINUTE, NOW, breach, make_rule, make_webhook, tick
from tests.people import Person
from tests.servers import Receiver

KEYS = [
    "id", "tenantId", "name", "metric", "operator", "threshold", "windowMinutes", "channels", "cooldownMinutes",
    "enabled", "lastFiredAt", "status", "createdAt", "updatedAt", "pendingMinutes", "noDataPolicy", "notifyResolved",
    "mutedUntil", "lastEvaluatedAt", "lastObserved",
]  # fmt: skip
BODY: dict[str, Any] = {
    "name": "Low acceptance", "metric": "acceptance_rate", "operator": "lt", "threshold": 0.02, "channels": [],
}  # fmt: skip


def post(client: APIClient, body: Any, path: str = "/api/v1/alerts") -> Any:
    """POST a JSON body."""
    return client.post(path, body, format="json")


# --- shapes


def test_a_rule_reads_back_with_the_documented_keys_in_order_and_the_defaults(alice: Person) -> None:
    answer = post(alice.api(), BODY)

    assert answer.status_code == 201
    rule = answer.json()
    assert list(rule) == KEYS
    defaults = {name: rule[name] for name in KEYS[6:12] if name != "status"}
    assert defaults == {
        "windowMinutes": 5, "channels": [], "cooldownMinutes": 60, "enabled": True, "lastFiredAt": None,
    }  # fmt: skip
    assert [rule[name] for name in KEYS[14:]] == [0, "ok", True, None, None, None]
    assert rule["status"] == "ok"
    assert rule["tenantId"] == str(alice.tenant.pk)
    assert rule["createdAt"].endswith("Z")


def test_the_list_is_a_bare_array_oldest_first(alice: Person) -> None:
    client = alice.api()
    ids = [post(client, {**BODY, "name": name}).json()["id"] for name in ("one", "two")]

    listed = client.get("/api/v1/alerts").json()

    assert [rule["id"] for rule in listed] == ids
    assert client.get("/api/v1/alerts/").json() == listed


def test_put_changes_only_what_it_names(alice: Person) -> None:
    client = alice.api()
    rule = post(client, BODY).json()

    answer = client.put(f"/api/v1/alerts/{rule['id']}", {"threshold": 0.5}, format="json")

    assert answer.status_code == 200
    changed = answer.json()
    assert {name for name in KEYS if changed[name] != rule[name]} == {"threshold", "updatedAt"}
    assert client.get(f"/api/v1/alerts/{rule['id']}").json() == changed


def test_an_empty_put_changes_nothing_but_the_time(alice: Person) -> None:
    client = alice.api()
    rule = post(client, BODY).json()

    changed = client.put(f"/api/v1/alerts/{rule['id']}", {}, format="json").json()

    assert {name for name in KEYS if changed[name] != rule[name]} <= {"updatedAt"}


def test_a_deleted_rule_is_gone(alice: Person) -> None:
    client = alice.api()
    rule = post(client, BODY).json()

    answer = client.delete(f"/api/v1/alerts/{rule['id']}")

    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get(f"/api/v1/alerts/{rule['id']}").status_code == 404
    assert client.delete(f"/api/v1/alerts/{rule['id']}").status_code == 404


def test_an_unknown_metric_is_kept_and_shown_as_unsupported_at_once(alice: Person) -> None:
    answer = post(alice.api(), {**BODY, "metric": "pipeline_failures_of_mars"})

    assert (answer.status_code, answer.json()["status"]) == (201, "unsupported_metric")


def test_a_rule_that_gets_a_known_metric_is_no_longer_unsupported(alice: Person) -> None:
    client = alice.api()
    rule = post(client, {**BODY, "metric": "nothing_measures_this"}).json()

    changed = client.put(f"/api/v1/alerts/{rule['id']}", {"metric": "ctr"}, format="json").json()

    assert changed["status"] == "ok"


# --- channels


def test_channels_read_back_in_the_shapes_they_were_sent_in(alice: Person, pager: Receiver) -> None:
    provider = str(make_webhook(alice.tenant, pager).pk)
    channels = [
        provider, {"providerId": provider}, {"type": "email", "target": "ops@example.com"},
        {"type": "webhook", "target": pager.url()},
    ]  # fmt: skip

    rule = post(alice.api(), {**BODY, "channels": channels}).json()

    assert rule["channels"] == channels
    row = AlertRule.objects.for_tenant(alice.tenant).get()
    made = {destination.pk: destination for destination in Destination.objects.for_tenant(alice.tenant)}
    assert [made[each].kind for each in row.provider_ids] == ["webhook", "ops_email", "webhook"]


def test_a_legacy_target_makes_its_destination_once(alice: Person, pager: Receiver) -> None:
    client = alice.api()
    channels = [{"type": "webhook", "target": pager.url()}, {"type": "email", "target": "ops@example.com"}]

    for name in ("one", "two"):
        post(client, {**BODY, "name": name, "channels": channels})

    made = Destination.objects.for_tenant(alice.tenant)
    assert sorted(made.values_list("kind", flat=True)) == ["ops_email", "webhook"]
    assert all("s3cret" not in name for name in made.values_list("name", flat=True))


def test_a_legacy_webhook_gets_the_message(alice: Person, pager: Receiver) -> None:
    channels = [{"type": "webhook", "target": pager.url()}]
    post(alice.api(), {**BODY, "metric": "decision_count", "operator": "gte", "threshold": 0, "channels": channels})

    tick()

    assert json.loads(pager.got[0].body)["type"] == "alert.fired"


@pytest.mark.parametrize(
    ("channel", "path"),
    [
        ({"type": "webhook", "target": "http://example.com/hook"}, "channels[0].target"),
        ({"type": "webhook", "target": "https://127.0.0.1/hook"}, "channels[0].target"),
        ({"type": "webhook", "target": "https://[::1"}, "channels[0].target"),
        ({"type": "webhook", "target": "not an address"}, "channels[0].target"),
        ({"type": "email", "target": "nobody"}, "channels[0].target"),
        ("0190b5d6-7d3c-7000-8000-000000000000", "channels[0]"),
        ({"providerId": "0190b5d6-7d3c-7000-8000-000000000000"}, "channels[0]"),
    ],
)
def test_a_channel_that_cannot_be_is_422_and_named(alice: Person, channel: Any, path: str) -> None:
    answer = post(alice.api(), {**BODY, "channels": [channel]})

    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (422, [path])
    assert not AlertRule.objects.for_tenant(alice.tenant).exists()


def test_another_tenants_destination_is_as_unknown_as_none(alice: Person, globex: Tenant, pager: Receiver) -> None:
    foreign = make_webhook(globex, pager)

    answer = post(alice.api(), {**BODY, "channels": [str(foreign.pk)]})

    assert answer.status_code == 422


def test_a_rule_may_keep_naming_a_destination_that_was_deleted(alice: Person, pager: Receiver) -> None:
    client, destination = alice.api(), make_webhook(alice.tenant, pager)
    rule = post(client, {**BODY, "channels": [str(destination.pk)]}).json()
    client.delete(f"/api/v1/notifications/providers/{destination.pk}")

    answer = client.put(f"/api/v1/alerts/{rule['id']}", {"channels": rule["channels"], "name": "x"}, format="json")

    assert answer.status_code == 200


# --- test, backtest, timeline, acknowledge, mute


def test_a_test_says_what_would_happen_and_sends_nothing(alice: Person, pager: Receiver) -> None:
    destination = make_webhook(alice.tenant, pager)
    body = {**BODY, "metric": "decision_count", "operator": "gte", "threshold": 0, "channels": [str(destination.pk)]}
    client = alice.api()
    rule = post(client, body).json()

    answer = client.post(f"/api/v1/alerts/{rule['id']}/test")

    assert answer.json() == {
        "status": "fired", "observed": 0.0, "baseline": 0.0, "threshold": 0.0, "severity": "info",
        "wouldNotify": [{"providerId": str(destination.pk), "kind": "webhook", "name": "Pager"}],
        "reason": "Fired (message 1, info): 0 ≥ 0.",
    }  # fmt: skip
    assert pager.got == []
    assert client.get(f"/api/v1/alerts/{rule['id']}").json() == rule


def test_a_test_without_data_says_so(alice: Person) -> None:
    client = alice.api()
    rule = post(client, BODY).json()

    answer = client.post(f"/api/v1/alerts/{rule['id']}/test", {}, format="json").json()

    assert (answer["status"], answer["observed"], answer["severity"], answer["wouldNotify"]) == (
        "no_data", None, None, [],
    )  # fmt: skip


def test_a_backtest_counts_what_each_destination_would_have_got(alice: Person, pager: Receiver) -> None:
    destination = make_webhook(alice.tenant, pager)
    body = {**BODY, "metric": "decision_count", "operator": "lt", "threshold": 1, "cooldownMinutes": 720}
    client = alice.api()
    rule = post(client, {**body, "channels": [str(destination.pk)]}).json()

    answer = client.post(f"/api/v1/alerts/{rule['id']}/backtest", {"days": 1}, format="json").json()

    assert (answer["days"], answer["stepMinutes"], answer["evaluations"]) == (1, 1, 1440)
    assert (answer["fires"], answer["resolved"], answer["breaches"]) == (2, 0, 1440)
    assert answer["messages"] == [
        {"providerId": str(destination.pk), "kind": "webhook", "name": "Pager", "messages": 2}
    ]  # fmt: skip
    assert [line["reason"] for line in answer["timeline"]] == ["fired", "cooldown", "fired", "cooldown"]
    assert pager.got == []


def test_the_timeline_says_why_in_words_newest_first(alice: Person, pager: Receiver) -> None:
    rule = make_rule(alice.tenant, channels=[str(make_webhook(alice.tenant, pager).pk)])
    breach(alice.tenant)
    tick()
    tick(NOW + MINUTE)

    page = alice.api().get(f"/api/v1/alerts/{rule.pk}/timeline").json()

    assert page["pagination"] == {"total": 2, "limit": 20, "hasMore": False, "cursor": None}
    later, first = page["data"]
    assert later["text"] == "Breached (0.3 > 0.2), but in cooldown until 2026-04-17 13:00:00 UTC."
    assert (first["reason"], [each["status"] for each in first["deliveries"]]) == ("fired", ["delivered"])
    assert (later["deliveries"], later["until"]) == ([], "2026-04-17T13:00:00.000Z")


def test_the_timeline_pages_by_cursor(alice: Person) -> None:
    rule = make_rule(alice.tenant)
    for minute in range(5):
        tick(NOW + minute * MINUTE)
    client, seen = alice.api(), []
    cursor = ""

    for _ in range(3):
        page = client.get(f"/api/v1/alerts/{rule.pk}/timeline", {"limit": "2", "cursor": cursor}).json()
        seen += [line["at"] for line in page["data"]]
        cursor = page["pagination"]["cursor"] or ""

    assert cursor == ""
    assert seen == sorted(set(seen), reverse=True)
    assert len(seen) == 5


def test_acknowledging_names_the_person_and_is_idempotent(eve: Person) -> None:
    rule = make_rule(eve.tenant)
    breach(eve.tenant)
    tick()
    client = eve.api()

    first = client.post(f"/api/v1/alerts/{rule.pk}/acknowledge")
    second = client.post(f"/api/v1/alerts/{rule.pk}/acknowledge")

    assert first.status_code == 200
    assert first.json() == second.json()
    assert (first.json()["acknowledgedBy"], first.json()["ruleId"]) == ("eve", str(rule.pk))


def test_there_is_nothing_to_acknowledge_without_an_incident(alice: Person) -> None:
    rule = make_rule(alice.tenant)

    answer = alice.api().post(f"/api/v1/alerts/{rule.pk}/acknowledge")

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "NO_OPEN_INCIDENT")


def test_a_mute_reads_back_and_ends_with_null(alice: Person) -> None:
    client = alice.api()
    rule = post(client, BODY).json()

    muted = post(client, {"until": "2999-01-01T01:00:00+01:00"}, f"/api/v1/alerts/{rule['id']}/mute")
    unmuted = post(client, {"until": None}, f"/api/v1/alerts/{rule['id']}/mute")

    assert (muted.status_code, muted.json()["mutedUntil"]) == (200, "2999-01-01T00:00:00.000Z")
    assert unmuted.json()["mutedUntil"] is None


def test_a_mute_that_ended_in_the_past_is_422(alice: Person) -> None:
    rule = make_rule(alice.tenant)

    answer = post(alice.api(), {"until": "2020-01-01T00:00:00Z"}, f"/api/v1/alerts/{rule.pk}/mute")

    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (422, ["until"])


# --- roles, strangers, guardrails, audit


def routes(rule_id: Any) -> list[tuple[str, str, Any]]:
    """Return every route of one rule: method, path, body."""
    path = f"/api/v1/alerts/{rule_id}"
    return [
        ("get", path, None),
        ("put", path, {"name": "mine now"}),
        ("post", f"{path}/test", {}),
        ("post", f"{path}/backtest", {"days": 1}),
        ("get", f"{path}/timeline", None),
        ("post", f"{path}/acknowledge", {}),
        ("post", f"{path}/mute", {"until": None}),
        ("delete", path, None),
    ]


@pytest.mark.parametrize("index", range(8))
def test_another_tenants_rule_is_404_on_every_route(alice: Person, charlie: Person, index: int) -> None:
    rule = make_rule(alice.tenant)
    method, path, body = routes(rule.pk)[index]

    answer = getattr(charlie.api(), method)(path, body, format="json")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")
    assert AlertRule.objects.for_tenant(alice.tenant).get().name == rule.name


@pytest.mark.parametrize("rule_id", ["0192f0c1-7e5a-7cc0-8a55-0123456789ab", "nonsense", "0", "a" * 300, "..;"])
@pytest.mark.parametrize("index", range(8))
def test_an_id_that_is_none_is_404_on_every_route(alice: Person, rule_id: Any, index: int) -> None:
    method, path, body = routes(rule_id)[index]

    answer = getattr(alice.api(), method)(path, body, format="json")

    assert answer.status_code == 404


def test_a_viewer_reads_and_does_not_write(bob: Person) -> None:
    rule = make_rule(bob.tenant)
    client = bob.api()

    answers = [getattr(client, method)(path, body, format="json") for method, path, body in routes(rule.pk)]

    assert [answer.status_code for answer in answers] == [200, 403, 403, 403, 200, 403, 403, 403]
    assert client.get("/api/v1/alerts").status_code == 200
    assert post(client, BODY).status_code == 403


def test_nobody_reads_without_credentials(db: None) -> None:
    assert APIClient().get("/api/v1/alerts").status_code == 401


def test_another_tenants_rules_are_not_listed(alice: Person, charlie: Person) -> None:
    make_rule(alice.tenant)

    assert charlie.api().get("/api/v1/alerts").json() == []


def test_over_the_cap_a_rule_is_422_and_says_so(alice: Person) -> None:
    Tenant.objects.filter(pk=alice.tenant.pk).update(settings={"guardrails": {"maxAlertRules": 1}})
    client = alice.api()
    post(client, BODY)

    answer = post(client, {**BODY, "name": "one too many"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "GUARDRAIL")
    assert "maxAlertRules" in answer.json()["error"]["message"]


def test_writes_are_audited_without_credentials(alice: Person, pager: Receiver) -> None:
    client = alice.api()
    rule = post(client, {**BODY, "channels": [{"type": "webhook", "target": pager.url()}]}).json()
    client.put(f"/api/v1/alerts/{rule['id']}", {"threshold": 0.5}, format="json")
    post(client, {"until": "2999-01-01T00:00:00Z"}, f"/api/v1/alerts/{rule['id']}/mute")
    client.delete(f"/api/v1/alerts/{rule['id']}")

    entries = list(AuditEntry.objects.for_tenant(alice.tenant).filter(entity_id=rule["id"]).order_by("sequence"))

    assert [entry.action for entry in entries] == ["create", "update", "mute", "delete"]
    assert entries[1].changes["threshold"] == {"from": 0.02, "to": 0.5}
    assert "s3cret" not in json.dumps([[entry.before, entry.after, entry.changes] for entry in entries])


# --- what cannot be read

STRING_WRONGS: list[Any] = [None, 5, True, [], {}, "", " ", "a\x00b", "a\x07b", "a\u202eb", "x" * 300]
BAD_FIELDS: dict[str, list[Any]] = {
    "name": STRING_WRONGS,
    "metric": [*STRING_WRONGS, "Revenue", "ctr; DROP TABLE alerts_alertrule", "<b>ctr</b>", "ctr\n"],
    "operator": [None, 5, True, [], {}, "", "ne", "GT", ">"],
    "threshold": [None, "5", True, [], {}, 10**400],
    "windowMinutes": [None, "5", True, 5.0, 0, -1, 10081, 10**20, [], {}],
    "channels": [
        None,
        "x",
        5,
        {},
        [5],
        [None],
        ["x"],
        [[]],
        [{}],
        [{"providerId": 5}],
        [{"type": "fax", "target": "x"}],
    ],
    "cooldownMinutes": [None, "5", True, 1.5, -1, 43201, 10**20],
    "enabled": [None, 1, "true", [], {}],
    "pendingMinutes": [None, "5", True, -1, 1441],
    "noDataPolicy": [None, 5, "", "ignore", []],
    "notifyResolved": [None, 1, "yes"],
    "status": ["ok"],
    "id": ["0192f0c1-7e5a-7cc0-8a55-0123456789ab"],
    "__proto__": [1],
}


@pytest.mark.parametrize(
    ("field", "value"),
    [(field, value) for field, values in BAD_FIELDS.items() for value in values],
    ids=lambda value: repr(value)[:30],
)
def test_a_field_wrongly_filled_is_400_and_named(alice: Person, field: str, value: Any) -> None:
    client = alice.api()
    rule = make_rule(alice.tenant)

    created = post(client, {**BODY, field: value})
    changed = client.put(f"/api/v1/alerts/{rule.pk}", {field: value}, format="json")

    for answer in (created, changed):
        assert answer.status_code == 400, answer.content
        assert any(path.split("[")[0] == field for path in answer.json()["error"]["fields"])
    assert AlertRule.objects.for_tenant(alice.tenant).count() == 1


@pytest.mark.parametrize("field", list(BODY))
def test_a_required_field_that_is_missing_is_400_and_named(alice: Person, field: str) -> None:
    answer = post(alice.api(), {name: value for name, value in BODY.items() if name != field})

    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, [field])


@pytest.mark.parametrize("body", ["", "[]", "5", "null", "{", '"x"', "\xff", '{"threshold": NaN}', "[" * 5000])
def test_a_body_that_is_no_object_is_400(alice: Person, body: str) -> None:
    answer = alice.api().post("/api/v1/alerts", body.encode("latin-1"), content_type="application/json")

    assert answer.status_code == 400


@pytest.mark.parametrize("days", [0, 31, "7", True, None, 1.5, -1])
def test_a_backtest_of_impossible_length_is_400(alice: Person, days: Any) -> None:
    rule = make_rule(alice.tenant)

    answer = post(alice.api(), {"days": days}, f"/api/v1/alerts/{rule.pk}/backtest")

    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["days"])


@pytest.mark.parametrize(
    "until", ["tomorrow", "2999-01-01", "2999-01-01T00:00:00", 5, True, "", "9999-12-31T23:59:59Z"]
)
def test_a_mute_until_no_instant_is_400(alice: Person, until: Any) -> None:
    rule = make_rule(alice.tenant)

    answer = post(alice.api(), {"until": until}, f"/api/v1/alerts/{rule.pk}/mute")

    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["until"])


def test_a_mute_needs_its_field(alice: Person) -> None:
    rule = make_rule(alice.tenant)

    assert post(alice.api(), {}, f"/api/v1/alerts/{rule.pk}/mute").status_code == 400
    assert post(alice.api(), {"x": 1}, f"/api/v1/alerts/{rule.pk}/test").status_code == 400


def test_markup_and_sql_are_kept_as_text(alice: Person) -> None:
    name = "<script>alert(1)</script>'; DROP TABLE alerts_alertrule; --"

    rule = post(alice.api(), {**BODY, "name": name}).json()

    assert rule["name"] == name
