"""The deterministic narrator: reads well, says what changed, and always has something to say."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.decisions.document import Column, Document, Figure, NarrativeSource, Row, Section, Unit
from reports.decisions.narrative.figures import change_of
from reports.decisions.narrative.plain import narrate_plainly
from tests.reports.narration.world import CLICK_RATE, OFFERS, document, failed, offers, trend


def paragraph(section: Section) -> str:
    """Return what is told of one section."""
    return narrate_plainly(document(section)).paragraphs[section.id]


def of_figure(value: object, before: object = None, unit: Unit = Unit.COUNT) -> str:
    """Return what is told of one figure."""
    figure = Figure("orders", "Orders", value, unit, before)  # type: ignore[arg-type]
    return paragraph(offers(rows=(), figures=(figure,)))


def test_a_report_is_told_from_the_summary_to_the_takeaways() -> None:
    narrative = narrate_plainly(document(offers(), trend(), failed()), reason="No model.")

    assert narrative.source is NarrativeSource.DETERMINISTIC
    assert narrative.executive_summary == (
        "This report covers 14 to 20 Nov 2026 in 3 sections. 1 of 3 sections could not be made: “Budget burn”. "
        "Orders rose from 0 to 12. Revenue rose by 12.5 % to 12,345.00, from 10,973.33."
    )
    assert narrative.paragraphs == {
        "offers": "Revenue rose by 12.5 % to 12,345.00, from 10,973.33. Click rate fell by 0.7 percentage points to "
        "12.3 %, from 13.0 %. Orders rose from 0 to 12. Visits was unchanged at 5,000. The table has 3 rows. "
        "“Summer sale” leads by Revenue with 4,000.50.",
        "trend": "The table has 7 rows. Revenue was highest with 2,000.00 (2026-11-20) and lowest with 1,400.00 "
        "(2026-11-14).",
        "budget": "This section could not be made: days must be between 1 and 365.",
    }
    assert narrative.takeaways == (
        "“Budget burn” could not be made: days must be between 1 and 365.",
        "Orders rose from 0 to 12.",
        "Revenue rose by 12.5 % to 12,345.00, from 10,973.33.",
        "Click rate fell by 0.7 percentage points to 12.3 %, from 13.0 %.",
        "“Offer performance”: “Summer sale” leads by Revenue with 4,000.50.",
    )
    assert (narrative.reason, narrative.model, narrative.tokens, narrative.cost_usd) == ("No model.", "", 0, None)


@pytest.mark.parametrize(
    ("value", "before", "unit", "text"),
    [
        (12, None, Unit.COUNT, "Orders was 12."),
        (12, 12, Unit.COUNT, "Orders was unchanged at 12."),
        (12, 0, Unit.COUNT, "Orders rose from 0 to 12."),
        (0, 12, Unit.COUNT, "Orders fell by 100.0 % to 0, from 12."),
        (-3, 0, Unit.MONEY, "Orders fell from 0.00 to -3.00."),
        (5, -5, Unit.COUNT, "Orders rose by 10 to 5, from -5."),
        (5000, 2, Unit.COUNT, "Orders rose by 4,998 to 5,000, from 2."),
        (None, 3, Unit.COUNT, "Orders has no value for this period; it was 3 in the one before."),
        (None, None, Unit.COUNT, "Orders has no value for this period."),
        (float("nan"), None, Unit.RATIO, "Orders has no value for this period."),
        (float("inf"), 3, Unit.COUNT, "Orders has no value for this period; it was 3 in the one before."),
        (7, float("inf"), Unit.COUNT, "Orders was 7."),
        (90, 60, Unit.SECONDS, "Orders rose by 50.0 % to 1 m 30 s, from 1 m 0 s."),
        (120, 240, Unit.MILLISECONDS, "Orders fell by 50.0 % to 120 ms, from 240 ms."),
    ],
)
def test_a_figure_is_told_with_its_change(value: object, before: object, unit: Unit, text: str) -> None:
    assert of_figure(value, before, unit) == text


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ((), "There is nothing to show for this period."),
        ((("A", 1, Decimal(2), 0.5),), "The table has 1 row."),
        ((("A", 1, None, None), ("B", 2, None, None)), "The table has 2 rows. “B” leads by Clicks with 2."),
        ((("A", 5, None, None), ("B", 5, None, None)), "The table has 2 rows."),
        (
            (("A", 9, None, None), ("B", 9, None, None), ("C", 1, None, None)),
            "The table has 3 rows. “A” leads by Clicks with 9.",
        ),
        (
            ((None, 9, None, None), ("B", 2, None, None), ("C", 1, None, None)),
            "The table has 3 rows. “B” leads by Clicks with 2.",
        ),
        ((("A", None, None, None), ("B", float("nan"), None, None)), "The table has 2 rows."),
        ((("", 9, None, None), ("   ", 8, None, None)), "The table has 2 rows."),
    ],
)  # fmt: skip
def test_a_table_is_told_with_its_leader(rows: tuple[Row, ...], text: str) -> None:
    assert paragraph(offers(rows=rows, figures=())) == text


def test_the_first_figures_column_ranks_the_rows() -> None:
    assert paragraph(offers(figures=(CLICK_RATE,))).endswith("“Summer sale” leads by Click rate with 12.3 %.")


def test_a_table_without_names_or_amounts_has_no_leader() -> None:
    numbers = (Column("a", "A", Unit.COUNT), Column("b", "B", Unit.COUNT))
    names = (Column("a", "A"), Column("b", "B"))

    assert paragraph(offers(columns=numbers, rows=((1, 2), (3, 4)), figures=())) == "The table has 2 rows."
    assert paragraph(offers(columns=names, rows=(("x", "y"), ("z", "w")), figures=())) == "The table has 2 rows."


def test_names_stay_one_bounded_quoted_line() -> None:
    rows = (("“Best”\n\u202eoffer\u202c\x00 " + "x" * 200, 9, None, None), ("B", 1, None, None))

    told = paragraph(offers(rows=rows, figures=()))

    assert told == f"The table has 2 rows. “'Best' offer {'x' * 46}…” leads by Clicks with 9."


def test_instants_are_told_in_the_reports_zone() -> None:
    columns = (Column("at", "At", Unit.TIME), Column("n", "Errors", Unit.COUNT))
    rows = ((datetime(2026, 3, 29, 1, tzinfo=UTC), 5), (datetime(2026, 3, 29, 0, tzinfo=UTC), 1))

    assert paragraph(offers(columns=columns, rows=rows, figures=())) == (
        "The table has 2 rows. Errors was highest with 5 (2026-03-29 03:00 CEST) and lowest with 1 "
        "(2026-03-29 01:00 CET)."
    )


def test_errors_are_shown_in_one_line() -> None:
    section = failed(error="bad\n<script>\u202e param “days”" + "y" * 500)

    told = paragraph(section)

    assert told.startswith("This section could not be made: bad <script> param 'days'yyy")
    assert (len(told) < 300, "\n" in told) == (True, False)


def test_figures_of_the_same_name_are_told_under_their_sections() -> None:
    one = offers(id="a", title="Mail", rows=(), figures=(Figure("r", "Revenue", 2, Unit.COUNT, 1),))
    two = offers(id="b", title="Web", rows=(), figures=(Figure("r", "Revenue", 9, Unit.COUNT, 3),))

    takeaways = narrate_plainly(document(one, two)).takeaways

    assert takeaways[:2] == (
        "“Web”: Revenue rose by 200.0 % to 9, from 3.",
        "“Mail”: Revenue rose by 100.0 % to 2, from 1.",
    )


def test_the_same_figure_in_two_sections_is_told_once() -> None:
    one, two = offers(id="a", rows=(), figures=(CLICK_RATE,)), offers(id="b", rows=(), figures=(CLICK_RATE,))

    takeaways = narrate_plainly(document(one, two)).takeaways

    assert sum("Click rate" in takeaway for takeaway in takeaways) == 1


FAILED_TOLD = "This report covers 14 to 20 Nov 2026 in 5 sections. 5 of 5 sections could not be made: "
TREND_TOLD = "“Revenue trend”: Revenue was highest with 2,000.00 (2026-11-20) and lowest with 1,400.00 (2026-11-14)."
ROWS_TOLD, UNTIL = "The report holds {} in 1 section.", "The data run until 2026-11-21 01:00 CET."


@pytest.mark.parametrize(
    ("report", "takeaways"),
    [
        (
            document(trend(rows=(), id="empty")),
            (ROWS_TOLD.format("0 rows"), UNTIL, "Every section was made without an error."),
        ),
        (
            document(failed()),
            ("“Budget burn” could not be made: days must be between 1 and 365.", ROWS_TOLD.format("0 rows"), UNTIL),
        ),
        (
            document(trend()),
            (
                TREND_TOLD,
                ROWS_TOLD.format("7 rows"),
                UNTIL,
            ),
        ),
    ],
)
def test_there_are_three_takeaways_where_there_is_little_to_say(report: Document, takeaways: tuple[str, ...]) -> None:
    assert narrate_plainly(report).takeaways == takeaways


@pytest.mark.parametrize(
    ("report", "summary"),
    [
        (document(failed(), period=""), "This report has 1 section. 1 of 1 section could not be made: “Budget burn”."),
        (document(trend()), "This report covers 14 to 20 Nov 2026 in 1 section. The tables hold 7 rows."),
        (
            document(*(failed(id=str(number), title=f"T{number}") for number in range(5))),
            FAILED_TOLD + "“T0”, “T1”, “T2” and others.",
        ),
        (
            document(offers(figures=(Figure("o", "Orders", 4, Unit.COUNT),))),
            "This report covers 14 to 20 Nov 2026 in 1 section. Orders was 4.",
        ),
    ],
)  # fmt: skip
def test_the_summary_says_what_there_is(report: Document, summary: str) -> None:
    assert narrate_plainly(report).executive_summary == summary


def test_a_report_without_sections_is_told_all_the_same() -> None:
    empty = Document("T", "", "Acme", "", datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), "UTC", ())

    narrative = narrate_plainly(empty)

    assert (narrative.executive_summary, narrative.paragraphs) == ("This report has 0 sections.", {})
    assert len(narrative.takeaways) == 3


def test_the_same_document_gives_the_same_words() -> None:
    assert narrate_plainly(document()) == narrate_plainly(document())


class LongRows:
    """A table that is never in memory."""

    def __iter__(self) -> Iterator[Row]:
        return ((f"Offer {number}", number % 977, Decimal(number), 0.5) for number in range(len(self)))

    def __len__(self) -> int:
        return 20_000


def test_a_long_table_is_read_row_by_row() -> None:
    told = paragraph(offers(rows=LongRows(), figures=()))

    assert told == "The table has 20,000 rows. “Offer 976” leads by Clicks with 976."


cells = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.decimals(), st.text(max_size=90), st.dates(),
    st.datetimes(timezones=st.just(UTC), min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1)),  # noqa: DTZ001
)  # fmt: skip
columns_of = st.lists(
    st.builds(Column, st.sampled_from(["a", "b", "r1", "rows", "x-y"]), st.text(max_size=20), st.sampled_from(Unit)),
    min_size=1, max_size=4,
)  # fmt: skip
amounts = st.one_of(st.none(), st.integers(), st.floats(), st.decimals())
figures_of = st.lists(
    st.builds(
        Figure,
        st.sampled_from(["a", "b", "r1", "rows", "title"]),
        st.text(max_size=20),
        amounts,
        st.sampled_from(Unit),
        amounts,
    ),
    max_size=4,
)


@st.composite
def sections_of(draw: st.DrawFn) -> Section:
    """Draw a section of any shape."""
    columns = draw(columns_of)
    rows = draw(st.lists(st.tuples(*[cells] * len(columns)), max_size=4))
    return Section(
        draw(st.text(max_size=8)), draw(st.text(max_size=90)), "k", tuple(columns), tuple(rows),
        figures=tuple(draw(figures_of)), error=draw(st.sampled_from(["", "", "", "bad params: “x”\n"])),
    )  # fmt: skip


documents = st.builds(
    document,
    st.builds(offers),
    title=st.text(max_size=80),
    tenant_name=st.text(max_size=80),
    period=st.text(max_size=30),
    zone=st.sampled_from(["UTC", "Australia/Lord_Howe", "America/St_Johns"]),
    sections=st.lists(sections_of(), max_size=4).map(tuple),
)


@settings(max_examples=150, deadline=None)
@given(documents)
def test_any_document_is_told(report: Document) -> None:
    narrative = narrate_plainly(report)

    assert narrative.executive_summary.startswith("This report")
    assert set(narrative.paragraphs) == {section.id for section in report.sections}
    assert all(narrative.paragraphs.values())
    assert 3 <= len(narrative.takeaways) <= 5
    for text in [narrative.executive_summary, *narrative.paragraphs.values(), *narrative.takeaways]:
        assert text.isprintable()


@given(st.lists(st.tuples(st.integers(-1000, 1000), st.integers(-1000, 1000)), min_size=1, max_size=8))
def test_the_largest_change_is_told_in_front(pairs: list[tuple[int, int]]) -> None:
    figures = tuple(
        Figure(f"f{n}", f"Figure {chr(97 + n)}", now, Unit.COUNT, then) for n, (now, then) in enumerate(pairs)
    )
    takeaways = narrate_plainly(document(offers(rows=(), figures=figures))).takeaways

    told = [figure for text in takeaways for figure in figures if text.startswith(f"{figure.label} ")]
    moved = [change for figure in told if (change := change_of(figure)) is not None]
    assert all(bool(first.direction) >= bool(second.direction) for first, second in pairwise(moved))
    assert any(change.direction for change in moved) is any(now != then for now, then in pairs)


def test_a_date_column_names_rows_too() -> None:
    columns = (Column("day", "Day", Unit.DATE), OFFERS[1])
    rows = ((date(2026, 10, 25), 1), (date(2026, 10, 26), 3), (None, 99))

    assert "highest with 3 (2026-10-26) and lowest with 1 (2026-10-25)" in paragraph(
        offers(columns=columns, rows=rows, figures=())
    )
