"""Each dashboard is whole: four figures of its own sections, two or three pictures, a report definition."""

from typing import Any

import pytest

from reports.dashboards import DASHBOARDS, Dashboard
from reports.dashboards.declaration import define
from reports.dashboards.filters import PERIODS, Filters
from reports.dashboards.reading import definition_of, params_known
from reports.dashboards.saving import template_values
from reports.decisions.checking import check_definition
from reports.decisions.definition import read_definition
from reports.decisions.vocabulary import Format
from reports.sources import find_source, source_list
from reports.sources.running import read_params

ALL = list(DASHBOARDS.values())
# Sources of areas that may not be there: a dashboard says so instead of failing.
OPTIONAL: set[str] = set()


def by_key(value: Any) -> str:
    return value.key if isinstance(value, Dashboard) else str(value)


def test_the_dashboards_are_the_documented_ones() -> None:
    assert list(DASHBOARDS) == [
        "executive", "business", "operations", "model-health", "data-health", "attribution", "decision-health",
    ]  # fmt: skip


@pytest.mark.parametrize("dashboard", ALL, ids=by_key)
def test_a_dashboard_answers_a_question_with_four_figures_of_its_sections(dashboard: Dashboard) -> None:
    sections = {each.id for each in dashboard.sections}

    assert dashboard.question.endswith("?")
    assert len(dashboard.figures) == 4
    assert {figure.section for figure in dashboard.figures} <= sections
    assert len({(figure.section, figure.key) for figure in dashboard.figures}) == 4
    assert {figure.rise for figure in dashboard.figures} <= {-1, 0, 1}


@pytest.mark.parametrize("dashboard", ALL, ids=by_key)
def test_a_dashboard_has_sections_with_ids_and_titles_of_their_own(dashboard: Dashboard) -> None:
    assert len({each.id for each in dashboard.sections}) == len(dashboard.sections)
    assert len({each.title for each in dashboard.sections}) == len(dashboard.sections)
    assert 3 <= len(dashboard.sections) <= 5


@pytest.mark.parametrize("dashboard", ALL, ids=by_key)
def test_every_source_of_a_dashboard_is_registered_and_takes_what_it_is_given(dashboard: Dashboard) -> None:
    definition = definition_of(dashboard, Filters(PERIODS["90d"], "web", "vip"))

    for call in definition.data_sources:
        source = find_source(call.source_key)
        assert source is not None or call.source_key in OPTIONAL
        if source is not None:
            read_params(source, call.params)


@pytest.mark.parametrize("fmt", list(Format))
@pytest.mark.parametrize("dashboard", ALL, ids=by_key)
def test_a_dashboard_is_a_report_definition_that_could_be_kept(dashboard: Dashboard, fmt: Format) -> None:
    definition = definition_of(dashboard, Filters(), fmt)
    kept = definition.to_json()
    values = {"data_sources": kept["dataSources"], "sections": kept["sections"], "formats": kept["formats"]}

    assert read_definition(kept) == definition
    assert check_definition(values, source_keys={each.key for each in source_list()} | OPTIONAL) == {}
    assert definition.narrative.is_enabled is (fmt is not Format.CSV)


def test_a_source_is_given_only_the_params_that_it_knows() -> None:
    dashboard = DASHBOARDS["executive"]
    filters = Filters(PERIODS["30d"], "web", "vip")

    definition = define(dashboard, filters, params_of={"funnel": {"days", "channelId"}, "revenue_trend": ()})
    given = {call.source_key: dict(call.params) for call in definition.data_sources}

    assert given["funnel"] == {"days": 30, "channelId": "web"}
    assert given["revenue_trend"] == {}
    assert given["channel_effectiveness"] == {}


@pytest.mark.parametrize(
    ("channel", "segment", "expected"),
    [
        ("", "", ""),
        ("web", "", "\nOnly channel “web”.\nNot narrowed by channel: Revenue by day."),
        (
            "web",
            "vip",
            (
                "\nOnly channel “web” and segment “vip”.\nNot narrowed by channel: Revenue by day."
                "\nNot narrowed by segment: Revenue by day, From qualified to converted."
            ),
        ),
    ],
    ids=["everything", "channel", "both"],
)
def test_a_file_says_what_it_is_narrowed_to_and_what_is_not(channel: str, segment: str, expected: str) -> None:
    dashboard, filters = DASHBOARDS["executive"], Filters(PERIODS["30d"], channel, segment)
    known = {"funnel": {"days", "channelId"}, "revenue_trend": {"days"}}

    definition = define(dashboard, filters, params_of=known)

    assert definition.description == dashboard.question + expected


def test_a_saved_report_says_what_it_is_narrowed_to() -> None:
    values = template_values(DASHBOARDS["executive"], Filters(PERIODS["7d"], "web"))

    assert "Only channel “web”." in values["description"]


def test_a_sections_own_params_go_before_the_filters() -> None:
    business = definition_of(DASHBOARDS["business"], Filters(PERIODS["14d"]))

    offers = next(call for call in business.data_sources if call.source_key == "offer_performance")

    assert offers.params == {"days": 14, "limit": 20}


def test_a_source_that_is_not_there_takes_no_params() -> None:
    dashboard = DASHBOARDS["data-health"]

    known = params_known(dashboard)

    assert set(known) == {each.source for each in dashboard.sections}
    assert all(not known[key] for key in known if find_source(key) is None)
