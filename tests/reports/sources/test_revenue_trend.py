"""Revenue by day: zero-filled, by calendar days of the zone, beside the period before."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from kaireon.platform.tenancy.models import Tenant
from reports.sources import Spool
from tests.interactions.history import interaction, save
from tests.reports.sources.world import BERLIN, figures, made, table

pytestmark = pytest.mark.django_db


def at(day: int, hour: int = 12, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def test_every_day_has_a_row_and_stands_beside_the_one_a_period_before(acme: Tenant, spool: Spool) -> None:
    save(
        interaction(acme, "convert", at(5, 9), value=10),
        interaction(acme, "convert", at(5, 8), value="2.50"),
        interaction(acme, "click", at(5, 8)),
        interaction(acme, "convert", at(3), value=7),
        interaction(acme, "convert", at(2, 9), value=4),
        interaction(acme, "convert", at(2, 11), value=100),
    )

    section = made("revenue_trend", acme, spool, days=3)

    assert [tuple(row.values()) for row in table(section)] == [
        (date(2026, 3, 3), Decimal(7), 0, 1),
        (date(2026, 3, 4), 0, 0, 0),
        (date(2026, 3, 5), Decimal("12.5"), Decimal(4), 2),
    ]
    assert figures(section) == {"revenue": (Decimal("19.5"), Decimal(4)), "conversions": (3, 1)}


def test_a_day_is_the_zones_and_may_have_twenty_five_hours(acme: Tenant, spool: Spool) -> None:
    last_of_saturday = datetime(2026, 10, 24, 21, 59, tzinfo=UTC)
    first_of_sunday = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)
    last_of_sunday = datetime(2026, 10, 25, 22, 59, tzinfo=UTC)
    first_of_monday = datetime(2026, 10, 25, 23, 0, tzinfo=UTC)
    save(
        *(
            interaction(acme, "convert", moment, value=value)
            for moment, value in (
                (last_of_saturday, 1), (first_of_sunday, 2), (last_of_sunday, 4), (first_of_monday, 8),
            )
        )
    )  # fmt: skip

    section = made("revenue_trend", acme, spool, days=3, now=datetime(2026, 10, 26, 12, tzinfo=UTC), zone=BERLIN)

    assert [(row["day"].day, row["revenue"]) for row in table(section)] == [(24, 1), (25, 6), (26, 8)]


def test_filters_narrow_it(acme: Tenant, spool: Spool) -> None:
    save(
        interaction(acme, "convert", at(5, 9), value=1, channel_id="web"),
        interaction(acme, "convert", at(5, 9), value=2, channel_id="app", context={"segmentId": "gold"}),
        interaction(acme, "convert", at(5, 9), value=4, attributes={"segmentId": "gold"}),
    )

    filters: list[dict[str, Any]] = [{"channelId": "web"}, {"segmentId": "gold"}, {"offerId": "none"}]
    found = [figures(made("revenue_trend", acme, spool, **each))["revenue"][0] for each in filters]

    assert found == [1, 6, 0]


def test_another_tenants_revenue_is_not_in_it(acme: Tenant, globex: Tenant, spool: Spool) -> None:
    save(interaction(globex, "convert", at(5, 9), value=10))

    assert figures(made("revenue_trend", acme, spool))["revenue"] == (0, 0)


def test_without_history_there_are_days_of_zero(acme: Tenant, spool: Spool) -> None:
    rows = table(made("revenue_trend", acme, spool, days=2))

    assert [row["revenue"] for row in rows] == [0, 0]
