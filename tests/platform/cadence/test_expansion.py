"""A rule on the wall clock, beside dateutil's own expansion."""
# ruff: noqa: DTZ001 - the wall clock's times, which have no zone

import random
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice, pairwise, takewhile

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from kaireon.platform.cadence.expansion import Expansion
from kaireon.platform.cadence.rules import parse_rule
from kaireon.platform.cadence.walls import wall_of
from tests.platform.cadence.rules import random_rule

# So near the end of all years dateutil ends by itself, also with a rule that is never due.
FIRST_YEAR = 9988
LAST = datetime(9996, 12, 31)
MOST = 60


def at(wall: int, second: int = 0) -> datetime:
    """Return a wall time as the local time that it is."""
    day, minute = divmod(wall, 1440)
    return datetime.combine(date.fromordinal(day), time(minute // 60, minute % 60, second))


def expand(rule: str, start: datetime, begin: datetime, until: datetime) -> list[datetime]:
    """Return our wall times in `[begin, until]`, at most so many."""
    walls = Expansion(parse_rule(rule), start).walls(wall_of(begin))
    return list(islice(takewhile(lambda local: local <= until, (at(wall, start.second) for wall in walls)), MOST))


def dateutil_says(rule: str, start: datetime, begin: datetime, until: datetime) -> list[datetime]:
    """Return dateutil's; it raises for steps that miss every hour, which makes none, and at the calendar's end."""

    def later() -> Iterator[datetime]:
        try:
            yield from (local for local in rrulestr(rule, dtstart=start) if local >= begin)
        except (ValueError, OverflowError):
            return

    return list(islice(takewhile(lambda local: local <= until, later()), MOST))


@settings(max_examples=1_500, deadline=None)
@given(st.integers(0, 2**63))
def test_a_rule_expands_as_dateutil_expands_it(seed: int) -> None:
    dice = random.Random(seed)
    rule = random_rule(dice, with_ends=True)
    start = datetime(FIRST_YEAR, 1, 1, second=dice.choice((0, 17))) + timedelta(minutes=dice.randrange(5 * 525_600))
    is_fine = "HOURLY" in rule or "MINUTELY" in rule
    begin = start.replace(second=0) + timedelta(minutes=dice.randrange(5_000 if is_fine else 1_000_000))
    until = begin + min(timedelta(days=dice.choice((1, 30, 800, 2_000))), LAST - begin)

    found = expand(rule, start, begin, until)

    assert found == dateutil_says(rule, start, begin, until), (rule, start, begin, until)


@pytest.mark.parametrize("week_start", ["MO", "SU", "TH", "SA"])
def test_every_week_number_of_every_shape_of_year_is_dateutils(week_start: str) -> None:
    start, until = datetime(1996, 1, 1), datetime(2024, 12, 31)
    for week in (1, 2, 20, 51, 52, 53, -1, -2, -52, -53):
        rule = f"FREQ=YEARLY;BYWEEKNO={week};WKST={week_start};BYDAY=MO,TU,WE,TH,FR,SA,SU"
        theirs = list(takewhile(lambda local: local <= until, rrulestr(rule, dtstart=start)))

        walls = Expansion(parse_rule(rule), start).walls(wall_of(start))

        assert [at(wall) for wall in islice(walls, len(theirs))] == theirs, week


def test_plain_and_counted_weekdays_are_either_as_the_rfc_has_it() -> None:
    found = expand("FREQ=MONTHLY;BYDAY=1MO,FR", datetime(2026, 11, 1), datetime(2026, 11, 1), datetime(2026, 11, 30))

    assert [local.day for local in found] == [2, 6, 13, 20, 27]


@pytest.mark.parametrize(
    ("rule", "minutes"),
    [
        ("FREQ=MINUTELY", 1),
        ("FREQ=MINUTELY;INTERVAL=7", 7),
        ("FREQ=MINUTELY;INTERVAL=7;BYMINUTE=0,30", 210),
        ("FREQ=MINUTELY;BYHOUR=9;BYMINUTE=59", 1440),
        ("FREQ=MINUTELY;INTERVAL=1440;BYHOUR=5", None),
        ("FREQ=HOURLY;BYMINUTE=0,50", 10),
        ("FREQ=HOURLY;INTERVAL=3;BYMINUTE=0,59", 59),
        ("FREQ=HOURLY;INTERVAL=3", 180),
        ("FREQ=HOURLY;BYHOUR=9,17", 480),
        ("FREQ=HOURLY;BYMINUTE=0,50;BYSETPOS=2", 60),
        ("FREQ=DAILY", 1440),
        ("FREQ=DAILY;BYHOUR=0,23", 60),
        ("FREQ=WEEKLY;BYHOUR=9;BYMINUTE=0,1", 1),
        ("FREQ=DAILY;BYHOUR=9,10;BYSETPOS=1", 1440),
        ("FREQ=MONTHLY;BYDAY=MO,FR;BYSETPOS=-1", 28 * 1440),
        ("FREQ=YEARLY;COUNT=1;BYDAY=MO;BYSETPOS=1", None),
    ],
)
def test_the_shortest_gap_is_that_between_two_times(rule: str, minutes: int | None) -> None:
    assert Expansion(parse_rule(rule), datetime(2026, 1, 1)).shortest_gap() == minutes


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**63))
def test_no_two_times_are_nearer_than_the_shortest_gap(seed: int) -> None:
    dice = random.Random(seed)
    expansion = Expansion(parse_rule(random_rule(dice)), datetime(2026, 1, 1) + timedelta(minutes=dice.randrange(9**6)))
    gap = expansion.shortest_gap()

    walls = list(islice(expansion.walls(expansion.first), 50))

    assert gap is not None or len(walls) < 2
    assert all(later - earlier >= (gap or 0) for earlier, later in pairwise(walls))


