"""The geometry of sparklines and charts."""

from datetime import UTC, datetime, timedelta

import pytest

from kaireon.platform.pictures import CHART_WIDTH, SPARK_HEIGHT, SPARK_WIDTH, draw_chart, draw_sparkline, thin

START = datetime(2026, 3, 1, tzinfo=UTC)


def test_nothing_to_draw_is_empty() -> None:
    picture = draw_sparkline([None, None])

    assert picture.is_empty
    assert picture.lines == []
    assert picture.threshold_y is None


def test_a_threshold_without_values_is_still_in_the_picture() -> None:
    picture = draw_sparkline([], 0.2)

    assert picture.is_empty
    assert picture.threshold_y is not None
    assert 0 < picture.threshold_y < SPARK_HEIGHT


def test_no_data_breaks_the_line_and_a_lonely_value_is_a_dot() -> None:
    picture = draw_sparkline([1, 2, None, 3, None, 4, 5])

    assert len(picture.lines) == 2
    assert len(picture.dots) == 1


@pytest.mark.parametrize(
    ("values", "threshold"),
    [([0.0, 1.0], 0.5), ([5, 5, 5], None), ([5, 5], 5), ([-3, 7], 100), ([0], 0), ([1e300, -1e300], 0)],
)
def test_every_point_is_inside_the_picture(values: list[float], threshold: float | None) -> None:
    picture = draw_sparkline(values, threshold, fired=range(len(values)))

    assert picture.last is not None
    for point in [*picture.fired, picture.last]:
        assert 0 <= point.x <= SPARK_WIDTH
        assert 0 <= point.y <= SPARK_HEIGHT


def test_higher_values_stand_higher() -> None:
    picture = draw_sparkline([1, 9], 5, fired=[0, 1])

    low, high = picture.fired
    assert picture.threshold_y is not None
    assert high.y < picture.threshold_y < low.y


def test_a_firing_without_a_value_is_marked_in_the_middle() -> None:
    picture = draw_sparkline([None, 1], fired=[0])

    assert picture.fired[0].y == SPARK_HEIGHT / 2


def test_a_chart_marks_a_firing_at_the_value_that_stood_then() -> None:
    points = [(START + timedelta(minutes=30) * number, float(number)) for number in range(48)]

    chart = draw_chart(points, 10, fired=[(START + timedelta(hours=23, minutes=30), 47.0)])

    assert len(chart.picture.fired) == 1
    assert chart.picture.fired[0].x == pytest.approx(CHART_WIDTH - 3, abs=0.1)
    assert chart.picture.fired[0] == chart.picture.last


def test_a_thinned_line_still_has_its_firing_above_the_threshold() -> None:
    points = [(START + timedelta(hours=number), 1.0) for number in range(10)]

    chart = draw_chart(points, 5, fired=[(START + timedelta(hours=3), 9.0)])

    assert chart.picture.threshold_y is not None
    assert chart.picture.fired[0].y < chart.picture.threshold_y
    assert chart.highest == 9.0


@pytest.mark.parametrize(("span", "most"), [(timedelta(days=1), 6), (timedelta(days=7), 7), (timedelta(minutes=1), 0)])
def test_a_chart_has_a_readable_number_of_marks_on_its_axis(span: timedelta, most: int) -> None:
    points = [(START + span * number / 100, 1.0) for number in range(101)]

    chart = draw_chart(points, None)

    assert len(chart.ticks) <= most
    assert [tick.x for tick in chart.ticks] == sorted(tick.x for tick in chart.ticks)


def test_a_chart_of_nothing_is_empty() -> None:
    chart = draw_chart([], 1, fired=[(START, 2.0)])

    assert chart.picture.is_empty
    assert chart.ticks == []


@pytest.mark.parametrize(("is_upward", "kept"), [(True, 9.0), (False, 1.0)])
def test_thinning_keeps_the_value_that_could_breach(is_upward: bool, kept: float) -> None:
    values = [5.0, 1.0, 9.0, None]
    points = [(START + timedelta(minutes=number), value) for number, value in enumerate(values)]

    thinned = thin(points, 1, is_upward=is_upward)

    assert [value for _, value in thinned] == [kept]


def test_thinning_leaves_few_points_and_no_data_as_they_are() -> None:
    points = [(START, None), (START + timedelta(minutes=1), None)]

    assert thin(points, 5, is_upward=True) == points
    assert [value for _, value in thin(points, 1, is_upward=True)] == [None]
