"""Every source against the naive evaluation, over histories thrown by dice: days, zones, offers, gaps and all."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker

from interactions.models import DecisionTrace, Interaction, Offer
from kaireon.platform.tenancy.models import Tenant
from reports.decisions.document import Section
from reports.sources import Spool
from tests.interactions.history import interaction, save, trace
from tests.people import make_tenant
from tests.reports.sources import naive
from tests.reports.sources.naive import Days, World
from tests.reports.sources.world import figures, made, table

pytestmark = pytest.mark.django_db
OUTCOMES = ("impression",) * 6 + ("click", "click", "accept", "convert", "dismiss", "not_presented", "expired")
OFFERS = ("gold", "loan", "travel", "Überweisung", None)
CHANNELS = ("web", "app", None)
CATEGORIES = {"gold": "cards", "loan": "loans", "travel": ""}
# A quiet week, the clock going forward and back in Berlin, the half hour of Lord Howe, a zone far from UTC.
MOMENTS = [
    (1, datetime(2026, 3, 5, 10, 0, tzinfo=UTC), "UTC", 3),
    (2, datetime(2026, 3, 30, 9, 17, tzinfo=UTC), "Europe/Berlin", 2),
    (3, datetime(2026, 10, 26, 23, 0, tzinfo=UTC), "Europe/Berlin", 2),
    (4, datetime(2026, 4, 6, 1, 45, tzinfo=UTC), "Australia/Lord_Howe", 3),
    (5, datetime(2026, 11, 2, 4, 59, tzinfo=UTC), "America/New_York", 4),
    (6, datetime(2026, 7, 1, 12, 0, tzinfo=UTC), "Pacific/Kiritimati", 1),
]
IDS = ["utc", "berlin forward", "berlin back at midnight", "lord howe", "new york back", "one day far away"]


def throw(tenant: Tenant, seed: int, until: datetime, days: int) -> World:
    """Make up a tenant's history around the periods, some of it outside of both, and write it."""
    dice = random.Random(seed)
    width = timedelta(days=2 * days + 2)
    world = World(categories=CATEGORIES)
    for _ in range(400):
        at = until + timedelta(hours=6) - width * dice.random()
        world.interactions.append(_interaction(tenant, dice, at))
    for _ in range(150):
        at = until + timedelta(hours=6) - width * dice.random()
        world.traces.append(_trace(tenant, dice, at))
    for key, category in CATEGORIES.items():
        Offer.objects.create(tenant=tenant, key=key, name=key.capitalize(), category=category)
    save(*world.interactions, *world.traces)
    return world


def _interaction(tenant: Tenant, dice: random.Random, at: datetime) -> Interaction:
    outcome = dice.choice(OUTCOMES)
    fields: dict[str, Any] = {"offer_id": dice.choice(OFFERS), "channel_id": dice.choice(CHANNELS)}
    if outcome == "convert" and dice.random() < 0.8:
        fields["value"] = f"{dice.randint(-500, 9_999)}.{dice.randint(0, 99):02}"
    if dice.random() < 0.3:
        fields["context"] = {"segmentId": dice.choice(("vip", "new"))}
    if dice.random() < 0.3:
        fields["attributes"] = {"segmentId": "old", "cost": dice.randint(0, 50) / 4}
    return interaction(tenant, outcome, at, **fields)


def _trace(tenant: Tenant, dice: random.Random, at: datetime) -> DecisionTrace:
    qualified = dice.randint(0, 8)
    kept = dice.randint(0, qualified)
    offers = [dice.choice(OFFERS[:4]) for _ in range(min(kept, dice.randint(0, 3)))]
    selected = [
        {"offerId": offer, "rank": rank, "score": dice.randint(0, 20) / 20} for rank, offer in enumerate(offers, 1)
    ]
    return trace(
        tenant, at, after_qualification=qualified, after_contact_policy=kept, final_count=min(kept, 3),
        selected=selected, selected_count=len(selected), total_latency_ms=float(dice.randint(1, 400)),
        degraded_scoring=dice.random() < 0.1, status_code=dice.choice((200, 200, 200, 503)),
        channel_id=dice.choice(CHANNELS), placement_id=dice.choice(("hero", None)),
    )  # fmt: skip


