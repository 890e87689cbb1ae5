"""Every real minute around a clock change, and which wall times it stands for: what decisions are checked against."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import takewhile
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from kaireon.platform.cadence import parse_cron, read_recurrence
from tests.platform.cadence.rules import random_rule

MINUTE = timedelta(minutes=1)
HALF = 36 * 60
# A change of the clock of each zone; Samoa left out a day, and two zones have none.
CHANGES = {
    "Europe/Berlin": ("2026-03-29T01:00", "2026-10-25T01:00"),
    "America/New_York": ("2026-03-08T07:00", "2026-11-01T06:00"),
    "Australia/Lord_Howe": ("2026-04-04T15:00", "2026-10-03T15:30"),
    "Africa/Casablanca": ("2026-02-15T02:00", "2026-03-22T02:00"),
    "Asia/Beirut": ("2026-03-28T22:00", "2026-10-24T21:00"),
    "Pacific/Apia": ("2011-12-30T10:00",),
    "Asia/Kolkata": ("2026-03-29T01:00",),
    "UTC": ("2026-10-25T01:00",),
}
PLACES = [(zone, datetime.fromisoformat(f"{change}Z")) for zone, changes in CHANGES.items() for change in changes]
IsDue = Callable[["Minute"], bool]


@dataclass(frozen=True)
class Minute:
    """A real minute: what the local clock shows, and the wall times that are due at it (none in a second pass)."""

    at: datetime
    local: datetime
    walls: tuple[datetime, ...]


@cache
def minutes_around(zone: str, change: datetime) -> list[Minute]:
    """Return three days of minutes; a wall time belongs to the minute that Python's own fold=0 gives it."""
    place = ZoneInfo(zone)
    span = range(-HALF, HALF)
    offsets = {(change + step * 15 * MINUTE).astimezone(place).utcoffset() or timedelta() for step in range(-250, 250)}
    return [_minute(change + step * MINUTE, place, offsets) for step in span]


def _minute(at: datetime, zone: ZoneInfo, offsets: set[timedelta]) -> Minute:
    walls = {at.replace(tzinfo=None) + offset for offset in offsets}
    meant = tuple(wall for wall in walls if wall.replace(tzinfo=zone).astimezone(UTC) == at)
    return Minute(at, at.astimezone(zone).replace(tzinfo=None), meant)


def random_schedule(dice: random.Random, zone: str, change: datetime) -> tuple[dict[str, Any], IsDue]:
    """Return a schedule and what tells, of any real minute, whether it is due then."""
    kind = dice.choice(("cron", "cron", "rrule", "interval"))
    if kind == "interval":
        anchor, minutes = change + dice.randrange(-9_999, 9_999) * MINUTE, dice.choice((1, 5, 7, 60, 90, 1440, 1000))
        spec: dict[str, Any] = {"kind": kind, "minutes": minutes, "anchor": anchor.isoformat()}
        return spec, lambda minute: (minute.at - anchor) % timedelta(minutes=minutes) == timedelta()
    if kind == "rrule":
        return _random_rule(dice, zone, change)
    expression = " ".join((_some(dice, 59), _some(dice, 23, stars=0.5), *dice.choice(DAYS)))
    return {"kind": kind, "expression": expression, "timezone": zone}, _cron_is_due(expression)


DAYS = (("*", "*", "*"), ("*", "*", "*"), ("*", "*", "1-5"), ("*/2", "*", "*"), ("29", "*", "0"), ("*", "3,10", "*"))


def _some(dice: random.Random, high: int, *, stars: float = 0.3) -> str:
    if dice.random() < stars:
        return dice.choice(("*", f"*/{dice.randint(2, high)}"))
    return ",".join(str(dice.randint(0, high)) for _ in range(dice.randint(1, 4)))


def _cron_is_due(expression: str) -> IsDue:
    cron = parse_cron(expression)

    def names(wall: datetime) -> bool:
        return wall.minute in cron.minutes and wall.hour in cron.hours and cron.names_day(wall.date())

    if cron.has_fixed_hour:
        return lambda minute: any(map(names, minute.walls))
    return lambda minute: names(minute.local)


def _random_rule(dice: random.Random, zone: str, change: datetime) -> tuple[dict[str, Any], IsDue]:
    start = change.replace(tzinfo=None) - dice.randrange(5 * 1440) * MINUTE
    rule, zone_info = random_rule(dice), ZoneInfo(zone)
    walls: set[datetime] = set()
    # Of a rule that is never due dateutil makes no end before the year 9999.
    if read_recurrence(rule, dtstart=start, zone=zone_info).next(change + timedelta(days=4)) is not None:
        end = change.replace(tzinfo=None) + timedelta(days=4)
        walls.update(takewhile(lambda wall: wall <= end, rrulestr(rule, dtstart=start)))
    spec = {"kind": "rrule", "rule": rule, "dtstart": start.isoformat(), "timezone": zone}
    return spec, lambda minute: any(wall in walls for wall in minute.walls)
