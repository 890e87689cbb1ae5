"""Charts: what is drawn of which rows, round scales, and pictures whose marks stand where their values say."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reports.decisions.document import Chart, ChartKind, Column, Row, Section, Unit
from reports.renderers.charts.palette import DARK, LIGHT
from reports.renderers.charts.pictures import Box, Dot, Label, Line, Path, Picture, picture_of
from reports.renderers.charts.plots import MOST_BARS, MOST_POINTS, MOST_STEPS, Plot, plots_of, ticks_along
from reports.renderers.charts.scales import scale_of, tick_text
from reports.renderers.charts.svg import shortened, svg_of
from tests.reports.renderers.world import failed, offers, trend


def section(kind: ChartKind, rows: list[Row], *units: Unit, along: Unit = Unit.TEXT) -> Section:
    """Return a section whose first column is the axis and whose others are drawn."""
    columns = (
        Column("a", "Along", along),
        *(Column(f"d{place}", f"Drawn {place}", unit) for place, unit in enumerate(units)),
    )
    chart = Chart(kind, "a", tuple(column.key for column in columns[1:]), "Chart")
    return Section("s", "S", "s", columns, tuple(rows), chart)


def plot(kind: ChartKind, rows: list[Row], *units: Unit, along: Unit = Unit.TEXT) -> Plot:
    """Return the one plot of such a section."""
    (found,) = plots_of(section(kind, rows, *(units or (Unit.COUNT,)), along=along), "UTC")
    return found


def days(*values: float | None) -> list[Row]:
    """Return a row a day."""
    return [(date(2026, 1, 1) + timedelta(place), value) for place, value in enumerate(values)]


def names(*values: float | None) -> list[Row]:
    """Return a row a name."""
    return [(f"offer {place}", value) for place, value in enumerate(values)]


def test_a_line_has_every_point_while_there_are_few() -> None:
    found = plot(ChartKind.LINE, days(1, None, 3), along=Unit.DATE)

    assert found.series[0].points == [(0, 1.0), (1, None), (2, 3.0)]
    assert found.labels == {0: "2026-01-01", 1: "2026-01-02", 2: "2026-01-03"}


def test_a_long_line_is_thinned_and_keeps_its_peaks() -> None:
    values = [float(place % 10) for place in range(20_000)]
    values[12_345], values[17] = 1000.0, -1000.0

    found = plot(ChartKind.LINE, days(*values[:3000]), along=Unit.DATE)
    rows: list[Row] = [(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=m), v) for m, v in enumerate(values)]
    longer = plot(ChartKind.LINE, rows, along=Unit.TIME)

    assert len(found.series[0].points) <= MOST_POINTS + 2
    assert len(longer.series[0].points) <= MOST_POINTS + 2
    assert (12_345, 1000.0) in longer.series[0].points
    assert (17, -1000.0) in longer.series[0].points
    assert [number for number, _ in longer.series[0].points] == sorted(number for number, _ in longer.series[0].points)
    assert longer.left_out == 0


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.none() | st.floats(-1e6, 1e6), min_size=401, max_size=1500))
def test_thinning_keeps_the_lowest_and_the_highest(values: list[float | None]) -> None:
    numbers = [value for value in values if value is not None]
    found = plots_of(section(ChartKind.LINE, days(*values), Unit.NUMBER, along=Unit.DATE), "UTC")

    if not numbers:
        assert found == []
        return
    assert min(found[0].values) == pytest.approx(min(numbers))
    assert max(found[0].values) == pytest.approx(max(numbers))


def test_bars_of_names_lie_and_are_the_first_ones() -> None:
    found = plot(ChartKind.BAR, names(*range(40)))

    assert not found.stands
    assert found.rows == MOST_BARS
    assert found.left_out == 40 - MOST_BARS
    assert picture_of(found).remark == "The first 15 of 40 rows are drawn."


def test_bars_of_days_stand_until_there_are_too_many() -> None:
    few, many = (
        plot(ChartKind.BAR, days(*range(31)), along=Unit.DATE),
        plot(ChartKind.BAR, days(*range(90)), along=Unit.DATE),
    )

    assert few.stands
    assert few.rows == 31
    assert many.kind is ChartKind.LINE
    assert many.rows == 90


def test_a_funnel_has_its_first_steps_and_one_series() -> None:
    rows: list[Row] = [(f"step {place}", 100 - place, 1) for place in range(12)]

    found = plot(ChartKind.FUNNEL, rows, Unit.COUNT, Unit.COUNT)

    assert len(found.series) == 1
    assert found.rows == MOST_STEPS


def test_columns_of_several_units_are_several_plots() -> None:
    rows: list[Row] = [(date(2026, 1, 1), 1, Decimal(2), 0.5), (date(2026, 1, 2), 2, Decimal(3), 0.6)]

    found = plots_of(section(ChartKind.LINE, rows, Unit.MONEY, Unit.MONEY, Unit.RATIO, along=Unit.DATE), "UTC")

    assert [[series.label for series in each.series] for each in found] == [["Drawn 0", "Drawn 1"], ["Drawn 2"]]
    assert [each.title for each in found] == ["Chart: Drawn 0, Drawn 1", "Chart: Drawn 2"]


@pytest.mark.parametrize(
    "without",
    [
        failed(),
        trend(rows=()),
        trend(chart=None),
        trend(chart=Chart(ChartKind.LINE, "gone", ("revenue",))),
        trend(chart=Chart(ChartKind.LINE, "day", ("gone",))),
        trend(chart=Chart(ChartKind.LINE, "day", ())),
        trend(rows=((date(2026, 1, 1), None),)),
        trend(rows=((date(2026, 1, 1), "text"), (date(2026, 1, 2), float("nan")))),
    ],
)
def test_there_is_no_chart_of_nothing(without: Section) -> None:
    assert plots_of(without, "UTC") == []


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([0.0, 100.0], [0, 20, 40, 60, 80, 100]),
        ([3.0, 7.0], [0, 2, 4, 6, 8]),
        ([-5.0, 5.0], [-6, -4, -2, 0, 2, 4, 6]),
        ([-30.0, -10.0], [-30, -20, -10, 0]),
        ([0.0, 0.0], [0, 0.2, 0.4, 0.6, 0.8, 1]),
        ([0.11], [0, 0.025, 0.05, 0.075, 0.1, 0.125]),
        ([1e300], [0, 2e299, 4e299, 6e299, 8e299, 1e300]),
    ],
)
def test_ticks_are_round_and_hold_the_values(values: list[float], ticks: list[float]) -> None:
    assert list(scale_of(values).ticks) == pytest.approx(ticks)


@given(st.lists(st.floats(-1e300, 1e300, allow_nan=False), min_size=1, max_size=20))
def test_a_scale_holds_every_value_and_zero(values: list[float]) -> None:
    scale = scale_of(values)

    assert scale.low <= 0 <= scale.high
    assert 2 <= len(scale.ticks) <= 12
    for value in values:
        assert -1e-9 <= scale.part(value) <= 1 + 1e-9


@pytest.mark.parametrize(
    ("value", "unit", "step", "text"),
    [
        (0, Unit.COUNT, 20, "0"), (20, Unit.COUNT, 20, "20"), (1500, Unit.COUNT, 500, "1.5k"),
        (2_000_000, Unit.MONEY, 500_000, "2M"), (-3_000, Unit.MONEY, 1_000, "-3k"), (0.025, Unit.RATIO, 0.025, "2.5 %"),
        (0.2, Unit.RATIO, 0.1, "20 %"), (250, Unit.MILLISECONDS, 50, "250 ms"), (90, Unit.SECONDS, 30, "90 s"),
        (7_200, Unit.SECONDS, 3_600, "2 h"), (120, Unit.SECONDS, 60, "2 m"), (172_800, Unit.SECONDS, 86_400, "2 d"),
        (1e300, Unit.NUMBER, 2e299, "1e+300"), (1e-9, Unit.NUMBER, 1e-9, "1e-09"), (0.5, Unit.NUMBER, 0.25, "0.5"),
    ],
)  # fmt: skip
def test_a_tick_reads_in_few_characters(value: float, unit: Unit, step: float, text: str) -> None:
    assert tick_text(value, unit, step) == text


@pytest.mark.parametrize(("rows", "ticks"), [(0, []), (1, [0]), (7, list(range(7))), (30, [0, 5, 10, 15, 20, 25])])
def test_names_along_the_axis_are_evenly_apart(rows: int, ticks: list[int]) -> None:
    assert ticks_along(rows, 7) == ticks


def marks(picture: Picture, kind: type) -> list[object]:
    """Return the marks of one kind."""
    return [mark for mark in picture.marks if isinstance(mark, kind)]


def test_a_higher_value_stands_higher() -> None:
    picture = picture_of(plot(ChartKind.LINE, days(1, 5, 3), along=Unit.DATE))

    (path,) = marks(picture, Path)
    assert isinstance(path, Path)
    (x1, y1), (x2, y2), (x3, y3) = path.points
    assert x1 < x2 < x3
    assert y2 < y3 < y1


def test_a_line_stops_where_there_is_no_value() -> None:
    picture = picture_of(plot(ChartKind.LINE, days(1, 2, None, 4, None, 6, 7), along=Unit.DATE))

    assert [len(path.points) for path in marks(picture, Path)] == [2, 2]  # type: ignore[attr-defined]
    assert len(marks(picture, Dot)) == 5


def test_bars_are_as_long_as_their_values() -> None:
    picture = picture_of(plot(ChartKind.BAR, names(10, 5, None, 0)))

    widths = [box.width for box in marks(picture, Box)]  # type: ignore[attr-defined]
    assert widths[0] == pytest.approx(2 * widths[1])
    assert len(widths) == 3
    assert [label.text for label in marks(picture, Label) if label.role == "muted"] == ["10", "5", "–", "0"]  # type: ignore[attr-defined]


def test_bars_below_zero_go_to_the_other_side() -> None:
    picture = picture_of(plot(ChartKind.BAR, names(10, -10)))

    up, down = marks(picture, Box)
    assert isinstance(up, Box)
    assert isinstance(down, Box)
    assert down.x + down.width == pytest.approx(up.x)
    assert down.width == pytest.approx(up.width)


def test_standing_bars_begin_at_zero() -> None:
    picture = picture_of(plot(ChartKind.BAR, days(4, -4), along=Unit.DATE))

    up, down = marks(picture, Box)
    assert isinstance(up, Box)
    assert isinstance(down, Box)
    assert up.y + up.height == pytest.approx(down.y)


def test_a_funnel_narrows_and_tells_the_share_of_the_first() -> None:
    picture = picture_of(plot(ChartKind.FUNNEL, names(200, 100, 50)))

    widths = [box.width for box in marks(picture, Box)]  # type: ignore[attr-defined]
    assert widths[0] == pytest.approx(2 * widths[1]) == pytest.approx(4 * widths[2])
    assert [label.text for label in marks(picture, Label) if label.role == "muted"] == [  # type: ignore[attr-defined]
        "200  100.0%",
        "100  50.0%",
        "50  25.0%",
    ]


def test_several_series_have_a_legend_and_one_has_none() -> None:
    rows: list[Row] = [("a", 1, 2), ("b", 3, 4)]
    two, one = picture_of(plot(ChartKind.BAR, rows, Unit.COUNT, Unit.COUNT)), picture_of(plot(ChartKind.BAR, names(1)))

    assert [label.text for label in marks(two, Label)][:2] == ["Drawn 0", "Drawn 1"]  # type: ignore[attr-defined]
    assert "Drawn 0" not in [label.text for label in marks(one, Label)]  # type: ignore[attr-defined]


@given(
    st.sampled_from(list(ChartKind)), st.lists(st.none() | st.floats(allow_nan=True), min_size=1, max_size=80),
    st.booleans(), st.sampled_from([Unit.COUNT, Unit.RATIO, Unit.SECONDS, Unit.MONEY]),
)  # fmt: skip
def test_no_mark_leaves_the_picture(kind: ChartKind, values: list[float | None], over_days: bool, unit: Unit) -> None:
    rows = days(*values) if over_days else names(*values)
    along = Unit.DATE if over_days else Unit.TEXT
    for found in plots_of(section(kind, rows, unit, along=along), "UTC"):
        picture = picture_of(found)
        for mark in picture.marks:
            assert inside(mark, picture), mark
        ET.fromstring(svg_of(picture))


def inside(mark: object, picture: Picture) -> bool:
    """Tell whether a mark lies in its picture."""
    match mark:
        case Line():
            points = [(mark.x1, mark.y1), (mark.x2, mark.y2)]
        case Box():
            points = [(mark.x, mark.y), (mark.x + mark.width, mark.y + mark.height)]
        case Path():
            points = list(mark.points)
        case Dot() | Label():
            points = [(mark.x, mark.y)]
        case _:
            return False
    return all(-0.1 <= x <= picture.width + 0.1 and -0.1 <= y <= picture.height + 0.1 for x, y in points)


def test_svg_is_xml_whose_texts_are_escaped() -> None:
    hostile = section(ChartKind.BAR, [('<b onclick="x">&', 1), ("]]>", 2)], Unit.COUNT)
    (found,) = plots_of(hostile, "UTC")

    tree = ET.fromstring(svg_of(picture_of(found)))

    assert '<b onclick="x">&' in ["".join(element.itertext()) for element in tree.iter("text")]
    assert tree.get("aria-label") == "Chart"


def test_the_same_section_gives_the_same_picture() -> None:
    first, second = (svg_of(picture_of(plots_of(offers(), "UTC")[0])) for _ in range(2))

    assert first == second


@pytest.mark.parametrize(
    ("text", "width", "seen"),
    [
        ("short", None, "short"),
        ("short", 100, "short"),
        ("a very long name of an offer", 60, "a very l…"),
        ("你好世界你好", 45, "你好世…"),
    ],
)
def test_labels_are_shortened_to_their_room(text: str, width: float | None, seen: str) -> None:
    assert shortened(text, width) == seen


def test_both_palettes_have_every_role() -> None:
    assert LIGHT.keys() == DARK.keys()


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours as WCAG 2 has it."""
    lights = sorted(luminance(colour) for colour in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_texts_and_lines_stand_out_from_the_page(palette: dict[str, str]) -> None:
    for role in ("ink", "muted", "brand"):
        assert contrast(palette[role], palette["page"]) >= 4.5
        assert contrast(palette[role], palette["soft"]) >= 4.5
    assert contrast(palette["warnInk"], palette["warn"]) >= 4.5
    for role in (role for role in palette if role.startswith("series")):
        assert contrast(palette[role], palette["page"]) >= 2.2
