"""Sliding percentiles, without a database."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interactions.decisions import RankedCounts, slide_percentile


def naive_percentile(values: list[float], fraction: float) -> float | None:
    """Sort and interpolate, as the definition of percentile_cont says."""
    if not values:
        return None
    ordered = sorted(values)
    place = fraction * (len(ordered) - 1)
    low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
    return low + (high - low) * (place - math.floor(place))


@pytest.mark.parametrize(
    ("values", "fraction", "expected"),
    [
        ([], 0.99, None),
        ([7.0], 0.99, 7.0),
        ([1.0, 2.0], 0.5, 1.5),
        ([1.0, 1.0, 9.0], 0.5, 1.0),
        ([float(n) for n in range(1, 101)], 0.99, 99.01),
        ([float(n) for n in range(1, 102)], 0.99, 100.0),
        ([3.0, 1.0, 2.0], 0.0, 1.0),
        ([3.0, 1.0, 2.0], 1.0, 3.0),
    ],
)
def test_a_percentile_lies_between_its_neighbours(values: list[float], fraction: float, expected: float | None) -> None:
    bag = RankedCounts(values)
    for value in values:
        bag.add(value, 1)

    assert bag.percentile(fraction) == pytest.approx(expected)


def test_the_nth_largest_counts_repeated_values() -> None:
    bag = RankedCounts([5.0, 3.0, 1.0])
    bag.add(3.0, 2)
    bag.add(1.0, 1)

    assert [bag.nth_largest(rank) for rank in range(3)] == [3.0, 3.0, 1.0]


def test_a_value_that_left_counts_no_more() -> None:
    bag = RankedCounts([5.0, 3.0])
    bag.add(5.0, 2)
    bag.add(3.0, 1)
    bag.add(5.0, -2)

    assert bag.total == 1
    assert bag.percentile(0.99) == 3.0


@given(
    samples=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 9).map(float), st.integers(1, 3)), max_size=40),
    width=st.integers(1, 6),
    fraction=st.sampled_from([0.0, 0.5, 0.95, 0.99, 1.0]),
)
def test_a_sliding_window_equals_sorting_each_window(
    samples: list[tuple[int, float, int]], width: int, fraction: float
) -> None:
    windows = [(first, first + width) for first in range(13)]

    found = slide_percentile(samples, windows, fraction)

    expected = [
        naive_percentile([v for at, v, n in samples if first <= at < last for _ in range(n)], fraction)
        for first, last in windows
    ]
    assert found == [value if value is None else pytest.approx(value) for value in expected]
