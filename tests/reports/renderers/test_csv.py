"""CSV: read back by the csv module and by Arrow, exact, and harmless in a spreadsheet."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.csv
import pytest

from reports.decisions.document import Cell, Column, Unit
from reports.renderers import UnknownSection
from tests.reports.renderers.world import (
    FORMULAS,
    HOSTILE,
    NUMERIC,
    OFFERS,
    Generated,
    document,
    failed,
    offers,
    one_column,
    rendered,
    rendered_section,
    table,
    trend,
)


def records(data: bytes) -> list[list[str]]:
    """Return the records of a file as the csv module reads them."""
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def blocks(data: bytes) -> list[list[list[str]]]:
    """Return the records of a report, parted at its blank lines."""
    found: list[list[list[str]]] = [[]]
    for record in records(data):
        if record:
            found[-1].append(record)
        else:
            found.append([])
    return found


def cells(*values: Cell, unit: Unit = Unit.TEXT) -> list[str]:
    """Return how cells of one column are written."""
    return [record[0] for record in records(rendered_section(document(one_column(*values, unit=unit)), "t"))[1:]]


def arrow(data: bytes) -> Any:
    """Return the table that Arrow reads."""
    return pyarrow.csv.read_csv(io.BytesIO(data), parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True))


def test_a_report_is_its_narrative_and_each_section_under_a_title_with_a_blank_line_between() -> None:
    found = blocks(rendered(document(offers(), trend()), "csv"))

    assert [block[0] for block in found] == [["Weekly report"], ["Offer performance"], ["Revenue trend"]]
    assert ["Period", "14 to 20 Nov 2026"] in found[0]
    assert ["Summary", "Revenue rose by 12.2 %."] in found[0]
    assert ["Offer performance", "Summer sale made the most."] in found[0]
    assert [record[1] for record in found[0] if record[0] == "Takeaway"] == [
        "Revenue rose.",
        "Clicks stood still.",
        "Winter sale lost.",
    ]
    assert found[1][1] == ["Offer", "Clicks", "Revenue", "Click rate", "Last click"]
    assert len(found[2]) == 2 + 7


def test_a_report_begins_with_the_mark_that_excel_needs_and_a_table_does_not() -> None:
    assert rendered(document(), "csv").startswith(b"\xef\xbb\xbfWeekly report\r\n")
    assert rendered_section(document(), "offers").startswith(b"Offer,Clicks,")


def test_lines_end_as_the_rfc_says() -> None:
    data = rendered(document(), "csv")

    assert data.endswith(b"\r\n")
    assert data.count(b"\n") == data.count(b"\r\n")


def test_values_are_exact_and_nothing_has_no_text() -> None:
    found = records(rendered_section(document(), "offers"))

    assert found[1:] == [
        ["Summer sale", "1234567", "4000.50", "0.123", "2026-11-20 16:05:00+01:00"],
        ["Winter sale", "800", "-3000", "0.1", "2026-07-01 14:00:00+02:00"],
        ["Loyalty card", "5", "0.5", "", ""],
    ]


def test_arrow_reads_the_table_with_its_types() -> None:
    found = arrow(rendered_section(document(), "offers"))

    assert found.column("Clicks").to_pylist() == [row[1] for row in OFFERS]
    assert found.column("Click rate").to_pylist() == [0.123, 0.1, None]
    assert pa.types.is_timestamp(found.schema.field("Last click").type)
    assert [moment and moment.replace(tzinfo=UTC) for moment in found.column("Last click").to_pylist()] == [
        row[4] for row in OFFERS
    ]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_cell_that_a_spreadsheet_would_run_is_neutralised(text: str) -> None:
    assert cells(text) == [f"'{text}"]
    assert cells("harmless", text, "harmless") == ["harmless", f"'{text}", "harmless"]


@pytest.mark.parametrize("text", NUMERIC)
def test_a_text_that_is_a_number_stays_one(text: str) -> None:
    assert cells(text) == [text]


@pytest.mark.parametrize("text", ["1=1", "a@b", "x - y", "'=1", "ＡＢ", "0x=", "²-1"])
def test_a_sign_inside_of_a_text_is_left_alone(text: str) -> None:
    assert cells(text) == [text]


def test_numbers_are_never_neutralised() -> None:
    assert cells(-5, -1.5, Decimal("-7.25"), unit=Unit.NUMBER) == ["-5", "-1.5", "-7.25"]


def test_titles_labels_and_words_are_neutralised_too() -> None:
    section = table(("x",), columns=(Column("a", "=label"),), title="=title")
    data = rendered(document(section, title="=1", description="@d", tenant_name="+t", narrative=None), "csv")

    started = [cell for record in records(data) for cell in record if cell[:1] in {"=", "+", "-", "@"}]

    assert started == []
    assert ["'=title"] in records(data)


def test_separators_quotes_and_line_breaks_come_back() -> None:
    texts = ("a,b", 'say "x"', "two\nlines", "two\r\nlines", "x\r", ";", "\u2028", " spaces ")

    assert cells(*texts) == list(texts)


def test_a_table_of_one_empty_column_has_no_blank_line() -> None:
    data = rendered_section(document(one_column(None, "", "x")), "t")

    assert records(data) == [["Cell"], [""], [""], ["x"]]
    assert b"\r\n\r\n" not in data


def test_nul_and_half_a_pair_become_visible_and_the_file_stays_utf8() -> None:
    assert cells("a\x00b", "c\ud800d") == ["a\ufffdb", "c\ufffdd"]


def test_scripts_of_all_kinds_come_back() -> None:
    texts = ("مرحبا", "你好", "नमस्ते", "😀", "\u202egnp.exe", "e\u0301")

    assert cells(*texts) == list(texts)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (True, "true"),
        (False, "false"),
        (None, ""),
        (float("nan"), ""),
        (float("inf"), ""),
        (Decimal("NaN"), ""),
        (Decimal("-Infinity"), ""),
        (10**30, "1" + "0" * 30),
        (5e-324, "5e-324"),
        (0.1, "0.1"),
        (Decimal("1.10"), "1.10"),
        (date(2026, 3, 29), "2026-03-29"),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "2026-10-25 02:30:00+02:00"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "2026-10-25 02:30:00+01:00"),
        (datetime(2026, 3, 29, 1, tzinfo=UTC), "2026-03-29 03:00:00+02:00"),
        (datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC), "2026-01-01 01:00:00.123456+01:00"),
    ],
)
def test_a_cell_reads(value: Cell, written: str) -> None:
    assert cells(value) == [written]
    # In a column of other kinds the same.
    assert cells("x", value, 1, None) == ["x", written, "1", ""]


def test_a_section_that_failed_is_its_error() -> None:
    whole = document(failed(), offers())

    assert records(rendered_section(whole, "budget")) == [["Error"], ["days must be between 1 and 365"]]
    assert blocks(rendered(whole, "csv"))[1] == [["Budget burn"], ["Error"], ["days must be between 1 and 365"]]


def test_a_section_without_rows_is_its_header() -> None:
    assert records(rendered_section(document(offers(rows=())), "offers")) == [
        ["Offer", "Clicks", "Revenue", "Click rate", "Last click"]
    ]


def test_an_unknown_section_is_refused_by_name() -> None:
    with pytest.raises(UnknownSection, match="no section 'gone'"):
        rendered_section(document(), "gone")


def test_every_row_is_written() -> None:
    data = rendered_section(document(offers(rows=Generated(25_001))), "offers")

    assert arrow(data).num_rows == 25_001


def test_what_is_hostile_comes_back_or_neutralised() -> None:
    found = cells(*HOSTILE)

    assert len(found) == len(HOSTILE)
    for text, cell in zip(HOSTILE, found, strict=True):
        assert cell.removeprefix("'") == text.replace("\x00", "\ufffd").replace("\ud800", "\ufffd")


CHANGES = [
    ("Europe/Berlin", datetime(2026, 10, 24, 18, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 3, 28, 18, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 6, tzinfo=UTC)),
    ("Africa/Casablanca", datetime(2026, 2, 14, 12, tzinfo=UTC)),
    ("America/St_Johns", datetime(2026, 11, 1, 0, tzinfo=UTC)),
    ("Europe/Amsterdam", datetime(1937, 6, 30, 12, tzinfo=UTC)),
    ("UTC", datetime(2026, 1, 1, tzinfo=UTC)),
]


@pytest.mark.parametrize(("zone", "start"), CHANGES, ids=[f"{zone} {start:%Y-%m}" for zone, start in CHANGES])
@pytest.mark.parametrize("seconds", [0.000001, 61, 3600, 86_400, 30 * 86_400])
def test_instants_read_as_on_the_zones_clocks_however_far_they_reach(
    zone: str, start: datetime, seconds: float
) -> None:
    instants = [start + timedelta(seconds=seconds * number) for number in range(1500)]

    written = rendered_section(document(one_column(*instants, unit=Unit.TIME), zone=zone), "t").decode()

    assert written.splitlines()[1:] == [str(at.astimezone(ZoneInfo(zone))) for at in instants]


@pytest.mark.parametrize(
    "edge", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)], ids=["first", "last"]
)
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_instants_at_the_ends_of_the_calendar_keep_their_own_clocks(edge: datetime, zone: str) -> None:
    instants = [edge] * 2

    written = rendered_section(document(one_column(*instants, unit=Unit.TIME), zone=zone), "t").decode()

    assert len(written.splitlines()) == 3
    assert all(line.startswith(str(edge.year).zfill(4)) for line in written.splitlines()[1:])
