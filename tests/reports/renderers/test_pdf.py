"""PDF: opened by pypdf and pdfplumber, its pages, words, outline, metadata and fonts judged; searched by pdftotext."""

import io
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pdfplumber
import pytest
from pypdf import PdfReader

from reports.decisions.document import Cell, Column, Document, Figure, Row, Unit
from reports.renderers.pdf.grid import Grid, Layout
from tests.reports.renderers.world import (
    HOSTILE,
    OFFERS,
    Generated,
    document,
    failed,
    hostile,
    offers,
    one_column,
    rendered,
    table,
    trend,
)


def opened(whole: Document) -> Any:
    """Return the file as pypdf reads it, which raises what is broken."""
    return PdfReader(io.BytesIO(rendered(whole, "pdf")), strict=True)


def words(whole: Document) -> list[str]:
    """Return the text of each page."""
    return [page.extract_text() for page in opened(whole).pages]


def inside(whole: Document) -> None:
    """Raise when a letter stands outside of its page or over the footer's line."""
    with pdfplumber.open(io.BytesIO(rendered(whole, "pdf"))) as pdf:
        for page in pdf.pages:
            for letter in page.chars:
                assert letter["x0"] >= 40, (page.page_number, letter["text"], letter["x0"])
                assert letter["x1"] <= page.width - 40, (page.page_number, letter["text"], letter["x1"])
                assert letter["top"] >= 0
                assert letter["bottom"] <= page.height - 18


def test_the_metadata_say_what_it_is() -> None:
    reader = opened(document())

    assert reader.metadata is not None
    assert reader.metadata.title == "Weekly report"
    assert reader.metadata.author == "Acme"
    assert reader.metadata.subject == "14 to 20 Nov 2026"
    assert reader.metadata.producer == "Kaireon"
    catalogue = reader.trailer["/Root"]
    assert catalogue["/Lang"] == "en"
    assert catalogue["/ViewerPreferences"]["/DisplayDocTitle"] in (True, "true")


def test_the_outline_leads_to_each_section() -> None:
    reader = opened(document(offers(), trend(), failed()))

    found = [(entry["/Title"], reader.get_destination_page_number(entry)) for entry in reader.outline]

    assert [title for title, _ in found] == ["Summary", "Offer performance", "Revenue trend", "Budget burn"]
    for title, number in found:
        assert number is not None
        assert title in reader.pages[number].extract_text()


def test_the_cover_says_for_whom_and_when() -> None:
    cover = words(document())[0]

    for text in ("Weekly report", "What the offers earned.", "Acme", "14 to 20 Nov 2026", "2026-11-21 00:00 CET"):
        assert text in cover
    assert "Offer performance" in cover


def test_the_summary_follows_the_cover() -> None:
    page = words(document())[1]

    assert page.index("Revenue rose by 12.2 %.") < page.index("Key takeaways") < page.index("Winter sale lost.")
    assert "Written from the data without a language model: no provider is configured." in page


def test_each_page_says_which_it_is_of_how_many() -> None:
    pages = words(document(offers(rows=Generated(150))))

    assert len(pages) > 3
    for number, text in enumerate(pages, start=1):
        assert f"Page {number} of {len(pages)}" in " ".join(text.split())
        assert "Weekly report · Acme" in text


def test_a_table_repeats_its_header_on_every_page_and_loses_no_row() -> None:
    pages = words(document(offers(rows=Generated(400), chart=None, figures=()), narrative=None))
    tables = [page for page in pages[1:] if "offer " in page]

    assert len(tables) > 5
    for page in tables:
        assert page.count("Last click") == 1
    found = [line.split()[1] for page in tables for line in page.splitlines() if line.startswith("offer ")]
    assert found == [str(number) for number in range(400)]


def test_the_cells_read_as_in_the_other_formats() -> None:
    text = "\n".join(words(document()))

    for cell in ("1,234,567", "4,000.50", "12.3 %", "2026-11-20 16:05 CET", "-3,000.00", "2026-07-01 14:00 CEST", "–"):
        assert cell in text


