"""CSV: clean files, ways to write them, and every kind of bad row with its line."""

import csv
import io
import random
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from flows.formats.base import UnreadableFile
from tests.flows.formats.world import Desk

HEAD = b"a,b,c\n1,2,3\n"


def test_a_clean_file_is_a_view_on_the_file_itself(desk: Desk) -> None:
    shown = desk.read(b"id,name\n1,Ann\n2,Bob\n")

    assert (shown.columns, shown.types) == (["id", "name"], ["VARCHAR", "VARCHAR"])
    assert shown.rows == [("1", "Ann"), ("2", "Bob")]
    assert (shown.table.rows, shown.table.bytes, shown.counted) == (2, 20, 20)
    assert all(path.is_symlink() for path in desk.work.iterdir())
    question = "SELECT table_type FROM information_schema.tables WHERE table_name = ?"
    assert desk.session.execute(question, [shown.table.relation]).fetchall() == [("VIEW",)]


@pytest.mark.parametrize(
    ("data", "options", "expected"),
    [
        (b"a;b\n1;2\n", {}, [("1", "2")]),
        (b"a\tb\n1\t2\n", {}, [("1", "2")]),
        (b"a|b\n1|2\n", {}, [("1", "2")]),
        (b"a;b\n1,5;2,5\n2,5;3\n", {}, [("1,5", "2,5"), ("2,5", "3")]),
        (b'a,b\n"x;y;z",2\n', {}, [("x;y;z", "2")]),
        (b"a\n1\n2\n", {}, [("1",), ("2",)]),
        (b"a||b\n1||2\n", {"delimiter": "||"}, [("1", "2")]),
        (b"a,b\n'x,y',2\n", {"quote": "'"}, [("x,y", "2")]),
        (b'a,b\n"x,y\n', {"quote": ""}, [('"x', "y")]),
        (b'a,b\n"x\\"y",2\n', {"escape": "\\"}, [('x"y', "2")]),
        (b'a,b\n"x""y",2\n', {}, [('x"y', "2")]),
        (b"a,b\r\n1,2\r\n3,4\r\n", {}, [("1", "2"), ("3", "4")]),
        (b"a,b\r1,2\r3,4\r", {}, [("1", "2"), ("3", "4")]),
        (b"a,b\r\n1,2\n3,4\r\n", {}, [("1", "2"), ("3", "4")]),
        (b"a,b\n1,2", {}, [("1", "2")]),
        (b'a,b\n"1\n\n2",3\n', {}, [("1\n\n2", "3")]),
        (b'a;b\r\n"1\n2";3\r\n', {}, [("1\n2", "3")]),
        (b'"a\nb",c\n1,2\n', {"columns": None}, "control character"),
        (b"\xef\xbb\xbfa,b\n1,2\n", {}, [("1", "2")]),
        (b"\n\na,b\n1,2\n", {}, [("1", "2")]),
        (b"a,b\n\n1,2\n\n", {}, [("1", "2")]),
        (b"a,b\n", {}, []),
        (b"a,b", {}, []),
        (b"a,b\n 1 ,2\n", {}, [(" 1 ", "2")]),
        (b"1,2\n3,4\n", {"header": False}, [("1", "2"), ("3", "4")]),
        (b"a,b\n1,\n", {}, [("1", None)]),
        (b'a,b\n1,""\n', {}, [("1", None)]),
        (b"a,b\n1,\nNA,NULL\n", {"nullValues": ["NA", "NULL"]}, [("1", ""), (None, None)]),
        (b'a,b\n1,\n,""\n', {"nullValues": []}, [("1", ""), ("", "")]),
        (b"a,b\n1,5\"\n", {}, [("1", '5"')]),
    ],
    ids=str,
)  # fmt: skip
def test_a_way_to_write_csv_is_read(desk: Desk, data: bytes, options: dict[str, Any], expected: Any) -> None:
    if isinstance(expected, str):
        with pytest.raises(UnreadableFile, match=expected):
            desk.read(data, **options)
        return

    shown = desk.read(data, **options)

    assert shown.rows == expected
    assert shown.table.rows == len(expected)
    assert shown.bad == []


