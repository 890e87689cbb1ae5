"""The arithmetic of the audit chain."""

import json
import math
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaireon.platform.audit.decisions import (
    EMPTY,
    GENESIS,
    MAX_DEPTH,
    MAX_ITEMS,
    MAX_TEXT,
    Content,
    Head,
    Link,
    changed_fields,
    entry_hash,
    find_break,
    plain,
)

AT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
TENANT = uuid.UUID(int=7)


class Colour(Enum):
    """A value that is no JSON."""

    RED = "red"


def content(sequence: int, **deviation: Any) -> Content:
    values: dict[str, Any] = {
        "id": uuid.UUID(int=sequence), "tenant_id": TENANT, "sequence": sequence, "action": "update",
        "entity_type": "rule", "entity_id": "r1", "entity_name": "Rule", "entity_version": None,
        "before": {"threshold": 0.1}, "after": {"threshold": 0.2}, "changes": {}, "actor_kind": "user",
        "user_id": None, "user_name": "alice", "request_id": "req-1", "timestamp": AT,
    }  # fmt: skip
    return Content(**(values | deviation))


def chain(length: int) -> list[Link]:
    links: list[Link] = []
    previous = GENESIS
    for sequence in range(1, length + 1):
        said = content(sequence)
        links.append(Link(said, previous, entry_hash(previous, said)))
        previous = links[-1].integrity_hash
    return links


def test_an_untouched_chain_holds() -> None:
    links = chain(5)

    head, broken = find_break(EMPTY, links)

    assert broken is None
    assert head == Head(5, links[-1].integrity_hash)


def test_a_chain_without_entries_holds() -> None:
    assert find_break(EMPTY, []) == (EMPTY, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("action", "delete"),
        ("entity_type", "destination"),
        ("entity_id", "r2"),
        ("entity_name", "Other"),
        ("entity_version", 2),
        ("before", {"threshold": 0.3}),
        ("after", None),
        ("changes", {"x": {"from": 1, "to": 2}}),
        ("actor_kind", "system"),
        ("user_id", uuid.UUID(int=9)),
        ("user_name", "mallory"),
        ("request_id", "req-2"),
        ("timestamp", AT + timedelta(microseconds=1)),
        ("id", uuid.UUID(int=99)),
        ("tenant_id", uuid.UUID(int=8)),
    ],
)
def test_every_field_is_covered_by_the_hash(field: str, value: Any) -> None:
    links = chain(4)
    links[2] = replace(links[2], content=replace(links[2].content, **dict[str, Any]({field: value})))

    head, broken = find_break(EMPTY, links)

    assert broken is not None
    assert broken.sequence == 3
    assert broken.reason == "This entry was changed after it was written."
    assert head.sequence == 2


def test_a_removed_entry_is_named_by_the_one_after_it() -> None:
    links = chain(5)
    del links[1:3]

    _, broken = find_break(EMPTY, links)

    assert broken is not None
    assert broken.sequence == 4
    assert broken.reason == "2 entries before this one are missing."


def test_a_chain_whose_beginning_was_cut_off_does_not_hold() -> None:
    _, broken = find_break(EMPTY, chain(3)[1:])

    assert broken is not None
    assert broken.sequence == 2


def test_an_entry_that_was_slipped_in_does_not_continue_the_one_before() -> None:
    links = chain(3)
    forged = content(3, user_name="mallory")
    links[2] = Link(forged, GENESIS, entry_hash(GENESIS, forged))

    _, broken = find_break(EMPTY, links)

    assert broken is not None
    assert broken.reason == "This entry does not continue the one before it."


def test_an_entry_that_stands_twice_is_found() -> None:
    links = chain(3)

    _, broken = find_break(EMPTY, [*links, links[2]])

    assert broken is not None
    assert broken.reason == "This entry stands twice."


def test_a_rewritten_entry_with_a_hash_of_its_own_breaks_the_next_one() -> None:
    links = chain(3)
    forged = replace(links[1].content, user_name="mallory")
    links[1] = Link(forged, links[1].prev_hash, entry_hash(links[1].prev_hash, forged))

    _, broken = find_break(EMPTY, links)

    assert broken is not None
    assert broken.sequence == 3


def test_a_walk_goes_on_from_any_head() -> None:
    links = chain(6)
    middle, _ = find_break(EMPTY, links[:3])

    head, broken = find_break(middle, links[3:])

    assert (head.sequence, broken) == (6, None)


def test_the_hash_does_not_depend_on_the_order_of_keys_or_the_zone_of_the_time() -> None:
    one = content(1, after={"a": 1, "b": 2})
    other = replace(one, after={"b": 2, "a": 1}, timestamp=AT.astimezone(timezone(timedelta(hours=5))))

    assert entry_hash(GENESIS, one) == entry_hash(GENESIS, other)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, {"a": 1}, {"a": {"from": None, "to": 1}}),
        ({"a": 1}, None, {"a": {"from": 1, "to": None}}),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, {"b": {"from": 2, "to": 3}}),
        ({"a": {"x": 1}}, {"a": {"x": 2}}, {"a": {"from": {"x": 1}, "to": {"x": 2}}}),
        ({"a": 1}, {"a": 1}, {}),
        (None, None, {}),
        ("text", ["list"], {}),
    ],
)
def test_changes_name_each_field_that_differs(before: Any, after: Any, expected: Any) -> None:
    assert changed_fields(before, after) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (AT, "2026-03-01T12:00:00.123456Z"),
        (TENANT, str(TENANT)),
        (Decimal("1.50"), "1.50"),
        (Colour.RED, "red"),
        ("a\0b\ud800c", "a\ufffdb\ufffdc"),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        (-0.0, 0.0),
        (1e300, int(1e300)),
        ({1: "x"}, {"1": "x"}),
        ((1, 2), [1, 2]),
        ({"b", "a"}, ["a", "b"]),
        (True, True),
        (None, None),
    ],
)
def test_values_become_json_that_the_database_can_hold(value: Any, expected: Any) -> None:
    assert plain(value) == expected


def test_long_texts_lists_and_deep_nesting_are_cut() -> None:
    nested: Any = "bottom"
    for _ in range(MAX_DEPTH + 5):
        nested = {"in": nested}

    assert plain("x" * (MAX_TEXT + 10)) == "x" * MAX_TEXT + "… 10 more characters"
    assert plain(list(range(MAX_ITEMS + 3)))[-1] == "… 3 more"
    assert json.dumps(plain(nested)).count("in") == MAX_DEPTH


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes(timezones=st.just(UTC)),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
))  # fmt: skip
def test_what_is_plain_stays_as_it_is(value: Any) -> None:
    once = plain(value)

    assert plain(once) == once
    assert json.loads(json.dumps(once, allow_nan=False)) == once
