"""Raising and resolving: one row per open problem."""

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from kaireon.platform.audit.models import AuditEntry
from kaireon.platform.health.decisions import BY_RANK, Severity, is_told_outside, is_worse
from kaireon.platform.health.models import SystemHealthAlert
from kaireon.platform.health.services import (
    raise_alert,
    raise_many,
    resolve,
    resolve_alert,
    resolve_many,
)
from kaireon.platform.tenancy.models import Tenant
from tests.people import Person, make_tenant
from tests.platform.health_world import LATER, NOW, actor_of, alerts_of, problem
from tests.platform.together import run_together


def test_severities_have_one_order() -> None:
    assert [severity.value for severity in BY_RANK] == ["success", "info", "warning", "error", "critical"]


@pytest.mark.parametrize(
    ("severity", "is_told"),
    [("info", False), ("success", False), ("warning", False), ("error", True), ("critical", True)],
)
def test_errors_and_worse_are_told_outside(severity: str, is_told: bool) -> None:
    assert is_told_outside(Severity(severity)) is is_told


def test_worse_is_strictly_worse() -> None:
    assert is_worse(Severity.ERROR, Severity.WARNING)
    assert not is_worse(Severity.ERROR, Severity.ERROR)
    assert not is_worse(Severity.INFO, Severity.ERROR)


def test_an_alert_is_kept_as_raised(acme: Tenant) -> None:
    alert_id = raise_alert(
        tenant_id=acme.pk, severity="warning", source="flow", title="Late", message="5 minutes", link="/data",
        metadata={"pipelineId": "p1"}, now=NOW,
    )  # fmt: skip

    row = alerts_of(acme)[0]
    assert (row.pk, row.severity, row.source, row.title) == (alert_id, "warning", "flow", "Late")
    assert (row.user_id, row.metadata, row.created_at, row.occurrences) == (None, {"pipelineId": "p1"}, NOW, 1)


@pytest.mark.parametrize("field", [{"severity": "fatal"}, {"source": "elsewhere"}])
def test_an_unknown_word_is_a_mistake_of_the_caller(acme: Tenant, field: dict[str, str]) -> None:
    values: dict[str, Any] = {"tenant_id": acme.pk, "severity": "info", "source": "flow", "title": "x"}

    with pytest.raises(ValueError, match="is not a valid"):
        raise_alert(**(values | field), now=NOW)


@pytest.mark.parametrize("link", ["https://evil.example", "javascript:alert(1)", "//evil.example", "data"])
def test_a_link_leads_into_this_site(acme: Tenant, link: str) -> None:
    with pytest.raises(ValueError, match="path of this site"):
        raise_many([problem(acme, link=link)], now=NOW)


def test_without_a_key_each_raise_is_a_row(acme: Tenant) -> None:
    same = problem(acme)

    ids = raise_many([same, same], now=NOW)

    assert len(set(ids)) == 2
    assert {row.pk for row in alerts_of(acme)} == set(ids)


def test_an_open_problem_counts_up_and_keeps_its_first_time(acme: Tenant) -> None:
    first = raise_many([problem(acme, dedupe_key="k")], now=NOW)

    second = raise_many([problem(acme, dedupe_key="k", message="Still none.")], now=LATER)

    row = alerts_of(acme)[0]
    assert first == second == [row.pk]
    assert (row.occurrences, row.created_at, row.last_raised_at, row.message) == (2, NOW, LATER, "Still none.")


def test_a_resolved_problem_opens_anew(acme: Tenant) -> None:
    first = raise_many([problem(acme, dedupe_key="k")], now=NOW)
    resolve(tenant_id=acme.pk, dedupe_key="k", now=NOW)

    second = raise_many([problem(acme, dedupe_key="k")], now=LATER)

    assert first != second
    assert [row.resolved_at for row in alerts_of(acme)] == [NOW, None]


