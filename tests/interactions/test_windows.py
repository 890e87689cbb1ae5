"""Window arithmetic, without a database."""

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interactions.decisions import MetricRequest, PrefixSums, Window, plan_scan

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
A, B = uuid.UUID(int=1), uuid.UUID(int=2)


def at(minute: int) -> datetime:
    """Return a time so many minutes after noon."""
    return NOON + timedelta(minutes=minute)


def window(tenant: uuid.UUID, first: int, last: int) -> Window:
    """Return [first, last) in minutes after noon."""
    return Window(tenant, at(first), at(last))


def spans(*windows: Window) -> list[tuple[set[int], int, int]]:
    """Plan the windows; return (tenants by number, first minute, last minute)."""
    return [
        (
            {tenant.int for tenant in span.tenants},
            int((span.start - NOON).total_seconds() // 60),
            int((span.end - NOON).total_seconds() // 60),
        )
        for span in plan_scan(windows).spans
    ]


def test_a_request_ends_at_the_given_time_and_its_baseline_lies_just_before() -> None:
    current = MetricRequest.ending(A, "ctr", NOON, timedelta(minutes=5))

    baseline = current.preceding()

    assert (current.start, current.end) == (at(-5), NOON)
    assert (baseline.start, baseline.end) == (at(-10), at(-5))
    assert baseline.window == window(A, -10, -5)


@pytest.mark.parametrize(
    ("windows", "expected"),
    [
        pytest.param([], [], id="nothing asked, nothing read"),
        pytest.param([window(A, 0, 5)], [({1}, 0, 5)], id="one window"),
        pytest.param([window(A, 0, 5)] * 3, [({1}, 0, 5)], id="the same window thrice is read once"),
        pytest.param([window(A, 0, 5), window(A, 5, 10)], [({1}, 0, 5), ({1}, 5, 10)], id="neighbours are cut"),
        pytest.param([window(A, 0, 10), window(A, 5, 10)], [({1}, 0, 5), ({1}, 5, 10)], id="an overlap is read once"),
        pytest.param([window(A, 0, 5), window(A, 60, 65)], [({1}, 0, 5), ({1}, 60, 65)], id="a gap is not read"),
        pytest.param([window(A, 0, 5), window(B, 0, 5)], [({1, 2}, 0, 5)], id="tenants share a span"),
        pytest.param(
            [window(A, 0, 60), window(B, 55, 60)], [({1}, 0, 55), ({1, 2}, 55, 60)], id="a long window is its owner's"
        ),
        pytest.param([window(A, 5, 5), window(A, 9, 3)], [], id="an empty or reversed window needs no row"),
    ],
)
def test_a_plan_reads_each_row_that_is_needed_once(
    windows: list[Window], expected: list[tuple[set[int], int, int]]
) -> None:
    assert spans(*windows) == expected


@given(
    st.lists(
        st.tuples(st.sampled_from([A, B, uuid.UUID(int=3)]), st.integers(0, 30), st.integers(0, 30)).map(
            lambda parts: window(parts[0], min(parts[1:]), max(parts[1:]))
        ),
        max_size=12,
    )
)
def test_a_minute_is_in_exactly_one_span_of_a_tenant_that_needs_it_and_in_none_otherwise(windows: list[Window]) -> None:
    plan = plan_scan(windows)

    for tenant in (A, B, uuid.UUID(int=3)):
        for minute in range(31):
            is_needed = any(w.tenant_id == tenant and w.start <= at(minute) < w.end for w in windows)
            reading = [s for s in plan.spans if tenant in s.tenants and s.start <= at(minute) < s.end]
            assert len(reading) == int(is_needed)


def test_spans_with_the_same_tenants_share_one_tuple_so_that_their_text_is_made_once() -> None:
    plan = plan_scan([window(A, 0, 10), window(A, 1, 10), window(A, 2, 10)])

    assert len({id(span.tenants) for span in plan.spans}) == 1


def test_positions_count_the_boundaries() -> None:
    plan = plan_scan([window(A, 0, 10), window(B, 5, 20)])

    assert plan.index_of() == {at(0): 0, at(5): 1, at(10): 2, at(20): 3}


def test_sums_over_any_window_are_exact() -> None:
    sums = PrefixSums.of([(4, [1, Decimal("0.3")]), (0, [2, Decimal("0.1")]), (1, [5, Decimal("0.2")])], 2)

    assert sums.between(0, 5) == (8, Decimal("0.6"))
    assert sums.between(0, 1) == (2, Decimal("0.1"))
    assert sums.between(1, 4) == (5, Decimal("0.2"))
    assert sums.between(2, 4) == (0, Decimal("0.0"))
    assert sums.between(7, 9) == (0, Decimal("0.0"))


def test_sums_of_no_rows_are_zero() -> None:
    assert PrefixSums.of([], 3).between(0, 9) == (0, 0, 0)
