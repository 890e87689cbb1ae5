"""Measures by group and by stretch of time, as selectors: what is asked together, what is refused, what is equal."""

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from interactions import metrics
from interactions.metrics import Aggregate, Gauge, Percentile, Ratio, Source, Total, catalogue, metric_named
from interactions.models import Channel, Creative, Offer
from interactions.selectors import MetricRequest, read_metrics
from interactions.selectors.breakdowns import Group, GroupAsk, Groups, groups_statement, read_groups
from interactions.selectors.measures import CONVERSIONS, INTERACTIONS, LATENCY_P50, measures_of, reader_of, sql_of
from interactions.selectors.narrowing import Dimension, Narrowing
from interactions.selectors.selections import TraceAsk, read_fates, read_scores, read_selected_offers
from interactions.selectors.spans import read_spans
from interactions.selectors.spending import Spending, read_spending
from kaireon.platform.tenancy.models import Tenant
from tests.interactions.history import NOON, interaction, minutes, save, trace

HOUR = timedelta(hours=1)
NOW, BEFORE = (NOON - HOUR, NOON), (NOON - 2 * HOUR, NOON - HOUR)
LATELY, EARLIER = NOON - minutes(10), NOON - minutes(70)
P99 = Percentile(Source.TRACES, "total_latency_ms", 0.99)


def groups(
    tenant: Tenant,
    *by: Dimension,
    measures: Any = (metrics.IMPRESSIONS,),
    order: int = 0,
    limit: int = 100,
    **more: Any,
) -> Groups:
    return read_groups(GroupAsk(tenant.pk, by, measures, NOW, BEFORE, order, limit, Narrowing(**more)))


@pytest.mark.django_db
def test_a_group_has_its_sums_now_and_before(acme: Tenant) -> None:
    save(
        interaction(acme, "impression", LATELY, offer_id="gold"),
        interaction(acme, "convert", LATELY, offer_id="gold", value=5),
        interaction(acme, "impression", EARLIER, offer_id="gold"),
        interaction(acme, "impression", EARLIER, offer_id="loan"),
    )

    found = groups(acme, Dimension.OFFER, measures=(metrics.IMPRESSIONS, metrics.REVENUE, INTERACTIONS))

    assert found.total == Group((None,), (None,), (1, Decimal(5), 2), (2, 0, 2))
    assert found.found == 2
    assert list(found.first) == [
        Group(("gold",), (None,), (1, Decimal(5), 2), (1, 0, 1)), Group(("loan",), (None,), (0, 0, 0), (1, 0, 1)),
    ]  # fmt: skip


@pytest.mark.django_db
def test_without_rows_there_is_a_total_of_nothing(acme: Tenant) -> None:
    found = groups(acme, Dimension.CHANNEL, measures=(metrics.TRACES, P99))

    assert found.total == Group((None,), (None,), (0, None), (0, None))
    assert (found.found, list(found.first)) == (0, [])


@pytest.mark.django_db
def test_a_percentile_of_a_group_that_was_there_before_only_is_no_data(acme: Tenant) -> None:
    save(trace(acme, EARLIER, channel_id="web", total_latency_ms=7))

    (web,) = groups(acme, Dimension.CHANNEL, measures=(metrics.TRACES, P99)).first

    assert (web.now, web.before) == ((0, None), (1, 7.0))


@pytest.mark.django_db
def test_names_come_from_the_tenants_own_catalogue(acme: Tenant, globex: Tenant) -> None:
    Offer.objects.create(tenant=acme, key="gold", name="Gold card")
    Channel.objects.create(tenant=globex, key="web", name="Their site")
    Creative.objects.create(tenant=acme, key="banner", name="Banner")
    save(interaction(acme, "impression", LATELY, offer_id="gold", channel_id="web", creative_id="banner"))

    by = (Dimension.OFFER, Dimension.CHANNEL, Dimension.CREATIVE, Dimension.SEGMENT)
    (row,) = groups(acme, *by).first

    assert row.keys == ("gold", "web", "banner", None)
    assert row.names == ("Gold card", None, "Banner", None)


