"""Charts as the script is told them, and in words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reports.dashboards.charts import draw_charts
from reports.decisions.document import Chart, ChartKind, Column, Section, Unit
from tests.reports.dashboards.world import bars, days


def drawn(section: Section, zone: str = "UTC") -> Any:
    (chart,) = draw_charts(section, zone)
    return chart


def test_a_line_names_every_point_and_writes_every_value() -> None:
    chart = drawn(days())

    assert chart.drawn == {
        "kind": "line",
        "isLying": False,
        "unit": "money",
        "labels": ["2026-03-01", "2026-03-02", "2026-03-03"],
        "series": [
            {
                "label": "Revenue",
                "values": [0.0, 10.0, 20.0],
                "texts": ["0.00", "10.00", "20.00"],
                "isBefore": False,
            }
        ],
    }
    assert (chart.id, chart.told_id, chart.bars) == ("chart-revenue-0", "chart-revenue-0-told", 0)


@pytest.mark.parametrize("kind", [ChartKind.BAR, ChartKind.FUNNEL])
def test_bars_of_names_lie_and_each_has_its_height(kind: ChartKind) -> None:
    few, many = drawn(bars(("web", 2), ("app", 1), kind=kind)), drawn(bars(*[("c", 1)] * 8, kind=kind))

    assert few.drawn["kind"] == "bar"
    assert few.drawn["isLying"] is True
    assert few.bars == 2
    assert many.height > few.height


def test_bars_along_time_stand() -> None:
    chart = drawn(replace(days(), chart=Chart(ChartKind.BAR, "day", ("revenue",), "Revenue")))

    assert (chart.drawn["kind"], chart.drawn["isLying"], chart.bars) == ("bar", False, 0)


def test_words_say_where_a_series_is_highest_and_lowest() -> None:
    chart = drawn(days())

    assert chart.words == "Revenue by day. Revenue: highest 20.00 (2026-03-03), lowest 0.00 (2026-03-01)."


def test_words_of_a_series_that_does_not_move_say_so() -> None:
    chart = drawn(bars(("web", 5), ("app", 5)))

    assert chart.words.endswith("Impressions: 5 throughout.")


def test_a_gap_is_no_value_and_not_zero() -> None:
    chart = drawn(bars(("web", 5), ("app", None)))

    assert chart.drawn["series"][0]["values"] == [5.0, None]
    assert chart.drawn["series"][0]["texts"] == ["5", "–"]


def test_the_period_before_is_marked_so_that_it_stands_back() -> None:
    section = days(key="revenueBefore")

    assert drawn(section).drawn["series"][0]["isBefore"] is True


def test_series_of_two_units_are_two_charts_with_ids_of_their_own() -> None:
    columns = (*days().columns, Column("clicks", "Clicks", Unit.COUNT))
    rows = tuple((*row, number) for number, row in enumerate(days().rows, 1))
    chart = Chart(ChartKind.LINE, "day", ("revenue", "clicks"), "By day")

    charts = list(draw_charts(replace(days(), columns=columns, rows=rows, chart=chart), "UTC"))

    assert [each.id for each in charts] == ["chart-revenue-0", "chart-revenue-1"]
    assert [each.drawn["unit"] for each in charts] == ["money", "count"]


def test_instants_are_named_in_the_zone() -> None:
    columns = (Column("at", "At", Unit.TIME), Column("count", "Count", Unit.COUNT))
    row = (datetime(2026, 7, 1, 12, tzinfo=UTC), 3)
    section = replace(days(), columns=columns, rows=(row, row), chart=Chart(ChartKind.LINE, "at", ("count",)))

    assert drawn(section, "Europe/Berlin").drawn["labels"] == ["2026-07-01 14:00 CEST"] * 2


def test_a_long_series_is_thinned_and_keeps_its_peak() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    columns = (Column("at", "At", Unit.TIME), Column("count", "Count", Unit.COUNT))
    rows = tuple((start + timedelta(minutes=number), 999 if number == 777 else 1) for number in range(2000))
    section = replace(days(), columns=columns, rows=rows, chart=Chart(ChartKind.LINE, "at", ("count",)))

    chart = drawn(section)

    assert len(chart.drawn["labels"]) <= 400
    assert max(value for value in chart.drawn["series"][0]["values"] if value is not None) == 999


@pytest.mark.parametrize(
    "section",
    [replace(days(), chart=None), days(0), replace(days(), error="No."), bars(("web", None))],
    ids=["no chart", "no rows", "an error", "no numbers"],
)
def test_what_has_nothing_to_draw_has_no_chart(section: Section) -> None:
    assert list(draw_charts(section, "UTC")) == []
