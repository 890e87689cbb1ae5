"""The spool: rows come back as they went in, as often as wanted, in bounded memory, and the file is gone after."""

import tempfile
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from reports.decisions.document import Row
from reports.sources import Spool
from reports.sources.spool import ROWS_AT_ONCE, ROWS_IN_MEMORY, SpoolClosed


def numbered(count: int) -> Iterator[Row]:
    return ((number, f"row {number}") for number in range(count))


@pytest.mark.parametrize(
    "count",
    [0, 1, ROWS_IN_MEMORY, ROWS_IN_MEMORY + 1, ROWS_IN_MEMORY + ROWS_AT_ONCE, ROWS_IN_MEMORY + 3 * ROWS_AT_ONCE + 7],
)
def test_rows_come_back_in_order_as_often_as_wanted(count: int) -> None:
    with Spool() as spool:
        rows = spool.keep(numbered(count))

        assert len(rows) == count
        assert list(rows) == list(numbered(count))
        assert list(rows) == list(numbered(count))


def test_a_small_table_needs_no_file() -> None:
    with Spool() as spool:
        spool.keep(numbered(ROWS_IN_MEMORY))

        assert spool.size == 0


def test_every_kind_of_cell_comes_back_as_it_was() -> None:
    row: Row = (
        "text \x00 \ud800", 7, 1.5, Decimal("0.10"), True, None, date(2026, 3, 5), datetime(2026, 3, 5, 10, tzinfo=UTC),
    )  # fmt: skip

    with Spool(rows_in_memory=0) as spool:
        (kept,) = spool.keep([row])

    assert kept == row
    assert [type(cell) for cell in kept] == [type(cell) for cell in row]


def test_two_tables_and_two_readers_share_one_file() -> None:
    with Spool(rows_in_memory=10) as spool:
        one, other = spool.keep(numbered(2_000)), spool.keep((f"other {number}",) for number in range(2_000))

        pairs = list(zip(one, other, one, strict=True))

    assert all(first == third and second == (f"other {first[0]}",) for first, second, third in pairs)


def test_a_reader_may_stop_halfway() -> None:
    with Spool(rows_in_memory=10) as spool:
        rows = spool.keep(numbered(2_000))
        reader = iter(rows)
        assert next(reader) == (0, "row 0")

        assert sum(1 for _ in rows) == 2_000
        assert next(reader) == (1, "row 1")


def test_the_file_has_no_name_and_is_gone_with_the_spool() -> None:
    others = open_files()

    with Spool(rows_in_memory=0) as spool:
        spool.keep(numbered(10))
        (name,) = open_files() - others

    assert name.endswith("(deleted)")
    assert open_files() == others


def open_files() -> Counter[str]:
    """Return the open files that lie in the temporary folder, by name."""
    opened = [str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    return Counter(name for name in opened if name.startswith(tempfile.gettempdir()))


def test_rows_of_a_closed_spool_are_not_half_a_table() -> None:
    with Spool(rows_in_memory=5) as spool:
        rows = spool.keep(numbered(10))

    with pytest.raises(SpoolClosed):
        list(rows)


def test_a_closed_spool_keeps_nothing_more() -> None:
    spool = Spool(rows_in_memory=5)
    spool.close()
    spool.close()

    with pytest.raises(SpoolClosed):
        spool.keep(numbered(10))


def test_an_error_of_the_rows_leaves_no_file() -> None:
    def failing() -> Iterator[Row]:
        yield from numbered(3_000)
        raise RuntimeError("the server went away")

    with pytest.raises(RuntimeError, match="went away"), Spool() as spool:
        spool.keep(failing())

    with pytest.raises(SpoolClosed):
        spool.write([(1,)])


def test_a_hundred_thousand_rows_take_the_memory_of_a_few_thousand() -> None:
    with Spool() as spool:
        tracemalloc.start()
        rows = spool.keep((number, f"an offer with a name of some length {number}") for number in range(100_000))
        total = sum(row[0] for row in rows if isinstance(row[0], int))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert total == sum(range(100_000))
    assert peak < 2_000_000