def test_figures_stand_on_the_right_edge_of_their_column() -> None:
    whole = document(offers(chart=None, figures=()), narrative=None)
    with pdfplumber.open(io.BytesIO(rendered(whole, "pdf"))) as pdf:
        found = {word["text"]: word for word in pdf.pages[1].extract_words()}

    assert found["1,234,567"]["x1"] == pytest.approx(found["800"]["x1"], abs=0.1)
    assert found["4,000.50"]["x1"] == pytest.approx(found["-3,000.00"]["x1"], abs=0.1)
    assert found["Summer"]["x0"] == pytest.approx(found["Winter"]["x0"], abs=0.1)


def test_a_long_table_ends_and_says_where_the_rest_is() -> None:
    last = opened(document(offers(rows=Generated(10_001), chart=None))).pages[-1].extract_text()

    assert "The first 10,000 of 10,001 rows. The CSV file has all of them." in last
    assert "offer 9999 " in last
    assert "offer 10000 " not in last


def test_a_section_that_failed_says_so_in_its_place() -> None:
    text = "\n".join(words(document(failed(), offers())))

    assert "This section could not be made. days must be between 1 and 365" in text
    assert text.rindex("Budget burn") < text.rindex("Offer performance")


def test_an_empty_report_has_its_cover_and_says_so() -> None:
    whole = Document("", "", "", "", document().generated_at, document().data_until, "UTC", ())

    pages = words(whole)

    assert len(pages) == 2
    assert "Untitled report" in pages[0]
    assert "This report has no sections." in pages[1]


def test_an_empty_section_says_so() -> None:
    assert "No rows in this period." in "\n".join(words(document(offers(rows=()))))


def test_one_row_is_a_table_and_a_chart() -> None:
    whole = document(offers(rows=OFFERS[:1]), trend(1))

    assert "Summer sale" in "\n".join(words(whole))
    inside(whole)


def test_wide_tables_lie_on_their_side() -> None:
    columns = tuple(Column(f"c{number}", f"Measure {number}", Unit.MONEY) for number in range(10))
    row: tuple[Cell, ...] = tuple(Decimal("-1234567.89") for _ in columns)
    reader = opened(document(table(row, columns=columns), trend()))

    sizes = [page.mediabox.width > page.mediabox.height for page in reader.pages]
    assert sizes == [False, False, True, False]
    inside(document(table(row, columns=columns), trend()))


def test_thirty_columns_stand_on_several_tables_that_begin_with_the_first() -> None:
    columns = (Column("n", "Name"), *(Column(f"c{number}", f"Measure {number}", Unit.MONEY) for number in range(29)))
    rows: list[Row] = [(f"row {place}", *(Decimal(1234567 + number) for number in range(29))) for place in range(3)]
    whole = document(table(*rows, columns=columns), narrative=None)
    text = "\n".join(words(whole))

    assert "Columns 2 to" in text
    assert "to 30 of 30" in text
    for number in range(29):
        assert f"{1234567 + number:,}.00" in text
    assert text.count("row 1") == text.count("Columns ")
    inside(whole)


def test_nothing_leaves_the_page_however_long_it_is() -> None:
    inside(hostile())
    inside(document(offers(rows=tuple((name, 10**14, Decimal(-(10**12)), 99.9, OFFERS[0][4]) for name in HOSTILE))))


def test_a_figure_that_is_wider_than_its_column_is_narrowed_and_not_cut() -> None:
    columns = tuple(Column(f"c{number}", "Measure", Unit.MONEY) for number in range(3))
    whole = document(table((Decimal("-999999999999999.99"), Decimal(1), None), columns=columns))

    assert "-999,999,999,999,999.99" in "\n".join(words(whole))
    inside(whole)


def test_key_figures_stand_in_cards_of_four() -> None:
    figures = tuple(Figure(f"f{number}", f"Figure {number}", number * 1000, Unit.COUNT, 500) for number in range(6))
    text = "\n".join(words(document(offers(figures=figures))))

    for number in range(6):
        assert f"Figure {number}" in text
    assert "▲ +900.0 %" in text
    assert "before: 500" in text


