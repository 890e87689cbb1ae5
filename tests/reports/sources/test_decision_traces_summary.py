"""Decisions by channel or placement: hand-made traces against every column."""

from datetime import UTC, datetime
from typing import Any

import pytest

from interactions.models import Channel
from kaireon.platform.tenancy.models import Tenant
from reports.sources import Spool
from tests.interactions.history import save, trace
from tests.reports.sources.world import figures, made, table

pytestmark = pytest.mark.django_db
TODAY, BEFORE = datetime(2026, 3, 5, 9, tzinfo=UTC), datetime(2026, 2, 26, 9, tzinfo=UTC)
NOTHING: dict[str, Any] = {"final_count": 0, "selected_count": 0}


def test_every_column_is_what_the_traces_say(acme: Tenant, spool: Spool) -> None:
    Channel.objects.create(tenant=acme, key="web", name="Website")
    save(
        trace(acme, TODAY, channel_id="web", total_latency_ms=10),
        trace(acme, TODAY, channel_id="web", total_latency_ms=20, degraded_scoring=True),
        trace(acme, TODAY, channel_id="web", total_latency_ms=30, after_contact_policy=0, **NOTHING),
        trace(acme, TODAY, channel_id="web", total_latency_ms=40, status_code=503, **NOTHING),
        trace(acme, TODAY, channel_id="app", total_latency_ms=100, after_qualification=0, after_contact_policy=0),
        trace(acme, BEFORE, channel_id="web"),
    )

    section = made("decision_traces_summary", acme, spool, days=5)

    web, app = table(section)
    assert web == {
        "channel": "Website", "channelId": "web", "decisions": 4, "selectionFrequency": 0.5, "suppressionRate": 0.4,
        "emptyCandidateRate": 0.5, "degradedScoringRate": 0.25, "errorRate": 0.25, "latencyP50": 25.0,
        "latencyP95": pytest.approx(38.5), "latencyP99": pytest.approx(39.7), "decisionsBefore": 1,
    }  # fmt: skip
    assert (app["channel"], app["suppressionRate"], app["latencyP99"]) == ("app", None, 100.0)
    assert figures(section) == {
        "decisions": (5, 1), "selectionFrequency": (0.6, 1.0), "suppressionRate": (0.4, 0.2),
        "emptyCandidateRate": (0.4, 0.0), "degradedScoringRate": (0.2, 0.0), "errorRate": (0.2, 0.0),
        "latencyP50": (30.0, 40.0), "latencyP95": (pytest.approx(88.0), 40.0),
        "latencyP99": (pytest.approx(97.6), 40.0),
    }  # fmt: skip


def test_decisions_stand_by_placement(acme: Tenant, spool: Spool) -> None:
    save(trace(acme, TODAY, placement_id="hero"), trace(acme, TODAY, placement_id="hero"), trace(acme, TODAY))

    section = made("decision_traces_summary", acme, spool, groupBy="placement")

    assert [(row["placement"], row["placementId"], row["decisions"]) for row in table(section)] == [
        ("hero", "hero", 2), ("(no placement)", None, 1),
    ]  # fmt: skip


def test_one_channel_alone(acme: Tenant, spool: Spool) -> None:
    save(trace(acme, TODAY, channel_id="web"), trace(acme, TODAY, channel_id="app"))

    section = made("decision_traces_summary", acme, spool, channelId="app")

    assert [row["channelId"] for row in table(section)] == ["app"]
    assert figures(section)["decisions"] == (1, 0)


def test_hours_instead_of_days(acme: Tenant, spool: Spool) -> None:
    save(*(trace(acme, datetime(2026, 3, 5, hour, 30, tzinfo=UTC)) for hour in (5, 6, 7, 8, 9)))

    assert figures(made("decision_traces_summary", acme, spool, windowHours=2))["decisions"] == (2, 2)


def test_another_tenants_decisions_are_not_in_it(acme: Tenant, globex: Tenant, spool: Spool) -> None:
    save(trace(globex, TODAY))

    section = made("decision_traces_summary", acme, spool)

    assert table(section) == []
    assert figures(section)["decisions"] == (0, 0)
    assert figures(section)["latencyP99"] == (None, None)
