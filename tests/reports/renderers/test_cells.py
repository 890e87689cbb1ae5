"""How cells, figures, names of files and what is said beside a table read."""

import io
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import IO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.decisions.document import Cell, Column, Figure, Narrative, NarrativeSource, Unit
from reports.decisions.narrative.figures import format_value
from reports.renderers import RENDERERS, UnknownFormat, artifact_name, render
from reports.renderers.cells import NOTHING, cell_writer, clean, paragraphs
from reports.renderers.naming import stem_of
from reports.renderers.wording import facts, figure_text, heading_of, provenance, remarks, shares, title_of
from tests.reports.renderers.world import NOW, Generated, document, failed, offers, rendered, table


def written(value: Cell, unit: Unit = Unit.TEXT, zone: str = "Europe/Berlin") -> str:
    """Return how a cell reads."""
    return cell_writer(Column("c", "C", unit), zone)(value)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, Unit.COUNT, "–"), (0, Unit.COUNT, "0"), (1234567, Unit.COUNT, "1,234,567"), (-5, Unit.COUNT, "-5"),
        (1234.5, Unit.NUMBER, "1,234.50"), (0.004, Unit.NUMBER, "4.00e-3"), (1e-20, Unit.NUMBER, "1.00e-20"),
        (10**18, Unit.COUNT, "1.000e+18"), (1e300, Unit.NUMBER, "1.000e+300"), (float("nan"), Unit.NUMBER, "–"),
        (float("-inf"), Unit.MONEY, "–"),
        (Decimal("NaN"), Unit.MONEY, "–"), (Decimal("-1234.5"), Unit.MONEY, "-1,234.50"),
        (Decimal("0.001"), Unit.MONEY, "0.00"), (-0.0, Unit.MONEY, "0.00"), (0.1234, Unit.RATIO, "12.3 %"),
        (-0.5, Unit.RATIO, "-50.0 %"), (12.34, Unit.MILLISECONDS, "12 ms"), (80, Unit.SECONDS, "1 m 20 s"),
        (True, Unit.YES_NO, "yes"), (False, Unit.COUNT, "no"), (date(2026, 3, 29), Unit.DATE, "2026-03-29"),
        ("text", Unit.COUNT, "text"), ("", Unit.TEXT, ""),
    ],
)  # fmt: skip
def test_a_cell_reads(value: Cell, unit: Unit, text: str) -> None:
    assert written(value, unit) == text


@pytest.mark.parametrize(
    ("instant", "zone", "text"),
    [
        (datetime(2026, 3, 29, 0, 59, tzinfo=UTC), "Europe/Berlin", "2026-03-29 01:59 CET"),
        (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "Europe/Berlin", "2026-03-29 03:00 CEST"),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "Europe/Berlin", "2026-10-25 02:30 CEST"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "Europe/Berlin", "2026-10-25 02:30 CET"),
        (datetime(2026, 4, 4, 14, 45, tzinfo=UTC), "Australia/Lord_Howe", "2026-04-05 01:45 +11"),
        (datetime(2026, 4, 4, 15, 15, tzinfo=UTC), "Australia/Lord_Howe", "2026-04-05 01:45 +1030"),
        (datetime(2026, 1, 1, tzinfo=UTC), "UTC", "2026-01-01 00:00 UTC"),
        (datetime(2026, 1, 1), "Europe/Berlin", "2026-01-01 01:00 CET"),  # noqa: DTZ001 - a source's mistake
        (datetime.max.replace(tzinfo=UTC), "Asia/Kathmandu", "9999-12-31 23:59 UTC"),
        (datetime.min.replace(tzinfo=UTC), "America/New_York", "0001-01-01 00:00 UTC"),
    ],
)
def test_an_instant_reads_on_the_clocks_of_its_zone(instant: datetime, zone: str, text: str) -> None:
    assert written(instant, Unit.TIME, zone) == text