@pytest.mark.django_db
@pytest.mark.parametrize(("order", "ids"), [(0, ["shown", "paid"]), (1, ["paid", "shown"])], ids=["shown", "paid"])
def test_those_with_the_most_stand_first(order: int, ids: list[str], acme: Tenant) -> None:
    save(
        interaction(acme, "impression", LATELY, offer_id="shown"),
        interaction(acme, "impression", EARLIER, offer_id="paid"),
        interaction(acme, "convert", LATELY, offer_id="paid", value=1),
    )

    found = groups(acme, Dimension.OFFER, measures=(metrics.IMPRESSIONS, metrics.REVENUE), order=order)

    assert [row.keys[0] for row in found.first] == ids


@pytest.mark.django_db
def test_however_many_groups_there_are_it_is_one_statement(acme: Tenant) -> None:
    save(*(interaction(acme, "impression", LATELY, offer_id=f"o{number}") for number in range(50)))

    with CaptureQueriesContext(connection) as asked:
        found = groups(acme, Dimension.OFFER, measures=(metrics.IMPRESSIONS, metrics.CLICKS, CONVERSIONS))
        assert len(list(found.first)) == 50

    assert sum("interactions_interaction" in query["sql"] for query in asked) == 1


@pytest.mark.parametrize("by", [Dimension.OFFER, Dimension.CATEGORY, Dimension.SEGMENT, Dimension.CREATIVE])
def test_decisions_are_not_grouped_by_what_they_do_not_know(by: Dimension) -> None:
    ask = GroupAsk(uuid.uuid4(), (by,), (metrics.TRACES,), NOW, BEFORE, 0, 1)

    with pytest.raises(ValueError, match="channel and placement"):
        groups_statement(ask)


@pytest.mark.parametrize("narrowing", [{"offer_id": "gold"}, {"category": "cards"}, {"segment": "vip"}], ids=str)
def test_decisions_are_not_narrowed_by_what_they_do_not_know(narrowing: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="channel only"):
        Narrowing(**narrowing).conditions(Source.TRACES)


def test_measures_of_two_tables_are_not_asked_for_together() -> None:
    ask = GroupAsk(uuid.uuid4(), (Dimension.CHANNEL,), (metrics.TRACES, metrics.CLICKS), NOW, BEFORE, 0, 1)

    with pytest.raises(ValueError, match="too many values"):
        groups_statement(ask)


@pytest.mark.django_db
def test_spans_come_back_in_their_order_and_may_overlap(acme: Tenant) -> None:
    save(*(interaction(acme, "impression", NOON + minutes(number)) for number in range(10)))
    spans = [(NOON + minutes(5), NOON + minutes(7)), (NOON, NOON + HOUR), (NOON + minutes(6), NOON + minutes(6))]

    found = read_spans(tenant_id=acme.pk, measures=(metrics.IMPRESSIONS, metrics.REVENUE), spans=spans)

    assert found == [(2, 0), (10, 0), (0, 0)]
    assert read_spans(tenant_id=acme.pk, measures=(metrics.IMPRESSIONS,), spans=[]) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    "metric", [each for each in catalogue() if not isinstance(each.formula, Gauge)], ids=lambda metric: metric.name
)
def test_a_reports_figure_is_the_alert_rules_value(metric: Any, acme: Tenant) -> None:
    save(
        interaction(acme, "impression", LATELY), interaction(acme, "impression", LATELY),
        interaction(acme, "impression", LATELY), interaction(acme, "click", LATELY),
        interaction(acme, "convert", LATELY, value="19.99"),
        trace(acme, LATELY, after_contact_policy=3, total_latency_ms=12.5, degraded_scoring=True),
        trace(acme, LATELY, final_count=0, selected_count=0, status_code=500, total_latency_ms=80),
        trace(acme, LATELY, after_qualification=7, after_contact_policy=7),
    )  # fmt: skip
    request = MetricRequest(acme.pk, metric.name, *NOW)
    measures = measures_of([metric.formula])

    (sums,) = read_spans(tenant_id=acme.pk, measures=measures, spans=[NOW])

    assert float(reader_of(metric.formula, measures)(sums)) == read_metrics([request])[request]


def test_what_several_formulas_need_is_read_once() -> None:
    formulas = [metric_named(name).formula for name in ("acceptance_rate", "ctr", "revenue", "latency_p99")]

    assert measures_of(formulas) == [metrics.POSITIVES, metrics.IMPRESSIONS, metrics.CLICKS, metrics.REVENUE, P99]


def test_a_gauge_is_not_read_from_rows() -> None:
    with pytest.raises(TypeError, match="its owner"):
        measures_of([Gauge(lambda windows: {})])


