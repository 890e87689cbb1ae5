"""Guardrails: caps with defaults, checked strictly, shown beside what is used of them."""

from typing import Any

import pytest

from kaireon.platform.errors import BadRequest
from kaireon.platform.tenancy import guardrails
from kaireon.platform.tenancy.guardrails import (
    Guardrails,
    Usage,
    check_guardrails,
    count_usage_with,
    guardrails_of,
    usage_of,
)
from kaireon.platform.tenancy.models import Tenant
from tests.people import Person

DEFAULTS = {
    "maxAlertRules": 200, "maxReportSchedules": 50, "maxPipelines": 500, "minCadenceMinutes": 1,
    "llmDailyTokens": 200000, "llmMonthlyUsd": 50, "notificationsPerHour": 500,
}  # fmt: skip


def test_the_defaults_are_the_contracts() -> None:
    assert Guardrails().model_dump(by_alias=True) == DEFAULTS


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, 200),
        ({"guardrails": {}}, 200),
        ({"guardrails": {"maxAlertRules": 5}}, 5),
        ({"guardrails": {"maxAlertRules": 0}}, 0),
        ({"guardrails": {"maxAlertRules": "5"}}, 200),
        ({"guardrails": {"maxAlertRules": -1}}, 200),
        ({"guardrails": {"maxAlertRules": 5, "fromAnOlderRelease": 1}}, 5),
        ({"guardrails": {"maxAlertRules": 5, "maxPipelines": None}}, 5),
        ({"guardrails": "none"}, 200),
        ([], 200),
    ],
)
def test_a_kept_value_that_is_not_valid_counts_as_its_default(settings: Any, expected: int) -> None:
    assert guardrails_of(Tenant(settings=settings)).max_alert_rules == expected


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"maxAlertRules": "5"}, "guardrails.maxAlertRules"),
        ({"maxAlertRules": True}, "guardrails.maxAlertRules"),
        ({"maxAlertRules": 1.5}, "guardrails.maxAlertRules"),
        ({"maxAlertRules": -1}, "guardrails.maxAlertRules"),
        ({"maxAlertRules": 10**9}, "guardrails.maxAlertRules"),
        ({"maxAlertRules": None}, "guardrails.maxAlertRules"),
        ({"minCadenceMinutes": 0}, "guardrails.minCadenceMinutes"),
        ({"llmMonthlyUsd": "50"}, "guardrails.llmMonthlyUsd"),
        ({"llmMonthlyUsd": True}, "guardrails.llmMonthlyUsd"),
        ({"max_alert_rules": 5}, "guardrails.max_alert_rules"),
        ({"unheardOf": 5}, "guardrails.unheardOf"),
        ([], "guardrails"),
        ("x", "guardrails"),
        (None, "guardrails"),
    ],
)
def test_a_wrong_guardrail_is_refused_by_its_name(values: Any, field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        check_guardrails(values)

    assert field in refused.value.fields


def test_every_default_is_valid() -> None:
    check_guardrails(DEFAULTS)


@pytest.fixture(autouse=True)
def own_counters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guardrails, "_counting", {})


def test_every_cap_is_listed_and_counted_where_somebody_counts(acme: Tenant) -> None:
    acme.settings = {"guardrails": {"maxAlertRules": 10}}
    count_usage_with("max_alert_rules", lambda tenant_id: 4 if tenant_id == acme.pk else 0)

    usage = {item.name: item for item in usage_of(acme)}

    assert list(usage) == list(DEFAULTS)
    assert usage["maxAlertRules"] == Usage("maxAlertRules", "Alert rules", cap=10, default=200, used=4)
    assert usage["maxPipelines"].used is None


@pytest.mark.parametrize(
    ("used", "cap", "percent", "is_reached"),
    [(0, 10, 0, False), (9.99, 10, 99, False), (10, 10, 100, True), (11, 10, 100, True), (0, 0, 100, True),
     (None, 10, 0, False)],
)  # fmt: skip
def test_the_used_part_is_never_rounded_up_to_full(
    used: float | None, cap: float, percent: int, is_reached: bool
) -> None:
    usage = Usage("x", "X", cap=cap, default=1, used=used)

    assert (usage.percent, usage.is_reached) == (percent, is_reached)


def test_only_guardrails_have_usage() -> None:
    with pytest.raises(ValueError, match="no guardrail"):
        count_usage_with("max_everything", lambda tenant_id: 0)


def test_a_viewer_sees_usage_and_no_form(bob: Person) -> None:
    page = bob.browser().get("/settings/guardrails")

    assert page.status_code == 200
    assert {item.name for item in page.context["usage"]} == set(DEFAULTS)


def test_an_admin_saves_and_an_empty_field_means_the_default(alice: Person) -> None:
    browser = alice.browser()
    browser.post("/settings/guardrails", {"maxAlertRules": "5", "llmMonthlyUsd": "2.5"})

    answer = browser.post("/settings/guardrails", {"maxAlertRules": "", "llmMonthlyUsd": "2.5"})

    alice.tenant.refresh_from_db()
    assert answer.status_code == 303
    assert alice.tenant.settings["guardrails"] == {"llmMonthlyUsd": 2.5}


def test_what_was_typed_wrongly_stays_in_the_form(alice: Person) -> None:
    answer = alice.browser().post("/settings/guardrails", {"maxAlertRules": "-7"})

    assert answer.status_code == 400
    assert "-7" in answer.content.decode()
    assert "maxAlertRules" in answer.context["form"].errors


def test_an_editor_may_not_save(eve: Person) -> None:
    assert eve.browser().post("/settings/guardrails", {"maxAlertRules": "5"}).status_code == 403
