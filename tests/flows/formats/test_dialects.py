"""How a delimited file is written, from its first records."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from flows.formats.base import LocalFile, UnreadableFile
from flows.formats.dialects import Dialect, dialect_of, split_record
from flows.ir.sources import FormatOptions
from tests.flows.formats.world import SMALL

FILE = LocalFile(Path("/nowhere"), "in.csv", 0)


def look(text: str, **options: object) -> Dialect:
    return dialect_of(text, FILE, FormatOptions.model_validate(options), SMALL, str(options.get("delimiter") or ""))


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b\n1;2\n", ";"),
        ("a\tb\n1\t2\n", "\t"),
        ("a|b\n1|2\n", "|"),
        ("a\n1\n", ","),
        ("", ","),
        ("name;amount\nx;1,50\ny;2,50\n", ";"),
        ("name,note\nx,a;b;c\ny,d;e\n", ","),
        ('a,b\n"1;2;3",4\n"5;6",7\n', ","),
        ("a,b;c\n1,2;3\n", ","),
        ("a;b\n1;2\n3;4,5,6\n", ";"),
        ("a b,c d\n1 2,3 4\n", ","),
        ('a;b\n"1\n2";3\n', ";"),
        ("a|b|c,d\n1|2|3,4\n", "|"),
    ],
)
def test_the_delimiter_is_the_one_that_splits_all_records_alike(text: str, delimiter: str) -> None:
    assert look(text).delimiter == delimiter


@pytest.mark.parametrize(
    ("record", "fields"),
    [
        ("a,b\n", ["a", "b"]),
        ("a,b\r\n", ["a", "b"]),
        ("a,b", ["a", "b"]),
        ("a,\n", ["a", ""]),
        ("\n", [""]),
        ('"a,b",c\n', ["a,b", "c"]),
        ('"a""b",c\n', ['a"b', "c"]),
        ('"a\nb",c\n', ["a\nb", "c"]),
        ('"",""\n', ["", ""]),
        ('a"b,c\n', ['a"b', "c"]),
        ('"a"b,c\n', ["ab", "c"]),
    ],
)
def test_a_record_is_split_as_rfc_4180_has_it(record: str, fields: list[str]) -> None:
    found, end = split_record(record + "next", 0, ",", '"', '"') if record.endswith("\n") else (
        split_record(record, 0, ",", '"', '"')
    )  # fmt: skip

    assert found == fields
    assert (record + "next")[end:].startswith("next") or not record.endswith("\n")


def test_an_escape_of_its_own_keeps_a_quote() -> None:
    found, _ = split_record('"a\\"b",c\n', 0, ",", '"', "\\")

    assert found == ['a"b', "c"]


def test_quotes_may_be_another_character_or_none() -> None:
    assert look("'a,b',c\n", quote="'").columns == ("a,b", "c")
    assert look('"a,b",c\n', quote="", delimiter=",").columns == ('"a', 'b"', "c")


def test_what_is_set_is_not_searched_for() -> None:
    assert look("a,b;c\n", delimiter=";").columns == ("a,b", "c")


def test_names_lose_blanks_and_gaps_are_filled() -> None:
    assert look(" a ,,b\n").columns == ("a", "column2", "b")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('"a,b\n', "does not end within"),
        ("a,b,a\n", "more than once"),
        ("ä,Ä\n", "more than once"),
        ("a,b\x02\n", "control character"),
        ("a," + "b" * 256 + "\n", "longer than 255"),
        (",".join("x" * 51) + "\n", "more than 50 columns"),
    ],
)
def test_a_header_that_cannot_be_used_is_refused_in_line_1(text: str, words: str) -> None:
    with pytest.raises(UnreadableFile, match=words) as refusal:
        look(text)

    assert refusal.value.line == 1
    assert refusal.value.message.startswith("in.csv, line 1: ")


@given(some.text(max_size=60))
def test_no_text_breaks_the_search(text: str) -> None:
    try:
        found = look(text)
    except UnreadableFile:
        return

    assert len({name.lower() for name in found.columns}) == len(found.columns)


@given(some.lists(some.text('ab ,;"\n', max_size=5), min_size=1, max_size=5))
def test_a_record_that_was_quoted_is_split_again(fields: list[str]) -> None:
    record = ",".join('"' + field.replace('"', '""') + '"' for field in fields) + "\n"

    assert split_record(record, 0, ",", '"', '"') == (fields, len(record))
