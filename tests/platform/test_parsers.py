"""JSON bodies: bounded, UTF-8 alone, and an error that says where it went wrong."""

import io
import json
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from kaireon.platform.errors import BadRequest, TooLarge
from kaireon.platform.parsers import BoundedJSONParser, parse_json


def test_json_is_parsed() -> None:
    assert parse_json('{"name": "Größe", "n": [1, 2.5, null, true]}'.encode()) == {
        "name": "Größe",
        "n": [1, 2.5, None, True],
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "not JSON"),
        (b"{", "line 1, column 2"),
        (b'{"a": 1,}', "not JSON"),
        (b'{"a":\n nope}', "line 2, column 2"),
        (b"name=x", "not JSON"),
        (b"NaN", "NaN is no JSON number"),
        (b'{"a": -Infinity}', "-Infinity is no JSON number"),
        (b'{"a": "\xff"}', "not UTF-8: byte 7"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        (b'\xef\xbb\xbf{"a": 1}', "not JSON"),
        (b"[" * 100_000, "nests too deeply"),
        (b'{"a":' * 100_000, "nests too deeply"),
        (b"1" * 5000, "number of too many digits"),
    ],
    ids=["empty", "open", "comma", "second line", "form", "nan", "infinity", "latin-1", "utf-16", "byte order mark",
         "lists", "objects", "huge integer"],
)  # fmt: skip
def test_a_body_that_is_no_json_is_refused_with_the_place(body: bytes, message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        parse_json(body)


@pytest.mark.parametrize("body", [b'{"a": 1, "a": 2}', b'{"x": {"b": 1, "a": 1, "a": 1}}', b'[{"a": 1, "a": 1}]'])
def test_a_field_that_stands_twice_is_named(body: bytes) -> None:
    with pytest.raises(BadRequest, match="'a' stands twice") as refused:
        parse_json(body)

    assert refused.value.fields == {"a": ["Stands twice."]}


def test_a_repeated_field_among_a_hundred_thousand_is_found_in_no_time() -> None:
    keys = [f'"{number}":1' for number in range(90_000)]
    body = ("{" + ",".join([*keys, '"89999":2']) + "}").encode()
    started = time.perf_counter()

    with pytest.raises(BadRequest, match="'89999' stands twice"):
        parse_json(body)

    assert time.perf_counter() - started < 1


def test_a_body_up_to_the_limit_is_read_and_one_byte_more_is_not(settings: Settings) -> None:
    settings.MAX_BODY_BYTES = 20
    fits = json.dumps("x" * 18).encode()

    assert BoundedJSONParser().parse(io.BytesIO(fits)) == "x" * 18
    with pytest.raises(TooLarge, match="larger than 20 bytes"):
        BoundedJSONParser().parse(io.BytesIO(fits + b" "))


def test_no_more_than_the_limit_is_read_from_a_stream_without_end(settings: Settings) -> None:
    settings.MAX_BODY_BYTES = 1000
    stream = io.BytesIO(b"x" * 1_000_000)

    with pytest.raises(TooLarge):
        BoundedJSONParser().parse(stream)

    assert stream.tell() == 1001


@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_refused(body: bytes) -> None:
    with suppress(BadRequest):
        parse_json(body)


@given(st.recursive(st.none() | st.text(st.characters(exclude_categories=["Cs"])) | st.integers(), st.lists))
def test_what_json_wrote_is_read_back(value: object) -> None:
    assert parse_json(json.dumps(value).encode()) == value
