"""Offers: hand-made rows against every column, groups, filters, limits, and offers that are gone."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from interactions.models import Channel, Interaction, Offer
from kaireon.platform.tenancy.models import Tenant
from reports.sources import Spool
from tests.interactions.history import interaction, save
from tests.reports.sources.world import figures, made, table

pytestmark = pytest.mark.django_db
# Days of 1 March to 5 March 10:00; the period before: 24 February to 28 February 10:00.
TODAY, BEFORE = datetime(2026, 3, 5, 9, tzinfo=UTC), datetime(2026, 2, 26, 9, tzinfo=UTC)
DAYS = 5


def of(tenant: Tenant, offer: str | None, *outcomes: str, at: datetime = TODAY, **fields: Any) -> list[Interaction]:
    return [interaction(tenant, outcome, at, offer_id=offer, **fields) for outcome in outcomes]


def test_every_column_is_what_the_rows_say(acme: Tenant, spool: Spool) -> None:
    Offer.objects.create(tenant=acme, key="gold", name="Gold card", category="cards")
    save(
        *of(acme, "gold", "impression", "impression", "impression", "impression", "not_presented"),
        *of(acme, "gold", "click", "accept", "dismiss"),
        *of(acme, "gold", "convert", value="12.50"),
        *of(acme, "gold", "convert", at=BEFORE, value=8),
        *of(acme, "loan", "impression"),
    )

    section = made("offer_performance", acme, spool, days=DAYS)

    assert table(section) == [
        {
            "offer": "Gold card", "offerId": "gold", "impressions": 4, "clicks": 2, "positives": 3,
            "acceptanceRate": 0.75, "ctr": 0.5, "revenue": Decimal("12.5"), "revenueBefore": 8,
        },
        {
            "offer": "loan", "offerId": "loan", "impressions": 1, "clicks": 0, "positives": 0,
            "acceptanceRate": 0.0, "ctr": 0.0, "revenue": 0, "revenueBefore": 0,
        },
    ]  # fmt: skip
    assert figures(section) == {
        "impressions": (5, 0), "clicks": (2, 1), "positives": (3, 1), "acceptanceRate": (0.6, None),
        "ctr": (0.4, None), "revenue": (Decimal("12.5"), 8),
    }  # fmt: skip


def test_the_figures_count_also_the_offers_beyond_the_limit(acme: Tenant, spool: Spool) -> None:
    save(*(row for number in range(4) for row in of(acme, f"o{number}", *["impression"] * (number + 1))))

    section = made("offer_performance", acme, spool, days=DAYS, limit=2)

    assert [row["offerId"] for row in table(section)] == ["o3", "o2"]
    assert figures(section)["impressions"] == (10, 0)
    assert section.note == ("Shows 2 of 4 offers: those with the most impressions. The figures count all of them.")


def test_offers_of_equal_weight_stand_in_the_order_of_their_ids(acme: Tenant, spool: Spool) -> None:
    save(*(row for offer in ("b", "B", "ä", "a") for row in of(acme, offer, "impression")))

    assert [row["offerId"] for row in table(made("offer_performance", acme, spool))] == ["B", "a", "b", "ä"]


def test_an_offer_that_is_gone_stands_at_the_end_with_zeros(acme: Tenant, spool: Spool) -> None:
    save(*of(acme, "gone", "impression", at=BEFORE), *of(acme, "gone", "convert", at=BEFORE, value=3))
    save(*of(acme, "here", "impression"))

    rows = table(made("offer_performance", acme, spool, days=DAYS))

    assert [(row["offerId"], row["impressions"], row["acceptanceRate"], row["revenueBefore"]) for row in rows] == [
        ("here", 1, 0.0, 0), ("gone", 0, None, 3),
    ]  # fmt: skip


def test_interactions_without_an_offer_are_a_row_so_that_the_table_adds_up(acme: Tenant, spool: Spool) -> None:
    save(*of(acme, None, "impression", "impression"), *of(acme, "gold", "impression"))

    section = made("offer_performance", acme, spool)

    assert [(row["offer"], row["offerId"], row["impressions"]) for row in table(section)] == [
        ("(no offer)", None, 2), ("gold", "gold", 1),
    ]  # fmt: skip
    assert figures(section)["impressions"] == (3, 0)


@pytest.mark.parametrize(
    ("group_by", "rows"),
    [
        ("channel", [("Website", "gold", 2), ("app", "gold", 1), ("app", "loan", 1)]),
        ("category", [("cards", "gold", 3), ("(no category)", "loan", 1)]),
        ("segment", [("vip", "gold", 2), ("(no segment)", "gold", 1), ("(no segment)", "loan", 1)]),
    ],
)
def test_offers_stand_within_groups(group_by: str, rows: list[Any], acme: Tenant, spool: Spool) -> None:
    Offer.objects.create(tenant=acme, key="gold", name="Gold card", category="cards")
    Offer.objects.create(tenant=acme, key="loan", name="Cash loan")
    Channel.objects.create(tenant=acme, key="web", name="Website")
    save(
        *of(acme, "gold", "impression", channel_id="web", context={"segmentId": "vip"}),
        *of(acme, "gold", "impression", channel_id="web", attributes={"segmentId": "vip"}, context={"page": 1}),
        *of(acme, "gold", "impression", channel_id="app"),
        *of(acme, "loan", "impression", channel_id="app"),
    )

    section = made("offer_performance", acme, spool, groupBy=group_by)

    assert [(row[group_by], row["offerId"], row["impressions"]) for row in table(section)] == rows
    assert section.columns[0].label == group_by.capitalize()


@pytest.mark.parametrize(
    ("params", "impressions"),
    [
        ({}, 4),
        ({"channelId": "web"}, 2),
        ({"offerId": "gold"}, 3),
        ({"categoryId": "cards"}, 3),
        ({"segmentId": "vip"}, 1),
        ({"channelId": "web", "offerId": "gold"}, 1),
        ({"channelId": "nowhere"}, 0),
        ({"categoryId": "' OR 1=1 --"}, 0),
    ],
    ids=str,
)
def test_each_filter_narrows_and_all_of_them_must_hold(
    params: dict[str, Any], impressions: int, acme: Tenant, globex: Tenant, spool: Spool
) -> None:
    Offer.objects.create(tenant=acme, key="gold", name="Gold card", category="cards")
    Offer.objects.create(tenant=globex, key="loan", name="Cash loan", category="cards")
    save(
        *of(acme, "gold", "impression", channel_id="web"),
        *of(acme, "gold", "impression", channel_id="app", context={"segmentId": "vip"}),
        *of(acme, "gold", "impression"),
        *of(acme, "loan", "impression", channel_id="web"),
    )

    section = made("offer_performance", acme, spool, **params)

    assert figures(section)["impressions"] == (impressions, 0)
    assert sum(row["impressions"] for row in table(section)) == impressions


def test_another_tenants_rows_and_names_are_not_in_it(acme: Tenant, globex: Tenant, spool: Spool) -> None:
    Offer.objects.create(tenant=globex, key="gold", name="Their card")
    save(*of(globex, "gold", "impression", "impression"), *of(acme, "gold", "impression"))

    section = made("offer_performance", acme, spool)

    assert [(row["offer"], row["impressions"]) for row in table(section)] == [("gold", 1)]
    assert figures(section)["impressions"] == (1, 0)


def test_without_history_there_is_no_row(acme: Tenant, spool: Spool) -> None:
    section = made("offer_performance", acme, spool)

    assert table(section) == []
    assert figures(section)["revenue"] == (0, 0)
    assert figures(section)["ctr"] == (None, None)
    assert section.note == ""


@pytest.mark.parametrize(
    ("at", "impressions"),
    [
        (datetime(2026, 2, 28, 23, 59, 59, 999999, tzinfo=UTC), (0, 0)),
        (datetime(2026, 3, 1, tzinfo=UTC), (1, 0)),
        (datetime(2026, 3, 5, 9, 59, 59, 999999, tzinfo=UTC), (1, 0)),
        (datetime(2026, 3, 5, 10, tzinfo=UTC), (0, 0)),
        (datetime(2026, 2, 24, tzinfo=UTC), (0, 1)),
        (datetime(2026, 2, 23, 23, 59, 59, 999999, tzinfo=UTC), (0, 0)),
        (datetime(2026, 2, 28, 9, 59, 59, 999999, tzinfo=UTC), (0, 1)),
        (datetime(2026, 2, 28, 10, tzinfo=UTC), (0, 0)),
    ],
    ids=[
        "before midnight", "at midnight", "before the end", "at the end", "first before", "earlier", "last before",
        "after the same hour of the last day before",
    ],
)  # fmt: skip
def test_the_period_and_the_one_before_end_where_they_say(
    at: datetime, impressions: tuple[int, int], acme: Tenant, spool: Spool
) -> None:
    save(*of(acme, "gold", "impression", at=at))

    assert figures(made("offer_performance", acme, spool, days=DAYS))["impressions"] == impressions
