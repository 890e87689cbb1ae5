"""The patterns and families that decide what a text may become, before any engine looks at it."""

import re

import pytest
from pydantic import TypeAdapter

from flows.engines import casting
from flows.engines.casting import family, goes_through_text
from flows.ir.ops import Cast

READER: TypeAdapter[Cast] = TypeAdapter(Cast)


@pytest.mark.parametrize(
    ("kind", "of"),
    [
        pytest.param("VARCHAR", "text", id="text"), pytest.param("utinyint", "whole", id="small letters"),
        pytest.param("HUGEINT", "whole", id="huge"), pytest.param("DECIMAL(18, 3)", "fraction", id="decimal"),
        pytest.param("FLOAT", "fraction", id="float"), pytest.param("TIMESTAMP", "timestamp", id="wall"),
        pytest.param("TIMESTAMP WITH TIME ZONE", "timestamp", id="instant"),
        pytest.param("TIMESTAMP_NS", "timestamp", id="nanoseconds"), pytest.param("TIME", "time", id="time"),
        pytest.param("UUID", "uuid", id="uuid"), pytest.param("JSON", "json", id="json"),
        pytest.param("BOOLEAN", "boolean", id="truth"),
    ],
)  # fmt: skip
def test_a_type_belongs_to_a_family(kind: str, of: str) -> None:
    assert family(kind) == of


@pytest.mark.parametrize(
    ("kind", "to", "through"),
    [
        pytest.param("VARCHAR", "integer", False, id="a text is text"),
        pytest.param("DATE", "string", False, id="into text"),
        pytest.param("DOUBLE", "integer", False, id="numbers among themselves"),
        pytest.param("BOOLEAN", "decimal", False, id="a truth is a number"),
        pytest.param("DATE", "timestamp", False, id="a day is a time"),
        pytest.param("UUID", "uuid", False, id="what it is already"),
        pytest.param("DATE", "integer", True, id="a day is no number"),
        pytest.param("UUID", "date", True, id="a key is no day"),
        pytest.param("TIME", "timestamp", True, id="an hour is of no day"),
        pytest.param("BIGINT", "date", True, id="a number is no day"),
        pytest.param("JSON", "double", True, id="a document is no number"),
    ],
)
def test_a_cast_goes_through_text_where_types_do_not_meet(kind: str, to: str, through: bool) -> None:
    op = READER.validate_python({"op": "cast", "field": "a", "to": to})

    assert goes_through_text(op, kind) is through


@pytest.mark.parametrize(
    ("pattern", "takes", "refuses"),
    [
        pytest.param(casting.WHOLE_NUMBER, ["0", " -7 ", "1_000_000", "5.", "5.000"],
                     ["", "_1", "1_", "1__0", "5.1", "+-5", "1e3", "0x10"], id="whole numbers"),
        pytest.param(casting.DAY, ["0001-01-01", "2024-1-5", " 9999-12-31 "],
                     ["0000-01-01", "10000-01-01", "24-01-05", "2024-001-05", "2024-01-05T00"], id="days"),
        pytest.param(casting.MOMENT, ["2024-01-05", "2024-01-05 9:05", "2024-01-05T23:59:59.123456789"],
                     ["2024-01-05 24:00", "2024-01-05 10", "2024-01-05 10:00Z", "2024-01-05  10:00"], id="moments"),
        pytest.param(casting.MOMENT_WITH_OFFSET, ["2024-01-05T10:00Z", "2024-01-05 10:00:00.5 +05", "2024-1-5 1:00-08"],
                     ["2024-01-05Z", "2024-01-05 10:00", "2024-01-05 10:00+5", "2024-01-05 10:00z"], id="offsets"),
        pytest.param(casting.TIME_OF_DAY, ["0:00", "23:59:59.9", "09:05 "], ["24:00", "9", "9:5", "1:00:"], id="hours"),
        pytest.param(casting.UUID_TEXT, ["0" * 32, "{00000000-0000-0000-0000-00000000000f}"],
                     ["0" * 31, "0" * 33, "g" * 32, "0-0"], id="keys"),
    ],
)  # fmt: skip
def test_a_pattern_takes_what_is_a_value_and_nothing_else(pattern: str, takes: list[str], refuses: list[str]) -> None:
    taken = [text for text in [*takes, *refuses] if re.fullmatch(pattern, text)]

    assert taken == takes
