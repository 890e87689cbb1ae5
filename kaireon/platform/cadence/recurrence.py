"""Recurrence: the instants of an RFC 5545 rule in a zone, sought from any moment at the same cost.

The rule is expanded on the wall clock, as dateutil does it from a naive start; `walls` says which instant each wall
time is.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import Final
from zoneinfo import ZoneInfo

from kaireon.platform.cadence.cron import CadenceError
from kaireon.platform.cadence.expansion import Expansion
from kaireon.platform.cadence.occurrences import Occurrence
from kaireon.platform.cadence.rules import parse_rule
from kaireon.platform.cadence.walls import MINUTE, clock_note, count_in, first_wall, instants, latest_in

_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 8999
# The clocks of the Earth are never further apart.
_DAYS_APART: Final = timedelta(days=2)
_SOME_DAY: Final = datetime(2026, 1, 1)  # noqa: DTZ001 - a wall clock's


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A rule in a zone. All instants are aware; what is returned is UTC, its seconds those of the start."""

    expansion: Expansion
    zone: ZoneInfo

    @property
    def until(self) -> datetime | None:
        """Return the rule's UNTIL in UTC."""
        return self.expansion.rule.until

    def next(self, after: datetime) -> datetime | None:
        """Return the first instant strictly after another; None when the rule has ended or sixty years bring none."""
        return next(self.upcoming(after), None)

    def upcoming(self, after: datetime) -> Iterator[datetime]:
        """Yield the instants strictly after another, in order, to the rule's end."""
        until = self.until
        if until is not None and after >= until:
            return
        walls = self.expansion.walls(first_wall(after, self.zone))
        for instant in instants(walls, self.zone, after=after, second=self.expansion.start.second):
            if until is not None and instant > until:
                return
            yield instant

    def latest(self, until: datetime, *, after: datetime) -> datetime | None:
        """Return the last instant in `(after, until]`, or None when none is there."""
        return latest_in(self.upcoming, until if self.until is None else min(until, self.until), after=after)

    def count(self, after: datetime, until: datetime) -> int:
        """Return how many instants are in `(after, until]`."""
        until = until if self.until is None else min(until, self.until)
        if self.expansion.is_picked:
            # A period has few of them, and each day of it would make the whole set.
            return sum(1 for _ in takewhile(lambda at: at <= until, self.upcoming(after)))
        return count_in(self.upcoming, self.expansion.on_day, self.zone, after=after, until=until)

    def shortest_gap(self) -> timedelta | None:
        """Return the least time between two occurrences on the wall clock; None where there are no two."""
        gap = self.expansion.shortest_gap()
        return None if gap is None else gap * MINUTE

    def forecast(self, after: datetime, count: int) -> list[Occurrence]:
        """Return the next so many occurrences with what daylight saving does to them."""
        return [self._tell(instant) for instant in islice(self.upcoming(after), count)]

    def _tell(self, at: datetime) -> Occurrence:
        local = at.astimezone(self.zone)
        return Occurrence(at, local, clock_note(local, is_moved=not self.expansion.names(local)))


def read_recurrence(rule: str, *, dtstart: datetime, zone: ZoneInfo) -> Recurrence:
    """Read a rule that begins at a time: the zone's own where it has no offset, else brought into the zone.

    Raises CadenceError naming `rule` or `dtstart`. One that is never due is read, and has no next occurrence.
    """
    start = (dtstart if dtstart.tzinfo is None else dtstart.astimezone(zone)).replace(tzinfo=None, microsecond=0)
    if not _FIRST_YEAR <= start.year <= _LAST_YEAR:
        raise CadenceError("dtstart", f"must be of a year from {_FIRST_YEAR} to {_LAST_YEAR}")
    return Recurrence(Expansion(parse_rule(rule), start), zone)


def never_due(rule: str, *, dtstart: datetime | None, zone: ZoneInfo) -> str:
    """Say why a rule is never due; empty when it is.

    Without a start it is one that is not whenever it starts. Raises CadenceError as `read_recurrence` does.
    """
    if dtstart is None:
        superset = replace(parse_rule(rule), interval=1, count=None, until=None)
        recurrence = Recurrence(Expansion(superset, _SOME_DAY), zone)
    else:
        recurrence = read_recurrence(rule, dtstart=dtstart, zone=zone)
    start = recurrence.expansion.start.replace(tzinfo=UTC) - _DAYS_APART
    if recurrence.next(start) is not None:
        return ""
    if recurrence.until is not None and recurrence.until <= start + 2 * _DAYS_APART:
        return "is never due: its UNTIL is before the first time that it names"
    return "is never due: no time has everything that it names"
