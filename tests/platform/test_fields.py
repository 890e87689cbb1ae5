"""Fields that do not guess: the type that was sent is the type that counts, and what is wrong is named."""

import math
import uuid
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError
from rest_framework.fields import Field

from kaireon.platform.characters import MAX_JSON_DEPTH
from kaireon.platform.envelope import flatten
from kaireon.platform.fields import (
    StrictBooleanField,
    StrictCharField,
    StrictChoiceField,
    StrictDateTimeField,
    StrictFloatField,
    StrictIntegerField,
    StrictJSONField,
    StrictListField,
    StrictSerializer,
    StrictUUIDField,
    check_json,
    format_time,
    read_uuid,
)

ID = uuid.UUID("0192f0c1-7e5a-7cc0-8a55-0123456789ab")
EVERY_TYPE: dict[str, Any] = {
    "null": None, "text": "text", "number as text": "5", "integer": 5, "fraction": 5.5, "true": True, "list": [1],
    "object": {"a": 1},
}  # fmt: skip


class Inner(StrictSerializer):
    """A nested shape."""

    url = StrictCharField()


class Shape(StrictSerializer):
    """A shape with one of most."""

    name = StrictCharField(max_length=10)
    count = StrictIntegerField(required=False)
    config = Inner(required=False)
    items = StrictListField(child=Inner(), required=False)


def accepts(field: Field[Any, Any, Any, Any], value: Any) -> bool:
    """Tell whether the field takes the value."""
    try:
        field.run_validation(value)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("field", "accepted"),
    [
        (StrictCharField(), {"text", "number as text"}),
        (StrictIntegerField(), {"integer"}),
        (StrictFloatField(), {"integer", "fraction"}),
        (StrictBooleanField(), {"true"}),
        (StrictUUIDField(), set()),
        (StrictDateTimeField(), set()),
        (StrictChoiceField(choices=["text"]), {"text"}),
        (StrictListField(), {"list"}),
        (StrictJSONField(), {"object"}),
        (StrictJSONField(allow_any=True), set(EVERY_TYPE) - {"null"}),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Field) else "",
)
def test_a_field_takes_its_own_type_and_no_other(field: Field[Any, Any, Any, Any], accepted: set[str]) -> None:
    taken = {name for name, value in EVERY_TYPE.items() if accepts(field, value)}

    assert taken == accepted


@pytest.mark.parametrize(
    "text",
    ["a\0b", "a\x07", "a\x1bb", "a\x7fb", "a\x85b", "a\u2028b", "a\u2029b", "a\u202eb", "a\u2066b", "a\ud800b", "a\nb"],
    ids=ascii,
)
def test_a_line_of_text_holds_no_control_character(text: str) -> None:
    with pytest.raises(ValidationError, match="Must not contain"):
        StrictCharField().run_validation(text)


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\tb"], ids=ascii)
def test_text_of_many_lines_may_break_and_tab(text: str) -> None:
    assert StrictCharField(multiline=True).run_validation(text) == text


@pytest.mark.parametrize("text", ["a\0b", "a\x1bb", "a\u2028b", "a\u202eb", "a\ud800b"], ids=ascii)
def test_text_of_many_lines_holds_no_other_control_character(text: str) -> None:
    assert not accepts(StrictCharField(multiline=True), text)


@pytest.mark.parametrize(
    "text", ["Größe", "名前", "שם", "👩‍👩‍👧", "a\u200fb", "<b>&'\"", "'; DROP TABLE x; --"], ids=ascii
)
def test_every_script_and_every_fragment_of_markup_is_text(text: str) -> None:
    assert StrictCharField().run_validation(text) == text


def test_a_text_has_a_limit_even_when_nobody_set_one() -> None:
    assert accepts(StrictCharField(), "x" * 255)
    assert not accepts(StrictCharField(), "x" * 256)


@pytest.mark.parametrize(("value", "is_taken"), [(2**31 - 1, True), (2**31, False), (-(2**31), True), (10**400, False)])
def test_an_integer_fits_its_column(value: int, is_taken: bool) -> None:
    assert accepts(StrictIntegerField(), value) is is_taken


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 10**400])
def test_a_number_is_finite(value: float) -> None:
    with pytest.raises(ValidationError, match="finite"):
        StrictFloatField().run_validation(value)


@pytest.mark.parametrize("text", [str(ID), str(ID).upper()])
def test_an_id_is_read_whatever_its_case(text: str) -> None:
    assert StrictUUIDField().run_validation(text) == ID
    assert read_uuid(text) == ID


