"""What decisions selected: how often, with which scores, and why an offer was not the first."""

from datetime import UTC, datetime
from typing import Any

import pytest

from interactions.models import DecisionTrace, Offer
from kaireon.platform.tenancy.models import Tenant
from reports.sources import Spool
from tests.interactions.history import save, trace
from tests.reports.sources.world import figures, made, table

pytestmark = pytest.mark.django_db
TODAY, BEFORE = datetime(2026, 3, 5, 9, tzinfo=UTC), datetime(2026, 2, 26, 9, tzinfo=UTC)


def decided(tenant: Tenant, *offers: tuple[str, int, Any], at: datetime = TODAY, **fields: Any) -> DecisionTrace:
    """Return a decision that selected these: offer, rank, score."""
    selected = [{"offerId": offer, "rank": rank, "score": score} for offer, rank, score in offers]
    return trace(tenant, at, selected=selected, selected_count=len(selected), **fields)


def test_how_often_each_offer_was_selected(acme: Tenant, spool: Spool) -> None:
    Offer.objects.create(tenant=acme, key="gold", name="Gold card")
    save(
        decided(acme, ("gold", 1, 0.75), ("loan", 2, 0.5)),
        decided(acme, ("gold", 1, 0.25)),
        decided(acme, ("loan", 1, None), ("gold", 2, 0.5)),
        decided(acme, final_count=0),
        decided(acme, ("gone", 1, 0.5), at=BEFORE),
        decided(acme, ("loan", 1, 0.5), at=BEFORE),
    )

    section = made("selection_frequency", acme, spool, days=5)

    assert [tuple(row.values()) for row in table(section)] == [
        ("Gold card", "gold", 3, 0.75, 2, pytest.approx(4 / 3), 0.5, 0.0),
        ("loan", "loan", 2, 0.5, 1, 1.5, 0.5, 0.5),
        ("gone", "gone", 0, 0.0, 0, None, None, 0.5),
    ]
    assert figures(section) == {"decisions": (4, 2), "selectionFrequency": (0.75, 1.0)}


def test_an_offer_that_a_decision_names_twice_was_selected_by_it_once(acme: Tenant, spool: Spool) -> None:
    save(decided(acme, ("gold", 1, 0.4), ("gold", 2, 0.8)))

    (row,) = table(made("selection_frequency", acme, spool))

    assert (row["decisions"], row["frequency"], row["meanRank"], row["meanScore"]) == (1, 1.0, 1.0, 0.8)


@pytest.mark.parametrize(
    "selected",
    [{"offerId": "gold"}, "gold", [{"offerId": "gold", "rank": "first", "score": "high"}], [{}], ["gold"], [1, None]],
    ids=["an object", "a text", "texts for numbers", "an empty object", "texts", "numbers"],
)
def test_history_that_holds_nonsense_fails_no_report(selected: Any, acme: Tenant, spool: Spool) -> None:
    save(trace(acme, TODAY, selected=selected))

    assert figures(made("selection_frequency", acme, spool))["decisions"] == (1, 0)
    assert len(table(made("selection_frequency", acme, spool))) <= 1
    assert table(made("score_distribution", acme, spool)) == []
    assert figures(made("why_not_ranked", acme, spool, offerId="loan"))["decisions"] == (1, 0)


def test_offers_beyond_the_limit_are_told_of(acme: Tenant, spool: Spool) -> None:
    save(decided(acme, *((f"o{number}", number, 0.5) for number in range(1, 6))))

    section = made("selection_frequency", acme, spool, limit=3)

    assert [row["offerId"] for row in table(section)] == ["o1", "o2", "o3"]
    assert section.note.startswith("Shows 3 of 5 offers: those with the most decisions.")


@pytest.mark.parametrize("source", ["selection_frequency", "score_distribution", "why_not_ranked"])
def test_one_channel_alone(source: str, acme: Tenant, spool: Spool) -> None:
    save(decided(acme, ("gold", 1, 0.5), channel_id="web"), decided(acme, ("gold", 1, 0.5), channel_id="app"))
    params = {"channelId": "web"} | ({"offerId": "gold"} if source == "why_not_ranked" else {})

    section = made(source, acme, spool, **params)

    assert next(iter(figures(section).values())) == (1, 0)
    assert sum(row.get("decisions", 0) + row.get("selections", 0) for row in table(section)) == 1


@pytest.mark.parametrize("source", ["selection_frequency", "score_distribution", "why_not_ranked"])
def test_another_tenants_decisions_and_names_are_not_in_it(
    source: str, acme: Tenant, globex: Tenant, spool: Spool
) -> None:
    Offer.objects.create(tenant=globex, key="gold", name="Their card")
    save(decided(globex, ("gold", 1, 0.5)), decided(acme, ("gold", 1, 0.5), at=BEFORE))
    params = {"offerId": "loan"} if source == "why_not_ranked" else {}

    section = made(source, acme, spool, days=5, **params)

    assert next(iter(figures(section).values())) == (0, 1)
    assert "Their card" not in str(list(section.rows))


