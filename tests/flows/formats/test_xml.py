"""XML: an element a row, and nothing that lies outside of the file."""

import itertools
import threading
from typing import Any

import pytest

from flows.formats.base import UnreadableFile
from tests.flows.formats.world import Desk
from tests.servers import receiving

ORDERS = b"""<?xml version="1.0" encoding="UTF-8"?>
<orders xmlns="urn:x">
  <order id="1"><name>Ann</name><tag>a</tag><tag>b</tag><to><city>Bern</city></to></order>
  <order id="2"><name/></order>
  <order/>
  <order>text</order>
</orders>"""


def test_every_child_of_the_root_is_a_row(desk: Desk) -> None:
    shown = desk.read(ORDERS, format="xml")

    assert shown.columns == ["@id", "name", "tag", "to", "#text"]
    assert shown.rows == [
        ("1", "Ann", '["a","b"]', '{"city":"Bern"}', None),
        ("2", None, None, None, None),
        (None, None, None, None, "text"),
    ]
    assert shown.lines == [5]
    assert "holds no values" in shown.bad[0].error


@pytest.mark.parametrize("path", ["order", "export/orders/order"])
def test_a_path_leads_to_the_records(desk: Desk, path: str) -> None:
    orders = b"".join(b"<orders><order><a>%d</a></order></orders>" % number for number in (1, 2))
    data = b"<export><head><id>9</id></head>" + orders + b"</export>"

    assert desk.read(data, format="xml", recordPath=path).rows == [("1",), ("2",)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_the_encoding_is_the_one_that_the_file_declares(desk: Desk, encoding: str) -> None:
    data = f'<?xml version="1.0" encoding="{encoding}"?><r><o><a>Grüße</a></o></r>'.encode(encoding)

    assert desk.read(data, format="xml").rows == [("Grüße",)]


def laughs(letters: str) -> bytes:
    entities = [f'<!ENTITY {letters[0]} "ha">'] + [
        f'<!ENTITY {now} "{f"&{before};" * 10}">' for before, now in itertools.pairwise(letters)
    ]
    return f"<!DOCTYPE r [{''.join(entities)}]><r><o><a>&{letters[-1]};</a></o></r>".encode()


@pytest.mark.parametrize(
    "data",
    [
        laughs("abcdefghij"),
        laughs("ab"),
        b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r><o><a>&x;</a></o></r>',
        b'<!DOCTYPE r [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]><r><o><a>1</a></o></r>',
        b'<!DOCTYPE r SYSTEM "file:///etc/passwd"><r><o><a>1</a></o></r>',
        b'<!DOCTYPE r PUBLIC "-//x" "http://example.com/x.dtd"><r><o><a>1</a></o></r>',
    ],
    ids=["billion laughs", "two laughs", "a file", "a parameter", "a local dtd", "a remote dtd"],
)
def test_entities_and_document_types_are_refused(desk: Desk, data: bytes) -> None:
    with pytest.raises(UnreadableFile, match=r"DOCTYPE|amplification") as refusal:
        desk.read(data, format="xml")

    assert "root:" not in refusal.value.message


def test_nothing_is_fetched_from_anywhere(desk: Desk) -> None:
    with receiving() as server:
        data = (
            f'<r xmlns:xi="http://www.w3.org/2001/XInclude" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            f'xsi:schemaLocation="x {server.url("/x.xsd")}"><o><xi:include href="{server.url("/y")}"/><a>1</a></o></r>'
        )

        desk.read(data.encode(), format="xml")

        assert server.got == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no XML"),
        (b"a,b\n1,2\n", "no XML"),
        (b"<r><o><a>1</b></o></r>", r"line 1: it is no XML that can be read: Opening and ending tag mismatch"),
        (b"<r>\n<o><a>1</a></o>", "no XML"),
        (b"<r><o><a>1</a></o></r><r/>", "no XML"),
        (b"<a>" * 100_000, "nest|depth"),
        (b"<r><o>" + b"<a>" * 80 + b"</a>" * 80 + b"</o></r>", "nest more than 64"),
        (b"<r><o><a>" + b"x" * 12_000_000, "no XML|longer than"),
        (b"<r><o>" + b"<a>x</a>" * 150_000, "more than 100,000 elements|longer than"),
        (b"<r><o " + b" ".join(b'a%d="1"' % number for number in range(60)) + b"/></r>", "more than 50 columns"),
        (b"<r></r>", "no record"),
        (b"<r><o><a>\x00</a></o></r>", "no XML"),
    ],
    ids=["empty", "csv", "mismatch", "cut", "two roots", "deep", "deep record", "long text", "many elements",
         "many columns", "no record", "nul"],
)  # fmt: skip
def test_what_is_no_xml_or_too_much_of_it_is_refused(desk: Desk, data: bytes, words: str) -> None:
    with pytest.raises(UnreadableFile, match=words):
        desk.read(data, format="xml")


def test_a_long_file_takes_no_more_memory_than_a_short_one(desk: Desk) -> None:
    row = b"<o><a>1</a><b>" + b"x" * 50 + b"</b></o>\n"

    shown = desk.read(b"<r>\n" + row * 60_000 + b"</r>", format="xml")

    assert shown.table.rows == 60_000


def test_two_threads_may_read_at_once(desk: Desk) -> None:
    outcomes: list[Any] = []
    desks = [Desk(desk.session.cursor(), desk.folder, desk.work) for _ in range(4)]
    threads = [
        threading.Thread(target=lambda each=each: outcomes.append(each.read(ORDERS, format="xml").table.rows))
        for each in desks
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert outcomes == [3] * 4
