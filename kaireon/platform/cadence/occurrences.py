"""Occurrences: the instants at which an expression is due in a zone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from typing import Final
from zoneinfo import ZoneInfo

from kaireon.platform.cadence.cron import Cron, parse_cron
from kaireon.platform.cadence.zones import load_zone

MINUTE: Final = timedelta(minutes=1)
DAY: Final = timedelta(days=1)
# No rarer day is there than a 29 February: eight years apart around 2100.
_HORIZON_DAYS: Final = 9 * 366
# Zones change at quarters of an hour of UTC, since the first half of the twentieth century.
_QUARTER: Final = timedelta(minutes=15)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# How far back `latest` looks at first; then ever further.
_LOOK_BACK: Final = (timedelta(hours=2), 2 * DAY, 62 * DAY, 800 * DAY)


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
        return self._upcoming_fixed(after) if self.cron.has_fixed_hour else self._upcoming_elapsed(after)

    def latest(self, until: datetime, *, after: datetime) -> datetime | None:
        """Return the last instant in `(after, until]`, or None when none is there."""
        for look_back in (*_LOOK_BACK, None):
            start = after if look_back is None else max(after, until - look_back)
            last = None
            for instant in self.upcoming(start):
                if instant > until:
                    break
                last = instant
            if last is not None or start == after:
                return last
        return None

    def shortest_gap(self) -> timedelta:
        """Return the least time between two occurrences on the clock face, the turn of the day included."""
        times = [hour * 60 + minute for hour in self.cron.hours for minute in self.cron.minutes]
        gaps = [later - earlier for earlier, later in pairwise(times)]
        return min([*gaps, 24 * 60 - times[-1] + times[0]]) * MINUTE

    def forecast(self, after: datetime, count: int) -> list[Occurrence]:
        """Return the next so many occurrences with what daylight saving does to them."""
        return [self._tell(instant) for instant in islice(self.upcoming(after), count)]

    def _tell(self, at: datetime) -> Occurrence:
        local = at.astimezone(self.zone)
        return Occurrence(at, local, self._note(local))

    def _note(self, local: datetime) -> str:
        naive = local.replace(tzinfo=None)
        if naive.replace(fold=0, tzinfo=self.zone).utcoffset() != naive.replace(fold=1, tzinfo=self.zone).utcoffset():
            passes = "first pass" if local.fold == 0 else "second pass"
            return f"the clock shows {naive:%H:%M} twice: {passes}"
        if self.cron.has_fixed_hour and (local.hour not in self.cron.hours or local.minute not in self.cron.minutes):
            return "moved out of the hour that the clock skips"
        return ""

    def _upcoming_fixed(self, after: datetime) -> Iterator[datetime]:
        """Go through the days from the day before on: a gap moves the end of one into the next, among its instants."""
        day = after.astimezone(self.zone).date() - DAY
        moved: set[datetime] = set()
        fruitless = 0
        while fruitless < _HORIZON_DAYS:
            ends = self._start_of(day + DAY)
            instants = moved | {instant for instant in self._fixed(day) if instant > after}
            moved = {instant for instant in instants if instant >= ends}
            fruitless = 0 if instants else fruitless + 1
            yield from sorted(instants - moved)
            day += DAY
        raise LookupError("The expression names no day.")

    def _fixed(self, day: date) -> Iterator[datetime]:
        """Yield a day's instants; a skipped time has the offset of before the gap, which moves it by its width."""
        if self.cron.names_day(day):
            for hour in self.cron.hours:
                for minute in self.cron.minutes:
                    yield datetime.combine(day, time(hour, minute), self.zone).astimezone(UTC)

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
