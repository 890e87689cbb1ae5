"""What changed since the last issue: figures, rows, sections, and what cannot be said."""

from dataclasses import replace
from typing import Any

import pytest

from reports.decisions.changes import ROWS_PER_SECTION, Change, ChangeKind, what_changed
from reports.decisions.document import Chart, ChartKind, Column, Figure, Row, Section, Unit
from reports.decisions.section_json import section_data
from tests.reports.renderers.world import trend

COLUMNS = (
    Column("offerId", "Offer id"),
    Column("offer", "Offer"),
    Column("clicks", "Clicks", Unit.COUNT),
    Column("revenue", "Revenue", Unit.MONEY),
)
BARS = Chart(ChartKind.BAR, "offer", ("revenue",))


def section(*rows: Row, columns: tuple[Column, ...] = COLUMNS, chart: Chart | None = BARS, **changes: Any) -> Section:
    return replace(Section("s1", "Offers", "offer_performance", columns, rows, chart), **changes)


def compared(before: Section, after: Section, limit: int = 200) -> list[Change]:
    return what_changed([section_data(before, limit)], [section_data(after, limit)])


def told(changes: list[Change]) -> list[tuple[str, str, Any, Any]]:
    return [(str(each.kind), each.name or each.label, each.before, each.after) for each in changes]


GOLD, LOAN = ("g", "Gold card", 3, 10), ("l", "Cash loan", 5, 20)


def test_nothing_changed() -> None:
    assert compared(section(GOLD, LOAN), section(LOAN, GOLD)) == []


def test_a_figure_moved() -> None:
    before = section(figures=(Figure("revenue", "Revenue", 80, Unit.MONEY), Figure("ctr", "CTR", 0.5, Unit.RATIO)))
    after = section(figures=(Figure("revenue", "Revenue", 100, Unit.MONEY), Figure("ctr", "CTR", 0.5, Unit.RATIO)))

    (change,) = compared(before, after)

    assert change == Change(ChangeKind.FIGURE, "s1", "Offers", label="Revenue", unit=Unit.MONEY, before=80, after=100)
    assert change.ratio == 0.25


@pytest.mark.parametrize(
    "other", [Figure("clicks", "Clicks", 1, Unit.COUNT), Figure("revenue", "Revenue", 1, Unit.COUNT)],
    ids=["another key", "another unit"],
)  # fmt: skip
def test_a_figure_without_its_like_is_not_compared(other: Figure) -> None:
    assert compared(section(figures=(other,)), section(figures=(Figure("revenue", "R", 2, Unit.MONEY),))) == []


@pytest.mark.parametrize(("before", "after"), [(None, 1), (1, None), (0, 1)], ids=["no before", "no after", "from 0"])
def test_a_change_without_a_base_has_no_ratio(before: float | None, after: float | None) -> None:
    assert Change(ChangeKind.FIGURE, "s1", "Offers", before=before, after=after).ratio is None


def test_a_change_from_below_zero_keeps_its_sign() -> None:
    assert Change(ChangeKind.FIGURE, "s1", "Offers", before=-4, after=-2).ratio == 0.5


def test_rows_that_moved_came_and_went() -> None:
    before = section(GOLD, LOAN, ("s", "Savings", 1, 1))
    after = section(("g", "Gold card", 3, 15), LOAN, ("t", "Travel", 2, 4))

    assert told(compared(before, after)) == [
        ("row", "Gold card", 10, 15), ("row_added", "Travel", None, 4), ("row_removed", "Savings", 1, None),
    ]  # fmt: skip


def test_the_rows_that_moved_most_are_told_in_order() -> None:
    before = section(*((f"o{number}", f"Offer {number}", 0, 100) for number in range(9)))
    after = section(*((f"o{number}", f"Offer {number}", 0, 100 + number * (-1) ** number) for number in range(9)))

    changes = compared(before, after)

    assert [change.name for change in changes] == [f"Offer {number}" for number in (8, 7, 6, 5, 4)]
    assert len(changes) == ROWS_PER_SECTION


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        ((GOLD, LOAN), (LOAN,), []),
        ((LOAN,), (GOLD, LOAN), ["row_added"]),
    ],
    ids=["nobody knows whether it is gone", "all rows before are known"],
)
def test_a_table_cut_short_says_nothing_of_what_came_or_went(
    before: tuple[Row, ...], after: tuple[Row, ...], kinds: list[str]
) -> None:
    known, cut = section_data(section(*before)), section_data(section(*after)) | {"truncated": True}

    assert [str(change.kind) for change in what_changed([known], [cut])] == kinds
    assert [str(change.kind) for change in what_changed([known | {"truncated": True}], [cut])] == []


def test_without_a_chart_the_first_number_stands_for_a_row_and_the_first_text_names_it() -> None:
    (change,) = compared(section(GOLD, chart=None), section(("g", "Gold card", 4, 10), chart=None))

    assert (change.label, change.name, change.before, change.after) == ("Clicks", "g", 3, 4)


def test_a_row_without_any_name_has_none() -> None:
    columns = (Column("offer", "Offer"), Column("clicks", "Clicks", Unit.COUNT))

    (change,) = compared(section((None, 1), columns=columns), section((None, 2), columns=columns))

    assert (change.name, change.before, change.after) == ("", 1, 2)


def test_of_two_rows_with_one_name_the_first_counts() -> None:
    assert compared(section(GOLD, ("g", "Gold card", 0, 0)), section(GOLD, ("g", "Gold card", 9, 9))) == []


def test_a_text_where_a_number_belongs_is_not_compared() -> None:
    assert compared(section(("g", "Gold card", 3, "–")), section(("g", "Gold card", 3, "lots"))) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (trend(), trend(days=3)),
        (section(), section()),
        (section(columns=()), section(columns=())),
        (
            section(("a", "b"), columns=COLUMNS[:2]),
            section(("a", "c"), columns=COLUMNS[:2]),
        ),
        (
            section((1,), columns=(COLUMNS[2],), chart=None),
            section((2,), columns=(COLUMNS[2],), chart=None),
        ),
        (section(GOLD), section((1,), columns=(COLUMNS[2],))),
        (section(("g", 3), columns=(COLUMNS[0], COLUMNS[2])), section(GOLD)),
    ],
    ids=["days", "no rows", "no columns", "no number", "no name", "other columns", "columns changed"],
)
def test_tables_that_cannot_be_compared_are_not(before: Section, after: Section) -> None:
    assert [change for change in compared(before, after) if change.kind is not ChangeKind.FIGURE] == []


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        ("", "days is wrong", ["failed"]),
        ("days is wrong", "", ["recovered"]),
        ("days is wrong", "limit is wrong", []),
    ],
    ids=["failed", "recovered", "still failing"],
)
def test_a_section_that_could_not_be_made(before: str, after: str, kinds: list[str]) -> None:
    changes = compared(section(GOLD, error=before), section(LOAN, error=after))

    assert [str(change.kind) for change in changes] == kinds


def test_sections_that_came_and_went() -> None:
    here, gone = section(id="s1", title="Here"), section(id="s2", title="Gone")
    other_source = section(id="s1", title="Other", source_key="funnel")

    changes = what_changed([section_data(here), section_data(gone)], [section_data(here), section_data(other_source)])

    assert [(str(change.kind), change.section_title) for change in changes] == [
        ("section_added", "Other"), ("section_removed", "Gone"),
    ]  # fmt: skip
