"""Deadlines of file triggers: when one passes, whether it was missed, and by when files usually come. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import pairwise
from statistics import median
from typing import Final
from zoneinfo import ZoneInfo

# A look at the folder that is still to come, or fails, is waited for so long before a file counts as missing.
LONGEST_DOUBT: Final = timedelta(minutes=10)
# When something that may end at any moment is looked at again: with the next tick.
SOON: Final = timedelta(seconds=1)
# From so many of the last arrivals on, at most so many, one can say when a file usually comes.
FEWEST, MOST = 5, 30
_DAY: Final = 24 * 3_600


@dataclass(frozen=True, slots=True)
class Watched:
    """A trigger with a deadline, as it stands; all times are UTC.

    `looked_at` is when its folder was last listed, `is_failing` whether the latest try failed. `is_waiting` says that
    a matching file is there and held.
    """

    created_at: datetime
    last_run_at: datetime | None
    active_since: datetime
    window: timedelta
    missed_anchor: datetime | None = None
    is_waiting: bool = False
    looked_at: datetime | None = None
    is_failing: bool = False


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is to become of a deadline: missed or not, and when to look at it again."""

    anchor: datetime
    deadline_at: datetime
    is_missed: bool
    look_again_at: datetime
    is_doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Usual:
    """When files come, in local time: half of them by `typical`, nearly all by `latest`; from `count` arrivals."""

    typical: time
    latest: time
    count: int


def anchor_of(*, last_run_at: datetime | None, created_at: datetime, active_since: datetime) -> datetime:
    """Return from when a deadline counts: the last run, else the pipeline's creation; not before it began to watch.

    So a resume, or a trigger that is new, begins with a whole window (seed: `lastRunAt` or `createdAt`).
    """
    return max(last_run_at or created_at, active_since)


def deadline_of(
    *, last_run_at: datetime | None, created_at: datetime, active_since: datetime, window: timedelta
) -> datetime:
    """Return when the deadline passes, as far as is known now."""
    return anchor_of(last_run_at=last_run_at, created_at=created_at, active_since=active_since) + window


def rule(watched: Watched, *, now: datetime) -> Ruling:
    """Rule on a deadline that is to be looked at: missed at its very instant, and once for each anchor."""
    anchor = anchor_of(
        last_run_at=watched.last_run_at, created_at=watched.created_at, active_since=watched.active_since
    )
    deadline_at = anchor + watched.window
    if now < deadline_at:
        # A run began since: a person's, or a schedule's.
        return Ruling(anchor, deadline_at, is_missed=False, look_again_at=deadline_at)
    # A run that begins later moves the anchor, and passes no earlier than this.
    later = now + watched.window
    if watched.missed_anchor == anchor:
        return Ruling(anchor, deadline_at, is_missed=False, look_again_at=later)
    if watched.is_waiting:
        return Ruling(anchor, deadline_at, is_missed=False, look_again_at=now + SOON)
    is_seen = not watched.is_failing and watched.looked_at is not None and watched.looked_at >= deadline_at
    if not is_seen and now < deadline_at + LONGEST_DOUBT:
        return Ruling(anchor, deadline_at, is_missed=False, look_again_at=now + SOON)
    return Ruling(anchor, deadline_at, is_missed=True, look_again_at=later, is_doubtful=not is_seen)


def usual_arrival(arrivals: Sequence[datetime], zone: ZoneInfo) -> Usual | None:
    """Return by when files usually come, from the last arrivals; None when too few came, or several on a day.

    The day is taken as a circle that begins in its longest quiet: files around midnight are one crowd, not two.
    """
    last = sorted(arrivals)[-MOST:]
    if len(last) < FEWEST or _come_often(last):
        return None
    seconds = sorted(_second_of_day(at.astimezone(zone)) for at in last)
    start = _after_longest_gap(seconds)
    since = sorted((second - start) % _DAY for second in seconds)
    latest = since[-(-95 * len(since) // 100) - 1]
    return Usual(_time(start + round(median(since))), _time(start + latest), len(last))


def _come_often(arrivals: Sequence[datetime]) -> bool:
    gaps = [later - earlier for earlier, later in pairwise(arrivals)]
    return median(gap.total_seconds() for gap in gaps) < _DAY / 2


def _second_of_day(at: datetime) -> int:
    return at.hour * 3_600 + at.minute * 60 + at.second


def _after_longest_gap(seconds: Sequence[int]) -> int:
    following = [*seconds[1:], seconds[0] + _DAY]
    gaps = [(after - before, after % _DAY) for before, after in zip(seconds, following, strict=True)]
    return max(gaps)[1]


def _time(seconds: int) -> time:
    """Return a time of day, up to the full minute: "by 02:10" must not be 02:10:40."""
    minutes = -(-(seconds % _DAY) // 60) % (24 * 60)
    return time(minutes // 60, minutes % 60)
