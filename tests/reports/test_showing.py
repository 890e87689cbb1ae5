"""A section as a page shows it: texts in their units, the first rows, pictures whose texts are escaped."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from reports.decisions.document import (
    Cell,
    Chart,
    ChartKind,
    Column,
    Document,
    Figure,
    Narrative,
    NarrativeSource,
    Section,
    Unit,
)
from reports.selectors.showing import show_document, show_section

NOW = datetime(2026, 4, 17, 8, 0, tzinfo=UTC)
NASTY = "<script>alert(1)</script>"


def section(**changes: Any) -> Section:
    """Return the plain section: offers with their clicks."""
    values: dict[str, Any] = {
        "id": "s1", "title": "Offers", "source_key": "x",
        "columns": (Column("o", "Offer"), Column("n", "Clicks", Unit.COUNT)),
        "rows": tuple((f"Offer {number}", 1000 + number) for number in range(7)), **changes,
    }  # fmt: skip
    return Section(**values)


def document(*sections: Section) -> Document:
    return Document("Weekly", "", "Acme", "last week", NOW, NOW, "Europe/Berlin", sections)


@pytest.mark.parametrize(
    ("unit", "value", "text", "stands"),
    [
        (Unit.TEXT, "Gold", "Gold", ""), (Unit.COUNT, 12345, "12,345", "k-right"),
        (Unit.MONEY, Decimal("1234.5"), "1,234.50", "k-right"), (Unit.RATIO, 0.125, "12.5 %", "k-right"),
        (Unit.MILLISECONDS, 12, "12 ms", "k-right"), (Unit.DATE, date(2026, 4, 17), "2026-04-17", "k-whole"),
        (Unit.TIME, NOW, "2026-04-17 10:00", "k-whole"), (Unit.YES_NO, True, "yes", "k-whole"),
        (Unit.COUNT, None, "–", "k-right"),
    ],
    ids=["text", "count", "money", "ratio", "ms", "date", "time", "yes-no", "nothing"],
)  # fmt: skip
def test_a_cell_reads_in_its_unit_and_stands_on_its_side(unit: Unit, value: Cell, text: str, stands: str) -> None:
    shown = show_section(
        section(columns=(Column("c", "Label", unit),), rows=((value,),)), zone="Europe/Berlin", rows=5
    )  # fmt: skip

    written, side = shown.rows[0][0]
    assert written.startswith(text)
    assert side == stands
    assert shown.heads == [("Label", stands)]


@pytest.mark.parametrize(
    ("kept", "count", "shown_rows", "left_out"),
    [(5, None, 5, 2), (10, None, 7, 0), (5, 5000, 5, 4995), (0, None, 0, 7)],
)
def test_the_first_rows_are_shown_and_the_others_counted(
    kept: int, count: int | None, shown_rows: int, left_out: int
) -> None:
    shown = show_section(section(), zone="UTC", rows=kept, row_count=count)

    assert (len(shown.rows), shown.left_out) == (shown_rows, left_out)
    assert shown.row_count == (count or 7)


def test_figures_are_told_with_what_they_were_before() -> None:
    figures = (Figure("n", "Clicks", 12, Unit.COUNT, 10), Figure("r", "Rate", 0.2, Unit.RATIO))

    shown = show_section(section(figures=figures), zone="UTC", rows=1)

    assert [(each.label, each.value, each.before) for each in shown.figures] == [
        ("Clicks", "12", "10"), ("Rate", "20.0 %", ""),
    ]  # fmt: skip
    assert shown.figures[0].direction == 1


def test_a_chart_is_drawn_and_its_texts_are_escaped() -> None:
    chart = Chart(ChartKind.BAR, "o", ("n",), f"Clicks {NASTY}")

    shown = show_section(section(chart=chart, rows=((NASTY, 5), ("Gold", 7))), zone="UTC", rows=2)

    svg = str(shown.pictures[0].svg)
    assert svg.startswith("<svg")
    assert "<script" not in svg
    assert "&lt;script" in svg
    # Unfold's script takes whatever has the class `chart` for a canvas of its own.
    assert 'class="chart"' not in svg


def test_a_section_that_could_not_be_made_has_its_reason_and_no_picture() -> None:
    chart = Chart(ChartKind.BAR, "o", ("n",))

    shown = show_section(section(chart=chart, error="days: too many"), zone="UTC", rows=5)

    assert shown.error == "days: too many"
    assert shown.pictures == []


@pytest.mark.parametrize(
    ("title", "heading"), [("Offers", "Offers"), ("", "s1"), ("  ", "s1"), ("a\u202eb", "ab")],
)  # fmt: skip
def test_a_heading_is_never_empty_and_never_reordered(title: str, heading: str) -> None:
    assert show_section(section(title=title), zone="UTC", rows=1).heading == heading


def test_a_document_brings_its_words_to_their_sections() -> None:
    narrative = Narrative(
        NarrativeSource.DETERMINISTIC, "First.\n\nSecond.", {"s2": "About two."}, ("One\nline",), reason="No model."
    )

    shown = show_document(document(section(), section(id="s2", title="Two")), narrative, rows=3)

    assert shown.summary == ["First.", "Second."]
    assert shown.takeaways == ["One line"]
    assert [each.words for each in shown.sections] == [[], ["About two."]]
    assert (shown.title, shown.period) == ("Weekly", "last week")


def test_a_document_without_words_has_none() -> None:
    shown = show_document(document(section()), None, rows=3)

    assert (shown.summary, shown.takeaways, shown.narrative) == ([], [], None)
    assert len(shown.sections[0].rows) == 3
