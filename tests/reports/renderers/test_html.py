"""HTML: parsed by html5lib, so that what a browser would see is what is judged."""

import re
from datetime import UTC, datetime
from typing import Any

import html5lib
import pytest

from reports.decisions.document import Unit
from reports.renderers.wording import web_address
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
    trend,
)

Tree = Any


def parsed(data: bytes) -> Tree:
    """Return the tree of a page; what is not well formed raises."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    return parser.parse(data, transport_encoding="utf-8")


def texts(tree: Tree, path: str) -> list[str]:
    """Return the texts of the elements of a path."""
    return ["".join(element.itertext()) for element in tree.findall(path)]


def test_the_page_is_well_formed_and_says_what_it_is() -> None:
    tree = parsed(rendered(document(), "html"))

    assert tree.get("lang") == "en"
    assert texts(tree, ".//title")[0] == "Weekly report"
    assert texts(tree, ".//h1") == ["Weekly report"]
    assert texts(tree, ".//h2") == ["Summary", "Offer performance"]
    assert texts(tree, ".//dt") == ["Prepared for", "Period", "Data until", "Generated", "Times in"]
    assert texts(tree, ".//dd") == [
        "Acme",
        "14 to 20 Nov 2026",
        "2026-11-21 00:00 CET",
        "2026-11-21 09:00 CET",
        "Europe/Berlin",
    ]


def test_the_narrative_stands_on_top_and_says_who_wrote_it() -> None:
    tree = parsed(rendered(document(), "html"))

    assert "Revenue rose by 12.2 %." in texts(tree, ".//section[1]/p")
    assert texts(tree, ".//li") == ["Revenue rose.", "Clicks stood still.", "Winter sale lost."]
    assert texts(tree, ".//p[@class='by']") == [
        "Written from the data without a language model: no provider is configured."
    ]
    assert "Summer sale made the most." in texts(tree, ".//section[2]/p")


def test_the_table_has_the_cells_as_people_read_them() -> None:
    tree = parsed(rendered(document(), "html"))

    assert texts(tree, ".//th") == ["Offer", "Clicks", "Revenue", "Click rate", "Last click"]
    rows = [["".join(cell.itertext()) for cell in row.findall("td")] for row in tree.findall(".//tbody/tr")]
    assert rows == [
        ["Summer sale", "1,234,567", "4,000.50", "12.3 %", "2026-11-20 16:05 CET"],
        ["Winter sale", "800", "-3,000.00", "10.0 %", "2026-07-01 14:00 CEST"],
        ["Loyalty card", "5", "0.50", "–", "–"],
    ]


def test_figures_stand_on_the_right_and_their_heads_too() -> None:
    tree = parsed(rendered(document(), "html"))

    assert [cell.get("class") for cell in tree.findall(".//th")] == ["t", "n", "n", "n", "w"]
    assert [cell.get("class") for cell in tree.findall(".//tbody/tr")[0].findall("td")] == ["t", "n", "n", "n", "w"]


def test_key_figures_show_their_change() -> None:
    tree = parsed(rendered(document(), "html"))

    assert texts(tree, ".//div[@class='card']") == ["Revenue1,001.00▲ +12.2 %before: 892.16", "Click rate12.3 %"]


def test_the_page_fetches_nothing_and_runs_nothing() -> None:
    for whole in (document(offers(), trend()), hostile()):
        tree = parsed(rendered(whole, "html"))
        elements = list(tree.iter())

        assert {each.tag for each in elements} & {"script", "link", "iframe", "img", "object", "form", "base"} == set()
        attributes = [(name, value) for each in elements for name, value in each.attrib.items()]
        assert [name for name, _ in attributes if name.lower().startswith("on")] == []
        assert [name for name, _ in attributes if name in {"src", "srcset", "style", "action", "{xlink}href"}] == []
        style = "".join(texts(tree, ".//style"))
        assert "url(" not in style
        assert "@import" not in style
        policy = tree.find(".//meta[@http-equiv='Content-Security-Policy']")
        assert policy.get("content").startswith("default-src 'none'")


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_a_text(text: str) -> None:
    whole = document(one_column(text), title=text, description=text, tenant_name=text, period=text)
    tree = parsed(rendered(whole, "html"))

    assert [each.tag for each in tree.find(".//tbody").iter()] == ["tbody", "tr", "td"]
    assert len(tree.findall(".//h1/*")) == 0


def test_characters_that_reorder_text_are_gone() -> None:
    page = rendered(hostile(), "html").decode()

    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x07\x1b]", page)
    assert "gnp.exe" in page


@pytest.mark.parametrize(
    ("link", "address"),
    [
        ("https://kaireon.example/runs/1?a=1&b=2", "https://kaireon.example/runs/1?a=1&b=2"),
        ("http://127.0.0.1:3000/r", "http://127.0.0.1:3000/r"),
        ('https://x.example/"><script>', "https://x.example/%22%3E%3Cscript%3E"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("//x.example", ""),
        ("https://", ""),
        ("https://[x", ""),
        ("", ""),
    ],
)
def test_only_a_web_address_becomes_a_link(link: str, address: str) -> None:
    assert web_address(link) == address
    anchors = parsed(rendered(document(link=link), "html")).findall(".//a")
    assert [anchor.get("href") for anchor in anchors] == ([address] if address else [])


def test_a_section_that_failed_says_so_in_its_place() -> None:
    tree = parsed(rendered(document(failed(), offers()), "html"))

    assert texts(tree, ".//p[@class='error']") == ["This section could not be made. days must be between 1 and 365"]
    assert texts(tree, ".//h2") == ["Summary", "Budget burn", "Offer performance"]


def test_an_empty_section_says_so() -> None:
    tree = parsed(rendered(document(offers(rows=())), "html"))

    assert texts(tree, ".//p[@class='empty']") == ["No rows in this period."]
    assert tree.findall(".//svg") == []
    assert tree.findall(".//table") == []


def test_a_long_table_ends_and_says_where_the_rest_is() -> None:
    tree = parsed(rendered(document(offers(rows=Generated(10_001), note="")), "html"))

    assert len(tree.findall(".//tbody/tr")) == 10_000
    assert texts(tree, ".//p[@class='note']")[-1] == "The first 10,000 of 10,001 rows. The CSV file has all of them."


def test_the_repeated_hour_is_told_apart() -> None:
    section = one_column(
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC), unit=Unit.TIME
    )

    assert texts(parsed(rendered(document(section), "html")), ".//td") == [
        "2026-10-25 02:30 CEST",
        "2026-10-25 02:30 CET",
    ]


def test_a_chart_is_inline_and_has_a_name() -> None:
    tree = parsed(rendered(document(trend()), "html"))

    charts = [element for element in tree.iter() if str(element.tag).endswith("svg")]
    assert [chart.get("aria-label") for chart in charts] == ["Revenue by day"]
    assert charts[0].get("role") == "img"
    assert texts(tree, ".//figcaption") == ["Revenue by day"]


def test_headings_name_their_sections() -> None:
    tree = parsed(rendered(document(offers(), table(("x",))), "html"))

    names = [section.get("aria-labelledby") for section in tree.findall(".//section")]
    assert names == ["summary", "section-1", "section-2"]
    assert [heading.get("id") for heading in tree.findall(".//h2")] == names


def test_dark_pages_and_paper_have_their_colours() -> None:
    style = "".join(texts(parsed(rendered(document(), "html")), ".//style"))

    assert "@media screen and (prefers-color-scheme:dark)" in style
    assert "@media print" in style
    assert "display:table-header-group" in style