@pytest.mark.parametrize(
    ("data", "rows", "lines", "words"),
    [
        (HEAD + b"4,5\n6,7,8\n", 2, [3], "2 values where the header has 3"),
        (HEAD + b"4,5,6,7\n6,7,8\n", 2, [3], "4 values where the header has 3"),
        (HEAD + b"4\n", 1, [3], "1 value where"),
        (HEAD + b'4,"5"x,6\n6,7,8\n', 2, [3], "quotes"),
        (HEAD + b'4,"5,6\n6,7,8\n', 2, [3], "quotes"),
        (HEAD + b'4,"5,6\n6,7,8\n9,"8,7\n1,1,1\n', 3, [3, 5], "quotes"),
        (HEAD + b'4,"5\n5\n5",6\n7,8\n9,9,9\n', 3, [6], "2 values"),
        (HEAD + b"\n\n4,5\n\n6,7,8\n", 2, [5], "2 values"),
        (HEAD.replace(b"\n", b"\r\n") + b"4,5\r\n6,7,8\r\n", 2, [3], "2 values"),
        (HEAD.replace(b"\n", b"\r") + b"4,5\r6,7,8\r", 2, [3], "2 values"),
        (HEAD + b"4,5\x00,6\n6,7,8\n", 2, [3], "NUL"),
        (HEAD + "ü,5,6\n".encode() * 20 + b"4,5\xff,6\n6,7,8\n", 22, [23], "not valid in the file's encoding"),
        (HEAD + b"4,5", 1, [3], "2 values"),
        (b'a\n1\n\n"2\n3\n', 3, [4], "quotes"),
    ],
    ids=["few", "many", "one", "after a quote", "open quote", "two open quotes", "behind lines in quotes",
         "blank lines", "crlf", "cr", "nul", "encoding", "no end", "single column"],
)  # fmt: skip
def test_a_bad_row_is_set_aside_with_its_line_and_the_others_are_read(
    desk: Desk, data: bytes, rows: int, lines: list[int], words: str
) -> None:
    shown = desk.read(data)

    assert (len(shown.rows), shown.table.rows, shown.lines) == (rows, rows, lines)
    assert all(words in row.error and row.file == "in0.csv" for row in shown.bad)
    assert shown.table.bad_row_count == len(lines)


@pytest.mark.parametrize("options", [{"onBadRow": "fail"}, {}], ids=["on bad row", "no dead letters"])
def test_where_bad_rows_are_not_kept_the_first_one_fails_the_run_by_name_and_line(
    desk: Desk, options: dict[str, Any]
) -> None:
    file = desk.file(HEAD + b"4,5\n6\n", "inbox/orders.csv")

    with pytest.raises(UnreadableFile) as refusal:
        desk.read(file, dead_letters="onBadRow" in options, **options)

    assert refusal.value.message == "inbox/orders.csv, line 3: The row has 2 values where the header has 3."
    assert (refusal.value.file, refusal.value.line) == ("inbox/orders.csv", 3)


def test_the_text_of_a_bad_row_is_kept_in_a_kilobyte_without_nuls(desk: Desk) -> None:
    shown = desk.read(HEAD + b"4,\x00\xff" + b"x" * 5_000 + b"\n")

    (row,) = shown.bad
    assert row.raw.startswith("4,\\x00")
    assert len(row.raw) <= 1_024 + 3


def test_lines_are_right_far_into_a_large_file_with_breaks_in_quotes(desk: Desk) -> None:
    pick = random.Random(7)
    text, line, expected, good = [b"a,b,c\n"], 2, [], 0
    for number in range(60_000):
        kind = pick.random()
        if kind < 0.001:
            expected.append(line)
            text.append(pick.choice([b"x,y\n", b"x,y,z,z\n", b'x,"y"z,1\n', b"x\xff,\xc3\xbc\xc3\xbc,z\n"]))
            line += 1
            continue
        good += 1
        breaks = pick.choice([0, 0, 0, 1, 3])
        text.append(b'%d,"%b, ""q""",\xc3\xbc\n' % (number, b"1,2,3\n" * breaks))
        line += 1 + breaks

    shown = desk.limited(bad_rows=1_000).read(b"".join(text))

    assert shown.lines == expected
    assert len(shown.rows) == good == shown.table.rows


