"""Columns that are formulas, names of groups, and filters: the small parts that sources are made of."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from interactions import metrics
from interactions.metrics import Gauge, Ratio, Source, Total, catalogue
from interactions.selectors.breakdowns import Group
from interactions.selectors.narrowing import EVERYTHING, Narrowing
from reports.decisions.document import Figure, Unit
from reports.decisions.periods import last_days, last_hours
from reports.sources import measured
from reports.sources.grouped import name_of, names_of, rest_note
from reports.sources.measured import OF_DECISIONS, OF_INTERACTIONS, Measured, Reckoning, unit_of
from reports.sources.narrowed import narrowing_of
from reports.sources.params import InteractionFilters, PeriodParams, PipelineParams, defaults_of

NOW = datetime(2026, 3, 5, 10, tzinfo=UTC)
CLICKS = Measured("clicks", "Clicks", Unit.COUNT, Total(metrics.CLICKS))
CTR = Measured("ctr", "Click rate", Unit.RATIO, Ratio(metrics.CLICKS, metrics.IMPRESSIONS))


def test_every_unit_of_a_metric_has_one_in_reports() -> None:
    assert {unit_of(unit) for unit in metrics.Unit} == {
        Unit.RATIO, Unit.MONEY, Unit.MILLISECONDS, Unit.SECONDS, Unit.COUNT,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("column", "name"),
    [
        (measured.REVENUE, "revenue"),
        (measured.ACCEPTANCE_RATE, "acceptance_rate"),
        (measured.CTR, "ctr"),
        (measured.DECISIONS, "decision_count"),
        (measured.SELECTION_FREQUENCY, "selection_frequency"),
        (measured.SUPPRESSION_RATE, "suppression_rate"),
        (measured.EMPTY_RATE, "empty_candidate_rate"),
        (measured.DEGRADED_RATE, "degraded_scoring_rate"),
        (measured.ERROR_RATE, "error_rate"),
        (measured.LATENCY_P99, "latency_p99"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_column_is_the_metrics_own_formula_and_title(column: Measured, name: str) -> None:
    metric = metrics.metric_named(name)

    assert (column.formula, column.label, column.unit) == (metric.formula, metric.title, unit_of(metric.unit))


def test_every_metric_made_of_rows_is_a_column_of_some_source() -> None:
    columns = [each.formula for each in (*OF_INTERACTIONS, *OF_DECISIONS)]

    missing = [each.name for each in catalogue() if not isinstance(each.formula, Gauge) and each.formula not in columns]

    assert missing == []


def test_what_columns_share_is_read_once_and_reckoned_for_each() -> None:
    reckoning = Reckoning((CTR, CLICKS))

    assert reckoning.measures == [metrics.CLICKS, metrics.IMPRESSIONS]
    assert [column.key for column in reckoning.columns] == ["ctr", "clicks"]
    assert reckoning.cells((1, 4)) == (0.25, 1)
    assert reckoning.cells((0, 0)) == (None, 0)
    assert reckoning.place_of(metrics.IMPRESSIONS) == 1


def test_a_figure_stands_beside_that_of_the_period_before() -> None:
    assert Reckoning((CTR, CLICKS)).figures((1, 4), (3, 4)) == (
        Figure("ctr", "Click rate", 0.25, Unit.RATIO, 0.75), Figure("clicks", "Clicks", 1, Unit.COUNT, 3),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("key", "name", "shown"),
    [("gold", "Gold card", "Gold card"), ("gold", None, "gold"), ("gold", "", "gold"), (None, None, "(no offer)")],
    ids=["named", "not in the catalogue", "without a name there", "no offer"],
)
def test_a_group_is_shown_by_its_name_its_id_or_that_it_has_none(key: str | None, name: str | None, shown: str) -> None:
    assert name_of(key, name, "offer") == shown


def test_each_dimension_of_a_group_has_its_name() -> None:
    group = Group((None, "gold"), (None, "Gold card"), (), ())

    assert names_of(group, ("segment", "offer")) == ("(no segment)", "Gold card")


@pytest.mark.parametrize(
    ("shown", "count", "note"),
    [
        (0, 0, ""),
        (5, 5, ""),
        (20, 1234, "Shows 20 of 1,234 offers: those with the most clicks. The figures count all of them."),
    ],
    ids=["none", "all", "some"],
)
def test_what_is_not_shown_is_said(shown: int, count: int, note: str) -> None:
    assert rest_note(shown, count, "offers", "clicks") == note


@pytest.mark.parametrize(
    ("given", "conditions"),
    [
        ({}, 0),
        ({"channel_id": "web"}, 1),
        ({"channel_id": "web", "offer_id": "gold"}, 2),
        ({"category": "cards"}, 1),
        ({"channel_id": "web", "offer_id": "gold", "category": "cards", "segment": "vip"}, 4),
        ({"channel_id": ""}, 1),
    ],
    ids=["none", "one", "two", "a category", "all", "an empty one"],
)
def test_each_filter_that_is_given_is_a_condition(given: dict[str, str], conditions: int) -> None:
    text = Narrowing(**given).conditions(Source.INTERACTIONS)

    # A category looks its offers up with an AND of its own.
    assert text.count(" AND ") - ("o.category" in text) == conditions
    assert not any(value and value in text for value in given.values())


def test_decisions_know_their_channel() -> None:
    assert Narrowing(channel_id="web").conditions(Source.TRACES) == " AND r.channel_id = %(channel_id)s"
    assert EVERYTHING.conditions(Source.TRACES) == ""


def test_params_name_filters_as_the_wire_does() -> None:
    sent = {"channelId": "web", "offerId": "gold", "categoryId": "cards", "segmentId": "vip", "days": 3}

    params = InteractionFilters.model_validate(sent)

    assert narrowing_of(params) == Narrowing("web", "gold", "cards", "vip")
    assert narrowing_of(InteractionFilters.model_validate({})) == EVERYTHING


@pytest.mark.parametrize("sent", [{"channel_id": "web"}, {"channelid": "web"}, {"days": 1.0}], ids=str)
def test_params_are_taken_in_the_wires_spelling_alone(sent: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        InteractionFilters.model_validate(sent)


def test_hours_stand_in_place_of_days_where_they_are_given() -> None:
    assert PipelineParams.model_validate({"days": 3}).period(NOW, "UTC") == last_days(NOW, 3, "UTC")
    assert PipelineParams.model_validate({"windowHours": 5}).period(NOW, "UTC") == last_hours(NOW, 5, "UTC")


@pytest.mark.parametrize(
    ("params", "defaults"), [(PeriodParams, {"days": 7}), (InteractionFilters, {"days": 7})], ids=["days", "filters"]
)
def test_defaults_leave_out_what_is_not_set(params: type[PeriodParams], defaults: dict[str, Any]) -> None:
    assert defaults_of(params) == defaults
