"""Day by day: what customers did and how decisions went, with the figures of the whole period."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from interactions.models import Offer
from kaireon.platform.tenancy.models import Tenant
from reports.sources import Spool
from tests.interactions.history import interaction, save, trace
from tests.reports.sources.world import BERLIN, figures, made, table

pytestmark = pytest.mark.django_db


def at(day: int, hour: int = 9) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


def test_every_column_is_what_the_day_held(acme: Tenant, spool: Spool) -> None:
    save(
        interaction(acme, "impression", at(4)),
        interaction(acme, "impression", at(4)),
        interaction(acme, "click", at(4)),
        interaction(acme, "convert", at(5), value="1.25"),
        trace(acme, at(4), total_latency_ms=10),
        trace(acme, at(4), total_latency_ms=30, selected_count=0),
        trace(acme, at(3), total_latency_ms=70),
    )

    section = made("daily_trend", acme, spool, days=2)

    assert table(section) == [
        {
            "day": date(2026, 3, 4), "impressions": 2, "clicks": 1, "positives": 1, "acceptanceRate": 0.5, "ctr": 0.5,
            "revenue": 0, "decisions": 2, "selectionFrequency": 0.5, "latencyP99": pytest.approx(29.8),
        },
        {
            "day": date(2026, 3, 5), "impressions": 0, "clicks": 1, "positives": 1, "acceptanceRate": None,
            "ctr": None, "revenue": Decimal("1.25"), "decisions": 0, "selectionFrequency": None, "latencyP99": None,
        },
    ]  # fmt: skip
    assert figures(section) == {
        "impressions": (2, 0), "clicks": (2, 0), "positives": (2, 0), "acceptanceRate": (1.0, None),
        "ctr": (1.0, None), "revenue": (Decimal("1.25"), 0), "decisions": (2, 1), "selectionFrequency": (0.5, 1.0),
        "latencyP99": (pytest.approx(29.8), 70.0),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("params", "has_decisions"),
    [
        ({}, True),
        ({"channelId": "web"}, True),
        ({"offerId": "gold"}, False),
        ({"categoryId": "cards"}, False),
        ({"segmentId": "vip"}, False),
    ],
    ids=str,
)
def test_decisions_are_there_where_their_rows_know_the_filter(
    params: dict[str, Any], has_decisions: bool, acme: Tenant, spool: Spool
) -> None:
    Offer.objects.create(tenant=acme, key="gold", name="Gold card", category="cards")
    fields = {"channel_id": "web", "offer_id": "gold", "context": {"segmentId": "vip"}}
    save(interaction(acme, "impression", at(5), **fields), interaction(acme, "impression", at(5)))
    save(trace(acme, at(5), channel_id="web"), trace(acme, at(5)))

    (row,) = table(made("daily_trend", acme, spool, days=1, **params))

    assert row["impressions"] == (1 if params else 2)
    assert ("decisions" in row) is has_decisions
    if has_decisions:
        assert row["decisions"] == (1 if params else 2)


@pytest.mark.parametrize("source", ["daily_trend", "model_metrics_trend"])
@pytest.mark.parametrize(
    ("now", "first_minute_of_sunday", "hours"),
    [
        (datetime(2026, 3, 30, 9, tzinfo=UTC), datetime(2026, 3, 28, 23, tzinfo=UTC), 23),
        (datetime(2026, 10, 26, 9, tzinfo=UTC), datetime(2026, 10, 24, 22, tzinfo=UTC), 25),
    ],
    ids=["the clock goes forward", "the clock goes back"],
)
def test_the_day_of_a_clock_change_has_all_its_hours(
    source: str, now: datetime, first_minute_of_sunday: datetime, hours: int, acme: Tenant, spool: Spool
) -> None:
    hourly = [datetime.fromtimestamp(first_minute_of_sunday.timestamp() + 3600 * n, UTC) for n in range(-1, 26)]
    save(*(trace(acme, moment) for moment in hourly))

    rows = table(made(source, acme, spool, days=3, now=now, zone=BERLIN))

    assert [row["decisions"] for row in rows] == [1, hours, 26 - hours]
    assert rows[1]["day"].isoweekday() == 7


def test_a_year_of_days_is_one_row_each(acme: Tenant, spool: Spool) -> None:
    rows = table(made("daily_trend", acme, spool, days=365))

    assert len(rows) == 365
    assert (rows[0]["day"], rows[-1]["day"]) == (date(2025, 3, 6), date(2026, 3, 5))


def test_how_decisions_went_by_day(acme: Tenant, globex: Tenant, spool: Spool) -> None:
    save(
        trace(acme, at(4), channel_id="web", total_latency_ms=10, degraded_scoring=True),
        trace(acme, at(4), channel_id="web", total_latency_ms=20, status_code=500, final_count=0),
        trace(acme, at(4), channel_id="app"),
        trace(acme, at(2), channel_id="web", total_latency_ms=50),
        trace(globex, at(4), channel_id="web"),
    )

    section = made("model_metrics_trend", acme, spool, days=2, channelId="web")

    assert [tuple(row.values()) for row in table(section)] == [
        (date(2026, 3, 4), 2, 1.0, 0.2, 0.5, 0.5, 0.5, 15.0, pytest.approx(19.5), pytest.approx(19.9)),
        (date(2026, 3, 5), 0, None, None, None, None, None, None, None, None),
    ]
    assert figures(section)["latencyP50"] == (15.0, 50.0)


@pytest.mark.parametrize("source", ["daily_trend", "model_metrics_trend"])
def test_another_tenants_days_are_empty_here(source: str, acme: Tenant, globex: Tenant, spool: Spool) -> None:
    save(interaction(globex, "impression", at(5)), trace(globex, at(5)))

    section = made(source, acme, spool, days=3)

    assert not any(value for row in table(section) for key, value in row.items() if key != "day")
    assert not any(value for pair in figures(section).values() for value in pair)
