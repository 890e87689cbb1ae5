"""Streaming rows: as many as there are, in one snapshot, inside a transaction, and nothing left of it after."""

import tracemalloc

import pytest
from django.db import DatabaseError, connection, transaction

from interactions.selectors.streaming import ROWS_AT_ONCE, NoTransaction, stream_rows

_NUMBERS = "SELECT n, repeat('x', 20) FROM generate_series(1, %(count)s) AS n ORDER BY n"


def cursors() -> int:
    """Count the cursors that are open on this connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_cursors WHERE name LIKE 'rows_%'")
        return int(cursor.fetchone()[0])


@pytest.mark.django_db
@pytest.mark.parametrize("count", [0, 1, ROWS_AT_ONCE, ROWS_AT_ONCE + 1, 3 * ROWS_AT_ONCE])
def test_every_row_comes_once_and_in_order(count: int) -> None:
    rows = list(stream_rows(_NUMBERS, {"count": count}))

    assert [number for number, _ in rows] == list(range(1, count + 1))
    assert cursors() == 0


@pytest.mark.django_db
def test_two_streams_may_run_beside_each_other() -> None:
    one, other = (stream_rows(_NUMBERS, {"count": 5_000}) for _ in range(2))

    assert sum(a[0] == b[0] for a, b in zip(one, other, strict=True)) == 5_000


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_there_is_no_stream() -> None:
    with pytest.raises(NoTransaction):
        next(stream_rows(_NUMBERS, {"count": 1}))


@pytest.mark.django_db(transaction=True)
def test_what_is_left_of_a_stream_ends_with_its_transaction() -> None:
    with transaction.atomic():
        assert next(stream_rows(_NUMBERS, {"count": 10_000}))[0] == 1

    assert cursors() == 0


@pytest.mark.django_db(transaction=True)
def test_an_error_halfway_is_the_servers_own() -> None:
    with pytest.raises(DatabaseError, match="division by zero"), transaction.atomic():
        list(stream_rows("SELECT 1 / (n - 2500) FROM generate_series(1, %(count)s) AS n", {"count": 5_000}))

    assert cursors() == 0


@pytest.mark.django_db
def test_a_long_stream_takes_the_memory_of_its_stretch() -> None:
    tracemalloc.start()
    count = sum(1 for _ in stream_rows(_NUMBERS, {"count": 100_000}))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == 100_000
    assert peak < 4_000_000
