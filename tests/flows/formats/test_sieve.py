"""The sieve against a plain reading of the same rules: every row it keeps DuckDB keeps, in the same number."""

import random
from pathlib import Path

import duckdb
import pytest

from flows.formats.base import LocalFile, UnreadableFile
from flows.formats.dialects import Dialect
from flows.formats.jobs import BadRows
from flows.formats.sieve import Sieve


def sift(
    folder: Path, data: bytes, *, columns: int = 3, quote: str = '"', escape: str = '"', delimiter: str = ",",
    has_header: bool = False, most: int = 1_000_000, reason: str = "",
) -> tuple[bytes, BadRows, int]:  # fmt: skip
    source, target = folder / "source", folder / "target"
    source.write_bytes(data)
    target.unlink(missing_ok=True)
    bad = BadRows(1_000, is_kept=True)
    dialect = Dialect(delimiter, quote, escape, tuple("abcdefgh"[:columns]))
    file = LocalFile(source, "in.csv", len(data))
    good = Sieve(file, dialect, columns, has_header, most, bad, reason).sift(source, target)
    return target.read_bytes(), bad, good


@pytest.mark.parametrize(
    ("data", "kept", "lines"),
    [
        (b"1,2,3\n", b"1,2,3\n", []),
        (b"1,2,3", b"1,2,3\n", []),
        (b"1,2,3\r\n4,5,6\r\n", b"1,2,3\n4,5,6\n", []),
        (b"1,2,3\r4,5,6\r", b"1,2,3\n4,5,6\n", []),
        (b"1,2,3\r\n4,5,6\n7,8,9\r", b"1,2,3\n4,5,6\n7,8,9\n", []),
        (b"\n\n1,2,3\n\n", b"1,2,3\n", []),
        (b"1,2,3,\n", b"1,2,3,\n", []),
        (b"1,2,3,4\n", b"", [1]),
        (b'1,"2\r\n2",3\n', b'1,"2\r\n2",3\n', []),
        (b'1,"2""2",3\n', b'1,"2""2",3\n', []),
        (b'1, "2" ,3\n', b'1, "2" ,3\n', []),
        (b'1,2"2,3\n', b'1,2"2,3\n', []),
        (b'1,"2"2,3\n', b"", [1]),
        (b'1,"2,3\n4,5,6\n', b"4,5,6\n", [1]),
        (b'1,"2,3\n4,"5,6\n7,8,9\n', b"7,8,9\n", [1, 2]),
        (b'1,"2,3\n4,5",6\n7,8,9\n', b'1,"2,3\n4,5",6\n7,8,9\n', []),
        (b'"\n', b"", [1]),
        (b"1,\xff,3\n1,\xc3\xbc,3\n", b"1,\xc3\xbc,3\n", [1]),
        (b"1,\xfe,3\n", b"", [1]),
        (b"\xef\xbb\xbf1,2,3\n", b"1,2,3\n", []),
        (b"", b"", []),
    ],
    ids=str,
)
def test_a_row_is_kept_or_set_aside_with_its_line(tmp_path: Path, data: bytes, kept: bytes, lines: list[int]) -> None:
    found, bad, good = sift(tmp_path, data)

    assert found == kept
    assert [row.line for row in bad.rows] == lines
    assert bad.count == len(lines)
    assert good == sum(1 for _ in kept.replace(b'"2,3\n', b'"2,3').replace(b"\r\n", b"").splitlines())


def test_a_header_is_carried_over_and_is_no_row(tmp_path: Path) -> None:
    found, bad, good = sift(tmp_path, b"\na,b,c\n1,2\n3,4,5\n", has_header=True)

    assert (found, good) == (b"a,b,c\n3,4,5\n", 1)
    assert [row.line for row in bad.rows] == [3]


def test_a_single_column_keeps_its_empty_lines_as_rows(tmp_path: Path) -> None:
    found, _, good = sift(tmp_path, b"1\n\n2\n", columns=1)

    assert (found, good) == (b'1\n""\n2\n', 3)


def test_with_a_reason_every_row_is_set_aside_for_it(tmp_path: Path) -> None:
    found, bad, good = sift(tmp_path, b'a,b,c\n1,2,3\n\n4,"5\n5",6\n', has_header=True, reason="Not these.")

    assert (found, good) == (b"a,b,c\n", 0)
    assert [(row.line, row.error) for row in bad.rows] == [(2, "Not these."), (4, "Not these.")]


def test_an_escape_of_its_own_and_long_delimiters_are_followed(tmp_path: Path) -> None:
    found, bad, _ = sift(tmp_path, b'1||"a\\"||b"||3\n1||"a||3\n', escape="\\", delimiter="||")

    assert found == b'1||"a\\"||b"||3\n'
    assert [row.line for row in bad.rows] == [2]


def test_without_quotes_a_quote_is_a_letter(tmp_path: Path) -> None:
    found, bad, _ = sift(tmp_path, b'1,"2,3\n"1,2",3\n1,2\n', quote="", escape="")

    assert found == b'1,"2,3\n"1,2",3\n'
    assert [row.line for row in bad.rows] == [3]


def test_a_line_that_never_ends_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"line 2: longer than 1,000,000 bytes"):
        sift(tmp_path, b"1,2,3\n" + b"x" * 3_000_000)


def test_a_value_that_goes_on_and_on_is_refused_where_it_begins(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"line 2: a quote opens") as refusal:
        sift(tmp_path, b'1,2,3\n1,"' + b"x\n" * 600_000 + b'",3\n')

    assert refusal.value.line == 2


PIECES = [b"1", b"xy", b"", b'"a"', b'"a,b"', b'"a\nb"', b'"a""b"', b'""', b'a"b', b'"a', b'a"', b'"a"b', b"\xc3\xbc",
          b'"\n1,2,3\n"', b" x "]  # fmt: skip


@pytest.mark.parametrize("seed", range(40))
def test_duckdb_reads_just_what_the_sieve_has_kept(tmp_path: Path, seed: int) -> None:
    pick = random.Random(seed)
    rows = [b",".join(pick.choice(PIECES) for _ in range(pick.choice([3, 3, 3, 2, 4]))) for _ in range(60)]
    data = pick.choice([b"\n", b"\r\n"]).join(rows)

    _, bad, good = sift(tmp_path, data)

    scan = (
        f"read_csv('{tmp_path / 'target'}', auto_detect=false, header=false, delim=',', quote='\"', escape='\"', "
        "columns={'a': 'VARCHAR', 'b': 'VARCHAR', 'c': 'VARCHAR'}, strict_mode=true, parallel=false)"
    )
    assert len(duckdb.connect().execute(f"SELECT * FROM {scan}").fetchall()) == good
    assert good + bad.count >= 1