def test_one_batch_may_raise_a_problem_twice(acme: Tenant) -> None:
    ids = raise_many(
        [
            problem(acme, dedupe_key="k", severity=Severity.CRITICAL, fan_out=False),
            problem(acme, dedupe_key="other"),
            problem(acme, dedupe_key="k", message="Last words."),
        ],
        now=NOW,
    )

    row = SystemHealthAlert.objects.for_tenant(acme).get(dedupe_key="k")
    assert ids[0] == ids[2] == row.pk
    assert (row.occurrences, row.severity, row.message) == (2, "critical", "Last words.")


def test_the_same_key_of_two_tenants_is_two_problems(acme: Tenant, globex: Tenant) -> None:
    raise_many([problem(acme, dedupe_key="k"), problem(globex, dedupe_key="k")], now=NOW)

    assert (len(alerts_of(acme)), len(alerts_of(globex))) == (1, 1)


def test_while_open_a_problem_keeps_its_worst_severity(acme: Tenant) -> None:
    for severity in (Severity.WARNING, Severity.ERROR, Severity.INFO):
        raise_many([problem(acme, dedupe_key="k", severity=severity)], now=NOW)

    assert alerts_of(acme)[0].severity == "error"


def test_credentials_and_addresses_do_not_get_in(acme: Tenant) -> None:
    raise_many(
        [
            problem(
                acme,
                title="x" * 300,
                message="POST https://hooks.slack.com/services/T0/topsecret failed\0",
                metadata={"token": "topsecret", "nan": float("nan")},
            )
        ],
        now=NOW,
    )

    row = alerts_of(acme)[0]
    assert "topsecret" not in f"{row.message}{row.metadata}"
    assert len(row.title) == 255


def test_many_cost_as_many_statements_as_one(
    acme: Tenant, globex: Tenant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    batch = [problem(tenant, dedupe_key=str(number)) for number in range(60) for tenant in (acme, globex)]

    # A savepoint and its release around: what is open, the upsert.
    with django_assert_num_queries(4):
        raise_many(batch, now=NOW)


def test_nothing_costs_nothing(db: None, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        assert raise_many([], now=NOW) == []
        assert resolve_many([], now=NOW) == 0


def test_open_alerts_with_the_key_are_resolved_once(acme: Tenant, globex: Tenant) -> None:
    raise_many([problem(acme, dedupe_key="k"), problem(globex, dedupe_key="k")], now=NOW)

    counts = [resolve(tenant_id=acme.pk, dedupe_key="k", now=LATER) for _ in range(2)]

    assert counts == [1, 0]
    assert (alerts_of(acme)[0].resolved_at, alerts_of(acme)[0].resolved_by) == (LATER, "system")
    assert alerts_of(globex)[0].resolved_at is None


def test_many_are_resolved_in_one_statement(acme: Tenant, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    keys = [(acme.pk, str(number)) for number in range(30)]
    raise_many([problem(acme, dedupe_key=key) for _, key in keys], now=NOW)

    with django_assert_num_queries(1):
        assert resolve_many([*keys, *keys], now=LATER) == 30


def test_a_person_resolves_and_is_named(alice: Person) -> None:
    raise_many([problem(alice.tenant)], now=NOW)
    row = alerts_of(alice.tenant)[0]

    for _ in range(2):
        resolve_alert(alert=row, actor=actor_of(alice), now=LATER)

    row.refresh_from_db()
    assert (row.resolved_at, row.resolved_by) == (LATER, alice.user.email)
    entries = AuditEntry.objects.for_tenant(alice.tenant).filter(entity_id=str(row.pk))
    assert [entry.action for entry in entries] == ["resolve"]


def test_connections_that_raise_the_same_problems_at_once_make_one_row_each(transactional_db: None) -> None:
    acme, globex = make_tenant("Acme"), make_tenant("Globex")
    batch = [problem(tenant, dedupe_key=str(number)) for number in range(10) for tenant in (acme, globex)]

    def forwards() -> None:
        for _ in range(10):
            raise_many(batch, now=NOW)

    def backwards() -> None:
        for _ in range(10):
            raise_many(batch[::-1], now=NOW)

    run_together(forwards, backwards, forwards)

    for tenant in (acme, globex):
        assert [row.occurrences for row in alerts_of(tenant)] == [30] * 10
