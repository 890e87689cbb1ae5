"""`POST /api/v1/schedules/preview`: what a schedule does, before anybody saves it."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.people import Person

URL = "/api/v1/schedules/preview"
CRON = {"kind": "cron", "expression": "0 9 * * 1-5", "timezone": "Europe/Berlin"}
AFTER = "2026-10-24T00:00:00Z"


def ask(person: Person, **body: Any) -> Any:
    """Ask for a preview."""
    return person.api().post(URL, body, format="json")


def test_a_viewer_sees_what_comes(bob: Person) -> None:
    answer = ask(bob, schedule=CRON, after=AFTER, lastRunAt="2026-10-23T12:00:00Z", count=2)

    assert answer.status_code == 200
    assert answer.json() == {
        "occurrences": ["2026-10-26T08:00:00.000Z", "2026-10-27T08:00:00.000Z"],
        "dueNow": False,
        "warnings": [],
        "dueOccurrence": None,
        "firesNow": 0,
        "words": "At 09:00, Monday through Friday Europe/Berlin",
        "forecast": [
            {"at": "2026-10-26T08:00:00.000Z", "local": "2026-10-26T09:00:00+01:00", "note": ""},
            {"at": "2026-10-27T08:00:00.000Z", "local": "2026-10-27T09:00:00+01:00", "note": ""},
        ],
    }


def test_what_never_ran_is_due_for_the_last_day(bob: Person) -> None:
    answer = ask(bob, schedule=CRON, after=AFTER, lastRunAt=None).json()

    assert (answer["dueNow"], answer["dueOccurrence"], answer["firesNow"]) == (True, "2026-10-23T07:00:00.000Z", 1)
    assert len(answer["occurrences"]) == 10


@pytest.mark.parametrize(
    ("body", "status", "fields"),
    [
        ({}, 400, {"schedule"}),
        ({"schedule": []}, 400, {"schedule"}),
        ({"schedule": {}}, 400, {"schedule.kind"}),
        ({"schedule": {"kind": "lunar"}}, 422, {"schedule.kind"}),
        ({"schedule": {**CRON, "cadence": 5}}, 400, {"schedule.cadence"}),
        ({"schedule": {**CRON, "expression": 5}}, 400, {"schedule.expression"}),
        ({"schedule": {"kind": "cron", "timezone": "UTC"}}, 400, {"schedule.expression"}),
        ({"schedule": {**CRON, "expression": "0 25 * * *", "timezone": "Mars"}}, 422,
         {"schedule.expression", "schedule.timezone"}),
        ({"schedule": {"kind": "interval", "minutes": 0}}, 422, {"schedule.minutes"}),
        ({"schedule": {"kind": "interval", "minutes": 5, "anchor": "2026-01-01T00:00"}}, 422, {"schedule.anchor"}),
        ({"schedule": {"kind": "rrule", "rule": "FREQ=SECONDLY"}}, 422, {"schedule.rule"}),
        ({"schedule": {"kind": "rrule", "rule": "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"}}, 422, {"schedule.rule"}),
        ({"schedule": {"kind": "rrule", "rule": "FREQ=MINUTELY;INTERVAL=1440;BYHOUR=5", "dtstart": "2026-01-01"}}, 422,
         {"schedule.rule"}),
        ({"schedule": CRON, "count": 0}, 400, {"count"}),
        ({"schedule": CRON, "count": 101}, 400, {"count"}),
        ({"schedule": CRON, "count": "5"}, 400, {"count"}),
        ({"schedule": CRON, "after": "2026-10-24"}, 400, {"after"}),
        ({"schedule": CRON, "lastRunAt": "yesterday"}, 400, {"lastRunAt"}),
        ({"schedule": CRON, "until": AFTER}, 400, {"until"}),
    ],
)  # fmt: skip
def test_a_bad_body_is_refused_with_its_fields(bob: Person, body: Any, status: int, fields: set[str]) -> None:
    answer = ask(bob, **body)

    assert (answer.status_code, set(answer.json()["error"]["fields"])) == (status, fields)


def test_a_rule_that_has_ended_is_shown_as_one(bob: Person) -> None:
    rule = {"kind": "rrule", "rule": "FREQ=DAILY;UNTIL=20200101T000000Z", "dtstart": "2019-01-01T00:00:00"}

    answer = ask(bob, schedule=rule)

    assert answer.json()["occurrences"] == []
    assert "Nothing more comes: the rule has ended." in answer.json()["warnings"]


@pytest.mark.parametrize(("enabled", "is_warned"), [(True, True), (False, False)])
def test_a_guardrail_that_would_refuse_it_is_told(bob: Person, enabled: bool, is_warned: bool) -> None:
    bob.tenant.settings = {"guardrails": {"minCadenceMinutes": 30}}
    bob.tenant.save(update_fields=["settings"])

    answer = ask(bob, schedule={"kind": "interval", "minutes": 15, "enabled": enabled})

    assert any("guardrails.minCadenceMinutes" in each for each in answer.json()["warnings"]) is is_warned


@pytest.mark.django_db
def test_nobody_else_is_answered() -> None:
    assert APIClient().post(URL, {"schedule": CRON}, format="json").status_code == 401