@given(
    st.integers(-(10**12), 10**12) | st.decimals(-(10**9), 10**9, places=2),
    st.sampled_from([Unit.MONEY, Unit.RATIO, Unit.COUNT]),
)
def test_a_figure_reads_in_the_table_as_in_the_narrative(value: int | Decimal, unit: Unit) -> None:
    if unit is not Unit.COUNT or isinstance(value, int):
        assert written(value, unit) == format_value(value, unit)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain", "plain"), ("two\nlines\t.", "two lines ."), ("a\x00b", "a\ufffdb"), ("a\ud800b", "a\ufffdb"),
        ("\u202egnp.exe\u202c", "gnp.exe"), ("\u2066x\u2069", "x"), ("\x1b[31m", "[31m"), ("a\u200db", "a\u200db"),
        ("\ufeffx", "x"), ("نص\u200f", "نص\u200f"),
    ],
)  # fmt: skip
def test_a_text_is_cleaned(text: str, seen: str) -> None:
    assert clean(text) == seen


@given(st.text())
def test_a_cleaned_text_is_clean_and_can_be_encoded(text: str) -> None:
    once = clean(text)

    assert clean(once) == once
    assert "\n" not in once
    once.encode()


def test_paragraphs_are_the_lines_that_say_something() -> None:
    assert paragraphs("one\n\n  two  \r\n\u2028three\n") == ["one", "two", "three"]
    assert paragraphs(" \n ") == []


def test_a_key_figure_tells_its_change_and_what_was_before() -> None:
    text = figure_text(Figure("r", "Revenue", 120, Unit.MONEY, 100), "UTC")

    assert (text.label, text.value, text.change, text.before, text.direction) == (
        "Revenue", "120.00", "▲ +20.0 %", "100.00", 1,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "before", "change"),
    [(100, 120, "▼ -16.7 %"), (100, 100, "● unchanged"), (100, None, ""), (None, 100, ""), (100, 0, "▲ +100.00")],
)
def test_a_change_is_told_in_words_and_shape(value: int | None, before: int | None, change: str) -> None:
    assert figure_text(Figure("r", "R", value, Unit.MONEY, before), "UTC").change == change


def test_the_facts_are_those_that_are_known() -> None:
    assert [label for label, _ in facts(document())] == [
        "Prepared for",
        "Period",
        "Data until",
        "Generated",
        "Times in",
    ]
    assert [label for label, _ in facts(document(tenant_name="", period=""))] == ["Data until", "Generated", "Times in"]


@pytest.mark.parametrize(
    ("lengths", "most", "shown"),
    [
        ([5, 10], 100, [5, 10]), ([100, 100], 100, [50, 50]), ([10, 500, 500], 100, [10, 45, 45]), ([], 100, []),
        ([0, 1000], 100, [0, 100]), ([1000, 3], 100, [97, 3]), ([7, 7, 7], 10, [3, 3, 4]),
    ],
)  # fmt: skip
def test_long_tables_share_what_short_ones_leave(lengths: list[int], most: int, shown: list[int]) -> None:
    whole = replace(document(), sections=tuple(offers(rows=Generated(length)) for length in lengths))

    assert list(dict(sorted(shares(whole, most).items())).values()) == shown


def test_what_is_left_out_is_said() -> None:
    section = offers(rows=Generated(1_234))

    assert remarks(section, 1_234) == ("Offers without a click are left out.",)
    assert remarks(section, 1_000)[1] == "The first 1,000 of 1,234 rows. The CSV file has all of them."


def test_a_title_is_never_empty() -> None:
    assert title_of(document(title=" \n")) == "Untitled report"
    assert heading_of(table(("x",), title="")) == "t"
    assert heading_of(replace(failed(), title="", id=" ")) == "Section"


