"""How a text file is encoded: said by its mark, set, or found out; undecodable rows are set aside."""

import gzip

import pytest

from flows.formats.base import UnreadableFile
from tests.flows.formats.world import Desk

TEXT = "name;Straße\nGrüße;é\nJosé;œuvre\n"
ROWS = [("Grüße", "é"), ("José", "œuvre")]


@pytest.mark.parametrize(
    ("encoding", "said"),
    [("utf-8", None), ("utf-8-sig", None), ("utf-16", None), ("utf-32", None), ("cp1252", None),
     ("cp1252", "cp1252"), ("utf-16-le", "utf-16-le"), ("utf-16-be", "utf-16-be"), ("utf-8", "UTF8"),
     ("utf-8-sig", "utf-8"), ("utf-16", "utf-16"), ("iso8859-15", "latin9")],
)  # fmt: skip
def test_a_text_is_the_same_in_every_encoding(desk: Desk, encoding: str, said: str | None) -> None:
    shown = desk.read(TEXT.encode(encoding), encoding=said)

    assert shown.columns == ["name", "Straße"]
    assert shown.rows == ROWS
    assert shown.bad == []


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_wide_text_without_a_mark_is_found_out(desk: Desk, encoding: str) -> None:
    assert desk.read("id,name\n1,Ann\n".encode(encoding)).rows == [("1", "Ann")]


def test_cyrillic_text_in_a_code_page_is_found_out(desk: Desk) -> None:
    line = "Москва столица России и самый большой город страны;да\n"

    shown = desk.read(("город;ответ\n" + line * 20).encode("cp1251"))

    assert shown.columns == ["город", "ответ"]
    assert shown.rows[0] == tuple(line.strip().split(";"))


def test_a_few_broken_bytes_do_not_make_utf8_another_encoding(desk: Desk) -> None:
    shown = desk.read(b"a,b\n" + "ü,ö\n".encode() * 50 + b"\xff,x\n" + "ä,ß\n".encode())

    assert shown.lines == [52]
    assert shown.rows[-1] == ("ä", "ß")


def test_letters_far_behind_plain_ascii_are_found(desk: Desk) -> None:
    rows = b"1,plain\n" * 400_000

    shown = desk.read(b"a,b\n" + rows + "2,Grüße\n".encode("cp1252") + rows)

    assert shown.bad == []
    assert shown.rows[400_000] == ("2", "Grüße")


def test_a_broken_pair_in_wide_text_costs_its_row_only(desk: Desk) -> None:
    data = "a,b\n1,2\n".encode("utf-16-le") + b"\x00\xd8,\x00x\x00\n\x00" + "3,4\n".encode("utf-16-le")

    shown = desk.read(data, encoding="utf-16-le")

    assert shown.rows == [("1", "2"), ("3", "4")]
    assert shown.lines == [3]


def test_bytes_that_a_code_page_lacks_cost_their_row_only(desk: Desk) -> None:
    shown = desk.read(b"a,b\n1,\x81\n2,\xfc\n", encoding="cp1252")

    assert shown.rows == [("2", "ü")]
    assert shown.lines == [2]


@pytest.mark.parametrize("name", ["klingon", "base64", "rot13", "zlib", "punycode\x00", "../utf-8"])
def test_an_encoding_that_makes_no_text_is_refused(desk: Desk, name: str) -> None:
    with pytest.raises(UnreadableFile, match="no encoding"):
        desk.read(b"a,b\n1,2\n", encoding=name)


def test_packed_text_may_be_in_any_encoding(desk: Desk) -> None:
    assert desk.read(gzip.compress(TEXT.encode("utf-16"))).rows == ROWS
    assert desk.read(gzip.compress(TEXT.encode("cp1252"))).rows == ROWS


def test_progress_counts_each_byte_of_the_file_once(desk: Desk) -> None:
    plain, wide = TEXT.encode(), TEXT.encode("utf-16")

    assert desk.read(plain).counted == len(plain)
    assert desk.read(wide).counted == len(wide)
    assert desk.read(plain + b"\x00;x\n").counted == len(plain) + 4
