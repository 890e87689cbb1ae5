"""Opening and streaming files, without a database."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from interactions.decisions.imported_rows import Unreadable
from interactions.services import files
from interactions.services.files import SourceRow, UnreadableFile, open_rows

HEADER = b"customerId,outcome,timestamp\n"


def read(path: Path) -> list[SourceRow]:
    """Return all rows of a file."""
    with open_rows(path) as file:
        return list(file.rows())


def write(folder: Path, content: bytes, name: str = "history.csv") -> Path:
    """Write a file."""
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"", [], id="a header alone"),
        pytest.param(b"a,b,c\n", [(2, ["a", "b", "c"], "")], id="a row"),
        pytest.param(b"a,b,c", [(2, ["a", "b", "c"], "")], id="without a last line break"),
        pytest.param(b"\n\na,b,c\n", [(4, ["a", "b", "c"], "")], id="blank lines count and are no rows"),
        pytest.param(b'"a,1","b ""x""",c\n', [(2, ["a,1", 'b "x"', "c"], "")], id="quotes"),
        pytest.param(
            b'"a\nb",b,c\nd,e,f\n', [(2, ["a\nb", "b", "c"], ""), (4, ["d", "e", "f"], "")], id="a line break"
        ),
        pytest.param("ü,ß,€\n".encode(), [(2, ["ü", "ß", "€"], "")], id="UTF-8"),
        pytest.param(b"\xfc,b,c\n", [(2, ["\udcfc", "b", "c"], "")], id="a byte that is no UTF-8 stays in its row"),
        pytest.param(b"a,b\n", [(2, ["a", "b"], "has 2 cells where the header has 3")], id="too few"),
        pytest.param(b"a,b,c,d\n", [(2, ["a", "b", "c"], "has 4 cells where the header has 3")], id="too many"),
    ],
)
def test_csv_rows_come_with_their_line(tmp_path: Path, content: bytes, expected: list[Any]) -> None:
    rows = read(write(tmp_path, HEADER + content))

    assert [(row.line, list(row.fields.values()), row.problem) for row in rows] == expected


def test_reading_goes_on_after_a_row_that_is_no_csv(tmp_path: Path) -> None:
    rows = read(write(tmp_path, HEADER + b'a,"b"x,c\nd,e,f\n'))

    assert [bool(row.problem) for row in rows] == [True, False]
    assert rows[1].fields["customerId"] == "d"


def test_a_quote_that_never_ends_does_not_swallow_memory(tmp_path: Path) -> None:
    rows = read(write(tmp_path, HEADER + b'"' + b"a,b,c\n" * 100_000))

    assert rows[0].problem.startswith("is no CSV: field larger than field limit")


def test_the_position_grows_to_the_size(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + b"a,b,c\n" * 3)

    with open_rows(path) as file:
        positions = [file.position() for _ in file.rows()]

    assert positions == sorted(positions)
    assert positions[-1] == file.size == path.stat().st_size


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    """Write five rows in row groups of two."""
    path = tmp_path / "history.parquet"
    table = pa.table({"customer_id": list("abcde"), "outcome": ["click"] * 5, "timestamp": ["2026-03-02"] * 5})
    pq.write_table(table, path, row_group_size=2)
    return path


def test_parquet_rows_come_with_their_number(parquet: Path) -> None:
    assert [(row.line, row.fields["customerId"]) for row in read(parquet)] == list(enumerate("abcde", 1))


def test_parquet_is_read_in_small_batches(parquet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PARQUET_BATCH", 2)

    with open_rows(parquet) as file:
        positions = [file.position() for _ in file.rows()]

    assert positions == [1, 2, 3, 4, 5]
    assert file.size == 5


def test_text_that_is_no_utf8_in_parquet_spoils_its_row_only(tmp_path: Path) -> None:
    broken = pa.array([b"good", b"b\xfcd"]).cast(pa.string(), safe=False) if _casts_unchecked() else None
    if broken is None:
        pytest.skip("this PyArrow does not write broken text")
    path = tmp_path / "history.parquet"
    pq.write_table(pa.table({"customerId": broken, "outcome": ["click"] * 2, "timestamp": ["2026-03-02"] * 2}), path)

    rows = read(path)

    assert rows[0].fields["customerId"] == "good"
    assert isinstance(rows[1].fields["customerId"], Unreadable)


def _casts_unchecked() -> bool:
    try:
        pa.array([b"\xfc"]).cast(pa.string(), safe=False)
    except pa.ArrowInvalid:
        return False
    return True


@pytest.mark.parametrize("name", ["history.txt", "history", "history.csv.gz", ".csv.bak"])
def test_another_kind_of_file_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnreadableFile, match="must end in"):
        read(write(tmp_path, HEADER, name))


def test_the_ending_may_be_written_large(tmp_path: Path) -> None:
    assert read(write(tmp_path, HEADER, "HISTORY.CSV")) == []


def test_a_parquet_file_that_was_cut_off_is_refused(parquet: Path) -> None:
    parquet.write_bytes(parquet.read_bytes()[:-20])

    with pytest.raises(UnreadableFile):
        read(parquet)


def test_a_parquet_file_with_other_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.parquet"
    pq.write_table(pa.table({"colour": ["red"]}), path)

    with pytest.raises(UnreadableFile, match="Unknown columns 'colour'"):
        read(path)
