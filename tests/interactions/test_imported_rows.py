"""Rows and headers of imported files: one good row, and one deviation per line."""

import uuid
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interactions.decisions import SYSTEM_OUTCOMES
from interactions.decisions.cells import RowRejected
from interactions.decisions.imported_rows import (
    COLUMNS,
    HeaderRejected,
    ImportedRow,
    OutcomeMeaning,
    Unreadable,
    parse_row,
    resolve_header,
)

OUTCOMES = {outcome.key: OutcomeMeaning(outcome.classification, outcome.category) for outcome in SYSTEM_OUTCOMES}
GOOD: dict[str, object] = {"customerId": "c-1", "outcome": "click", "timestamp": "2026-03-02T12:00:00Z"}


def parse(**deviation: object) -> ImportedRow:
    """Parse the good row, on line 2, with one deviation."""
    return parse_row(2, {**GOOD, **deviation}, OUTCOMES)


def test_a_row_with_every_column_keeps_every_column() -> None:
    row = parse(
        idempotencyKey="k-1", recommendationId="r-1", rank="2", creativeId="cr-1", offerId="o-1", channelId="web",
        placementId="top", direction="outbound", conversionValue="12.5", context='{"a": 1}',
        outcomeDetails='{"b": [true, null]}', attributes='{"c": "ü"}',
    )  # fmt: skip

    assert row == ImportedRow(
        idempotency_key="k-1", customer_id="c-1", outcome="click", classification="positive", category="response",
        direction="outbound", occurred_at=datetime(2026, 3, 2, 12, tzinfo=UTC), recommendation_id="r-1", rank=2,
        creative_id="cr-1", offer_id="o-1", channel_id="web", placement_id="top", conversion_value=Decimal("12.5"),
        context='{"a": 1}', outcome_details='{"b": [true, null]}', attributes='{"c": "ü"}',
    )  # fmt: skip


def test_a_row_with_the_least_has_nothing_else() -> None:
    row = parse()

    assert (row.recommendation_id, row.rank, row.conversion_value, row.context) == (None, None, None, None)


@pytest.mark.parametrize(("outcome", "direction"), [("impression", "outbound"), ("click", "inbound")])
def test_the_direction_follows_from_the_outcome_unless_given(outcome: str, direction: str) -> None:
    assert parse(outcome=outcome).direction == direction
    assert parse(outcome=outcome, direction="inbound").direction == "inbound"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-02T12:00:00Z", datetime(2026, 3, 2, 12, tzinfo=UTC)),
        ("2026-03-02T13:00:00+01:00", datetime(2026, 3, 2, 12, tzinfo=UTC)),
        ("2026-03-02 12:00:00.25", datetime(2026, 3, 2, 12, 0, 0, 250000, tzinfo=UTC)),
        ("2026-03-02", datetime(2026, 3, 2, tzinfo=UTC)),
        (datetime(2026, 3, 2, 12), datetime(2026, 3, 2, 12, tzinfo=UTC)),  # noqa: DTZ001 - Parquet without zone
        (date(2026, 3, 2), datetime(2026, 3, 2, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_as_utc_unless_it_says_otherwise(text: object, expected: datetime) -> None:
    assert parse(timestamp=text).occurred_at == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", "0"),
        ("-12.50", "-12.50"),
        ("+3", "3"),
        (".5", "0.5"),
        ("1e3", "1000"),
        ("0.30000000000000004", "0.3"),
        (7, "7"),
        (0.1, "0.1"),
        (Decimal("1.23"), "1.23"),
    ],
)
def test_an_amount_is_exact(value: object, expected: str) -> None:
    assert parse(conversionValue=value).conversion_value == Decimal(expected)


@pytest.mark.parametrize("column", ["customerId", "offerId"])
def test_numbers_and_uuids_of_a_typed_file_become_text(column: str) -> None:
    values = [parse(**{column: value}) for value in (42, uuid.UUID(int=1))]

    assert ["42" in row or str(uuid.UUID(int=1)) in row for row in values] == [True, True]


