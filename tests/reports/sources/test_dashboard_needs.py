"""The documented types of dashboard data can be had from the sources: which source, which params, which columns."""

from datetime import timedelta
from typing import Any

import pytest

from interactions.models import Offer
from kaireon.platform.tenancy.models import Tenant
from reports.sources import Spool
from tests.interactions.history import interaction, save, trace
from tests.reports.sources.world import NOW, figures, made, table

pytestmark = pytest.mark.django_db
NEEDS: list[tuple[str, str, dict[str, Any], set[str]]] = [
    ("summary", "daily_trend", {}, {"impressions", "revenue", "decisions"}),
    ("acceptance_rate", "daily_trend", {"channelId": "web"}, {"day", "acceptanceRate"}),
    ("offer_performance", "offer_performance", {"channelId": "web", "limit": 5}, {"offerId", "impressions", "revenue"}),
    ("grouped by channel", "offer_performance", {"groupBy": "channel"}, {"channel", "offerId", "ctr"}),
    ("grouped by category", "offer_performance", {"groupBy": "category", "categoryId": "cards"}, {"category"}),
    ("grouped by segment", "offer_performance", {"groupBy": "segment", "segmentId": "vip"}, {"segment"}),
    ("channel_effectiveness", "channel_effectiveness", {"categoryId": "cards"}, {"channelId", "acceptanceRate"}),
    ("daily_trend", "daily_trend", {"segmentId": "vip"}, {"day", "clicks", "positives"}),
    ("revenue_trend", "revenue_trend", {"offerId": "gold"}, {"day", "revenue", "revenueBefore"}),
    ("selection_frequency", "selection_frequency", {"channelId": "web"}, {"offerId", "frequency"}),
    ("why_not_ranked", "why_not_ranked", {"offerId": "gold"}, {"reasonKey", "decisions", "share"}),
    ("anomaly_candidates", "anomaly_candidates", {"baselineDays": 14, "channelId": "web"}, {"severity", "change"}),
    ("score_distribution", "score_distribution", {"offerId": "gold", "buckets": 20}, {"score", "selections"}),
    ("model_metrics_trend", "model_metrics_trend", {"channelId": "web"}, {"day", "latencyP99", "degradedScoringRate"}),
    ("decision pipeline", "funnel", {"windowHours": 24, "channelId": "web"}, {"stage", "count", "ofFirst"}),
    ("decision health", "decision_traces_summary", {"windowHours": 168}, {"suppressionRate", "emptyCandidateRate"}),
]


@pytest.fixture
def lived(acme: Tenant) -> Tenant:
    """Return Acme with an hour that every filter keeps."""
    Offer.objects.create(tenant=acme, key="gold", name="Gold card", category="cards")
    at = NOW - timedelta(hours=1)
    fields = {"offer_id": "gold", "channel_id": "web", "context": {"segmentId": "vip"}}
    selected = [{"offerId": "gold", "rank": 1, "score": 0.5}]
    save(
        interaction(acme, "impression", at, **fields),
        interaction(acme, "convert", at, value=5, **fields),
        trace(acme, at, channel_id="web", selected=selected),
    )
    return acme


@pytest.mark.parametrize(("source", "params", "columns"), [each[1:] for each in NEEDS], ids=[each[0] for each in NEEDS])
def test_a_documented_type_can_be_had(
    source: str, params: dict[str, Any], columns: set[str], lived: Tenant, spool: Spool
) -> None:
    section = made(source, lived, spool, **params)

    assert section.error == ""
    assert columns <= {column.key for column in section.columns}
    assert section.figures
    if source != "anomaly_candidates":
        assert table(section)


@pytest.mark.parametrize("days", [1, 7, 30, 365])
@pytest.mark.parametrize("source", sorted({each[1] for each in NEEDS}))
def test_every_period_of_the_selector_can_be_asked_for(source: str, days: int, lived: Tenant, spool: Spool) -> None:
    params = {"offerId": "gold"} if source == "why_not_ranked" else {}

    section = made(source, lived, spool, days=days, **params)

    assert section.error == ""
    assert section.chart is not None


def test_a_filter_that_nothing_has_gives_an_empty_answer_and_no_error(lived: Tenant, spool: Spool) -> None:
    section = made("offer_performance", lived, spool, segmentId="nobody")

    assert (table(section), section.error) == ([], "")
    assert figures(section)["impressions"] == (0, 0)
