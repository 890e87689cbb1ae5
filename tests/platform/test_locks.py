"""Advisory locks, with two real connections: held until the transaction ends, and never in a circle."""

import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest
from django.db import connection, transaction
from pytest_django import DjangoDbBlocker

from kaireon.platform.locks import lock_key, try_xact_lock, xact_lock

KEY = lock_key("test", "a")
OTHER = lock_key("test", "b")


@pytest.fixture(autouse=True)
def database(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Open the database without the test's own transaction; no test here writes a row, so none needs a clean-up."""
    with django_db_blocker.unblock():
        yield
        connection.close()


@pytest.fixture
def neighbour() -> Iterator[psycopg.Connection]:
    """Return a second connection to the test's database."""
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as second:
        yield second


def take(neighbour: psycopg.Connection, key: int) -> bool:
    """Try to take the lock on the other connection, in its open transaction."""
    row = neighbour.execute("SELECT pg_try_advisory_xact_lock(%s)", [key]).fetchone()
    assert row is not None
    return bool(row[0])


def test_a_lock_that_another_transaction_holds_is_refused_at_once(neighbour: psycopg.Connection) -> None:
    assert take(neighbour, KEY)

    with transaction.atomic():
        assert not try_xact_lock(KEY)
        assert try_xact_lock(OTHER)


def test_a_lock_ends_with_its_transaction(neighbour: psycopg.Connection) -> None:
    with transaction.atomic():
        assert try_xact_lock(KEY)
        assert not take(neighbour, KEY)

    assert take(neighbour, KEY)


def test_a_lock_ends_with_a_rollback_too(neighbour: psycopg.Connection) -> None:
    def fail() -> None:
        with transaction.atomic():
            assert try_xact_lock(KEY)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    assert take(neighbour, KEY)


def test_a_lock_ends_with_the_connection_that_held_it(neighbour: psycopg.Connection) -> None:
    assert take(neighbour, KEY)

    neighbour.close()

    with transaction.atomic():
        xact_lock(KEY)


def test_waiting_ends_when_the_other_commits(neighbour: psycopg.Connection) -> None:
    assert take(neighbour, KEY)
    threading.Timer(0.2, neighbour.commit).start()

    with transaction.atomic():
        xact_lock(KEY)
        held_by_me = not take(neighbour, KEY)

    assert held_by_me


def test_callers_who_name_their_locks_in_opposite_order_never_meet_in_a_circle() -> None:
    failures: list[BaseException] = []

    def lock_often(keys: list[int]) -> None:
        try:
            for _ in range(30):
                with transaction.atomic():
                    xact_lock(*keys)
        except BaseException as error:  # noqa: BLE001 - told to the main thread
            failures.append(error)
        finally:
            connection.close()

    keys = [lock_key("test", number) for number in range(6)]
    threads = [threading.Thread(target=lock_often, args=(order,)) for order in (keys, keys[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert failures == []
    assert not any(thread.is_alive() for thread in threads)


def test_one_lock_named_twice_is_taken_once() -> None:
    with transaction.atomic():
        xact_lock(KEY, KEY)


@pytest.mark.parametrize("lock", [try_xact_lock, xact_lock])
def test_a_lock_outside_a_transaction_is_a_mistake(lock: Callable[[int], object]) -> None:
    with pytest.raises(RuntimeError, match="outside a transaction"):
        lock(KEY)


def test_keys_are_stable_signed_64_bit_numbers_and_parts_do_not_run_together() -> None:
    assert lock_key("audit", "a") == lock_key("audit", "a")
    assert lock_key("audit", "ab", "c") != lock_key("audit", "a", "bc")
    assert lock_key("audit", 1) == lock_key("audit", "1")
    assert all(-(2**63) <= lock_key("x", number) < 2**63 for number in range(1000))
