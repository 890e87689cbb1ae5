"""Whatever a document holds, every format renders it, the same each time, and CSV gives the values back."""

import csv
import io
import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import html5lib
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from reports.decisions.document import (
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
from tests.reports.renderers.world import FORMULAS, HOSTILE, document, rendered, rendered_section, table

ANY_TEXT = (
    st.text(max_size=60) | st.sampled_from(HOSTILE) | st.text(alphabet="אب नक्ष你한😀a1 \u202e\x00\ud800", max_size=20)
)
NUMBERS = (
    st.integers(-(10**40), 10**40)
    | st.floats()
    | st.decimals()
    | st.decimals(min_value=-(10**6), max_value=10**6, places=2)
    | st.none()
)
CELLS = ANY_TEXT | NUMBERS | st.booleans() | st.datetimes(timezones=st.just(UTC)) | st.dates()
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns"])
UNITS = st.sampled_from(list(Unit))


@st.composite
def sections(draw: Any) -> Section:
    """Draw a section whose cells need not be of their columns' units."""
    units = draw(st.lists(UNITS, max_size=6))
    columns = tuple(Column(f"c{number}", draw(ANY_TEXT), unit) for number, unit in enumerate(units))
    rows = draw(st.lists(st.tuples(*(CELLS for _ in columns)), max_size=8)) if columns else ()
    keys = [*(column.key for column in columns), "gone"]
    chart = Chart(
        draw(st.sampled_from(list(ChartKind))), draw(st.sampled_from(keys)),
        tuple(draw(st.lists(st.sampled_from(keys), max_size=3))), draw(ANY_TEXT),
    )  # fmt: skip
    figures = st.builds(Figure, st.just("f"), ANY_TEXT, NUMBERS, UNITS, NUMBERS)
    return Section(
        draw(ANY_TEXT), draw(ANY_TEXT), "s", columns, tuple(rows), draw(st.none() | st.just(chart)),
        tuple(draw(st.lists(figures, max_size=3))), draw(ANY_TEXT), draw(st.just("") | ANY_TEXT),
    )  # fmt: skip


@st.composite
def documents(draw: Any) -> Document:
    """Draw a document."""
    parts = tuple(draw(st.lists(sections(), max_size=3)))
    words = Narrative(
        draw(st.sampled_from(list(NarrativeSource))), draw(ANY_TEXT),
        {section.id: draw(ANY_TEXT) for section in parts}, tuple(draw(st.lists(ANY_TEXT, max_size=3))),
        draw(ANY_TEXT), draw(ANY_TEXT),
    )  # fmt: skip
    instants = st.datetimes(timezones=st.just(UTC))
    return Document(
        draw(ANY_TEXT), draw(ANY_TEXT), draw(ANY_TEXT), draw(ANY_TEXT), draw(instants), draw(instants), draw(ZONES),
        parts, draw(st.none() | st.just(words)), draw(ANY_TEXT),
    )  # fmt: skip


QUICK = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@QUICK
@given(documents())
def test_any_document_is_a_pdf_that_can_be_opened(whole: Document) -> None:
    data = rendered(whole, "pdf")

    assert len(PdfReader(io.BytesIO(data), strict=True).pages) >= 2
    assert rendered(whole, "pdf") == data


@QUICK
@given(documents())
def test_any_document_is_a_page_that_is_well_formed(whole: Document) -> None:
    data = rendered(whole, "html")

    html5lib.HTMLParser(strict=True).parse(data, transport_encoding="utf-8")
    assert rendered(whole, "html") == data


@QUICK
@given(documents())
def test_any_document_is_markdown_and_csv_in_utf8(whole: Document) -> None:
    for form in ("markdown", "csv"):
        data = rendered(whole, form)
        data.decode()
        assert rendered(whole, form) == data


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=12), ZONES)
def test_csv_gives_back_what_it_was_given(rows: list[Any], zone: str) -> None:
    whole = document(table(*rows), zone=zone)

    found = list(csv.reader(io.StringIO(rendered_section(whole, "t").decode(), newline="")))[1:]

    assert len(found) == len(rows)
    for read, given_row in zip(found, rows, strict=True):
        for text, cell in zip(read, given_row, strict=True):
            assert means(text, cell, zone), (text, cell)


def means(text: str, cell: Any, zone: str) -> bool:
    """Tell whether a text of the file says a cell."""
    match cell:
        case None:
            return text == ""
        case bool():
            return text == str(cell).lower()
        case str():
            visible = "".join(
                "\ufffd" if letter == "\x00" or "\ud800" <= letter <= "\udfff" else letter for letter in cell
            )
            return text in {visible, f"'{visible}"}
        case datetime():
            return means_instant(text, cell, zone)
        case date():
            return date.fromisoformat(text) == cell
        case int():
            return int(text) == cell
        case Decimal():
            return Decimal(text) == cell if cell.is_finite() else text == ""
    return float(text) == cell if math.isfinite(cell) else text == ""


def means_instant(text: str, cell: datetime, zone: str) -> bool:
    """Tell whether a text says an instant, on the clocks of its zone where they have a date for it."""
    read = datetime.fromisoformat(text)
    is_inside = date(1000, 1, 1) < cell.date() < date(9000, 1, 1)
    return read == cell and (not is_inside or read.utcoffset() == cell.astimezone(ZoneInfo(zone)).utcoffset())


@given(st.text() | st.sampled_from(FORMULAS))
def test_no_text_begins_as_a_formula(text: str) -> None:
    data = rendered_section(document(table((text, text))), "t").decode()

    for cell in list(csv.reader(io.StringIO(data, newline="")))[1]:
        started = cell.lstrip(" \u00a0\u200b\ufeff")[:1]
        assert started not in {"=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"} or number(cell)


def number(text: str) -> bool:
    """Tell whether a text is a number."""
    try:
        return text.isascii() and math.isfinite(float(text))
    except ValueError:
        return False


@pytest.mark.parametrize("form", ["pdf", "csv", "markdown", "html"])
def test_rows_are_read_anew_each_time(form: str) -> None:
    whole = document()

    first = rendered(whole, form)

    assert rendered(whole, form) == first
