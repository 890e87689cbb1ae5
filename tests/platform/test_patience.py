"""A call is waited for only so long, and tells what it raises."""

import threading

import pytest

from kaireon.platform.patience import begin_call, call_within


def test_what_a_call_returns_or_raises_comes_back() -> None:
    def refuse() -> None:
        raise OSError("no")

    assert call_within(lambda: 7, seconds=5, errors=()) == 7
    with pytest.raises(OSError, match="no"):
        call_within(refuse, seconds=5, errors=(OSError,))


def test_a_call_that_takes_too_long_is_left_behind() -> None:
    go_on = threading.Event()

    with pytest.raises(TimeoutError):
        call_within(go_on.wait, seconds=0.01, errors=())
    go_on.set()


def test_calls_that_are_begun_go_on_side_by_side() -> None:
    together = threading.Barrier(2)

    begun = [begin_call(lambda: together.wait(5), errors=()) for _ in range(2)]

    assert sorted(each.result(5) for each in begun) == [0, 1]