@dataclass(frozen=True)
class Thrown:
    """A tenant with a made-up history, and the period in question."""

    tenant: Tenant
    world: World
    period: Days


@pytest.fixture(scope="module", params=MOMENTS, ids=IDS)
def thrown(
    request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[Thrown]:
    """Write a made-up history once for all tests; another tenant has one too, over the same days."""
    seed, until, zone, days = request.param
    with django_db_blocker.unblock():
        mine, other = make_tenant("Mine"), make_tenant("Other")
        throw(other, seed + 1_000, until, days)
        world = throw(mine, seed, until, days)
    yield Thrown(mine, world, Days(until, days, zone))
    with django_db_blocker.unblock():
        for model in (Interaction, DecisionTrace, Offer):
            model.objects.across_tenants().delete()
        mine.delete()
        other.delete()


def section_of(key: str, thrown: Thrown, spool: Spool, **params: Any) -> Section:
    """Return a source's section over the period."""
    period = thrown.period
    return made(key, thrown.tenant, spool, now=period.until, zone=period.zone, days=period.days, **params)


def shown(key: str, thrown: Thrown, spool: Spool, **params: Any) -> list[dict[str, Any]]:
    """Return a source's rows over the period."""
    return table(section_of(key, thrown, spool, **params))


def without(row: dict[str, Any], *names: str) -> Any:
    """Return a row's values but those that name it; ratios as nearly as two ways of dividing agree."""
    return pytest.approx({name: value for name, value in row.items() if name not in names}, nan_ok=False)


def test_offers_are_what_the_rows_say(thrown: Thrown, spool: Spool) -> None:
    world, period = thrown.world, thrown.period

    rows = shown("offer_performance", thrown, spool)

    expected = naive.offers(world, period)
    assert {row["offerId"]: without(row, "offer", "offerId") for row in rows} == expected
    assert [row["impressions"] for row in rows] == sorted((row["impressions"] for row in rows), reverse=True)
    assert len(rows) == len(expected)


@pytest.mark.parametrize("group", ["channel", "category", "segment"])
def test_offers_within_groups_are_what_the_rows_say(group: str, thrown: Thrown, spool: Spool) -> None:
    world, period = thrown.world, thrown.period

    rows = shown("offer_performance", thrown, spool, groupBy=group, limit=1_000)

    found = {
        (None if row[group].startswith("(no ") else row[group], row["offerId"]): without(row, group, "offer", "offerId")
        for row in rows
    }
    assert found == naive.offers_within(world, period, group)


def test_channels_are_what_the_rows_say(thrown: Thrown, spool: Spool) -> None:
    world, period = thrown.world, thrown.period

    rows = shown("channel_effectiveness", thrown, spool)

    assert {row["channelId"]: without(row, "channel", "channelId") for row in rows} == naive.channels(world, period)


@pytest.mark.parametrize("group", ["channel", "placement"])
def test_decisions_are_what_the_rows_say(group: str, thrown: Thrown, spool: Spool) -> None:
    world, period = thrown.world, thrown.period

    rows = shown("decision_traces_summary", thrown, spool, groupBy=group)

    found = {row[f"{group}Id"]: without(row, group, f"{group}Id") for row in rows}
    assert found == naive.decisions(world, period, group)


def test_days_are_what_the_rows_say(thrown: Thrown, spool: Spool) -> None:
    world, period = thrown.world, thrown.period

    rows = shown("daily_trend", thrown, spool)

    assert {row["day"]: without(row, "day") for row in rows} == naive.days(world, period)
    assert [row["day"] for row in rows] == period.dates()


def test_revenue_by_day_is_what_the_rows_say(thrown: Thrown, spool: Spool) -> None:
    world, period = thrown.world, thrown.period

    rows = shown("revenue_trend", thrown, spool)

    assert {row["day"]: without(row, "day") for row in rows} == naive.revenue(world, period)


def test_the_funnel_is_what_the_rows_say(thrown: Thrown, spool: Spool) -> None:
    world, period = thrown.world, thrown.period

    rows = shown("funnel", thrown, spool)

    assert {row["stageKey"]: row["count"] for row in rows} == naive.funnel(world, period)


def test_selections_are_what_the_rows_say(thrown: Thrown, spool: Spool) -> None:
    world, period = thrown.world, thrown.period

    rows = shown("selection_frequency", thrown, spool)

    assert {row["offerId"]: without(row, "offer", "offerId") for row in rows} == naive.selections(world, period)


@pytest.mark.parametrize("offer", ["gold", "Überweisung", "never"])
def test_why_an_offer_was_not_the_first(offer: str, thrown: Thrown, spool: Spool) -> None:
    world, period = thrown.world, thrown.period

    rows = shown("why_not_ranked", thrown, spool, offerId=offer, limit=1_000)

    found = {(row["reasonKey"], row["aheadId"]): row["decisions"] for row in rows if row["decisions"]}
    assert found == naive.fates(world, period, offer)
    assert sum(row["share"] or 0 for row in rows) == pytest.approx(1)


@pytest.mark.parametrize("buckets", [2, 7, 20])
def test_scores_are_what_the_rows_say(buckets: int, thrown: Thrown, spool: Spool) -> None:
    world, period = thrown.world, thrown.period

    rows = shown("score_distribution", thrown, spool, buckets=buckets)

    expected = naive.scores(world, period, buckets)
    assert [row["selections"] for row in rows] == [expected[part] for part in range(buckets)]


def test_the_figures_are_those_of_all_rows_now_and_before(thrown: Thrown, spool: Spool) -> None:
    world, period = thrown.world, thrown.period
    now = naive.responses(row for row in world.interactions if period.is_now(row.occurred_at))
    before = naive.responses(row for row in world.interactions if period.is_before(row.occurred_at))
    expected = {name: (now[name], before[name]) for name in now}

    for key in ("offer_performance", "channel_effectiveness"):
        section = section_of(key, thrown, spool, limit=1)

        assert {name: pytest.approx(pair) for name, pair in figures(section).items()} == expected


def test_the_figures_of_decisions_are_those_of_all_decisions(thrown: Thrown, spool: Spool) -> None:
    world, period = thrown.world, thrown.period
    now = naive.quality(row for row in world.traces if period.is_now(row.occurred_at))
    before = naive.quality(row for row in world.traces if period.is_before(row.occurred_at))

    for key in ("decision_traces_summary", "model_metrics_trend"):
        found = figures(section_of(key, thrown, spool))

        assert {name: pytest.approx(pair) for name, pair in found.items()} == {
            name: (now[name], before[name]) for name in now
        }


@pytest.mark.parametrize(
    ("narrowed", "wanted"),
    [({}, {}), ({"channelId": "web"}, {"channel_id": "web"}), ({"offerId": "gold"}, {"offer_id": "gold"})],
    ids=["everything", "a channel", "an offer"],
)
def test_budgets_are_what_the_rows_say(
    narrowed: dict[str, str], wanted: dict[str, str], thrown: Thrown, spool: Spool
) -> None:
    world, period = thrown.world, thrown.period
    first, last = period.dates()[0], period.dates()[-1]
    start = min(row.occurred_at for row in world.interactions if period.day_of(row.occurred_at) >= first)

    section = made(
        "budget_burn", thrown.tenant, spool, now=period.until, zone=period.zone,
        budgets=[{"allocation": 1_000} | narrowed], **{"from": first.isoformat(), "to": last.isoformat()},
    )  # fmt: skip

    (row,) = table(section)
    assert row["spent"] == naive.spent(world, start, period.until, **wanted)
    assert row["remaining"] == 1_000 - row["spent"]