@pytest.mark.parametrize("source", ["selection_frequency", "score_distribution", "why_not_ranked"])
def test_without_decisions_there_is_no_row(source: str, acme: Tenant, spool: Spool) -> None:
    section = made(source, acme, spool, **({"offerId": "gold"} if source == "why_not_ranked" else {}))

    assert table(section) == []
    assert set(figures(section).values()) <= {(0, 0), (None, None)}


@pytest.mark.parametrize(
    ("score", "bucket"),
    [
        (0, "0 to 0.25"), (0.2499, "0 to 0.25"), (0.25, "0.25 to 0.5"), (0.75, "0.75 to 1"), (1, "0.75 to 1"),
        (1.5, "above 1"), (-0.1, "below 0"),
    ],
)  # fmt: skip
def test_a_score_falls_into_its_part(score: float, bucket: str, acme: Tenant, spool: Spool) -> None:
    save(decided(acme, ("gold", 1, score)))

    rows = table(made("score_distribution", acme, spool, buckets=4))

    assert {row["score"]: row["selections"] for row in rows if row["selections"]} == {bucket: 1}
    assert len(rows) == (5 if bucket in {"above 1", "below 0"} else 4)


def test_the_spread_of_one_offers_scores(acme: Tenant, spool: Spool) -> None:
    save(
        decided(acme, ("gold", 1, 0.1), ("loan", 2, 0.9)),
        decided(acme, ("gold", 1, 0.2)),
        decided(acme, ("gold", 1, 0.8)),
        decided(acme, ("gold", 1, None)),
        decided(acme, ("gold", 1, 0.6), at=BEFORE),
    )

    section = made("score_distribution", acme, spool, days=5, buckets=2, offerId="gold")

    assert [tuple(row.values()) for row in table(section)] == [
        ("0 to 0.5", 2, pytest.approx(2 / 3), 0), ("0.5 to 1", 1, pytest.approx(1 / 3), 1),
    ]  # fmt: skip
    assert figures(section) == {"selections": (3, 1)}


def test_why_an_offer_was_not_the_first(acme: Tenant, spool: Spool) -> None:
    Offer.objects.create(tenant=acme, key="loan", name="Cash loan")
    nothing: dict[str, Any] = {"final_count": 0}
    save(
        decided(acme, ("gold", 1, 0.9), ("loan", 2, 0.5)),
        decided(acme, ("loan", 1, 0.9), ("gold", 2, 0.5)),
        *(decided(acme, ("loan", 1, 0.9), ("mortgage", 2, 0.5)) for _ in range(3)),
        *(decided(acme, ("mortgage", 1, 0.9)) for _ in range(2)),
        decided(acme, after_qualification=0, after_contact_policy=0, **nothing),
        decided(acme, after_contact_policy=0, **nothing),
        decided(acme, **nothing),
        decided(acme, status_code=500, **nothing),
        decided(acme, ("loan", 1, 0.5), at=BEFORE),
    )

    section = made("why_not_ranked", acme, spool, days=5, offerId="gold")

    assert [(row["reason"], row["reasonKey"], row["decisions"], row["decisionsBefore"]) for row in table(section)] == [
        ("Cash loan was selected instead", "not_selected", 3, 1),
        ("mortgage was selected instead", "not_selected", 2, 0),
        ("Selected as the first", "first", 1, 0),
        ("Selected behind Cash loan", "outranked", 1, 0),
        ("Offers were left and none was selected", "none_selected", 1, 0),
        ("The contact policy removed every offer", "all_suppressed", 1, 0),
        ("No offer qualified", "none_qualified", 1, 0),
        ("The decision failed", "failed", 1, 0),
    ]
    assert table(section)[0]["share"] == pytest.approx(3 / 11)
    assert (table(section)[3]["ahead"], table(section)[3]["aheadId"]) == ("Cash loan", "loan")
    assert figures(section) == {"decisions": (11, 1), "selected": (2, 0), "first": (1, 0)}
    assert section.note.startswith("A trace names only what was selected")


def test_reasons_beyond_the_limit_are_told_of(acme: Tenant, spool: Spool) -> None:
    save(*(decided(acme, (f"o{number}", 1, 0.5)) for number in range(4)))

    section = made("why_not_ranked", acme, spool, offerId="gold", limit=2)

    assert len(table(section)) == 2
    assert section.note.endswith("Shows 2 of 4 rows, those with the most decisions.")


def test_why_not_ranked_asks_for_an_offer(acme: Tenant, spool: Spool) -> None:
    section = made("why_not_ranked", acme, spool)

    assert section.error == "offerId: Field required"
    assert list(section.rows) == [("offerId", "offerId: Field required")]
