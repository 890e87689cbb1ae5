"""Tenant settings: merged deeply, bounded, audited."""

from typing import Any

import pytest

from kaireon.platform.audit.models import AuditEntry
from kaireon.platform.errors import BadRequest, TooLarge, Unprocessable
from kaireon.platform.tenancy.guardrails import (
    guardrails_of,
)
from kaireon.platform.tenancy.settings_serializers import check_patch, check_settings, merge_settings
from tests.people import Person

DEFAULTS = {
    "maxAlertRules": 200, "maxReportSchedules": 50, "maxPipelines": 500, "minCadenceMinutes": 1,
    "llmDailyTokens": 200000, "llmMonthlyUsd": 50, "notificationsPerHour": 500,
}  # fmt: skip


@pytest.mark.parametrize(
    ("kept", "patch", "merged"),
    [
        ({}, {"a": 1}, {"a": 1}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}}, {"a": {"x": 1, "y": 3}}),
        ({"a": {"x": {"deep": 1}}}, {"a": {"x": {"other": 2}}}, {"a": {"x": {"deep": 1, "other": 2}}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({"a": {"x": 1}}, {"a": {"x": None}}, {"a": {}}),
        ({"a": 1}, {"a": {"x": 1}}, {"a": {"x": 1}}),
        ({"a": {"x": 1}}, {"a": 5}, {"a": 5}),
        ({}, {"a": {"x": None}}, {"a": {}}),
        ({"a": 1}, {}, {"a": 1}),
    ],
)
def test_objects_merge_key_by_key_and_null_removes(kept: Any, patch: Any, merged: Any) -> None:
    original = str(kept)

    assert merge_settings(kept, patch) == merged
    assert str(kept) == original


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ([], "body"),
        ("x", "body"),
        (None, "body"),
        ({"a": "nul\0"}, "a"),
        ({"a": {"b": ["ok", "\ud800"]}}, "a.b[1]"),
        ({"x" * 129: 1}, "body"),
        ({"": 1}, "body"),
        ({"a\nb": 1}, "body"),
        ({"a": dict.fromkeys(map(str, range(501)), 1)}, "a"),
    ],
)
def test_a_patch_that_cannot_be_kept_is_refused(patch: Any, field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        check_patch(patch)

    assert field in refused.value.fields


def test_nesting_is_bounded() -> None:
    patch: dict[str, Any] = {"end": 1}
    for _ in range(20):
        patch = {"in": patch}

    with pytest.raises(BadRequest, match="deeper"):
        check_patch(patch)


def test_size_is_bounded_after_the_merge() -> None:
    with pytest.raises(TooLarge):
        check_settings({"a": "x" * 70_000})


def test_a_zone_that_is_unknown_cannot_be() -> None:
    with pytest.raises(Unprocessable):
        check_settings({"timezone": "Mars/Olympus"})


@pytest.mark.parametrize("days", [0, 3651, "30", 1.5, True, [30]])
def test_days_are_whole_and_bounded(days: Any) -> None:
    with pytest.raises(BadRequest):
        check_settings({"retentionDays": days})


def test_they_are_empty_until_set(bob: Person) -> None:
    assert bob.api().get("/api/v1/tenant-settings").json() == {}


def test_a_part_is_merged_into_the_whole(alice: Person, bob: Person) -> None:
    api = alice.api()
    api.put("/api/v1/tenant-settings", {"guardrails": {"maxAlertRules": 5}, "mine": {"a": 1}}, format="json")

    answer = api.put("/api/v1/tenant-settings", {"guardrails": {"maxPipelines": 7}}, format="json")

    assert answer.status_code == 200
    assert answer.json() == {"guardrails": {"maxAlertRules": 5, "maxPipelines": 7}, "mine": {"a": 1}}
    assert bob.api().get("/api/v1/tenant-settings").json() == answer.json()


def test_null_resets_a_guardrail_to_its_default(alice: Person) -> None:
    api = alice.api()
    api.put("/api/v1/tenant-settings", {"guardrails": {"maxAlertRules": 5}}, format="json")

    api.put("/api/v1/tenant-settings", {"guardrails": {"maxAlertRules": None}}, format="json")

    alice.tenant.refresh_from_db()
    assert guardrails_of(alice.tenant).max_alert_rules == 200


def test_the_zone_is_the_tenants_own(alice: Person) -> None:
    alice.api().put("/api/v1/tenant-settings", {"timezone": "Europe/Berlin"}, format="json")

    alice.tenant.refresh_from_db()
    assert alice.tenant.timezone == "Europe/Berlin"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"guardrails": {"maxAlertRules": "5"}}, 400, "guardrails.maxAlertRules"),
        ({"guardrails": {"nope": 5}}, 400, "guardrails.nope"),
        ({"guardrails": 5}, 400, "guardrails"),
        ({"timezone": 5}, 400, "timezone"),
        ({"timezone": "Mars/Olympus"}, 422, "timezone"),
        ({"timezone": "../../etc/passwd"}, 422, "timezone"),
        ({"retentionDays": "30"}, 400, "retentionDays"),
        ([], 400, "body"),
        ("text", 400, "body"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(alice: Person, body: Any, status: int, field: str) -> None:
    answer = alice.api().put("/api/v1/tenant-settings", body, format="json")

    assert answer.status_code == status
    assert field in answer.json()["error"]["fields"]
    assert alice.api().get("/api/v1/tenant-settings").json() == {}


def test_only_admins_write(bob: Person, eve: Person) -> None:
    for person in (bob, eve):
        answer = person.api().put("/api/v1/tenant-settings", {"a": 1}, format="json")

        assert answer.status_code == 403


def test_another_tenants_settings_stay_its_own(alice: Person, charlie: Person) -> None:
    alice.api().put("/api/v1/tenant-settings", {"a": 1}, format="json")

    assert charlie.api().get("/api/v1/tenant-settings").json() == {}


def test_a_change_is_audited_and_no_change_is_not(alice: Person) -> None:
    for _ in range(2):
        alice.api().put("/api/v1/tenant-settings", {"smtpPassword": "hunter2", "a": 1}, format="json")

    rows = AuditEntry.objects.for_tenant(alice.tenant).filter(entity_type="tenant_settings")
    assert [set(row.changes) for row in rows] == [{"smtpPassword", "a"}]
    assert "hunter2" not in str(rows[0].after) + str(rows[0].changes)
