"""Identifiers are UUIDs of version 7: unique, and in the order in which they were made."""

import time
import uuid

from kaireon.platform.ids import new_id


def test_an_id_is_a_uuid_of_version_7() -> None:
    made = new_id()

    assert made.version == 7
    assert made.variant == uuid.RFC_4122


def test_an_id_begins_with_the_milliseconds_of_its_making() -> None:
    before = time.time_ns() // 1_000_000

    milliseconds = new_id().int >> 80

    assert before <= milliseconds <= time.time_ns() // 1_000_000


def test_ids_made_one_after_the_other_sort_so() -> None:
    first = new_id()
    time.sleep(0.002)
    second = new_id()

    assert first < second
    assert str(first) < str(second)


def test_a_hundred_thousand_ids_differ() -> None:
    assert len({new_id() for _ in range(100_000)}) == 100_000
