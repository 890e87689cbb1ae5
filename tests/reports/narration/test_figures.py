"""How values read, and what has changed by how much."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.decisions.document import Cell, Figure, Unit
from reports.decisions.narrative.figures import Change, change_of, exact, format_value


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1234567, Unit.COUNT, "1,234,567"),
        (0, Unit.COUNT, "0"),
        (-5, Unit.COUNT, "-5"),
        (12.0, Unit.COUNT, "12"),
        (12.5, Unit.NUMBER, "12.50"),
        (0.004, Unit.NUMBER, "4.00e-3"),
        (0.004, Unit.MONEY, "0.00"),
        (Decimal("1234.5"), Unit.MONEY, "1,234.50"),
        (Decimal("-0.001"), Unit.MONEY, "0.00"),
        (-1234, Unit.MONEY, "-1,234.00"),
        (0.125, Unit.RATIO, "12.5 %"),
        (0.1, Unit.RATIO, "10.0 %"),
        (12, Unit.RATIO, "1,200.0 %"),
        (1234.4, Unit.MILLISECONDS, "1,234 ms"),
        (3.14, Unit.MILLISECONDS, "3.1 ms"),
        (12.34, Unit.SECONDS, "12.3 s"),
        (80, Unit.SECONDS, "1 m 20 s"),
        (-80, Unit.SECONDS, "-1 m 20 s"),
        (7320, Unit.SECONDS, "2 h 2 m"),
        (10**16, Unit.COUNT, "1.000e+16"),
        (1e300, Unit.MONEY, "1.000e+300"),
        (None, Unit.COUNT, "no value"),
        (float("nan"), Unit.MONEY, "no value"),
        (float("-inf"), Unit.RATIO, "no value"),
        (Decimal("NaN"), Unit.MONEY, "no value"),
        (True, Unit.YES_NO, "yes"),
        (False, Unit.YES_NO, "no"),
        ("text", Unit.TEXT, "text"),
        (date(2026, 3, 29), Unit.DATE, "2026-03-29"),
        (datetime(2026, 3, 29, 0, 59, tzinfo=UTC), Unit.TIME, "2026-03-29 01:59 CET"),
        (datetime(2026, 7, 1, 12, 0), Unit.TIME, "2026-07-01 14:00 CEST"),  # noqa: DTZ001 - taken for UTC
        (datetime(9999, 12, 31, 23, 59, tzinfo=UTC), Unit.TIME, "9999-12-31 23:59 UTC"),
        (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), Unit.TIME, "2026-03-29 03:00 CEST"),
    ],
)
def test_a_value_reads_by_its_unit(value: Cell, unit: Unit, text: str) -> None:
    assert format_value(value, unit, "Europe/Berlin") == text


@pytest.mark.parametrize(
    ("value", "before", "unit", "expected"),
    [
        (110, 100, Unit.COUNT, (1, "10.0 %", "+10.0 %")),
        (90, 100, Unit.COUNT, (-1, "10.0 %", "-10.0 %")),
        (100, 100, Unit.COUNT, (0, "", "")),
        (0, 100, Unit.COUNT, (-1, "100.0 %", "-100.0 %")),
        (12, 0, Unit.COUNT, (1, "12", "+12")),
        (-12, 0, Unit.COUNT, (-1, "12", "-12")),
        (1101, 100, Unit.COUNT, (1, "1,001", "+1,001")),
        (1100, 100, Unit.COUNT, (1, "1,000.0 %", "+1,000.0 %")),
        (10, -5, Unit.MONEY, (1, "15.00", "+15.00")),
        (-10, -5, Unit.MONEY, (-1, "100.0 %", "-100.0 %")),
        (100.001, 100.002, Unit.MONEY, (0, "", "")),
        (100_001, 100_000, Unit.COUNT, (1, "0.001 %", "+0.001 %")),
        (0.12, 0.1, Unit.RATIO, (1, "2.0 percentage points", "+2.0 percentage points")),
        (0.10051, 0.10049, Unit.RATIO, (1, "0.002 percentage points", "+0.002 percentage points")),
        (0.5, 0, Unit.RATIO, (1, "50.0 percentage points", "+50.0 percentage points")),
        (Decimal("1e-30"), Decimal("1e30"), Unit.NUMBER, (-1, "100.0 %", "-100.0 %")),
    ],
)
def test_a_change_is_told_with_its_direction(
    value: float, before: float, unit: Unit, expected: tuple[int, str, str]
) -> None:
    change = change_of(Figure("k", "K", value, unit, before))

    assert change is not None
    assert (change.direction, change.by, change.signed) == expected


@pytest.mark.parametrize(
    ("value", "before"),
    [(None, 1), (1, None), (None, None), (float("nan"), 1), (1, float("inf")), (Decimal("sNaN"), 1)],
)
def test_nothing_has_changed_where_a_value_is_missing(value: float | None, before: float | None) -> None:
    assert change_of(Figure("k", "K", value, Unit.COUNT, before)) is None


@pytest.mark.parametrize(("value", "is_slight"), [(1009, True), (1011, False), (991, True), (500, False)])
def test_a_change_under_one_per_cent_is_slight(value: int, is_slight: bool) -> None:
    change = change_of(Figure("k", "K", value, Unit.COUNT, 1000))

    assert isinstance(change, Change)
    assert change.is_slight is is_slight


numbers = st.one_of(
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.decimals(allow_nan=True, allow_infinity=True),
)


@given(numbers, numbers, st.sampled_from([unit for unit in Unit if unit not in {Unit.TIME, Unit.DATE}]))
def test_whatever_the_numbers_the_direction_is_that_of_what_is_shown(value: float, before: float, unit: Unit) -> None:
    change = change_of(Figure("k", "K", value, unit, before))

    if change is None:
        assert exact(value) is None or exact(before) is None
    elif change.direction == 0:
        assert format_value(value, unit) == format_value(before, unit)
    else:
        assert (change.direction > 0) is (value > before)
        assert any(digit in change.by for digit in "123456789")
        assert not change.by.startswith("-")
