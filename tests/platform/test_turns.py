"""Turns: so many at once, so many of one owner, and the next in line gets the one that becomes free."""

import threading
from contextlib import ExitStack

import pytest

from kaireon.platform.errors import Busy
from kaireon.platform.turns import RETRY_AFTER, Turns


def turns(*, most: int = 3, most_of_one: int = 2, patience: float = 0.0) -> Turns:
    """Return turns that nobody waits for, unless told."""
    return Turns("reports", most=most, most_of_one=most_of_one, patience=patience)


@pytest.mark.parametrize("holders", [["a", "a"], ["a", "b", "c"], ["a", "a", "b"]], ids=["own", "all", "both"])
def test_one_too_many_is_refused_and_told_when_to_try_again(holders: list[str]) -> None:
    room = turns()
    with ExitStack() as held:
        for owner in holders:
            held.enter_context(room.take(owner))
        with pytest.raises(Busy, match="Too many reports are being made just now") as refusal, room.take("a"):
            pass
    assert (refusal.value.status, refusal.value.wait) == (429, RETRY_AFTER)


def test_one_owner_leaves_room_for_another() -> None:
    room = turns()
    with room.take("a"), room.take("a"), room.take("b"):
        pass


def test_a_turn_is_given_back_whatever_happens_inside() -> None:
    room = turns(most=1, most_of_one=1)
    for _ in range(3):
        with pytest.raises(RuntimeError), room.take("a"):
            raise RuntimeError
    with room.take("a"):
        pass


def test_a_refusal_takes_no_turn() -> None:
    room = turns(most=1, most_of_one=1)
    with room.take("a"):
        for _ in range(3):
            with pytest.raises(Busy), room.take("b"):
                pass
    with room.take("b"):
        pass


def test_who_waits_gets_the_turn_that_becomes_free() -> None:
    room, got = turns(most=1, most_of_one=1, patience=10), threading.Event()

    def wait_for_it() -> None:
        with room.take("b"):
            got.set()

    with room.take("a"):
        waiting = threading.Thread(target=wait_for_it)
        waiting.start()
        assert not got.wait(0.05)
    assert got.wait(5)
    waiting.join()


def test_never_more_than_the_most_are_inside_at_once() -> None:
    room, lock, inside, seen = turns(patience=10), threading.Lock(), [0], [0]

    def go() -> None:
        for _ in range(50):
            with room.take(threading.get_ident() % 2):
                with lock:
                    inside[0] += 1
                    seen[0] = max(seen[0], inside[0])
                with lock:
                    inside[0] -= 1

    workers = [threading.Thread(target=go) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert inside[0] == 0
    assert 1 <= seen[0] <= 3