def test_every_font_is_inside() -> None:
    reader = opened(hostile())

    fonts = {}
    for page in reader.pages:
        for font in (page["/Resources"].get("/Font") or {}).values():
            fonts[font.get_object()["/BaseFont"]] = font.get_object()
    assert any("Arabic" in name for name in fonts)
    assert any("DroidSansFallback" in name for name in fonts)
    assert all("/FontFile2" in font["/FontDescriptor"].get_object() for font in fonts.values())


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")
@pytest.mark.parametrize(
    "text", ["नमस्ते क्षत्रिय", "你好世界", "한국어", "Ελληνικά", "Кириллица", "ภาษาไทย", "বাংলা", "தமிழ்", "Zoë ½ ﬁ €"]
)
def test_text_of_any_script_can_be_searched(text: str) -> None:
    data = rendered(document(one_column(text, "end"), narrative=None), "pdf")

    found = subprocess.run(["pdftotext", "-", "-"], input=data, capture_output=True, check=True).stdout.decode()

    assert text in found


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")
@pytest.mark.parametrize("word", ["مرحبا", "שלום", "بالعالم"])
def test_words_that_run_to_the_left_can_be_searched(word: str) -> None:
    data = rendered(document(one_column(word, "end"), narrative=None), "pdf")

    found = subprocess.run(["pdftotext", "-", "-"], input=data, capture_output=True, check=True).stdout.decode()

    assert word in found


def test_the_same_document_gives_the_same_bytes() -> None:
    for whole in (document(offers(), trend()), hostile()):
        assert rendered(whole, "pdf") == rendered(whole, "pdf")


def test_what_was_rendered_before_leaves_no_trace() -> None:
    whole = document(one_column("क्षत्रिय", "مرحبا"))
    before = rendered(whole, "pdf")

    rendered(document(one_column("تجربة بالعالم", "श्री दुनिया", "你")), "pdf")

    assert rendered(whole, "pdf") == before


def test_times_are_those_of_the_documents_zone() -> None:
    instants = one_column(
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC), unit=Unit.TIME
    )

    text = "\n".join(words(document(instants)))
    assert "2026-10-25 02:30 CEST" in text
    assert "2026-10-25 02:30 CET" in text
    assert "2026-10-25 06:15 +0545" in "\n".join(words(document(instants, zone="Asia/Kathmandu")))


def test_the_cover_leads_to_the_run() -> None:
    def addresses(link: str) -> list[str]:
        annotations = opened(document(link=link)).pages[0].get("/Annots") or []
        return [annotation.get_object()["/A"]["/URI"] for annotation in annotations]

    assert addresses("https://kaireon.example/runs/1?a=1&b=2") == ["https://kaireon.example/runs/1?a=1&b=2"]
    assert addresses("javascript:alert(1)") == []
    assert addresses("") == []


def test_a_text_that_is_cut_says_so() -> None:
    text = "\n".join(words(document(one_column("word " * 2_000), narrative=None)))

    assert "…" in text


def test_reports_can_be_rendered_at_the_same_time() -> None:
    wholes = [document(offers(), title=f"Report {number}") for number in range(4)] + [hostile()]
    alone = [rendered(whole, "pdf") for whole in wholes]

    with ThreadPoolExecutor(len(wholes)) as pool:
        together = list(pool.map(lambda whole: rendered(whole, "pdf"), wholes * 3))

    assert together == alone * 3


def test_dates_and_yes_and_no_stand_on_one_line() -> None:
    columns = (Column("d", "Day", Unit.DATE), Column("y", "Live", Unit.YES_NO), Column("s", "Took", Unit.SECONDS))
    text = "\n".join(words(document(table((date(2026, 3, 29), True, 80), columns=columns))))

    assert "2026-03-29" in text
    assert "yes" in text
    assert "1 m 20 s" in text


@pytest.mark.parametrize("count", [1, 2, 3, 4, 9])
def test_no_row_stands_alone_at_the_end_of_a_page_or_the_beginning_of_the_next(count: int) -> None:
    layout = Layout(["A"], [(f"row {number}",) for number in range(count)], [200], [False])

    parts = [Grid(layout).split(200, height) for height in range(10, 400, 3)]

    sizes = {tuple(part.end - part.start for part in split) for split in parts}
    assert () in sizes
    assert (count,) in sizes
    assert all(sum(size) == count for size in sizes if size)
    assert count < 4 or not any(1 in size for size in sizes)
