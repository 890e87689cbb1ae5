"""A document as a page shows it: figures with tones, tables as text, versions that change with what is shown."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from reports.dashboards.declaration import Dashboard, FigureCall, SectionCall
from reports.dashboards.shaping import ROWS_SHOWN, only, shape
from reports.decisions.document import Column, Figure, Section, Unit
from tests.reports.dashboards.world import bars, days, document

DASHBOARD = Dashboard(
    "test", "Test", "Why?",
    figures=(FigureCall("revenue", "revenue", "Earned", rise=1), FigureCall("channels", "impressions", "Shown")),
    sections=(SectionCall("revenue", "Revenue by day", "revenue_trend"), SectionCall("channels", "Channels", "c")),
)  # fmt: skip


def one_figure(value: Any, before: Any, rise: int, unit: Unit = Unit.COUNT) -> Any:
    section = replace(days(), figures=(Figure("revenue", "Revenue", value, unit, before),))
    dashboard = replace(DASHBOARD, figures=(FigureCall("revenue", "revenue", "Earned", rise=rise),))
    return shape(dashboard, document(section)).figures[0]


@pytest.mark.parametrize(
    ("value", "before", "rise", "tone"),
    [
        (12, 10, 1, "good"),
        (8, 10, 1, "bad"),
        (12, 10, -1, "bad"),
        (8, 10, -1, "good"),
        (12, 10, 0, "idle"),
        (10, 10, 1, "idle"),
        (10, None, 1, "idle"),
        (None, 10, 1, "idle"),
    ],
)
def test_a_change_is_good_or_bad_by_what_a_rise_means(value: Any, before: Any, rise: int, tone: str) -> None:
    assert one_figure(value, before, rise).tone == tone


def test_a_figure_shows_its_change_and_what_it_was() -> None:
    card = one_figure(Decimal(1200), Decimal(1000), 1, Unit.MONEY)

    assert (card.label, card.value, card.change, card.before) == ("Earned", "1,200.00", "▲ +20.0 %", "1,000.00")


def test_a_ratio_changes_by_percentage_points() -> None:
    card = one_figure(0.25, 0.2, 1, Unit.RATIO)

    assert (card.value, card.change) == ("25.0 %", "▲ +5.0 percentage points")


@pytest.mark.parametrize(
    "section",
    [replace(days(), figures=()), Section("revenue", "R", "r", (), (), error="No.")],
    ids=["no figure", "an error"],
)
def test_a_figure_that_is_not_there_is_a_dash_and_not_zero(section: Section) -> None:
    card = shape(DASHBOARD, document(section)).figures[0]

    assert (card.label, card.value, card.change, card.tone) == ("Earned", "–", "", "idle")


def test_a_table_reads_as_in_the_files() -> None:
    section = shape(DASHBOARD, document(days())).sections[0]

    assert [(cell.text, cell.is_right) for cell in section.head] == [("Day", False), ("Revenue", True)]
    assert [[cell.text for cell in row] for row in section.rows] == [
        ["2026-03-01", "0.00"], ["2026-03-02", "10.00"], ["2026-03-03", "20.00"],
    ]  # fmt: skip
    assert [cell.label for cell in section.rows[0]] == ["Day", "Revenue"]


def test_a_long_table_shows_its_first_rows_and_says_how_many_there_are() -> None:
    rows = tuple((f"channel {number}", number) for number in range(ROWS_SHOWN + 1))

    section = shape(DASHBOARD, document(bars(*rows))).sections[1]

    assert (len(section.rows), section.row_count, section.is_cut) == (ROWS_SHOWN, ROWS_SHOWN + 1, True)


def test_a_section_that_could_not_be_made_shows_its_error_alone() -> None:
    failed = Section("revenue", "R", "r", (Column("field", "Field"),), (("days", "bad"),), error="days: bad")

    section = shape(DASHBOARD, document(failed)).sections[0]

    assert (section.error, section.rows, section.charts, section.is_empty) == ("days: bad", (), (), False)


def test_a_page_is_empty_when_no_section_tells_anything() -> None:
    quiet = replace(days(0), figures=(Figure("revenue", "Revenue", 0, Unit.MONEY, 0),))

    assert shape(DASHBOARD, document(quiet, bars())).is_empty is True
    assert shape(DASHBOARD, document(quiet)).is_empty is False, "the other section is being read"
    assert shape(DASHBOARD, document(quiet, replace(bars(), error="No."))).is_empty is False
    assert shape(DASHBOARD, document(days(), bars())).is_empty is False


def test_what_hides_in_a_cell_is_taken_out() -> None:
    section = shape(DASHBOARD, document(bars(("we\u202eb\x00", 1)))).sections[1]

    assert section.rows[0][0].text == "web\ufffd"


def test_the_same_data_has_the_same_versions() -> None:
    one, other = (shape(DASHBOARD, document(days(), bars(("web", 1)))) for _ in range(2))

    assert [each.version for each in one.figures] == [each.version for each in other.figures]
    assert [each.version for each in one.sections] == [each.version for each in other.sections]


@pytest.mark.parametrize(
    "changed",
    [days(4), replace(days(), note="New."), replace(days(), title="New"), replace(days(), error="No.")],
    ids=["a row", "a note", "a title", "an error"],
)
def test_a_section_that_says_something_else_has_another_version(changed: Section) -> None:
    before, after = (shape(DASHBOARD, document(section)).sections[0].version for section in (days(), changed))

    assert before != after


def test_figures_have_another_version_when_only_the_period_before_changed() -> None:
    before, after = (shape(DASHBOARD, document(section)).figures[0].version for section in (days(), days(before=5)))

    assert before != after


@pytest.mark.parametrize(("columns", "is_wide"), [(4, False), (5, True)])
def test_a_table_alone_takes_the_whole_width_when_it_has_many_columns(columns: int, is_wide: bool) -> None:
    named = tuple(Column(f"c{number}", f"Column {number}") for number in range(columns))
    section = Section("channels", "Alerts", "alert_history", named, (("x",) * columns,))

    assert shape(DASHBOARD, document(section)).sections[1].is_wide is is_wide
    assert shape(DASHBOARD, document(days())).sections[0].is_wide is False


def test_what_is_not_read_yet_waits_in_its_place() -> None:
    view = shape(DASHBOARD, document(bars(("web", 1))))

    assert [(each.id, each.title, each.is_waiting) for each in view.sections] == [
        ("revenue", "Revenue by day", True), ("channels", "Channels", False),
    ]  # fmt: skip
    assert [(each.label, each.is_waiting) for each in view.figures] == [("Earned", True), ("Shown", False)]
    assert view.sections[0].is_empty is False


def test_a_part_alone_is_its_section_with_its_figures() -> None:
    view = only(shape(DASHBOARD, document(bars(("web", 1)))))

    assert [each.id for each in view.sections] == ["channels"]
    assert [(each.number, each.label) for each in view.figures] == [(1, "Shown")]


def test_a_figure_that_arrives_has_another_version_than_the_one_that_waits() -> None:
    waiting, read = (
        shape(DASHBOARD, document(*sections)).figures[0] for sections in ((), (replace(days(), figures=()),))
    )

    assert (waiting.value, read.value) == ("–", "–")
    assert waiting.version != read.version