@pytest.mark.parametrize(
    ("formula", "sums", "value"),
    [
        (Total(metrics.IMPRESSIONS), (7,), 7),
        (Ratio(metrics.CLICKS, metrics.IMPRESSIONS), (1, 4), 0.25),
        (Ratio(metrics.CLICKS, metrics.IMPRESSIONS), (1, 0), None),
        (Ratio(metrics.CLICKS, metrics.IMPRESSIONS), (0, 4), 0.0),
        (LATENCY_P50, (None,), None),
        (LATENCY_P50, (12.5,), 12.5),
    ],
    ids=["a total", "a ratio", "without a denominator", "none of some", "no rows", "a percentile"],
)
def test_a_formula_is_computed_of_its_measures(formula: Any, sums: tuple[Any, ...], value: Any) -> None:
    assert reader_of(formula, measures_of([formula]))(sums) == value


def test_sql_of_a_measure_is_the_metrics_own() -> None:
    own = Aggregate(Source.TRACES, "count(*)")

    assert sql_of(own) == "count(*)"
    assert sql_of(P99) == "percentile_cont(0.99) WITHIN GROUP (ORDER BY r.total_latency_ms)"


@pytest.mark.django_db
def test_selected_offers_are_none_where_nothing_was_decided(acme: Tenant) -> None:
    found = read_selected_offers(TraceAsk(acme.pk, NOW, BEFORE), 10)

    assert (found.found, list(found.first)) == (0, [])
    assert read_fates(TraceAsk(acme.pk, NOW, BEFORE), "gold") == []
    assert read_scores(TraceAsk(acme.pk, NOW, BEFORE), 4) == ({}, {})


@pytest.mark.django_db
def test_an_offers_text_is_a_value_and_never_sql(acme: Tenant) -> None:
    hostile = "x' OR '1'='1"
    selected = [{"offerId": hostile, "rank": 1, "score": 0.5}]
    save(trace(acme, LATELY, selected=selected, channel_id="web"), trace(acme, LATELY, selected=[]))
    ask = TraceAsk(acme.pk, NOW, BEFORE, "web")

    assert [(each.fate, each.decisions) for each in read_fates(ask, hostile)] == [("first", 1)]
    assert read_scores(ask, 2, hostile) == ({1: 1}, {})
    assert read_scores(ask, 2, "%(tenant)s") == ({}, {})


@pytest.mark.django_db
@pytest.mark.parametrize("field", ["cost", "the 'cost'", "cost%", "%(tenant)s", "a.b", "$.cost"])
def test_the_name_of_a_cost_is_a_value_too(field: str, acme: Tenant) -> None:
    save(interaction(acme, "click", LATELY, attributes={field: 2.5}))

    (spent,) = read_spending(
        tenant_id=acme.pk, window=NOW, of=[Narrowing()], spending=Spending.ATTRIBUTE, field=field
    )  # fmt: skip

    assert spent == (Decimal("2.5"), 1)


@pytest.mark.django_db
def test_the_window_of_spending_is_half_open(acme: Tenant) -> None:
    save(*(interaction(acme, "click", at, attributes={"cost": 1}) for at in (NOW[0], NOW[1], NOW[0] - minutes(1))))

    (spent,) = read_spending(
        tenant_id=acme.pk, window=NOW, of=[Narrowing()], spending=Spending.ATTRIBUTE, field="cost"
    )  # fmt: skip

    assert spent.interactions == 1


@pytest.mark.django_db
def test_fifty_budgets_are_one_statement(acme: Tenant) -> None:
    of = [Narrowing(channel_id=f"c{number}") for number in range(50)]
    save(interaction(acme, "click", LATELY, attributes={"cost": 1}, channel_id="c7"))

    with CaptureQueriesContext(connection) as asked:
        found = read_spending(tenant_id=acme.pk, window=NOW, of=of, spending=Spending.ATTRIBUTE, field="cost")

    assert len(asked) == 1
    assert [number for number, each in enumerate(found) if each.amount] == [7]


@pytest.mark.django_db
def test_an_instant_of_any_zone_is_the_same_instant(acme: Tenant) -> None:
    save(interaction(acme, "impression", datetime(2026, 3, 2, 11, 30, tzinfo=UTC)))
    start, end = (each.astimezone(ZoneInfo("Asia/Kathmandu")) for each in NOW)

    assert read_spans(tenant_id=acme.pk, measures=(metrics.IMPRESSIONS,), spans=[(start, end)]) == [(1,)]
