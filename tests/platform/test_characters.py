"""What text and JSON may hold: everything that people write, nothing that breaks a line, a log or the database."""

import json
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kaireon.platform.characters import MAX_JSON_DEPTH, json_refusal, text_refusal


@pytest.mark.parametrize(
    "text", ["", "plain", "Größe", "名前", "שם", "👩‍👩‍👧", "a'b\"c\\", "\u200b", "\U0010ffff", "'; DROP--"]
)
def test_what_people_write_is_taken(text: str) -> None:
    assert text_refusal(text) == text_refusal(text, multiline=True) == json_refusal(text) == ""


@pytest.mark.parametrize(
    ("text", "in_lines"),
    [
        ("a\0b", False), ("a\x1bb", False), ("a\x7fb", False), ("a\x85b", False), ("a\u2028b", False),
        ("a\u202eb", False), ("a\u2066b", False), ("a\ud800b", False), ("\udfff", False),
        ("a\nb", True), ("a\tb", True), ("a\x0bb", False), ("a\rb", True),
    ],
    ids=ascii,
)  # fmt: skip
def test_control_characters_are_refused_and_lines_may_break_where_they_are_lines(text: str, *, in_lines: bool) -> None:
    refusal = text_refusal(text)

    assert refusal.startswith("Must not contain")
    assert refusal.isascii()
    assert (text_refusal(text, multiline=True) == "") is in_lines


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a\0b", "NUL"), ({"a\0": 1}, "NUL"), ([["\ud800"]], "surrogates"), ({"a": {"\udfff": 1}}, "surrogates"),
        (float("inf"), "double"), ([float("nan")], "double"), ({"a": [1, -float("inf")]}, "double"),
    ],
    ids=ascii,
)  # fmt: skip
def test_json_that_jsonb_cannot_hold_is_refused_however_deep(value: Any, words: str) -> None:
    assert words in json_refusal(value)


@pytest.mark.parametrize(("levels", "is_taken"), [(MAX_JSON_DEPTH, True), (MAX_JSON_DEPTH + 1, False)])
def test_json_nests_to_a_limit(levels: int, *, is_taken: bool) -> None:
    in_objects: Any = 1
    in_lists: Any = 1
    for _ in range(levels):
        in_objects, in_lists = {"a": in_objects}, [in_lists]

    assert [json_refusal(each) == "" for each in (in_objects, in_lists)] == [is_taken, is_taken]


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(st.characters())
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


@pytest.mark.django_db
def test_what_is_taken_the_database_takes_and_gives_back() -> None:
    @settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
    @given(VALUES)
    def check(value: Any) -> None:
        if json_refusal(value):
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s::jsonb::text", [json.dumps(value)])
            # A large double comes back in digits, which are another number to Python.
            assert json.loads(cursor.fetchone()[0], parse_int=float) == json.loads(json.dumps(value), parse_int=float)

    check()
