"""Percentiles of a window that slides: each value enters once and leaves once, whatever the overlap."""

import math
from collections.abc import Sequence

Sample = tuple[int, float, int]
"""(segment, value, how often)."""


class RankedCounts:
    """A bag of values that answers "the n-th largest" in about the square root of its distinct values.

    The distinct values are known beforehand. Ranks are sought from the top, because percentiles that people watch
    (p95, p99) lie there.
    """

    def __init__(self, values: Sequence[float]) -> None:
        self._values = sorted(set(values), reverse=True)
        self._position = {value: position for position, value in enumerate(self._values)}
        self._block = max(1, math.isqrt(len(self._values)))
        self._counts = [0] * len(self._values)
        self._block_counts = [0] * (len(self._values) // self._block + 1)
        self.total = 0

    def add(self, value: float, count: int) -> None:
        """Put `count` of a value in; a negative count takes them out."""
        position = self._position[value]
        self._counts[position] += count
        self._block_counts[position // self._block] += count
        self.total += count

    def nth_largest(self, rank: int) -> float:
        """Return the value at `rank` from the top, counting from 0; there must be more than `rank` values."""
        block = 0
        while rank >= self._block_counts[block]:
            rank -= self._block_counts[block]
            block += 1
        position = block * self._block
        while rank >= self._counts[position]:
            rank -= self._counts[position]
            position += 1
        return self._values[position]

    def percentile(self, fraction: float) -> float | None:
        """Return the percentile as PostgreSQL's `percentile_cont` does: linear between the two nearest values."""
        if not self.total:
            return None
        place = fraction * (self.total - 1)
        below, above = math.floor(place), math.ceil(place)
        low = self.nth_largest(self.total - 1 - below)
        if below == above:
            return low
        high = self.nth_largest(self.total - 1 - above)
        return low + (high - low) * (place - below)


def slide_percentile(
    samples: Sequence[Sample], windows: Sequence[tuple[int, int]], fraction: float
) -> list[float | None]:
    """Return the percentile over each window of segments [first, last).

    Both edges of the windows must not go back from one window to the next; None where a window has no sample.
    """
    ordered = sorted(samples)
    bag = RankedCounts([value for _, value, _ in ordered])
    entered = left = 0
    results: list[float | None] = []
    for first, last in windows:
        while entered < len(ordered) and ordered[entered][0] < last:
            bag.add(ordered[entered][1], ordered[entered][2])
            entered += 1
        while left < entered and ordered[left][0] < first:
            bag.add(ordered[left][1], -ordered[left][2])
            left += 1
        results.append(bag.percentile(fraction))
    return results
