"""A recurrence rule on the wall clock: its wall times from any one on, none of those before being gone through."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, date, datetime
from functools import cached_property
from itertools import groupby, islice, pairwise, takewhile
from math import gcd
from typing import Final

from kaireon.platform.cadence.rules import Frequency, Rule
from kaireon.platform.cadence.walls import DAY_MINUTES, wall_of
from kaireon.platform.cadence.year_days import DayFilter

# What has not come in so many years does not come: a 29 February on a given weekday takes forty, around 2100.
HORIZON: Final = 60 * 366 * DAY_MINUTES
_END: Final = date(MAXYEAR - 2, 1, 1).toordinal() * DAY_MINUTES
_LONGEST_PERIOD: Final = 366 * DAY_MINUTES
# So many occurrences tell the shortest gap of positions in a set.
_LOOKED_AT: Final = 100
# A COUNT that so many years do not reach ends nothing that anybody will see.
_COUNTED: Final = 200 * 366 * DAY_MINUTES


@dataclass(frozen=True)
class Expansion:
    """A rule from a start on. What a rule leaves out it takes from the start, as dateutil does."""

    rule: Rule
    start: datetime

    def walls(self, begin: int) -> Iterator[int]:
        """Yield the wall times from one on, in order, until the rule ends or none comes within sixty years."""
        last = self.last
        for wall in self._unending(begin):
            if last is not None and wall > last:
                return
            yield wall

    def on_day(self, day: date) -> int:
        """Return how many wall times a day has; an UNTIL is not looked at."""
        begin = day.toordinal() * DAY_MINUTES
        end = begin + DAY_MINUTES
        is_whole = begin >= self.first and (self.last is None or end <= self.last)
        if is_whole and self._on_each_day is not None:
            return self._on_each_day if next(self._days(day.toordinal(), end), None) == day.toordinal() else 0
        return sum(1 for _ in self._between(begin, end if self.last is None else min(end, self.last + 1)))

    def names(self, local: datetime) -> bool:
        """Tell whether a local time is one of the rule's."""
        wall = wall_of(local)
        return any(True for _ in self._between(wall, wall + 1))

    def shortest_gap(self) -> int | None:
        """Return the least number of minutes between two wall times; None where there are no two.

        Any two days are taken to follow one another, as for cron.
        """
        if self.is_picked:
            walls = islice(self.walls(self.first), _LOOKED_AT)
            return min((later - earlier for earlier, later in pairwise(walls)), default=None)
        return _gap_of_times(self._times) if self.rule.frequency <= Frequency.DAILY else self._gap_of_slots()

    @cached_property
    def first(self) -> int:
        """The start's own wall time: none is before it."""
        return wall_of(self.start)

    @cached_property
    def last(self) -> int | None:
        """The wall time that COUNT ends at; None where there is no COUNT, or two hundred years have not so many."""
        count = self.rule.count
        walls = takewhile(lambda wall: wall < self.first + _COUNTED, self._unending(self.first))
        return None if count is None else next(islice(walls, count - 1, None), None)

    @cached_property
    def is_picked(self) -> bool:
        """Tell whether BYSETPOS chooses among the times of several days."""
        return bool(self.rule.positions) and self.rule.frequency < Frequency.DAILY

    @cached_property
    def _on_each_day(self) -> int | None:
        """How many wall times each named day has; None where that differs."""
        is_coarse = self.rule.frequency <= Frequency.DAILY
        if self.is_picked or not (is_coarse or DAY_MINUTES // self._unit % self.rule.interval == 0):
            return None
        return len(self._times) if is_coarse else len(self._slots) * len(self._in_slot)

    @cached_property
    def _days_named(self) -> DayFilter:
        rule, start, weekdays = self.rule, self.start, self.rule.weekdays
        months, month_days = rule.months, rule.month_days
        if not rule.names_days:
            if rule.frequency is Frequency.YEARLY:
                months = months or frozenset({start.month})
            if rule.frequency <= Frequency.MONTHLY:
                month_days = frozenset({start.day})
            elif rule.frequency is Frequency.WEEKLY:
                weekdays = frozenset({(start.weekday(), 0)})
        return DayFilter(
            months=months, month_days=month_days, year_days=rule.year_days, week_numbers=rule.week_numbers,
            weekdays=weekdays, week_start=rule.week_start,
            counts_by_month=rule.frequency is Frequency.MONTHLY or bool(rule.months),
        )  # fmt: skip

    @cached_property
    def _times(self) -> tuple[int, ...]:
        """The minutes of a day, of a rule of days or longer periods."""
        hours, minutes = self.rule.hours or (self.start.hour,), self.rule.minutes or (self.start.minute,)
        times = [hour * 60 + minute for hour in hours for minute in minutes]
        return tuple(times) if self.rule.frequency < Frequency.DAILY else self._pick(times)

    @cached_property
    def _unit(self) -> int:
        """The minutes of a slot: of an hour, or of a minute."""
        return 60 if self.rule.frequency is Frequency.HOURLY else 1

    @cached_property
    def _in_slot(self) -> tuple[int, ...]:
        minutes = self.rule.minutes or (self.start.minute,)
        return self._pick(minutes if self._unit == 60 else (0,))

    @cached_property
    def _slots(self) -> frozenset[int]:
        """The slots of a day that the rule names and that its steps reach on some day."""
        hours, minutes = self.rule.hours or range(24), self.rule.minutes or range(60)
        named = hours if self._unit == 60 else [hour * 60 + minute for hour in hours for minute in minutes]
        step = gcd(self.rule.interval, DAY_MINUTES // self._unit)
        return frozenset(slot for slot in named if (slot - self.first // self._unit) % step == 0)

    def _unending(self, begin: int) -> Iterator[int]:
        begin, is_fruitful = max(begin, self.first), True
        while is_fruitful and begin < _END:
            is_fruitful, end = False, min(begin + HORIZON, _END)
            for wall in self._between(begin, end):
                is_fruitful = True
                yield wall
            begin = end

    def _between(self, begin: int, end: int) -> Iterator[int]:
        """Yield the wall times in `[begin, end)`."""
        begin = max(begin, self.first)
        if self.is_picked:
            yield from self._picked(begin, end)
        elif self._times if self.rule.frequency <= Frequency.DAILY else self._slots and self._in_slot:
            for day in self._days(begin // DAY_MINUTES, end):
                midnight = day * DAY_MINUTES
                for minute in self._minutes(day, begin - midnight):
                    if midnight + minute >= end:
                        return
                    yield midnight + minute

    def _picked(self, begin: int, end: int) -> Iterator[int]:
        """Yield the chosen of each period's set; the first week begins with the start, as dateutil has it."""
        days = self._days(self._period_begins(begin // DAY_MINUTES), end + _LONGEST_PERIOD)
        for _, each in groupby(days, key=self._period):
            for wall in self._pick([day * DAY_MINUTES + minute for day in each for minute in self._times]):
                if wall >= end:
                    return
                if wall >= begin:
                    yield wall

    def _pick(self, whole: Iterable[int]) -> tuple[int, ...]:
        """Return what BYSETPOS chooses of an ordered set; all without one."""
        ordered = tuple(whole)
        if not self.rule.positions:
            return ordered
        places = {place - 1 if place > 0 else len(ordered) + place for place in self.rule.positions}
        return tuple(ordered[place] for place in sorted(places) if 0 <= place < len(ordered))

    def _days(self, first: int, end: int) -> Iterator[int]:
        """Yield the days, as ordinals, that are named and whose period counts, up to a wall time."""
        year, interval = date.fromordinal(first).year, self.rule.interval
        while (january := date(year, 1, 1).toordinal()) * DAY_MINUTES < end:
            days = self._days_named.days_of(year)
            for day in islice(days, bisect_left(days, first - january), None):
                if interval == 1 or self._period(january + day) % interval == 0:
                    yield january + day
            year += 1

    def _period(self, day: int) -> int:
        """Return how many periods a day is after the start's; periods within a day are looked at by `_minutes`."""
        match self.rule.frequency:
            case Frequency.YEARLY:
                return date.fromordinal(day).year - self.start.year
            case Frequency.MONTHLY:
                local = date.fromordinal(day)
                return (local.year - self.start.year) * 12 + local.month - self.start.month
            case Frequency.WEEKLY:
                return (day - self._week_of(self.start.toordinal())) // 7
            case Frequency.DAILY:
                return day - self.start.toordinal()
        return 0

    def _period_begins(self, day: int) -> int:
        local = date.fromordinal(day)
        if self.rule.frequency is Frequency.WEEKLY:
            return max(self._week_of(day), self.start.toordinal())
        return local.replace(month=1, day=1).toordinal() if self.rule.frequency is Frequency.YEARLY else (
            local.replace(day=1).toordinal()
        )  # fmt: skip

    def _week_of(self, day: int) -> int:
        # The first of January of the year 1 is a Monday, and its ordinal is 1.
        return day - (day - 1 - self.rule.week_start) % 7

    def _minutes(self, day: int, least: int) -> Iterator[int]:
        """Yield the minutes of a day that counts, from one on."""
        if self.rule.frequency <= Frequency.DAILY:
            yield from islice(self._times, bisect_left(self._times, least), None)
            return
        unit, interval, per_day = self._unit, self.rule.interval, DAY_MINUTES // self._unit
        step = (self.first // unit - day * per_day) % interval
        wanted = max(least, 0) // unit
        if step < wanted:
            step += (wanted - step + interval - 1) // interval * interval
        for slot in range(step, per_day, interval):
            if slot in self._slots:
                yield from (slot * unit + minute for minute in self._in_slot if slot * unit + minute >= least)

    def _gap_of_slots(self) -> int | None:
        """Return the least gap within a slot, or over a multiple of the interval that leads from slot to slot."""
        if not self._slots or not self._in_slot:
            return None
        per_day, inside = DAY_MINUTES // self._unit, self._in_slot
        gaps = [later - earlier for earlier, later in pairwise(inside)]
        for step in range(1, per_day // gcd(self.rule.interval, per_day) + 1):
            slots = step * self.rule.interval
            if any((slot + slots) % per_day in self._slots for slot in self._slots):
                return min([*gaps, slots * self._unit - inside[-1] + inside[0]])
        return None  # pragma: no cover - after that many steps a slot meets itself


def _gap_of_times(times: tuple[int, ...]) -> int | None:
    if not times:
        return None
    return min([later - earlier for earlier, later in pairwise(times)] + [DAY_MINUTES - times[-1] + times[0]])
