"""Window arithmetic: many half-open windows of many tenants become one scan, and sums come back by subtraction."""

import itertools
import uuid
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Self


class Window(NamedTuple):
    """One tenant's time from `start` (included) to `end` (excluded)."""

    tenant_id: uuid.UUID
    start: datetime
    end: datetime


class MetricRequest(NamedTuple):
    """Ask for one metric of one tenant over [start, end)."""

    tenant_id: uuid.UUID
    metric: str
    start: datetime
    end: datetime

    @property
    def window(self) -> Window:
        """Return the window without the metric."""
        return Window(self.tenant_id, self.start, self.end)

    @classmethod
    def ending(cls, tenant_id: uuid.UUID, metric: str, end: datetime, width: timedelta) -> Self:
        """Ask for the window of `width` that ends at `end`."""
        return cls(tenant_id, metric, end - width, end)

    def preceding(self) -> Self:
        """Ask for the same width immediately before: the baseline of a current window."""
        return type(self)(
            self.tenant_id,
            self.metric,
            self.start - (self.end - self.start),
            self.start,
        )


class Span(NamedTuple):
    """A stretch of time that these tenants, and no others, need."""

    tenants: tuple[uuid.UUID, ...]
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class ScanPlan:
    """What one statement reads: spans that do not overlap, in time order, cut at every boundary of a window."""

    boundaries: list[datetime]
    spans: list[Span]

    def index_of(self) -> dict[datetime, int]:
        """Return each boundary's position; segment n is the time between boundary n and the next."""
        return {boundary: index for index, boundary in enumerate(self.boundaries)}


def plan_scan(windows: Iterable[Window]) -> ScanPlan:
    """Turn windows into spans that read each row once, and only rows that some window needs.

    A span is shared by all tenants that need its time; a tenant with a long window gets the rest of it alone, so the
    others do not pay for it. Empty windows (start at or after end) need no row.
    """
    by_tenant: dict[uuid.UUID, set[tuple[datetime, datetime]]] = defaultdict(set)
    boundaries: set[datetime] = set()
    for tenant_id, start, end in windows:
        if start < end:
            by_tenant[tenant_id].add((start, end))
            boundaries.add(start)
            boundaries.add(end)
    ordered = sorted(boundaries)
    return ScanPlan(ordered, _sweep(ordered, {tenant: _merge(sorted(spans)) for tenant, spans in by_tenant.items()}))


def _sweep(
    boundaries: Sequence[datetime], intervals: Mapping[uuid.UUID, Sequence[tuple[datetime, datetime]]]
) -> list[Span]:
    """Walk over the boundaries in time order and note who needs the time up to the next one."""
    toggles: dict[datetime, set[uuid.UUID]] = defaultdict(set)
    for tenant_id, spans in intervals.items():
        for start, end in spans:
            toggles[start].add(tenant_id)
            toggles[end].add(tenant_id)
    needing: set[uuid.UUID] = set()
    tenants: tuple[uuid.UUID, ...] = ()
    swept: list[Span] = []
    for boundary, following in itertools.pairwise(boundaries):
        if changes := toggles.get(boundary):
            needing ^= changes
            tenants = tuple(sorted(needing))
        if tenants:
            swept.append(Span(tenants, boundary, following))
    return swept


def _merge(
    spans: Iterable[tuple[datetime, datetime]],
) -> list[tuple[datetime, datetime]]:
    merged: list[tuple[datetime, datetime]] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


@dataclass(slots=True)
class PrefixSums:
    """Running sums over one tenant's segments; the sum over any window is one subtraction.

    Segment n lies between boundary n and boundary n + 1. Sums are int or Decimal, so a subtraction is exact.
    """

    segments: list[int] = field(default_factory=list)
    totals: list[tuple[Any, ...]] = field(default_factory=list)

    @classmethod
    def of(cls, rows: Iterable[tuple[int, Sequence[Any]]], width: int) -> Self:
        """Add up rows of (segment, sums); each row has `width` sums."""
        ordered = sorted(rows, key=lambda row: row[0])
        columns = zip(*(sums for _, sums in ordered), strict=True) if ordered else [()] * width
        running = [itertools.accumulate(column, initial=0) for column in columns]
        return cls([segment for segment, _ in ordered], list(zip(*running, strict=True)))

    def between(self, first: int, last: int) -> tuple[Any, ...]:
        """Return the sums over the segments from `first` (included) to `last` (excluded)."""
        low = self.totals[bisect_left(self.segments, first)]
        high = self.totals[bisect_left(self.segments, last)]
        return tuple(after - before for before, after in zip(low, high, strict=True))
