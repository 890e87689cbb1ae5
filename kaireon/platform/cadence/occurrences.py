"""Occurrences: the instants at which an expression is due in a zone."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from typing import Final
from zoneinfo import ZoneInfo

from kaireon.platform.cadence.cron import Cron, parse_cron
from kaireon.platform.cadence.walls import (
    DAY,
    DAY_MINUTES,
    MINUTE,
    clock_note,
    count_in,
    first_wall,
    instants,
    latest_in,
)
from kaireon.platform.cadence.zones import load_zone

# No rarer day is there than a 29 February: eight years apart around 2100.
_HORIZON_DAYS: Final = 9 * 366
# Zones change at quarters of an hour of UTC, since the first half of the twentieth century.
_QUARTER: Final = timedelta(minutes=15)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An instant in UTC, what the local clock shows then, and a word if daylight saving touches it."""

    at: datetime
    local: datetime
    note: str


@dataclass(frozen=True, slots=True)
class Cadence:
    """An expression in a zone. All instants are aware; what is returned is UTC, on a whole minute."""

    cron: Cron
    zone: ZoneInfo

    def next(self, after: datetime) -> datetime:
        """Return the first instant strictly after another.

        Raises LookupError when none comes within nine years, which no expression that was read does.
        """
        return next(self.upcoming(after))

    def upcoming(self, after: datetime) -> Iterator[datetime]:
        """Yield the instants strictly after another, in order; raise LookupError after nine years without one."""
        if self.cron.has_fixed_hour:
            return instants(self._walls(first_wall(after, self.zone)), self.zone, after=after)
        return self._upcoming_elapsed(after)

    def latest(self, until: datetime, *, after: datetime) -> datetime | None:
        """Return the last instant in `(after, until]`, or None when none is there."""
        return latest_in(self.upcoming, until, after=after)

    def count(self, after: datetime, until: datetime) -> int:
        """Return how many instants are in `(after, until]`."""
        return count_in(self.upcoming, self._on_day, self.zone, after=after, until=until)

    def shortest_gap(self) -> timedelta:
        """Return the least time between two occurrences on the clock face, the turn of the day included."""
        times = self.cron.times
        gaps = [later - earlier for earlier, later in pairwise(times)]
        return min([*gaps, 24 * 60 - times[-1] + times[0]]) * MINUTE

    def forecast(self, after: datetime, count: int) -> list[Occurrence]:
        """Return the next so many occurrences with what daylight saving does to them."""
        return [self._tell(instant) for instant in islice(self.upcoming(after), count)]

    def _tell(self, at: datetime) -> Occurrence:
        local = at.astimezone(self.zone)
        is_shown = local.hour in self.cron.hours and local.minute in self.cron.minutes
        return Occurrence(at, local, clock_note(local, is_moved=self.cron.has_fixed_hour and not is_shown))

    def _walls(self, begin: int) -> Iterator[int]:
        """Yield the wall times from one on."""
        day, times = begin // DAY_MINUTES, self.cron.times
        fruitless = 0
        while fruitless < _HORIZON_DAYS:
            fruitless += 1
            if self.cron.names_day(date.fromordinal(day)):
                fruitless, midnight = 0, day * DAY_MINUTES
                yield from (midnight + minute for minute in times[bisect_left(times, begin - midnight) :])
            day += 1
        raise LookupError("The expression names no day.")

    def _on_day(self, day: date) -> int:
        return len(self.cron.hours) * len(self.cron.minutes) if self.cron.names_day(day) else 0

    def _upcoming_elapsed(self, after: datetime) -> Iterator[datetime]:
        while True:
            after = self._next_elapsed(after)
            yield after

    def _next_elapsed(self, after: datetime) -> datetime:
        """Walk real time: minute by minute within a quarter, quarter by quarter within a day that is named."""
        instant = after.astimezone(UTC).replace(second=0, microsecond=0) + MINUTE
        end = instant + _HORIZON_DAYS * DAY
        while instant < end:
            local = instant.astimezone(self.zone)
            quarter_end = instant - (instant - _EPOCH) % _QUARTER + _QUARTER
            if not self.cron.names_day(local.date()):
                instant = max(quarter_end, self._start_of(local.date() + DAY))
                continue
            minute = self._minute_of(local, int((quarter_end - instant) / MINUTE))
            if minute is not None:
                return instant + minute * MINUTE
            instant = quarter_end
        raise LookupError("The expression names no day.")

    def _minute_of(self, local: datetime, left: int) -> int | None:
        """Return how many minutes on the first match is, of those left; no clock changes among them."""
        if local.hour not in self.cron.hours:
            return None
        return next((step for step in range(left) if local.minute + step in self.cron.minutes), None)

    def _start_of(self, day: date) -> datetime:
        """Return an instant at which a local day has not begun, or has just begun."""
        midnight = datetime.combine(day, time(), self.zone)
        return min(midnight.astimezone(UTC), midnight.replace(fold=1).astimezone(UTC))


def read_cadence(expression: str, timezone: str) -> Cadence:
    """Read both texts; raise CadenceError naming `cronExpression` or `timezone`."""
    return Cadence(parse_cron(expression), load_zone(timezone))
