"""`POST /api/cron/tick` and `manage.py tick`: who may, what they answer, and that they are the same thing."""

import json
import uuid
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from alerts.models import AlertRule, Evaluation
from kaireon.cron import tick
from kaireon.platform.budget import Budget
from kaireon.platform.tenancy.models import Tenant
from tests.alerts.world import breach, make_rule, make_webhook
from tests.people import Person
from tests.servers import Receiver

TOKEN = "test-cron-token-of-more-than-32-characters"
URL = "/api/cron/tick"
KEYS = [
    "tickAt", "requestId", "durationMs", "tenants", "alertsEvaluated", "alertsFired", "alertsInCooldown", "alerts",
    "reportsEvaluated", "reportsRan", "reportErrors", "errors", "remaining",
]  # fmt: skip


def post(token: str | None = TOKEN, **more: Any) -> Any:
    """Call the route as a scheduler does."""
    headers = {} if token is None else {"x-cron-token": token}
    return Client(headers=headers).post(URL, **more)


def a_breaching_rule(tenant: Tenant, **changes: Any) -> AlertRule:
    """Create a rule that breaches now."""
    rule = make_rule(tenant, window_minutes=60, **changes)
    breach(tenant, timezone.now())
    return rule


# --- who may


@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN + "x", TOKEN[:-1], TOKEN.upper(), "\u00e9", f" {TOKEN}, x"])
def test_without_the_token_it_is_401_and_nothing_runs(acme: Tenant, token: str | None) -> None:
    rule = a_breaching_rule(acme)

    answer = post(token)

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHENTICATED")
    assert AlertRule.objects.for_tenant(acme).get(pk=rule.pk).last_evaluated_at is None


@pytest.mark.parametrize("configured", ["", " ", ",", " , "])
@pytest.mark.parametrize("offered", [None, "", " ", ","])
def test_with_no_token_configured_it_is_401_for_everybody(
    db: None, settings: Any, configured: str, offered: str | None
) -> None:
    settings.CRON_TOKEN = configured

    assert post(offered).status_code == 401


def test_both_tokens_of_a_rotation_work(db: None, settings: Any) -> None:
    settings.CRON_TOKEN = "old-token-old-token-old-token-old, new-token-new-token-new-token-new"

    answers = [
        post(token).status_code for token in ("old-token-old-token-old-token-old", "new-token-new-token-new-token-new")
    ]

    assert answers == [200, 200]
    assert post(settings.CRON_TOKEN).status_code == 401


def test_an_api_key_is_no_cron_token(alice: Person) -> None:
    assert alice.api().post(URL).status_code == 401


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
def test_other_methods_are_refused(db: None, method: str) -> None:
    answer = getattr(Client(headers={"x-cron-token": TOKEN}), method)(URL)

    assert answer.status_code == 405


@pytest.mark.parametrize("body", [b"", b"{}", b"not json", b"\x00\xff"])
def test_the_body_does_not_matter(db: None, body: bytes) -> None:
    assert post(data=body, content_type="application/json").status_code == 200


# --- what it answers


def test_an_empty_installation_answers_zeros(db: None) -> None:
    answer = post().json()

    assert list(answer) == KEYS
    assert {name: answer[name] for name in KEYS[3:]} == {
        "tenants": 0, "alertsEvaluated": 0, "alertsFired": 0, "alertsInCooldown": 0, "alerts": [],
        "reportsEvaluated": 0, "reportsRan": 0, "reportErrors": [], "errors": [], "remaining": 0,
    }  # fmt: skip


@pytest.mark.parametrize("seconds", [0, 50])
def test_the_duration_is_the_real_one_also_past_the_budget(acme: Tenant, seconds: int) -> None:
    a_breaching_rule(acme)
    # A budget that nothing is taken from, as one that is spent: what it says is not how long the tick took.
    budget = Budget(seconds, monotonic=lambda: 0.0)

    answer = tick(now=timezone.now(), budget=budget, request_id="r-1")

    assert 0 < answer["durationMs"] < 10_000


