"""Markdown: parsed by markdown-it with tables, strike-through and raw HTML on, as GitHub's is."""

import re

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from reports.renderers.markdown_file import escaped
from tests.reports.renderers.world import (
    HOSTILE,
    Generated,
    document,
    failed,
    hostile,
    offers,
    one_column,
    rendered,
    table,
)

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def tokens(data: bytes) -> list[Token]:
    """Return the blocks of a file."""
    return PARSER.parse(data.decode())


def plain(token: Token) -> str:
    """Return the text of a block."""
    return "".join(child.content for child in token.children or ())


def cells(data: bytes) -> list[str]:
    """Return the cells of the tables' bodies."""
    blocks = tokens(data)
    return [plain(blocks[place + 1]) for place, token in enumerate(blocks) if token.type == "td_open"]


def headings(data: bytes) -> list[tuple[str, str]]:
    """Return the headings with their levels."""
    blocks = tokens(data)
    return [(token.tag, plain(blocks[place + 1])) for place, token in enumerate(blocks) if token.type == "heading_open"]


def test_the_report_has_its_headings_and_words() -> None:
    data = rendered(document(), "markdown")

    assert headings(data) == [
        ("h1", "Weekly report"),
        ("h2", "Summary"),
        ("h3", "Key takeaways"),
        ("h2", "Offer performance"),
    ]
    text = " ".join(plain(token) for token in tokens(data) if token.type == "inline")
    for words in (
        "Period: 14 to 20 Nov 2026",
        "Revenue rose by 12.2 %.",
        "Winter sale lost.",
        "Summer sale made the most.",
    ):
        assert words in text


def test_the_table_has_the_cells_as_people_read_them() -> None:
    assert cells(rendered(document(), "markdown"))[:10] == [
        "Summer sale", "1,234,567", "4,000.50", "12.3 %", "2026-11-20 16:05 CET",
        "Winter sale", "800", "-3,000.00", "10.0 %", "2026-07-01 14:00 CEST",
    ]  # fmt: skip


def test_figures_stand_on_the_right() -> None:
    text = rendered(document(), "markdown").decode()

    assert "| --- | ---: | ---: | ---: | --- |" in text


def test_key_figures_show_their_change() -> None:
    text = rendered(document(), "markdown").decode()

    assert "- **Revenue:** 1,001.00 (▲ +12.2 %, before: 892.16)\n- **Click rate:** 12.3 %\n" in text


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_one_cell_of_text(text: str) -> None:
    whole = document(one_column("first", text, "last"), narrative=None, link="")
    found = cells(rendered(whole, "markdown"))

    assert found == ["first", " ".join(re.sub("[\ud800\x00]", "\ufffd", _visible(text)).split()), "last"]


def _visible(text: str) -> str:
    return re.sub("[\u202e\x1b\x07]", "", text)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_makes_no_block_and_no_markup(text: str) -> None:
    whole = document(one_column("x"), description=text, title=text or "t", tenant_name=text, link="", narrative=None)
    blocks = tokens(rendered(whole, "markdown"))

    kinds = {child.type for token in blocks for child in token.children or ()}
    assert kinds <= {"text", "text_special", "softbreak", "strong_open", "strong_close"}
    assert {token.type for token in blocks} & {"html_block", "fence", "code_block", "hr", "ordered_list_open"} == set()
    assert sum(token.type == "bullet_list_open" for token in blocks) == 1
    assert sum(token.type == "blockquote_open" for token in blocks) == 0


def test_the_hostile_report_has_no_html_link_or_image() -> None:
    blocks = tokens(rendered(hostile(), "markdown"))

    kinds = {child.type for token in blocks for child in token.children or ()}
    assert kinds & {"html_inline", "link_open", "image", "code_inline", "s_open"} == set()
    assert "html_block" not in {token.type for token in blocks}


@pytest.mark.parametrize("text", ["https://evil.example", "www.evil.example", "a@evil.example", "mailto:a@b.example"])
def test_no_address_is_left_for_a_reader_to_make_a_link_of(text: str) -> None:
    assert not re.search(r"https?://|www\.|mailto:|[a-z]@", escaped(text))


@pytest.mark.parametrize("text", ["12.3 %", "-5", "+5.0", "2026-11-20 16:05 CET", "a-b", "1.5k", "Summer sale (new)"])
def test_what_needs_no_escape_gets_none(text: str) -> None:
    assert escaped(text) == text


def test_the_link_to_the_run_is_one_link() -> None:
    found = [
        child.attrGet("href")
        for token in tokens(rendered(document(), "markdown"))
        for child in token.children or ()
        if child.type == "link_open"
    ]

    assert found == ["https://kaireon.example/runs/1?a=1&b=2"]


def test_a_link_cannot_break_out() -> None:
    text = rendered(document(link="https://x.example/> <b>\n# x"), "markdown").decode()

    assert "<https://x.example/%3E%20%3Cb%3E%20#%20x>" in text


def test_a_section_that_failed_says_so() -> None:
    text = rendered(document(failed()), "markdown").decode()

    assert "> **This section could not be made.** days must be between 1 and 365" in text


def test_an_empty_section_says_so() -> None:
    assert "No rows in this period." in rendered(document(offers(rows=())), "markdown").decode()


def test_a_long_table_ends_and_says_where_the_rest_is() -> None:
    data = rendered(document(offers(rows=Generated(10_050), note="")), "markdown")

    assert data.count(b"\n| offer") == 10_000
    assert b"*The first 10,000 of 10,050 rows. The CSV file has all of them.*" in data


def test_rows_stay_rows_whatever_their_cells_hold() -> None:
    rows = [tuple(HOSTILE[place : place + 3]) for place in range(len(HOSTILE) - 3)]

    found = cells(rendered(document(table(*rows), narrative=None), "markdown"))

    assert len(found) == len(rows) * 3
