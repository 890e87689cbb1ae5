"""JSON lines and JSON documents: rows of text, numbers as written, limits on depth and size."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from flows.formats.base import UnreadableFile
from flows.formats.json_values import NoRecord, row_of, value_of, written
from tests.flows.formats.world import Desk


def test_every_line_is_a_row_and_columns_are_those_of_all_lines(desk: Desk) -> None:
    shown = desk.read(b'{"a":1,"b":"x"}\n\n{"c":true,"a":null}\n', b'{"b":"y"}\n', format="jsonl")

    assert (shown.columns, shown.types) == (["a", "b", "c"], ["VARCHAR"] * 3)
    assert shown.rows == [("1", "x", None), (None, None, "true"), (None, "y", None)]
    assert shown.table.rows == 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.50", "1.50"),
        ("1e400", "1e400"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("-0.0", "-0.0"),
        ("true", "true"),
        ("null", None),
        ('""', None),
        ('"ü"', "ü"),
        ("[1.10,null]", "[1.10,null]"),
        ('{"x":{"y":[1,"a\\"b"]}}', '{"x":{"y":[1,"a\\"b"]}}'),
        ("[]", "[]"),
    ],
)
def test_a_value_keeps_every_digit_and_what_is_nested_is_json_again(
    desk: Desk, text: str, expected: str | None
) -> None:
    assert desk.read(f'{{"v":{text},"k":1}}'.encode(), format="jsonl").rows == [(expected, "1")]
    assert desk.read(f'[{{"v":{text},"k":1}}]'.encode(), format="json").rows == [(expected, "1")]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"nope", "no JSON"),
        (b'{"a":1', "no JSON"),
        (b'{"a":1} x', "no JSON"),
        (b"[1]", "no JSON object"),
        (b"3", "no JSON object"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":1,"a":2}', "more than once"),
        (b'{"a":"\\u0000"}', "NUL"),
        (b'{"a":"\\ud800"}', "half a character"),
        (b'{"a":"\xff"}', "not valid"),
        (b'{"a":"\x00"}', "not valid"),
        (b'{"a":' + b"[" * 100_000, "nested"),
        (b'{"a":' + b'{"b":' * 70 + b"1" + b"}" * 71, "nested"),
    ],
)
def test_a_line_that_is_no_record_is_set_aside_with_its_number(desk: Desk, line: bytes, words: str) -> None:
    data = b'{"a":"\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"}\n\n'

    shown = desk.read(data + line + b'\n{"a":2}\n', format="jsonl")

    assert [row[0] for row in shown.rows][-1] == "2"
    assert shown.lines == [3]
    assert words in shown.bad[0].error


def test_a_bad_line_fails_a_run_that_keeps_none(desk: Desk) -> None:
    with pytest.raises(UnreadableFile, match=r"in0\.csv, line 2: It is no JSON"):
        desk.read(b'{"a":1}\nnope\n', format="jsonl", onBadRow="fail")


def test_lines_beyond_what_one_part_holds_come_in_order(desk: Desk) -> None:
    data = b"".join(b'{"n":%d,"c%d":1}\n' % (number, number // 60_000) for number in range(120_000))

    shown = desk.read(data, format="jsonl")

    assert [int(row[0]) for row in shown.rows] == list(range(120_000))
    assert shown.columns == ["n", "c0", "c1"]


@pytest.mark.parametrize(
    ("data", "options", "rows"),
    [
        (b'[{"a":1},\n {"a":2}]\n', {}, [("1",), ("2",)]),
        (b'{"a":1}', {}, [("1",)]),
        (b'\xef\xbb\xbf[{"a":1}]', {}, [("1",)]),
        (b'{"meta":{"n":[1,{"x":"}]"}]},"data":{"items":[{"a":1},{"a":2}]},"end":0}', {"recordPath": "data.items"},
         [("1",), ("2",)]),
        (b'{"d\\u00e4":[{"a":"]"}]}', {"recordPath": "d\u00e4"}, [("]",)]),
        (b'{"data":{"a":1}}', {"recordPath": "data"}, [("1",)]),
    ],
)  # fmt: skip
def test_a_document_s_records_are_found(desk: Desk, data: bytes, options: dict[str, Any], rows: list[Any]) -> None:
    assert desk.read(data, format="json", **options).rows == rows


@pytest.mark.parametrize(
    ("data", "options", "words"),
    [
        (b"", {}, "no record"),
        (b"[]", {}, "no record"),
        (b"3", {}, "no array of records"),
        (b'[{"a":1}', {}, "comma or the end"),
        (b'[{"a":1} {"a":2}]', {}, "comma or the end"),
        (b'[{"a":1},]', {}, "value is missing"),
        (b'[{"a":1}]x', {}, "follows the end"),
        (b'[{"a":"x', {}, "does not end"),
        (b"[" * 100_000, {}, "nest more than 64"),
        (b'{"a":' * 100_000, {}, "nest more than 64"),
        (b'[{"a":"' + b"x" * 3_000_000, {}, "longer than"),
        (b'{"data":1}', {"recordPath": "nope"}, "not there"),
        (b"[1]", {"recordPath": "data"}, "no object"),
        (b'{"data":[1,', {"recordPath": "data"}, "value is missing"),
    ],
)
def test_a_document_that_is_none_is_refused_with_its_line(
    desk: Desk, data: bytes, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(UnreadableFile, match=words):
        desk.read(data, format="json", **options)


def test_a_record_that_is_none_is_set_aside_with_the_line_where_it_begins(desk: Desk) -> None:
    shown = desk.read(b'[{"a":\n1},\n3,\n{"a":[1 2]},\n{"a":2}]', format="json")

    assert shown.rows == [("1",), ("2",)]
    assert shown.lines == [3, 4]


def test_a_long_document_in_a_single_line_is_read_piece_by_piece(desk: Desk) -> None:
    data = b"[" + b",".join(b'{"n":%d,"t":"%b"}' % (number, b"x" * 100) for number in range(30_000)) + b"]"

    shown = desk.read(data, format="json")

    assert [int(row[0]) for row in shown.rows] == list(range(30_000))


@pytest.mark.parametrize("format", ["json", "jsonl"])
def test_too_many_columns_are_refused(desk: Desk, format: Any) -> None:
    data = json.dumps({f"c{number}": 1 for number in range(60)}).encode()

    with pytest.raises(UnreadableFile, match="more than 50 columns"):
        desk.read(data, format=format)


@pytest.mark.parametrize("name", ["", "a\\nb", "x" * 300])
def test_a_field_that_can_be_no_column_is_refused(desk: Desk, name: str) -> None:
    with pytest.raises(UnreadableFile, match="no name of a column"):
        desk.read(f'{{"{name}":1}}'.encode(), format="jsonl")


def test_fields_that_differ_in_case_only_are_refused(desk: Desk) -> None:
    with pytest.raises(UnreadableFile, match="but for the case"):
        desk.read(b'{"a":1}\n{"A":1}\n', format="jsonl")


def test_null_values_are_those_that_were_set(desk: Desk) -> None:
    shown = desk.read(b'{"a":"NA","b":""}', format="jsonl", nullValues=["NA"])

    assert shown.rows == [(None, "")]


VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(max_size=5),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_what_is_written_again_means_the_same(value: Any) -> None:
    text = json.dumps(value)

    assert json.loads(written(value_of(text))) == value


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(some.lists(some.dictionaries(some.sampled_from("abc"), VALUES, min_size=1), min_size=1, max_size=6))
def test_a_document_and_its_lines_give_the_same_rows(desk: Desk, records: list[dict[str, Any]]) -> None:
    lines = "\n".join(json.dumps(record) for record in records)

    one = desk.read(lines.encode(), format="jsonl")
    other = desk.read(json.dumps(records, indent=1).encode(), format="json")

    assert (one.columns, one.rows, len(one.bad)) == (other.columns, other.rows, len(other.bad))


def test_a_row_is_made_of_an_object_only() -> None:
    with pytest.raises(NoRecord, match="no JSON object"):
        row_of("text", [])