def test_a_firing_is_listed_as_documented(acme: Tenant, globex: Tenant, pager: Receiver) -> None:
    destination = make_webhook(acme, pager)
    rule = a_breaching_rule(acme, channels=[str(destination.pk)])

    answer = post().json()

    assert (answer["tenants"], answer["alertsEvaluated"], answer["alertsFired"]) == (2, 1, 1)
    assert answer["alerts"] == [
        {
            "tenantId": str(acme.pk), "ruleId": str(rule.pk), "name": rule.name, "status": "fired", "observed": 0.3,
            "threshold": 0.2, "severity": "warning",
            "deliveries": [
                {"providerId": str(destination.pk), "kind": "webhook", "status": "delivered", "error": None}
            ],
        }
    ]  # fmt: skip


def test_the_slash_form_works_too(db: None) -> None:
    assert Client(headers={"x-cron-token": TOKEN}).post(f"{URL}/").status_code == 200


def test_the_request_id_is_the_responses(db: None) -> None:
    answer = post(headers={"x-request-id": "from-eventbridge-1"})

    assert answer.json()["requestId"] == answer.headers["x-request-id"] == "from-eventbridge-1"


def test_a_tenants_failure_is_listed_with_the_request_id(acme: Tenant, globex: Tenant) -> None:
    a_breaching_rule(acme)
    a_breaching_rule(globex)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'boom'; END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON {Evaluation._meta.db_table} FOR EACH ROW
            WHEN (NEW.tenant_id = '{acme.pk}') EXECUTE FUNCTION refuse();
            """
        )

    answer = post()

    body = answer.json()
    assert (answer.status_code, body["alertsFired"]) == (200, 1)
    (error,) = body["errors"]
    assert list(error) == ["tenantId", "subsystem", "error", "requestId"]
    assert (error["tenantId"], error["subsystem"]) == (str(acme.pk), "alerts")
    assert "boom" in error["error"]
    assert error["requestId"] == answer.headers["x-request-id"]


def test_a_spent_budget_answers_200_and_counts_what_is_left(acme: Tenant) -> None:
    a_breaching_rule(acme)

    answer = tick(now=timezone.now(), budget=Budget(0), request_id="r")

    assert (answer["remaining"], answer["alertsEvaluated"], answer["errors"]) == (1, 0, [])


@pytest.mark.django_db(transaction=True)
def test_a_subsystem_that_fails_as_a_whole_is_an_error_and_not_a_500() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE alerts_alertrule RENAME TO mislaid")
    try:
        answer = post()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE mislaid RENAME TO alerts_alertrule")

    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["tenantId"], error["subsystem"]) == (200, None, "alerts")
    assert "alerts_alertrule" in error["error"]


# --- the command


def command(*arguments: str) -> str:
    """Run `manage.py tick` and return what it printed."""
    out = StringIO()
    call_command("tick", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_the_documented_answer(acme: Tenant) -> None:
    a_breaching_rule(acme)

    answer = json.loads(command("--json"))

    assert list(answer) == [*KEYS, "flows"]
    assert answer["alertsFired"] == 1
    assert uuid.UUID(answer["requestId"])


def test_the_command_says_it_in_words(acme: Tenant, pager: Receiver) -> None:
    a_breaching_rule(acme, channels=[str(make_webhook(acme, pager).pk)])

    text = command()

    assert "1 rules evaluated" in text
    assert "Degraded scoring  webhook delivered" in text


def test_the_command_ticks_one_tenant(acme: Tenant, globex: Tenant) -> None:
    a_breaching_rule(acme)
    a_breaching_rule(globex)

    answer = json.loads(command("--json", "--tenant", "globex", "--only", "alerts"))

    assert (answer["tenants"], answer["alertsEvaluated"]) == (1, 1)
    assert answer["alerts"][0]["tenantId"] == str(globex.pk)


def test_an_unknown_tenant_is_a_wrong_call(db: None) -> None:
    with pytest.raises(CommandError) as refused:
        command("--tenant", "nobody")

    assert refused.value.returncode == 2


def test_the_command_exits_1_when_something_failed(acme: Tenant) -> None:
    a_breaching_rule(acme)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'boom'; END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON {Evaluation._meta.db_table} FOR EACH ROW EXECUTE FUNCTION refuse();
            """
        )
    out = StringIO()

    with pytest.raises(SystemExit) as ended:
        call_command("tick", stdout=out)

    assert ended.value.code == 1
    assert "boom" in out.getvalue()
