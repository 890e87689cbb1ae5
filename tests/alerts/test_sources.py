"""The history of alerts as a data source of reports: hand-made transitions against every column and figure."""

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from alerts.models import AlertRule, Incident, Transition
from alerts.sources import HistoryAsk, read_alert_counts
from kaireon.platform.tenancy.models import Tenant
from reports.decisions.definition import SourceCall
from reports.decisions.document import Section
from reports.sources import Spool, run_source
from tests.alerts.world import HOUR, MINUTE, NOW, make_rule

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def spool() -> Iterator[Spool]:
    with Spool() as opened:
        yield opened


def history(tenant: Tenant, spool: Spool, **params: Any) -> Section:
    call = SourceCall("alert_history", params)
    return run_source(call, section_id="s1", title="", tenant_id=tenant.pk, now=NOW, zone="UTC", spool=spool)


def incident(rule: AlertRule, opened: datetime, closed: datetime | None = None) -> Incident:
    return Incident.objects.create(
        tenant_id=rule.tenant_id, rule=rule, opened_at=opened, closed_at=closed, severity="warning"
    )


def transition(of: Incident, at: datetime, kind: str = "fired", number: int = 1, **changes: Any) -> Transition:
    values: dict[str, Any] = {"observed": 0.3, "threshold": 0.2, "severity": "warning", "outcome": "told"} | changes
    return Transition.objects.create(
        tenant_id=of.tenant_id, incident=of, rule=of.rule, number=number, kind=kind, at=at, **values
    )


def figures(section: Section) -> dict[str, tuple[Any, Any]]:
    assert section.error == ""
    return {figure.key: (figure.value, figure.before) for figure in section.figures}


def test_every_column_is_what_the_transition_says(acme: Tenant, spool: Spool) -> None:
    rule = make_rule(acme, name="Degraded")
    closed = incident(rule, NOW - 3 * HOUR, NOW - 2 * HOUR)
    transition(closed, NOW - 3 * HOUR)
    transition(closed, NOW - 2 * HOUR, "resolved", observed=0.1)
    transition(incident(rule, NOW - HOUR), NOW - HOUR, severity="critical", outcome="failed", observed=None)

    section = history(acme, spool, days=1)

    metric = "degraded_scoring_rate"
    assert [column.key for column in section.columns] == [
        "at", "rule", "event", "severity", "metric", "observed", "threshold", "outcome", "lasted",
    ]  # fmt: skip
    assert list(section.rows) == [
        (NOW - HOUR, "Degraded", "fired", "critical", metric, None, 0.2, "failed", None),
        (NOW - 2 * HOUR, "Degraded", "resolved", "warning", metric, 0.1, 0.2, "told", 3600.0),
        (NOW - 3 * HOUR, "Degraded", "fired", "warning", metric, 0.3, 0.2, "told", 3600.0),
    ]
    assert figures(section) == {"fired": (2, 0), "resolved": (1, 0), "rules": (1, 0), "untold": (1, 0)}
    assert (section.title, section.note) == ("Alert history", "")


def test_the_period_before_is_counted_apart(acme: Tenant, spool: Spool) -> None:
    one, other = make_rule(acme), make_rule(acme, name="Other")
    for number, at in enumerate((NOW - MINUTE, NOW, NOW - DAY - MINUTE, NOW - DAY, NOW - 2 * DAY), 1):
        transition(incident(one, at, at), at, number=number)
    transition(incident(other, NOW - DAY - HOUR), NOW - DAY - HOUR, outcome="failed")

    section = history(acme, spool, days=1)

    assert len(section.rows) == 1
    assert figures(section) == {"fired": (1, 2), "resolved": (0, 0), "rules": (1, 2), "untold": (0, 1)}


@pytest.mark.parametrize(
    ("params", "fired"), [({}, 3), ({"severity": "critical"}, 1), ({"severity": "info"}, 0)], ids=str
)
def test_a_severity_narrows_rows_and_figures(params: dict[str, Any], fired: int, acme: Tenant, spool: Spool) -> None:
    rule = make_rule(acme)
    for number, severity in enumerate(("warning", "critical", "warning"), 1):
        transition(incident(rule, NOW - HOUR, NOW), NOW - HOUR, number=number, severity=severity)

    section = history(acme, spool, **params)

    assert (len(section.rows), figures(section)["fired"]) == (fired, (fired, 0))


def test_one_rules_history(acme: Tenant, spool: Spool) -> None:
    one, other = make_rule(acme, name="One"), make_rule(acme, name="Other")
    for rule in (one, other):
        transition(incident(rule, NOW - HOUR), NOW - HOUR)

    assert [row[1] for row in history(acme, spool, ruleId=str(one.pk)).rows] == ["One"]
    assert len(history(acme, spool, ruleId=str(uuid.uuid4())).rows) == 0


def test_the_newest_are_shown_and_all_are_counted(acme: Tenant, spool: Spool) -> None:
    rule = make_rule(acme)
    for back in range(5):
        at = NOW - HOUR * (back + 1)
        transition(incident(rule, at, at), at, number=back + 1)

    section = history(acme, spool, limit=2)

    assert [row[0] for row in section.rows] == [NOW - HOUR, NOW - 2 * HOUR]
    assert section.note == "Shows the newest 2 of 5 events."
    assert figures(section)["fired"] == (5, 0)


def test_another_tenants_alerts_are_not_in_it(acme: Tenant, globex: Tenant, spool: Spool) -> None:
    theirs = make_rule(globex)
    transition(incident(theirs, NOW - HOUR), NOW - HOUR)

    for params in ({}, {"ruleId": str(theirs.pk)}):
        section = history(acme, spool, **params)

        assert len(section.rows) == 0
        assert figures(section)["fired"] == (0, 0)


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"days": 0}, "days"), ({"severity": "loud"}, "severity"), ({"ruleId": "x"}, "ruleId"), ({"limit": 0}, "limit"),
        ({"channelId": "web"}, "channelId"),
    ],
    ids=str,
)  # fmt: skip
def test_bad_params_are_named(params: dict[str, Any], field: str, acme: Tenant, spool: Spool) -> None:
    assert history(acme, spool, **params).error.startswith(f"{field}: ")


def test_a_rules_own_stretch_of_the_index_is_read(acme: Tenant) -> None:
    rule = make_rule(acme)
    closed = incident(rule, NOW - 90 * DAY, NOW)
    Transition.objects.bulk_create(
        Transition(
            tenant=acme, incident=closed, rule=rule, number=number, kind="fired", at=NOW - HOUR * number, threshold=0.2,
            severity="info", outcome="told",
        )
        for number in range(2_000)
    )  # fmt: skip
    with CaptureQueriesContext(connection) as asked:
        counts = read_alert_counts(HistoryAsk(acme.pk), (NOW - DAY, NOW))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE alerts_transition")
        cursor.execute(f"EXPLAIN {asked[0]['sql']}")
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert counts.fired == 24
    assert "transition_rule_at" in plan
