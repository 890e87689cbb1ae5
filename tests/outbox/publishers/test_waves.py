"""Who may be under way at the same time, and what the tier is told."""

import pytest

from outbox.decisions.outcomes import NOT_SENT, SENT, Failed, Outcome
from outbox.publishers.waves import Waves, keep_order
from tests.outbox.publishers.world import ACME, GLOBEX, event

FAILED = Failed("no", is_transient=True)


@pytest.mark.parametrize(
    ("keys", "most", "waves"),
    [
        ("", 5, []),
        ("abc", 5, [[0, 1, 2]]),
        ("abc", 2, [[0, 1], [2]]),
        ("aaa", 5, [[0], [1], [2]]),
        ("abab", 5, [[0, 1], [2, 3]]),
        ("aabb", 2, [[0, 2], [1, 3]]),
        ("aabc", 2, [[0, 2], [1, 3]]),
        ("abaaa", 1, [[0], [1], [2], [3], [4]]),
    ],
)
def test_a_wave_holds_one_event_of_a_key(keys: str, most: int, waves: list[list[int]]) -> None:
    dealt = Waves([event("t", key) for key in keys])

    assert list(iter(lambda: dealt.take(most), [])) == waves


@pytest.mark.parametrize(
    ("steps", "waves"),
    [
        ("a1 a1 a1", [[0, 1, 2]]),
        ("a1 b2 a1 b2", [[0, 1, 2, 3]]),
        ("a1 a2", [[0], [1]]),
        ("a1 a2 a1", [[0], [1], [2]]),
        ("a1 a1 a2 a2 a1", [[0, 1], [2, 3], [4]]),
        ("a1 a2 b1 b1", [[0, 2, 3], [1]]),
    ],
)
def test_a_run_of_one_key_and_one_topic_may_go_together(steps: str, waves: list[list[int]]) -> None:
    dealt = Waves([event(step[1], step[0]) for step in steps.split()])

    assert list(iter(lambda: dealt.take(100, runs=True), [])) == waves


def test_behind_a_failure_nobody_of_the_key_goes() -> None:
    waves = Waves([event("t", key) for key in "abab"])

    assert waves.take(2) == [0, 1]
    waves.fail(0)

    assert waves.take(2) == [3]
    assert waves.take(2) == []


def test_the_same_key_of_two_tenants_is_two_keys() -> None:
    waves = Waves([event("t", "a", tenant=ACME), event("t", "a", tenant=GLOBEX), event("t", "a", tenant=ACME)])

    assert waves.take(5) == [0, 1]
    waves.fail(1)
    assert waves.take(5) == [2]


def test_some_places_of_a_batch_can_be_dealt() -> None:
    waves = Waves([event("t", key) for key in "abcd"], [1, 3])

    assert waves.take(5) == [1, 3]


@pytest.mark.parametrize(
    ("keys", "given", "kept"),
    [
        ("abc", [SENT, FAILED, SENT], [SENT, FAILED, SENT]),
        ("aaa", [SENT, FAILED, SENT], [SENT, FAILED, NOT_SENT]),
        ("aaa", [FAILED, FAILED, SENT], [FAILED, NOT_SENT, NOT_SENT]),
        ("aba", [None, SENT, SENT], [NOT_SENT, SENT, NOT_SENT]),
        ("aa", [NOT_SENT, SENT], [NOT_SENT, NOT_SENT]),
        ("", [], []),
    ],
)
def test_behind_one_that_is_not_sent_its_key_is_not_sent(
    keys: str, given: list[Outcome | None], kept: list[Outcome]
) -> None:
    assert keep_order([event("t", key) for key in keys], given) == kept


def test_who_goes_again_goes_before_those_of_its_key_that_wait() -> None:
    waves = Waves([event("t", key) for key in "abab"])
    assert waves.take(2) == [0, 1]

    waves.again([1])

    assert waves.take(5) == [1, 2]
    assert waves.take(5) == [3]