@pytest.mark.parametrize(
    ("narrative", "said"),
    [
        (None, ""),
        (Narrative(NarrativeSource.DETERMINISTIC, ""), "Written from the data without a language model."),
        (
            Narrative(NarrativeSource.DETERMINISTIC, "", reason="The daily cap is spent."),
            "Written from the data without a language model: The daily cap is spent.",
        ),
        (
            Narrative(NarrativeSource.LLM, "", model="gemini-2.5-flash"),
            "Sentences by gemini-2.5-flash; every figure in them was filled in from the data.",
        ),
        (
            Narrative(NarrativeSource.LLM, ""),
            "Sentences by a language model; every figure in them was filled in from the data.",
        ),
    ],
)
def test_who_wrote_the_words_is_said(narrative: Narrative | None, said: str) -> None:
    assert provenance(document(narrative=narrative)) == said


@pytest.mark.parametrize(
    ("title", "stem"),
    [
        ("Weekly report", "weekly-report"), ("Zürich & Köln: Übersicht", "zurich-koln-ubersicht"),
        ("Straße", "strasse"),
        ("../../etc/passwd", "etc-passwd"), ("你好", "report"), ("", "report"), ("CON", "report-con"),
        ("a" * 300, "a" * 80),
        ('x"; filename="y', "x-filename-y"), ("a\r\nSet-Cookie: b", "a-set-cookie-b"), (".hidden", "hidden"),
        ("½ ﬁ", "1-2-fi"),
    ],
)  # fmt: skip
def test_a_name_of_a_file_is_plain(title: str, stem: str) -> None:
    assert stem_of(title) == stem


@given(st.text())
def test_any_title_gives_a_name_that_every_system_takes(title: str) -> None:
    stem = stem_of(title)

    assert 0 < len(stem) <= 88
    assert set(stem) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not stem.startswith("-")


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("pdf", "weekly-report-2026-11-21.pdf"), ("csv", "weekly-report-2026-11-21.csv"),
        ("markdown", "weekly-report-2026-11-21.md"), ("html", "weekly-report-2026-11-21.html"),
    ],
)  # fmt: skip
def test_each_format_has_its_extension(form: str, name: str) -> None:
    assert artifact_name(document(), form) == name


def test_the_day_in_a_name_is_that_of_the_zone() -> None:
    late = NOW.replace(hour=23, minute=30)

    assert artifact_name(document(generated_at=late), "csv") == "weekly-report-2026-11-22.csv"
    assert artifact_name(document(), "csv", "Offer performance") == "weekly-report-offer-performance-2026-11-21.csv"


def test_the_registry_names_every_format() -> None:
    assert list(RENDERERS) == ["pdf", "csv", "markdown", "html"]
    assert {form: renderer.content_type.partition(";")[0] for form, renderer in RENDERERS.items()} == {
        "pdf": "application/pdf", "csv": "text/csv", "markdown": "text/markdown", "html": "text/html",
    }  # fmt: skip


def test_an_unknown_format_is_refused_by_name() -> None:
    with pytest.raises(UnknownFormat, match="'docx' is no format; there are pdf, csv, markdown, html"):
        render(document(), "docx", io.BytesIO())
    with pytest.raises(UnknownFormat):
        artifact_name(document(), "docx")


class WriteOnly:
    """A file that can be written to and nothing else."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        """Take the next bytes."""
        self.parts.append(bytes(data))
        return len(data)


@pytest.mark.parametrize("form", list(RENDERERS))
def test_a_file_need_only_be_written_to(form: str) -> None:
    file = WriteOnly()

    sink: IO[bytes] = file  # type: ignore[assignment]
    render(document(), form, sink)

    assert b"".join(file.parts) == rendered(document(), form)


@pytest.mark.parametrize("form", list(RENDERERS))
def test_the_file_stays_open(form: str) -> None:
    file = io.BytesIO()

    render(document(), form, file)

    assert not file.closed


def test_nothing_is_a_dash() -> None:
    assert NOTHING == "–"
