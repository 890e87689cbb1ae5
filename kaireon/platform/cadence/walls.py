"""From the wall clock of a zone to instants, and how many instants there are.

A wall time is a whole number: the day's ordinal times 1440, plus the minute of the day. What a gap of the clock skips
comes later by the gap's width; what the clock shows twice comes at the first pass; two on one instant are one.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

MINUTE: Final = timedelta(minutes=1)
DAY: Final = timedelta(days=1)
DAY_MINUTES: Final = 24 * 60
# No gap is wider than the day that Samoa left out.
_WIDEST_GAP: Final = timedelta(hours=25)
# How far back `latest_in` looks at first; then ever further.
_LOOK_BACK: Final = (timedelta(hours=2), 2 * DAY, 62 * DAY, 800 * DAY)

Upcoming = Callable[[datetime], Iterator[datetime]]


def wall_of(local: datetime) -> int:
    """Return the wall time that a local time shows, its seconds left out."""
    return local.toordinal() * DAY_MINUTES + local.hour * 60 + local.minute


def first_wall(after: datetime, zone: ZoneInfo) -> int:
    """Return a wall time before which none comes after an instant: what a gap moved may come still."""
    local = after.astimezone(zone)
    moved = _offset(local) - _offset((after - _WIDEST_GAP).astimezone(zone))
    return wall_of(local.replace(tzinfo=None) - max(moved, timedelta()))


def instants(walls: Iterable[int], zone: ZoneInfo, *, after: datetime, second: int = 0) -> Iterator[datetime]:
    """Yield the instants after another of wall times, which come in order and so do they; UTC."""
    moved: list[datetime] = []
    for wall in walls:
        day, minute = divmod(wall, DAY_MINUTES)
        local = datetime.combine(date.fromordinal(day), time(minute // 60, minute % 60, second), zone)
        at = local.astimezone(UTC)
        if _offset(local) < _offset(local.replace(fold=1)):
            # Skipped: later walls may come before it.
            moved.append(at)
        elif not moved:
            if at > after:
                yield at
        else:
            yield from sorted({each for each in (*moved, at) if after < each <= at})
            moved = [each for each in moved if each > at]
    yield from sorted(each for each in moved if each > after)


def clock_note(local: datetime, *, is_moved: bool) -> str:
    """Say what the clock does to an occurrence at a local time; empty when it does nothing."""
    naive = local.replace(tzinfo=None, fold=0)
    if _offset(naive.replace(tzinfo=local.tzinfo)) != _offset(naive.replace(fold=1, tzinfo=local.tzinfo)):
        return f"the clock shows {naive:%H:%M} twice: {'first' if local.fold == 0 else 'second'} pass"
    return "moved out of the hour that the clock skips" if is_moved else ""


def latest_in(upcoming: Upcoming, until: datetime, *, after: datetime) -> datetime | None:
    """Return the last instant in `(after, until]`, or None; looks at a few before `until`, then further back."""
    for look_back in (*_LOOK_BACK, None):
        start = after if look_back is None else max(after, until - look_back)
        last = None
        for instant in upcoming(start):
            if instant > until:
                break
            last = instant
        if last is not None or start == after:
            return last
    return None


def count_in(
    upcoming: Upcoming, on_day: Callable[[date], int], zone: ZoneInfo, *, after: datetime, until: datetime
) -> int:
    """Return how many instants are in `(after, until]`.

    `on_day` gives the number of wall times on a day: whole days without a change of the clock are counted by it, so
    that the outage of a year of a schedule of minutes is counted in a millisecond.
    """
    day, last = after.astimezone(zone).date() + DAY, until.astimezone(zone).date()
    if day >= last:
        return _walk(upcoming, after, until)
    total = _walk(upcoming, after, _eve(day, zone))
    while day < last:
        is_regular = _shift(day - DAY, zone) == _shift(day, zone) == timedelta()
        total += on_day(day) if is_regular else _walk(upcoming, _eve(day, zone), _eve(day + DAY, zone))
        day += DAY
    return total + _walk(upcoming, _eve(last, zone), until)


def _walk(upcoming: Upcoming, after: datetime, until: datetime) -> int:
    count = 0
    for instant in upcoming(after):
        if instant > until:
            break
        count += 1
    return count


def _eve(day: date, zone: ZoneInfo) -> datetime:
    """Return the last moment before a day begins."""
    return datetime.combine(day, time(), zone).astimezone(UTC) - timedelta(microseconds=1)


def _shift(day: date, zone: ZoneInfo) -> timedelta:
    """Return by how much the clock changes in the course of a day."""
    return _offset(datetime.combine(day + DAY, time(), zone)) - _offset(datetime.combine(day, time(), zone))


def _offset(local: datetime) -> timedelta:
    return local.utcoffset() or timedelta()