BAD = [
    ("customerId", None, "customerId: missing"),
    ("customerId", "", "customerId: missing"),
    ("customerId", "   ", "customerId: blank"),
    ("customerId", "x" * 256, "customerId: longer than 255"),
    ("customerId", "a\0b", "customerId: contains a NUL"),
    ("customerId", "a\x1bb", "customerId: contains the control character U+001B"),
    ("customerId", "a\x85b", "customerId: contains the control character U+0085"),
    ("customerId", "a\udcffb", "customerId: is not valid UTF-8"),
    ("customerId", True, "customerId: must be text"),
    ("customerId", 1.5, "customerId: must be text"),
    ("customerId", b"bytes", "customerId: must be text"),
    ("customerId", Unreadable(), "customerId: cannot be read"),
    ("outcome", "", "outcome: missing"),
    ("outcome", "bought", "outcome: there is no outcome type 'bought'"),
    ("outcome", "Click", "outcome: there is no outcome type 'Click'"),
    ("timestamp", "", "timestamp: missing"),
    ("timestamp", "yesterday", "timestamp: must be an ISO 8601 time"),
    ("timestamp", "02/03/2026", "timestamp: must be"),
    ("timestamp", "1772452800", "timestamp: must be"),
    ("timestamp", "2026-02-30T00:00:00Z", "timestamp: must be"),
    ("timestamp", "2026-03-02T25:00:00Z", "timestamp: must be"),
    ("timestamp", "1969-12-31T00:00:00Z", "timestamp: must be"),
    ("timestamp", "9999-12-31T23:59:59-14:00", "timestamp: must be"),
    ("timestamp", "٢٠٢٦-03-02", "timestamp: must be"),
    ("timestamp", 1772452800, "timestamp: must be"),
    ("timestamp", "2026-03-02T12:00:00Z" + " " * 40, "timestamp: must be"),
    ("idempotencyKey", "k" * 256, "idempotencyKey: longer"),
    ("rank", "0", "rank: must be a whole number"),
    ("rank", "-1", "rank: must be a whole number"),
    ("rank", "1.5", "rank: must be a whole number"),
    ("rank", "2147483648", "rank: must be a whole number"),
    ("rank", "first", "rank: must be a number"),
    ("rank", True, "rank: must be a number"),
    ("conversionValue", "12,50", "conversionValue: must be a number"),
    ("conversionValue", "12.5 €", "conversionValue: must be a number"),
    ("conversionValue", "nan", "conversionValue: must be a number"),
    ("conversionValue", "Infinity", "conversionValue: must be a number"),
    ("conversionValue", float("inf"), "conversionValue: must be a number"),
    ("conversionValue", "1_000", "conversionValue: must be a number"),
    ("conversionValue", "١٢", "conversionValue: must be a number"),
    ("conversionValue", "0x10", "conversionValue: must be a number"),
    ("conversionValue", "1e300", "conversionValue: is too large"),
    ("conversionValue", "-100000000000000", "conversionValue: is too large"),
    ("conversionValue", "9" * 61, "conversionValue: must be a number"),
    ("conversionValue", "=1+1", "conversionValue: must be a number"),
    ("direction", "sideways", "direction: must be inbound or outbound"),
    ("context", "{", "context: must be a JSON object"),
    ("context", "[1]", "context: must be a JSON object"),
    ("context", '"text"', "context: must be a JSON object"),
    ("context", "null", "context: must be a JSON object"),
    ("context", '{"a": NaN}', "context: must be a JSON object"),
    ("context", '{"a": 1e999}', "context: must be a JSON object"),
    ("context", '{"a": "\\u0000"}', "context: contains a NUL"),
    ("context", '{"\\u0000": 1}', "context: contains a NUL"),
    ("context", '{"a": "\\ud800"}', "context: is not valid UTF-8"),
    ("context", '{"a": ["\udcff"]}', "context: is not valid UTF-8"),
    ("context", '{"a":' * 30 + "1" + "}" * 30, "context: nests too deeply"),
    ("context", "[" * 100_000, "context: nests too deeply"),
    ("context", '{"a": "' + "x" * 100_000 + '"}', "context: longer than 100000"),
    ("attributes", 5, "attributes: must be a JSON object"),
]


@pytest.mark.parametrize(("column", "value", "reason"), BAD, ids=[f"{c}-{n}" for n, (c, _, _) in enumerate(BAD)])
def test_a_bad_cell_rejects_its_row_and_says_why(column: str, value: object, reason: str) -> None:
    with pytest.raises(RowRejected) as caught:
        parse(**{column: value})

    assert str(caught.value).startswith(reason)


def test_a_json_object_of_a_typed_file_is_written_as_json() -> None:
    row = parse(attributes={"at": datetime(2026, 3, 2, tzinfo=UTC), "n": 1})

    assert row.attributes == '{"at": "2026-03-02 00:00:00+00:00", "n": 1}'


def test_a_row_without_key_gets_one_of_its_line_and_content() -> None:
    key = parse().idempotency_key

    assert key.startswith("import:")
    assert parse().idempotency_key == key
    assert parse_row(3, GOOD, OUTCOMES).idempotency_key != key
    assert parse(customerId="c-2").idempotency_key != key


@given(
    st.dictionaries(st.sampled_from(COLUMNS), st.text(max_size=30) | st.floats() | st.binary(max_size=5) | st.none())
)
def test_whatever_a_file_says_a_row_is_read_or_rejected(fields: dict[str, object]) -> None:
    try:
        row = parse_row(1, {**GOOD, **fields}, OUTCOMES)
    except RowRejected:
        return

    assert row.occurred_at.tzinfo is UTC
    assert "\0" not in row.customer_id


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (["customerId", "outcome", "timestamp"], ["customerId", "outcome", "timestamp"]),
        (["customer_id", "outcome", "timestamp"], ["customerId", "outcome", "timestamp"]),
        ([" outcome ", "timestamp", "customerId"], ["outcome", "timestamp", "customerId"]),
        (list(COLUMNS), list(COLUMNS)),
    ],
)
def test_a_header_names_its_columns(header: list[str], expected: list[str]) -> None:
    assert resolve_header(header) == expected


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ([], "no header"),
        (["", " "], "no header"),
        (["customerId", "outcome"], "Missing columns: 'timestamp'"),
        (["customerId", "outcome", "timestamp", "colour"], "Unknown columns 'colour'"),
        (["customerId", "outcome", "timestamp", ""], "Unknown columns ''"),
        (["customerId", "customer_id", "outcome", "timestamp"], "more than once: 'customerId'"),
    ],
)
def test_a_bad_header_is_refused(header: list[str], reason: str) -> None:
    with pytest.raises(HeaderRejected, match=reason):
        resolve_header(header)


def test_an_id_with_a_separator_that_does_not_print_is_somebodys_id() -> None:
    row = parse(customerId="ada\u2028lovelace")

    assert row.customer_id == "ada\u2028lovelace"