def test_rows_come_in_the_order_of_files_and_lines(desk: Desk) -> None:
    files = [b"n,t\n" + b"".join(b"%d,x\n" % (base + row) for row in range(30_000)) for base in (0, 30_000, 60_000)]
    files[1] += b"broken\n"

    shown = desk.read(*files)

    assert [int(row[0]) for row in shown.rows] == list(range(90_000))
    assert [(row.file, row.line) for row in shown.bad] == [("in1.csv", 30_002)]


def test_files_with_the_same_columns_in_another_order_go_together(desk: Desk) -> None:
    shown = desk.read(b"a,b\n1,2\n", b"B;a\n4;3\n", b"a,b\n5,6\n")

    assert shown.columns == ["a", "b"]
    assert shown.rows == [("1", "2"), ("3", "4"), ("5", "6")]


def test_a_file_with_another_header_is_set_aside_row_by_row(desk: Desk) -> None:
    shown = desk.read(b"a,b\n1,2\n", b"a,x\n3,4\n5,6\n", b"a,b\n7,8\n")

    assert shown.rows == [("1", "2"), ("7", "8")]
    assert [(row.file, row.line, row.raw) for row in shown.bad] == [("in1.csv", 2, "3,4"), ("in1.csv", 3, "5,6")]
    assert "lacks b" in shown.bad[0].error
    assert "has x beyond" in shown.bad[0].error


def test_a_file_with_another_header_fails_a_run_that_keeps_no_bad_rows(desk: Desk) -> None:
    with pytest.raises(UnreadableFile, match=r"in1\.csv, line 1: The header does not fit"):
        desk.read(b"a,b\n1,2\n", b"a\n3\n", dead_letters=False)


def test_a_header_must_have_the_columns_that_were_given(desk: Desk) -> None:
    assert desk.read(b"b,a\n2,1\n", columns=["a", "b"]).rows == [("1", "2")]

    shown = desk.read(b"a,b,c\n1,2,3\n", columns=["a", "b"])

    assert shown.rows == []
    assert shown.columns == ["a", "b"]
    assert "has c beyond" in shown.bad[0].error


def test_without_a_header_columns_are_numbered_or_as_given(desk: Desk) -> None:
    assert desk.read(b"1,2\n", header=False).columns == ["column1", "column2"]
    assert desk.read(b"1,2\n", header=False, columns=["x", "y"]).columns == ["x", "y"]

    shown = desk.read(b"1,2\n", b"3,4,5\n", header=False)

    assert shown.rows == [("1", "2")]
    assert [(row.file, row.line) for row in shown.bad] == [("in1.csv", 1)]


def test_a_column_without_a_name_gets_one(desk: Desk) -> None:
    assert desk.read(b"a,,c\n1,2,3\n").columns == ["a", "column2", "c"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"a,b,a\n1,2,3\n", "names the column a more than once"),
        (b"a,b,A\n1,2,3\n", "names the column a more than once"),
        (b'a,"b\x01c"\n1,2\n', "control character"),
        (b"a," + b"b" * 300 + b"\n1,2\n", "longer than 255"),
        (b",".join(b"c%d" % number for number in range(60)) + b"\n", "more than 50 columns"),
        (b'"a' + b"b" * 300_000, "does not end"),
        (b"", "is empty"),
        (b'"' * 700_001, "does not end|quote|line"),
    ],
    ids=["twice", "twice but for case", "control", "long name", "columns", "open header", "empty", "quotes only"],
)  # fmt: skip
def test_a_header_that_cannot_be_used_is_refused_with_its_line(desk: Desk, data: bytes, words: str) -> None:
    with pytest.raises(UnreadableFile, match=words):
        desk.read(data)


