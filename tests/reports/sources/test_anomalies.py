"""Candidates for a look: the rule as a table, and the source over hand-made rows."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from interactions.models import Offer
from kaireon.platform.tenancy.models import Tenant
from reports.decisions.anomalies import Finding, Level, Nature, Observation, judge
from reports.sources import Spool
from tests.interactions.history import interaction, save, trace
from tests.reports.sources.world import figures, made, table

TODAY, BEFORE = datetime(2026, 3, 5, 9, tzinfo=UTC), datetime(2026, 3, 4, 9, tzinfo=UTC)


def seen(nature: Nature = Nature.OTHER, current: Any = 15.0, baseline: Any = 10.0, n: int = 100, m: int = 100) -> Any:
    return Observation(nature, current, baseline, n, m)


@pytest.mark.parametrize(
    ("observation", "finding"),
    [
        (seen(), Finding(Level.WARNING, 0.5)),
        (seen(current=14.0), Finding(Level.INFO, 0.4)),
        (seen(current=12.0), Finding(Level.INFO, 0.2)),
        (seen(current=11.9), None),
        (seen(current=20.0), Finding(Level.CRITICAL, 1.0)),
        (seen(current=5.0), Finding(Level.WARNING, -0.5)),
        (seen(current=0.0), Finding(Level.CRITICAL, -1.0)),
        (seen(current=10.0), None),
        (seen(current=5.0, baseline=-10.0), Finding(Level.CRITICAL, 1.5)),
        (seen(current=3.0, baseline=0.0), Finding(Level.CRITICAL, None)),
        (seen(current=0.0, baseline=0.0), None),
        (seen(current=None), None),
        (seen(baseline=None), None),
        (seen(n=29), None),
        (seen(m=29), None),
        (seen(n=30, m=30), Finding(Level.WARNING, 0.5)),
        (seen(Nature.COUNT, 0.0, 30.0, 0, 30), Finding(Level.CRITICAL, -1.0)),
        (seen(Nature.COUNT, 0.0, 29.0, 0, 29), None),
        (seen(Nature.COUNT, 130.0, 100.0, 130, 100), None),
        (seen(Nature.COUNT, 1300.0, 1000.0, 1300, 1000), Finding(Level.INFO, 0.3)),
        (seen(Nature.RATIO, 0.06, 0.04, 100, 100), None),
        (seen(Nature.RATIO, 0.06, 0.03, 10_000, 10_000), Finding(Level.CRITICAL, 1.0)),
        (seen(Nature.RATIO, 1.5, 1.0, 1_000, 1_000), Finding(Level.WARNING, 0.5)),
        (seen(Nature.RATIO, 0.0, 1.0, 100, 100), Finding(Level.CRITICAL, -1.0)),
        (seen(Nature.RATIO, 0.5, 0.0, 100, 100), Finding(Level.CRITICAL, None)),
        (seen(Nature.RATIO, 0.01, 0.0, 100, 100), None),
    ],
    ids=[
        "half", "less than half", "just enough", "too little", "doubled", "halved", "gone", "the same",
        "from below zero", "from zero", "zero twice", "no value", "no baseline", "few events", "few events before",
        "just enough events", "a count that ended", "a count of few", "a count within chance", "a count beyond chance",
        "a ratio within chance", "a ratio beyond chance", "a ratio above one", "all to none", "none to half",
        "one of a hundred",
    ],
)  # fmt: skip
def test_a_change_is_judged(observation: Observation, finding: Finding | None) -> None:
    assert judge(observation, min_change=0.2, min_events=30) == finding


def test_a_change_from_nothing_is_the_largest() -> None:
    assert Finding(Level.CRITICAL, None).size == math.inf
    assert Finding(Level.INFO, -0.3).size == 0.3


def history(tenant: Tenant, at: datetime, offer: str, channel: str, impressions: int, accepted: int) -> None:
    fields = {"offer_id": offer, "channel_id": channel}
    save(
        *(interaction(tenant, "impression", at, **fields) for _ in range(impressions)),
        *(interaction(tenant, "accept", at, **fields) for _ in range(accepted)),
    )


@pytest.mark.django_db
def test_what_moved_is_told_of_all_of_the_channel_and_of_the_offer(acme: Tenant, spool: Spool) -> None:
    Offer.objects.create(tenant=acme, key="gold", name="Gold card")
    history(acme, BEFORE, "gold", "web", 100, 80)
    history(acme, TODAY, "gold", "web", 100, 20)
    history(acme, BEFORE, "loan", "web", 100, 50)
    history(acme, TODAY, "loan", "web", 100, 50)

    section = made("anomaly_candidates", acme, spool, days=1)

    assert [tuple(row.values()) for row in table(section)] == [
        ("Acceptance rate of Gold card", "warning", "acceptance_rate", "offer", "gold",
         pytest.approx(-0.75), 0.2, 0.8, 100),
        ("Acceptance rate", "info", "acceptance_rate", "all", None, pytest.approx(-6 / 13), 0.35, 0.65, 200),
        ("Acceptance rate of web", "info", "acceptance_rate", "channel", "web",
         pytest.approx(-6 / 13), 0.35, 0.65, 200),
    ]  # fmt: skip
    assert figures(section) == {"critical": (0, None), "warning": (1, None), "info": (2, None)}


@pytest.mark.django_db
def test_sums_are_compared_per_day_with_a_baseline_of_its_own_length(acme: Tenant, spool: Spool) -> None:
    day = timedelta(days=1)
    save(
        *(interaction(acme, "convert", BEFORE - day * back, value=10) for back in range(4) for _ in range(10)),
        *(interaction(acme, "convert", TODAY, value=10) for _ in range(40)),
    )

    rows = table(made("anomaly_candidates", acme, spool, days=1, baselineDays=4, now=TODAY.replace(hour=23)))

    revenue = next(row for row in rows if (row["metric"], row["scope"]) == ("revenue", "all"))
    assert revenue["candidate"] == "Revenue a day"
    assert revenue["baseline"] == 100.0
    assert revenue["current"] == pytest.approx(400 * 24 / 23)
    assert revenue["severity"] == "critical"


@pytest.mark.django_db
def test_decisions_are_watched_too(acme: Tenant, spool: Spool) -> None:
    nothing: dict[str, Any] = {"final_count": 0, "selected_count": 0}
    save(
        *(trace(acme, BEFORE, channel_id="web", total_latency_ms=10) for _ in range(100)),
        *(trace(acme, TODAY, channel_id="web", total_latency_ms=30, **nothing) for _ in range(100)),
    )

    rows = table(made("anomaly_candidates", acme, spool, days=1))

    found = {(row["metric"], row["scope"]): (row["severity"], row["change"]) for row in rows}
    assert found == {
        ("selection_frequency", "all"): ("critical", -1.0), ("selection_frequency", "channel"): ("critical", -1.0),
        ("latency_p99", "all"): ("critical", 2.0), ("latency_p99", "channel"): ("critical", 2.0),
        ("empty_candidate_rate", "all"): ("critical", None), ("empty_candidate_rate", "channel"): ("critical", None),
    }  # fmt: skip
    assert [row["change"] for row in rows] == [None, None, 2.0, 2.0, -1.0, -1.0]


@pytest.mark.django_db
def test_candidates_beyond_the_limit_are_told_of(acme: Tenant, spool: Spool) -> None:
    history(acme, BEFORE, "gold", "web", 100, 80)
    history(acme, TODAY, "gold", "web", 100, 20)

    section = made("anomaly_candidates", acme, spool, days=1, limit=1)

    assert (len(table(section)), section.note) == (1, "Shows 1 of 3 candidates.")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("params", "count"),
    [({}, 3), ({"minChange": 0.8}, 0), ({"minEvents": 101}, 0), ({"channelId": "app"}, 0)],
    ids=["as they are", "moved too little", "too few events", "another channel"],
)
def test_params_narrow_what_is_a_candidate(params: dict[str, Any], count: int, acme: Tenant, spool: Spool) -> None:
    history(acme, BEFORE, "gold", "web", 100, 80)
    history(acme, TODAY, "gold", "web", 100, 20)

    assert len(table(made("anomaly_candidates", acme, spool, days=1, **params))) == count


@pytest.mark.django_db
def test_another_tenants_changes_are_not_in_it(acme: Tenant, globex: Tenant, spool: Spool) -> None:
    history(globex, BEFORE, "gold", "web", 100, 80)
    history(globex, TODAY, "gold", "web", 100, 20)

    section = made("anomaly_candidates", acme, spool, days=1)

    assert table(section) == []
    assert set(figures(section).values()) == {(0, None)}
