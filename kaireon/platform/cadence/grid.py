"""A grid: instants at a fixed distance from an anchor, before and after it, which never drift."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kaireon.platform.cadence.occurrences import Occurrence


@dataclass(frozen=True, slots=True)
class Grid:
    """Every so long, counted from an anchor in elapsed time: no clock change touches it. Instants are UTC."""

    anchor: datetime
    step: timedelta

    def next(self, after: datetime) -> datetime:
        """Return the first instant strictly after another."""
        return self._at((after - self.anchor) // self.step + 1)

    def upcoming(self, after: datetime) -> Iterator[datetime]:
        """Yield the instants strictly after another, without an end."""
        while True:
            after = self.next(after)
            yield after

    def latest(self, until: datetime, *, after: datetime) -> datetime | None:
        """Return the last instant in `(after, until]`, or None when none is there."""
        last = self._at((until - self.anchor) // self.step)
        return last if last > after else None

    def count(self, after: datetime, until: datetime) -> int:
        """Return how many instants are in `(after, until]`."""
        return max(0, (until - self.anchor) // self.step - (after - self.anchor) // self.step)

    def shortest_gap(self) -> timedelta:
        """Return the distance."""
        return self.step

    def forecast(self, after: datetime, count: int) -> list[Occurrence]:
        """Return the next so many instants; their local time is UTC."""
        first = self.next(after)
        return [Occurrence(at, at, "") for at in (first + number * self.step for number in range(count))]

    def _at(self, number: int) -> datetime:
        return (self.anchor + number * self.step).astimezone(UTC)