@pytest.mark.parametrize(
    "text",
    [ID.hex, f"{{{ID}}}", f"urn:uuid:{ID}", f" {ID}", f"{ID}\n", "0x" + ID.hex[2:], "1_" * 16, "٠" * 32, "", "x" * 36,
     str(ID).replace("-", "", 1) + "0"],
)  # fmt: skip
def test_an_id_has_no_second_spelling(text: str) -> None:
    assert read_uuid(text) is None
    assert not accepts(StrictUUIDField(), text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31T08:00:00Z", "2026-01-31T08:00:00.000Z"),
        ("2026-01-31T08:00:00.123456+02:00", "2026-01-31T06:00:00.123Z"),
        ("2026-01-31T00:30:00+05:45", "2026-01-30T18:45:00.000Z"),
    ],
)
def test_a_time_is_read_with_its_offset_and_written_in_utc(text: str, expected: str) -> None:
    field = StrictDateTimeField()

    assert field.to_representation(field.run_validation(text)) == expected


@pytest.mark.parametrize(
    "value",
    ["2026-01-31T08:00:00", "2026-01-31", "yesterday", "", "2026-02-30T00:00:00Z", "0001-01-01T00:00:00Z",
     "9999-12-31T23:59:59Z", "2026-01-31T08:00:00Z" + "0" * 40, 1769846400],
)  # fmt: skip
def test_a_time_without_an_offset_or_beyond_reason_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError, match="ISO 8601 time with an offset"):
        StrictDateTimeField().run_validation(value)


def test_a_choice_is_refused_with_the_words_to_choose_from_and_no_echo() -> None:
    with pytest.raises(ValidationError) as refused:
        StrictChoiceField(choices=["viewer", "admin"]).run_validation("<script>" * 100_000)

    assert flatten(refused.value.detail) == {"body": ["Must be one of: viewer, admin."]}


def test_a_long_list_is_refused_before_its_items_are_looked_at() -> None:
    seen: list[Any] = []

    class Noting(StrictCharField):
        def to_internal_value(self, data: Any) -> str:
            seen.append(data)
            return super().to_internal_value(data)

    with pytest.raises(ValidationError, match="more than 3 items"):
        StrictListField(child=Noting(), max_length=3).run_validation(["x"] * 4)

    assert seen == []


def nested(levels: int) -> Any:
    """Return an object of so many levels."""
    value: Any = {}
    for _ in range(levels):
        value = {"a": value}
    return value


def test_json_nests_to_a_limit() -> None:
    assert accepts(StrictJSONField(), nested(MAX_JSON_DEPTH))
    assert not accepts(StrictJSONField(), nested(MAX_JSON_DEPTH + 1))


@pytest.mark.parametrize(
    "value", [{"a": "\0"}, {"\0": 1}, {"a": ["\ud800"]}, {"\udfff": 1}, {"a": [[1e400]]}, {"a": math.nan}], ids=ascii
)
def test_json_holds_nothing_that_a_jsonb_column_cannot(value: Any) -> None:
    with pytest.raises(ValidationError):
        check_json(value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize(
    "field",
    [StrictCharField(), StrictCharField(multiline=True), StrictIntegerField(), StrictFloatField(), StrictBooleanField(),
     StrictUUIDField(), StrictDateTimeField(), StrictChoiceField(choices=["a"]), StrictListField(), StrictJSONField(),
     Shape()],
    ids=lambda field: type(field).__name__,
)  # fmt: skip
@given(value=json_values)
def test_any_json_value_is_either_taken_or_refused(field: Field[Any, Any, Any, Any], value: Any) -> None:
    accepts(field, value)


def test_an_unknown_field_is_named_beside_every_wrong_one() -> None:
    shape = Shape(data={"name": 5, "nmae": "x", "config": {"url": "x", "ulr": "y"}, "items": [{"url": "x"}, {"u": 1}]})

    assert not shape.is_valid()
    assert set(flatten(shape.errors)) == {"name", "nmae", "config.ulr", "items[1].u", "items[1].url"}


def test_an_unknown_field_alone_is_enough_to_refuse() -> None:
    shape = Shape(data={"name": "x", "is_admin": True})

    assert not shape.is_valid()
    assert flatten(shape.errors) == {"is_admin": ["Unknown field."]}


@pytest.mark.parametrize("body", [[], "text", 5, None, True])
def test_a_body_that_is_no_object_is_refused(body: Any) -> None:
    shape = Shape(data=body)

    assert not shape.is_valid()


def test_times_are_written_with_milliseconds_and_z() -> None:
    at = datetime(2026, 1, 31, 10, 0, tzinfo=timezone(timedelta(hours=2)))

    assert format_time(at) == "2026-01-31T08:00:00.000Z"
    assert format_time(at.astimezone(UTC)) == format_time(at)