@pytest.mark.parametrize(
    ("rule", "day", "count"),
    [
        ("FREQ=MINUTELY;INTERVAL=5", "2026-11-21", 288),
        ("FREQ=MINUTELY;INTERVAL=5", "2025-12-31", 0),
        ("FREQ=MINUTELY;COUNT=100", "2026-01-01", 100),
        ("FREQ=MINUTELY;COUNT=1500", "2026-01-02", 60),
        ("FREQ=WEEKLY;BYDAY=SA;BYHOUR=8,9", "2026-11-21", 2),
        ("FREQ=WEEKLY;BYDAY=SA;BYHOUR=8,9", "2026-11-22", 0),
        ("FREQ=MONTHLY;BYDAY=SA;BYSETPOS=3", "2026-11-21", 1),
    ],
)
def test_a_day_has_so_many_times(rule: str, day: str, count: int) -> None:
    assert Expansion(parse_rule(rule), datetime(2026, 1, 1)).on_day(date.fromisoformat(day)) == count


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=4,6;BYMONTHDAY=31",
        "FREQ=MINUTELY;INTERVAL=1440;BYHOUR=5",
        "FREQ=MINUTELY;INTERVAL=999999;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYWEEKNO=20;BYMONTH=1",
    ],
)
def test_a_rule_that_is_never_due_ends(rule: str) -> None:
    assert list(Expansion(parse_rule(rule), datetime(2026, 1, 1)).walls(0)) == []


def test_a_count_of_which_there_are_fewer_ends_nowhere() -> None:
    expansion = Expansion(parse_rule("FREQ=YEARLY;INTERVAL=10;COUNT=1000"), datetime(2026, 1, 1))

    assert expansion.last is None
    assert [at(wall).year for wall in islice(expansion.walls(0), 3)] == [2026, 2036, 2046]


def test_the_end_of_the_calendar_is_an_end() -> None:
    expansion = Expansion(parse_rule("FREQ=YEARLY"), datetime(9995, 1, 1))

    assert [at(wall).year for wall in expansion.walls(0)] == [9995, 9996]
