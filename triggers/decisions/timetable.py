"""A schedule as it was saved, read into something that says when it is due."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

from kaireon.platform.cadence import CadenceError, Grid, Occurrence, load_zone, read_cadence, read_recurrence

CRON, INTERVAL, RRULE = "cron", "interval", "rrule"
MAX_MINUTES: Final = 525_600
_FIRST_YEAR, _LAST_YEAR = 1970, 8999
# A schedule that is ticked is read once a process, as long as it is among so many.
_KEPT: Final = 4096
_UTC: Final = ZoneInfo("UTC")


class TimetableError(ValueError):
    """A schedule cannot be read; `field` is its name in the IR, such as `expression` or `timezone`."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


class _Beat(Protocol):
    """What is due at instants of its own: a cron expression, a rule, a grid."""

    def next(self, after: datetime) -> datetime | None: ...

    def latest(self, until: datetime, *, after: datetime) -> datetime | None: ...

    def upcoming(self, after: datetime) -> Iterator[datetime]: ...

    def count(self, after: datetime, until: datetime) -> int: ...

    def forecast(self, after: datetime, count: int) -> list[Occurrence]: ...

    def shortest_gap(self) -> timedelta | None: ...


@dataclass(frozen=True, slots=True)
class Timetable:
    """When a schedule is due. Instants are aware; what is returned is UTC.

    `is_relative`: an interval without an anchor is due so long after the last run, and has no instants of its own;
    what is asked of it is counted from the moment that it is asked with.
    """

    kind: str
    is_relative: bool
    zone: ZoneInfo
    _beat: _Beat

    def next(self, after: datetime) -> datetime | None:
        """Return the first instant strictly after another; None when the schedule has ended."""
        return self._from(after).next(after)

    def latest(self, until: datetime, *, after: datetime) -> datetime | None:
        """Return the last instant in `(after, until]`, or None; of a relative one, the first: it is due once."""
        if self.is_relative:
            first = self.next(after)
            return first if first is not None and first <= until else None
        return self._beat.latest(until, after=after)

    def upcoming(self, after: datetime) -> Iterator[datetime]:
        """Yield the instants strictly after another, in order."""
        return self._from(after).upcoming(after)

    def count(self, after: datetime, until: datetime) -> int:
        """Return how many instants are in `(after, until]`; days are counted, not instants."""
        return self._from(after).count(after, until)

    def forecast(self, after: datetime, count: int) -> list[Occurrence]:
        """Return the next so many, with the local time and what daylight saving does to it."""
        return self._from(after).forecast(after, count)

    def shortest_gap(self) -> timedelta | None:
        """Return the least time between two occurrences; None when there are no two."""
        return self._beat.shortest_gap()

    def _from(self, after: datetime) -> _Beat:
        gap = self._beat.shortest_gap() if self.is_relative else None
        return self._beat if gap is None else Grid(after, gap)


def read_timetable(spec: Mapping[str, Any], *, created_at: datetime) -> Timetable:
    """Read a schedule as the IR has it, camelCase; `created_at` is the pipeline's, for a rule without `dtstart`.

    Raises TimetableError with the field for whatever cannot be read: a kept one may hold anything.
    """
    match spec.get("kind"):
        case "cron":
            return _cron(_text(spec, "expression"), _text(spec, "timezone", "UTC"))
        case "interval":
            anchor = None if spec.get("anchor") is None else _text(spec, "anchor")
            return _interval(_minutes(spec), anchor)
        case "rrule":
            # A rule without a start begins with the pipeline, on the minute.
            start = created_at.astimezone(UTC).replace(second=0, microsecond=0).isoformat()
            dtstart = start if spec.get("dtstart") is None else _text(spec, "dtstart")
            return _rrule(_text(spec, "rule"), dtstart, _text(spec, "timezone", "UTC"))
    raise TimetableError("kind", "must be cron, interval or rrule")


@lru_cache(maxsize=_KEPT)
def _cron(expression: str, timezone: str) -> Timetable:
    try:
        beat = read_cadence(expression, timezone)
    except CadenceError as error:
        raise TimetableError("timezone" if error.field == "timezone" else "expression", error.message) from None
    return Timetable(kind=CRON, is_relative=False, zone=beat.zone, _beat=beat)


@lru_cache(maxsize=_KEPT)
def _interval(minutes: int, anchor: str | None) -> Timetable:
    step = timedelta(minutes=minutes)
    if anchor is None:
        return Timetable(kind=INTERVAL, is_relative=True, zone=_UTC, _beat=Grid(datetime.fromtimestamp(0, UTC), step))
    moment = _moment("anchor", anchor)
    if moment.tzinfo is None:
        raise TimetableError("anchor", "needs an offset or Z, such as 2026-01-31T08:00:00Z")
    return Timetable(kind=INTERVAL, is_relative=False, zone=_UTC, _beat=Grid(moment.astimezone(UTC), step))


@lru_cache(maxsize=_KEPT)
def _rrule(rule: str, dtstart: str, timezone: str) -> Timetable:
    try:
        beat = read_recurrence(rule, dtstart=_moment("dtstart", dtstart), zone=load_zone(timezone))
    except CadenceError as error:
        raise TimetableError(error.field, error.message) from None
    return Timetable(kind=RRULE, is_relative=False, zone=beat.zone, _beat=beat)


def _text(spec: Mapping[str, Any], field: str, default: str | None = None) -> str:
    value = spec.get(field, default)
    if not isinstance(value, str):
        raise TimetableError(field, "must be a text")
    return value


def _minutes(spec: Mapping[str, Any]) -> int:
    value = spec.get("minutes")
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_MINUTES:
        raise TimetableError("minutes", f"must be a whole number from 1 to {MAX_MINUTES:,}")
    return value


def _moment(field: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            return moment
    except ValueError:
        pass
    raise TimetableError(field, f"is no time such as 2026-01-31T08:00:00Z, from {_FIRST_YEAR} to {_LAST_YEAR}")
