"""Budgets: how they burn as a table of rows, and what recorded interactions spent."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from interactions.models import Offer
from kaireon.platform.tenancy.models import Tenant
from reports.decisions.budgets import Burn, burn
from reports.decisions.periods import between_dates
from reports.sources import Spool
from tests.interactions.history import interaction, save
from tests.reports.sources.world import BERLIN, figures, made, table

MARCH: dict[str, Any] = {"from": "2026-03-01", "to": "2026-03-31"}
AT = datetime(2026, 3, 5, 9, tzinfo=UTC)


def burnt(spent: str, day: int, month: int = 3, zone: str = "UTC") -> Burn:
    window = between_dates(date(2026, 3, 1), date(2026, 3, 10), zone)
    now = datetime(2026, month, day, tzinfo=UTC)
    return burn(allocation=Decimal(1000), spent=Decimal(spent), window=window, now=now, zone=zone)


@pytest.mark.parametrize(
    ("burnt", "remaining", "used", "elapsed", "rate", "projected", "used_up_on"),
    [
        (burnt("0", 25, 2), 1000, 0.0, 0.0, None, None, None),
        (burnt("0", 3), 1000, 0.0, 0.2, "0.00", "0.00", None),
        (burnt("100", 3), 900, 0.1, 0.2, "50.00", "500.00", None),
        (burnt("200", 3), 800, 0.2, 0.2, "100.00", "1000.00", date(2026, 3, 11)),
        (burnt("400", 3), 600, 0.4, 0.2, "200.00", "2000.00", date(2026, 3, 6)),
        (burnt("1000", 3), 0, 1.0, 0.2, "500.00", "5000.00", None),
        (burnt("1500", 3), -500, 1.5, 0.2, "750.00", "7500.00", None),
        (burnt("100", 1, 4), 900, 0.1, 1.0, "10.00", "100.00", None),
        (burnt("-10", 3), 1010, -0.01, 0.2, "-5.00", "-50.00", None),
        (burnt("0.000001", 3), Decimal("999.999999"), 1e-9, 0.2, "0.00", "0.00", None),
    ],
    ids=[
        "not begun", "nothing spent", "slow", "just enough", "fast", "used up", "overspent", "over", "given back",
        "next to nothing",
    ],
)  # fmt: skip
def test_a_budget_burns(
    burnt: Burn, remaining: Any, used: float, elapsed: float, rate: str | None, projected: str | None,
    used_up_on: date | None,
) -> None:  # fmt: skip
    assert burnt.remaining == remaining
    assert burnt.used == pytest.approx(used)
    assert burnt.elapsed == pytest.approx(elapsed)
    assert (None if burnt.burn_rate is None else str(burnt.burn_rate)) == rate
    assert (None if burnt.projected is None else str(burnt.projected)) == projected
    assert burnt.used_up_on == used_up_on


@pytest.mark.django_db
def test_what_interactions_say_they_cost_is_spent(acme: Tenant, spool: Spool) -> None:
    save(
        interaction(acme, "impression", AT, attributes={"cost": 0.35}),
        interaction(acme, "impression", AT, attributes={"cost": 1}),
        interaction(acme, "impression", AT, attributes={"cost": "9"}),
        interaction(acme, "impression", AT, attributes={"cost": None, "price": 5}),
        interaction(acme, "impression", AT, attributes=["cost"]),
        interaction(acme, "impression", AT),
        interaction(acme, "impression", datetime(2026, 2, 28, 23, tzinfo=UTC), attributes={"cost": 100}),
    )

    section = made("budget_burn", acme, spool, allocation=10, now=datetime(2026, 3, 11, tzinfo=UTC), **MARCH)

    assert table(section) == [
        {
            "budget": "All interactions", "allocation": 10, "spent": Decimal("1.35"), "remaining": Decimal("8.65"),
            "used": 0.135, "elapsed": pytest.approx(10 / 31), "burnRate": Decimal("0.14"),
            "projected": Decimal("4.18"), "usedUpOn": None, "interactions": 2,
        }
    ]  # fmt: skip
    assert figures(section) == {
        "allocation": (10, None), "spent": (Decimal("1.35"), None), "remaining": (Decimal("8.65"), None),
    }  # fmt: skip
    assert section.note == "2026-03-01 to 2026-03-31."


@pytest.mark.django_db
def test_each_budget_spends_what_is_its_own(acme: Tenant, spool: Spool) -> None:
    Offer.objects.create(tenant=acme, key="gold", name="Gold card", category="cards")
    save(
        interaction(acme, "click", AT, attributes={"price": 1}, channel_id="web", offer_id="gold"),
        interaction(acme, "click", AT, attributes={"price": 2}, channel_id="app", offer_id="gold"),
        interaction(acme, "click", AT, attributes={"price": 4, "segmentId": "vip"}, channel_id="web"),
    )
    budgets: list[dict[str, Any]] = [
        {"allocation": 10, "channelId": "web"},
        {"allocation": 10, "offerId": "gold", "channelId": "app"},
        {"allocation": 10, "categoryId": "cards", "name": "Cards"},
        {"allocation": "10.50", "segmentId": "vip"},
        {"allocation": 10},
    ]

    section = made("budget_burn", acme, spool, budgets=budgets, costField="price", **MARCH)

    assert [(row["budget"], row["spent"], row["interactions"]) for row in table(section)] == [
        ("web", 5, 2), ("app · gold", 2, 1), ("Cards", 3, 2), ("vip", 4, 1), ("All interactions", 7, 3),
    ]  # fmt: skip
    assert figures(section)["allocation"] == (Decimal("50.5"), None)


@pytest.mark.django_db
def test_a_budget_of_conversion_values(acme: Tenant, spool: Spool) -> None:
    save(interaction(acme, "convert", AT, value=30, attributes={"cost": 1}))

    (row,) = table(made("budget_burn", acme, spool, allocation=100, spentFrom="conversionValue", **MARCH))

    assert row["spent"] == 30


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("at", "spent"),
    [
        (datetime(2026, 10, 24, 21, 59, tzinfo=UTC), 0),
        (datetime(2026, 10, 24, 22, 0, tzinfo=UTC), 1),
        (datetime(2026, 10, 25, 22, 59, tzinfo=UTC), 1),
        (datetime(2026, 10, 25, 23, 0, tzinfo=UTC), 0),
    ],
    ids=["before", "first", "last", "after"],
)
def test_a_budget_of_a_day_has_that_days_hours(at: datetime, spent: int, acme: Tenant, spool: Spool) -> None:
    save(interaction(acme, "click", at, attributes={"cost": 1}))
    day = {"from": "2026-10-25", "to": "2026-10-25"}
    now = datetime(2026, 11, 1, tzinfo=UTC)

    (row,) = table(made("budget_burn", acme, spool, allocation=5, now=now, zone=BERLIN, **day))

    assert (row["spent"], row["elapsed"]) == (spent, 1.0)


@pytest.mark.django_db
def test_nothing_is_spent_before_the_first_day_and_nothing_by_others(
    acme: Tenant, globex: Tenant, spool: Spool
) -> None:
    save(interaction(globex, "click", AT, attributes={"cost": 1}))
    later = {"from": "2026-04-01", "to": "2026-04-30"}

    (row,) = table(made("budget_burn", acme, spool, allocation=5, **later))
    (now,) = table(made("budget_burn", acme, spool, allocation=5, **MARCH))

    assert (row["spent"], row["elapsed"], row["burnRate"], row["projected"]) == (0, 0.0, None, None)
    assert (now["spent"], now["interactions"]) == (0, 0)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"allocation": None}, "budgets"),
        ({"budgets": [{"allocation": 1}]}, "budgets"),
        ({"allocation": None, "budgets": []}, "budgets"),
        ({"allocation": None, "budgets": [{"allocation": 1}] * 51}, "budgets"),
        ({"allocation": None, "budgets": [{"allocation": 0}]}, "budgets.0.allocation"),
        ({"allocation": None, "budgets": [{"allocation": 1, "offer": "x"}]}, "budgets.0.offer"),
        ({"allocation": 0}, "allocation"),
        ({"allocation": -1}, "allocation"),
        ({"allocation": True}, "allocation"),
        ({"allocation": "much"}, "allocation"),
        ({"from": "yesterday"}, "from"),
        ({"from": None}, "from"),
        ({"to": "2026-02-28"}, "to"),
        ({"to": "2027-03-01"}, "to"),
        ({"from": "9999-12-31", "to": "9999-12-31"}, "to"),
        ({"spentFrom": "thinAir"}, "spentFrom"),
        ({"costField": ""}, "costField"),
        ({"costField": "a\x00"}, "costField"),
        ({"days": 7}, "days"),
    ],
    ids=str,
)
def test_bad_params_are_named(changes: dict[str, Any], field: str, acme: Tenant, spool: Spool) -> None:
    params = {name: value for name, value in ({"allocation": 5} | MARCH | changes).items() if value is not None}

    section = made("budget_burn", acme, spool, **params)

    assert [row[0] for row in section.rows] == [field]
    assert section.error.startswith(f"{field}: ")
    # The reader's own words for "a check of ours said so" are nobody's business.
    assert "Value error" not in section.error


@pytest.mark.django_db
def test_a_year_is_the_longest_budget(acme: Tenant, spool: Spool) -> None:
    year = {"from": "2026-03-01", "to": "2027-02-28"}

    assert made("budget_burn", acme, spool, allocation=5, **year).error == ""
