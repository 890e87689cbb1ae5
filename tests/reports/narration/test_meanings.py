"""Right figures in wrong statements: another column's label, a rank that is not held, a mean that is none."""

from decimal import Decimal

import pytest

from reports.decisions.document import Figure, Row, Unit
from reports.decisions.narrative.checks import refusal
from reports.decisions.narrative.slots import Extreme, extremes_of, slots_of
from tests.reports.narration.world import ROWS, document, offers

BOOK = slots_of(document())


@pytest.mark.parametrize(
    "text",
    [
        "{{s1.r1.offer}} made {{s1.r1.revenue}} of revenue out of {{s1.r1.clicks}} clicks.",
        "{{s1.r1.offer}} had {{s1.r1.clicks}} clicks and a revenue of {{s1.r1.revenue}}.",
        "The clicks of {{s1.r1.offer}} were {{s1.r1.clicks}}.",
        "{{s1.r1.offer}} leads with {{s1.r1.revenue}} of revenue.",
        "The highest revenue is that of {{s1.r1.offer}} with {{s1.r1.revenue}}.",
        "{{s1.r3.offer}} has the lowest revenue, at {{s1.r3.revenue}}.",
        "The revenue peaked on {{s2.r7.day}} at {{s2.r7.revenue}}.",
        "With {{s2.r1.revenue}} the revenue was lowest on {{s2.r1.day}}.",
    ],
)
def test_a_true_statement_may_be_made(text: str) -> None:
    assert refusal(text, BOOK) == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{s1.r1.offer}} had {{s1.r1.revenue}} clicks.", "as Clicks, but it is Revenue"),
        ("{{s1.r1.offer}} had {{s1.r1.revenue}} click.", "as Clicks, but it is Revenue"),
        ("The clicks of {{s1.r1.offer}} count. The clicks were {{s1.r1.revenue}}.", "as Clicks, but it is Revenue"),
        ("{{s1.r1.offer}} had a click rate of {{s1.r1.revenue}}.", "as Click rate, but it is Revenue"),
        ("{{s1.r1.offer}} made a revenue of {{s1.r1.clicks}}.", "as Revenue, but it is Clicks"),
    ],
)
def test_a_cell_under_another_columns_label_refuses_the_text(text: str, reason: str) -> None:
    assert reason in refusal(text, BOOK)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{s1.r2.offer}} leads with {{s1.r2.revenue}} of revenue.", "“leads” beside {{s1.r2.revenue}}, which is not"),
        ("{{s1.r2.offer}} had the most clicks, with {{s1.r2.clicks}}.", "“most”"),
        ("{{s1.r1.offer}} had the fewest clicks, with {{s1.r1.clicks}}.", "“fewest”"),
        ("The revenue peaked on {{s2.r1.day}} at {{s2.r1.revenue}}.", "“peaked”"),
        ("{{s1.r1.offer}} is the best offer.", "“best” without the cell that shows it"),
        ("Revenue of {{s1.revenue.value}} was the highest ever.", "“highest” without the cell that shows it"),
        ("Most of the revenue is in the table.", "“most” without the cell that shows it"),
    ],
)
def test_a_rank_that_is_not_held_refuses_the_text(text: str, reason: str) -> None:
    assert reason in refusal(text, BOOK)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Revenue averaged {{s1.revenue.value}}.", "averaged"),
        ("The average Revenue was {{s1.revenue.value}}.", "average"),
        ("Revenue was {{s1.revenue.value}} per day.", "per"),
        ("The daily Revenue was {{s1.revenue.value}}.", "daily"),
        ("Each visit brought Revenue of {{s1.revenue.value}}.", "each"),
        ("The median of {{s1.r1.offer}} was {{s1.r1.clicks}}.", "median"),
    ],
)
def test_a_mean_or_a_rate_that_the_data_do_not_give_refuses_the_text(text: str, word: str) -> None:
    assert f"“{word}”" in refusal(text, BOOK)


def test_a_mean_or_a_rate_that_the_label_names_may_be_given() -> None:
    figures = (
        Figure("each", "Revenue per click", 2, Unit.MONEY),
        Figure("mean", "Average latency", 9, Unit.MILLISECONDS),
    )
    book = slots_of(document(offers(figures=figures)))

    assert refusal("Revenue per click was {{s1.each.value}}.", book) == ""
    assert refusal("Average latency was {{s1.mean.value}}.", book) == ""
    assert "“average”" in refusal("The average of Revenue per click was {{s1.each.value}}.", book)


def test_a_superlative_that_is_part_of_a_label_ranks_nothing() -> None:
    columns = (offers().columns[0], offers().columns[1].__class__("leads", "Leads", Unit.COUNT))
    book = slots_of(document(offers(columns=columns, rows=(("A", 1), ("B", 2)), figures=())))

    assert refusal("{{s1.r1.offer}} brought {{s1.r1.leads}} leads.", book) == ""


def test_the_whole_table_decides_who_leads() -> None:
    rows: tuple[Row, ...] = (*ROWS, *(("filler", 1, Decimal(2), 0.1) for _ in range(50)), ("Last", 9999, None, None))
    book = slots_of(document(offers(rows=rows)))

    assert "“most”" in refusal("{{s1.r1.offer}} had the most clicks, {{s1.r1.clicks}} in all.", book)
    assert refusal("{{s1.r1.offer}} leads with {{s1.r1.revenue}} of revenue.", book) == ""


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ((1, 2, 3), Extreme(3, 1)),
        ((None, 2.5, Decimal(1)), Extreme(2.5, Decimal(1))),
        ((float("nan"), 1, float("inf"), 2), Extreme(2, 1)),
        ((Decimal("NaN"), Decimal("sNaN"), -1, 0), Extreme(0, -1)),
        ((10**400, 1e308, Decimal("1e500")), Extreme(Decimal("1e500"), 1e308)),
        ((5, 5, 5), None),
        ((7,), None),
        ((), None),
        ((True, False), None),
        (("text", None), None),
    ],
)
def test_the_extremes_of_a_column(cells: tuple[object, ...], expected: Extreme | None) -> None:
    section = offers(columns=offers().columns[1:2], rows=tuple((cell,) for cell in cells))

    assert extremes_of(section) == (expected,)


def test_rows_that_share_the_most_may_all_be_called_so() -> None:
    rows: tuple[Row, ...] = (("A", 5, None, None), ("B", 5, None, None), ("C", 1, None, None))
    book = slots_of(document(offers(rows=rows)))

    assert refusal("{{s1.r2.offer}} had the most clicks, {{s1.r2.clicks}} in all.", book) == ""