def test_an_empty_file_among_others_is_only_noted(desk: Desk) -> None:
    shown = desk.read(b"", b"a,b\n1,2\n", b"")

    assert shown.rows == [("1", "2")]
    assert shown.table.notes == ("in0.csv is empty.", "in2.csv is empty.")


def test_all_bad_rows_are_counted_and_the_first_are_kept(desk: Desk) -> None:
    shown = desk.limited(bad_rows=5).read(b"a,b\n" + b"1\n" * 1_000 + b"1,2\n")

    assert (len(shown.bad), shown.table.bad_row_count, shown.table.rows) == (5, 1_000, 1)


def test_tsv_is_separated_by_tabs_whatever_else_is_in_it(desk: Desk) -> None:
    shown = desk.read(b"a,x\tb;y\n1,1\t2;2\n", format="tsv")

    assert (shown.columns, shown.rows) == (["a,x", "b;y"], [("1,1", "2;2")])


def test_without_a_look_ahead_a_clean_file_is_read_once_and_not_counted(desk: Desk) -> None:
    shown = desk.read(HEAD, b"c,a,b\n6,4,5\n", look_ahead=False)

    assert shown.rows == [("1", "2", "3"), ("4", "5", "6")]
    assert shown.table.rows is None


@pytest.mark.parametrize(
    "bad", [b"4,5\n", b"4,5,6,7\n", b'4,"5,6\n', b'4,"5"x,6\n'], ids=["few", "many", "open", "after"]
)
@pytest.mark.parametrize("place", [0, 40_000, 80_000], ids=["first", "middle", "last"])
def test_without_a_look_ahead_a_bad_row_fails_the_reading_and_is_never_left_out(
    desk: Desk, bad: bytes, place: int
) -> None:
    rows = [b"%d,x,y\n" % number for number in range(80_000)]
    data = b"a,b,c\n" + b"".join([*rows[:place], bad, *rows[place:]])

    with pytest.raises((duckdb.Error, pa.ArrowException)):
        desk.read(data, look_ahead=False)

    assert desk.read(data).lines == [place + 2]


@pytest.mark.parametrize("bad", [b"4,\x00,6\n", b"4,\xff,6\n" + "ü,ü,ü\n".encode() * 30], ids=["nul", "encoding"])
def test_without_a_look_ahead_bytes_that_no_table_takes_are_found_all_the_same(desk: Desk, bad: bytes) -> None:
    shown = desk.read("ü,ü,ü\n".encode() * 30 + bad, look_ahead=False, header=False)

    assert shown.lines == [31]


def test_names_of_columns_cannot_break_out_of_the_query(desk: Desk) -> None:
    names = ["a'b", 'c"d', "e}f", "select", "g;drop table x", "ü \\"]
    text = io.StringIO()
    csv.writer(text).writerows([names, ["1", "2", "3", "4", "5", "6"]])

    shown = desk.read(text.getvalue().encode(), delimiter=",")

    assert shown.columns == names
    assert shown.rows == [("1", "2", "3", "4", "5", "6")]


CELL = some.text(some.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    rows=some.lists(some.lists(CELL, min_size=2, max_size=2), min_size=1, max_size=12),
    breaks=some.sampled_from(["\n", "\r\n"]),
    bad=some.lists(some.integers(0, 12), max_size=3),
)
def test_what_python_writes_is_read_back_beside_any_bad_rows(
    desk: Desk, rows: list[list[str]], breaks: str, bad: list[int]
) -> None:
    lines = []
    for number, row in enumerate(rows):
        lines += ["only one" + breaks] * bad.count(number)
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator=breaks, quoting=csv.QUOTE_ALL).writerow(row)
        lines.append(text.getvalue())
    data = ("a,b" + breaks + "".join(lines)).encode()

    shown = desk.read(data, delimiter=",", nullValues=[], encoding="utf-8")

    assert shown.rows == [tuple(row) for row in rows]
    assert len(shown.bad) == sum(number < len(rows) for number in bad)
