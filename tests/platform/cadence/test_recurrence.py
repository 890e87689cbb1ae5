"""Recurrence rules in zones: dateutil's wall times, each at the instant that the zone gives it."""
# ruff: noqa: DTZ001 - the wall clock's times, which have no zone

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from kaireon.platform.cadence import CadenceError, never_due, read_recurrence
from tests.platform.cadence.rules import random_rule

BERLIN = ZoneInfo("Europe/Berlin")
DAY = timedelta(days=1)
# A change of the clock of each zone; Samoa left out a day, India has none.
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


def utc(text: str) -> datetime:
    """Read an ISO time as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def brute_force(rule: str, start: datetime, zone: ZoneInfo, after: datetime, until: datetime) -> list[datetime]:
    """Return the instants in `(after, until]` of dateutil's expansion of the whole rule on the wall clock."""
    end = until.astimezone(zone).replace(tzinfo=None) + 2 * DAY

    def walls() -> Iterator[datetime]:
        for local in rrulestr(rule, dtstart=start):
            if local > end:
                return
            yield local

    found = {local.replace(tzinfo=zone).astimezone(UTC) for local in walls()}
    return sorted(instant for instant in found if after < instant <= until)


@settings(max_examples=1_000, deadline=None)
@given(st.integers(0, 2**63), st.sampled_from(PLACES))
def test_instants_around_clock_changes_are_dateutils_wall_times(seed: int, place: tuple[str, datetime]) -> None:
    dice = random.Random(seed)
    zone, change = ZoneInfo(place[0]), place[1]
    rule = random_rule(dice)
    start = change.replace(tzinfo=None) - timedelta(minutes=dice.randrange(6 * 1440), seconds=dice.choice((0, 17)))
    recurrence = read_recurrence(rule, dtstart=start, zone=zone)
    after = change + timedelta(minutes=dice.randrange(-3 * 1440, 2 * 1440))
    until = after + timedelta(minutes=dice.randrange(1, 2 * 1440))
    # A rule that is never due sends dateutil to the year 9999.
    last = recurrence.next(until + 3 * DAY)
    wanted = brute_force(rule, start, zone, after, until) if last is not None else []

    found = [instant for instant in islice(recurrence.upcoming(after), len(wanted) + 1) if instant <= until]

    assert found == wanted, (rule, start, after, until)
    assert recurrence.latest(until, after=after) == (wanted[-1] if wanted else None)
    assert recurrence.count(after, until) == len(wanted)


@pytest.mark.parametrize(
    ("rule", "after", "due"),
    [
        ("FREQ=DAILY;BYHOUR=2;BYMINUTE=30", "2026-03-28T12:00", ["2026-03-29T01:30", "2026-03-30T00:30"]),
        ("FREQ=DAILY;BYHOUR=2,3;BYMINUTE=0", "2026-03-28T12:00", ["2026-03-29T01:00", "2026-03-30T00:00"]),
        ("FREQ=DAILY;BYHOUR=2,3;BYMINUTE=0,30", "2026-03-28T12:00", ["2026-03-29T01:00", "2026-03-29T01:30"]),
        ("FREQ=DAILY;BYHOUR=2;BYMINUTE=30", "2026-10-24T12:00", ["2026-10-25T00:30", "2026-10-26T01:30"]),
        ("FREQ=HOURLY", "2026-10-24T23:30", ["2026-10-25T00:00", "2026-10-25T02:00"]),
    ],
)
def test_a_gap_moves_by_its_width_and_the_first_pass_counts(rule: str, after: str, due: list[str]) -> None:
    recurrence = read_recurrence(rule, dtstart=datetime(2026, 1, 1), zone=BERLIN)

    assert list(islice(recurrence.upcoming(utc(after)), 2)) == [utc(each) for each in due]


def test_what_a_gap_moves_beyond_later_times_comes_in_order() -> None:
    recurrence = read_recurrence("FREQ=MINUTELY;INTERVAL=7", dtstart=datetime(2026, 3, 29), zone=BERLIN)

    found = list(islice(recurrence.upcoming(utc("2026-03-29T00:50")), 30))

    assert found == sorted(set(found))
    assert [f"{each:%H:%M}" for each in found[:6]] == ["00:52", "00:59", "01:02", "01:06", "01:09", "01:13"]


@pytest.mark.parametrize(
    ("rule", "after", "due"),
    [
        ("FREQ=DAILY;COUNT=3", "2026-01-01T12:00", "2026-01-02T08:00"),
        ("FREQ=DAILY;COUNT=3", "2026-01-03T07:59", "2026-01-03T08:00"),
        ("FREQ=DAILY;COUNT=3", "2026-01-03T08:00", None),
        ("FREQ=DAILY;UNTIL=20260103T080000Z", "2026-01-03T07:59", "2026-01-03T08:00"),
        ("FREQ=DAILY;UNTIL=20260103T075959Z", "2026-01-02T09:00", None),
        ("FREQ=DAILY;UNTIL=20200101T000000Z", "2026-01-02T09:00", None),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO", "2072-03-01T00:00", "2112-02-29T08:00"),
    ],
)
def test_a_rule_ends_with_its_count_or_until(rule: str, after: str, due: str | None) -> None:
    recurrence = read_recurrence(rule, dtstart=utc("2026-01-01T08:00"), zone=ZoneInfo("UTC"))

    assert recurrence.next(utc(after)) == (utc(due) if due else None)


def test_nothing_is_counted_or_found_beyond_an_until() -> None:
    rule = "FREQ=DAILY;UNTIL=20260103T080000Z"
    recurrence = read_recurrence(rule, dtstart=utc("2026-01-01T08:00"), zone=ZoneInfo("UTC"))

    until = utc("2030-01-01T00:00")

    assert recurrence.count(utc("2026-01-01T08:00"), until) == 2
    assert recurrence.latest(until, after=utc("2026-01-01T08:00")) == utc("2026-01-03T08:00")


def test_the_shortest_gap_is_that_of_the_wall_clock() -> None:
    twice, once = (
        read_recurrence(rule, dtstart=datetime(2026, 1, 1), zone=BERLIN)
        for rule in ("FREQ=DAILY;BYHOUR=2,3", "FREQ=YEARLY;COUNT=1;BYDAY=MO;BYSETPOS=1")
    )

    assert (twice.shortest_gap(), once.shortest_gap()) == (timedelta(hours=1), None)


def test_a_start_with_an_offset_is_brought_into_the_zone() -> None:
    recurrence = read_recurrence("FREQ=DAILY", dtstart=datetime(2026, 1, 1, 23, 30, tzinfo=UTC), zone=BERLIN)

    assert recurrence.expansion.start == datetime(2026, 1, 2, 0, 30)
    assert recurrence.next(utc("2026-06-01T00:00")) == utc("2026-06-01T22:30")


@pytest.mark.parametrize("year", [1, 1066, 1969, 9000])
def test_a_start_long_ago_or_far_ahead_is_refused(year: int) -> None:
    with pytest.raises(CadenceError, match="a year from 1970 to 8999") as caught:
        read_recurrence("FREQ=DAILY", dtstart=datetime(year, 6, 1), zone=BERLIN)

    assert caught.value.field == "dtstart"


def test_a_forecast_says_what_daylight_saving_does() -> None:
    recurrence = read_recurrence("FREQ=DAILY;BYHOUR=2;BYMINUTE=30", dtstart=datetime(2026, 1, 1), zone=BERLIN)

    spring, autumn = (recurrence.forecast(utc(each), 2) for each in ("2026-03-28T12:00", "2026-10-24T12:00"))

    assert [(f"{each.local:%H:%M}", each.note) for each in spring] == [
        ("03:30", "moved out of the hour that the clock skips"), ("02:30", ""),
    ]  # fmt: skip
    assert [each.note for each in autumn] == ["the clock shows 02:30 twice: first pass", ""]


@pytest.mark.parametrize(
    ("rule", "dtstart", "says"),
    [
        ("FREQ=DAILY", None, ""),
        ("FREQ=DAILY;UNTIL=20200101T000000Z", None, ""),
        ("FREQ=DAILY;UNTIL=20200101T000000Z", "2026-01-01T00:00", "its UNTIL is before"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", None, "no time has everything"),
        ("FREQ=MINUTELY;INTERVAL=1440;BYHOUR=5", None, ""),
        ("FREQ=MINUTELY;INTERVAL=1440;BYHOUR=5", "2026-01-01T00:00", "no time has everything"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;UNTIL=20300101T000000Z", "2026-01-01T00:00", "no time has everything"),
    ],
)
def test_a_rule_that_is_never_due_is_told(rule: str, dtstart: str | None, says: str) -> None:
    start = None if dtstart is None else datetime.fromisoformat(dtstart)

    refusal = never_due(rule, dtstart=start, zone=BERLIN)

    assert (says in refusal) if says else refusal == ""


def test_the_next_time_costs_the_same_however_long_ago_the_rule_began() -> None:
    now = utc("2026-11-21T10:02")
    rules = ("FREQ=MINUTELY;INTERVAL=5", "FREQ=HOURLY;BYDAY=MO", "FREQ=MONTHLY;BYDAY=FR;BYSETPOS=-1", "FREQ=YEARLY")
    recurrences = [read_recurrence(rule, dtstart=datetime(1970, 1, 1), zone=BERLIN) for rule in rules]

    begun = time.perf_counter()
    for recurrence in recurrences * 10:
        assert recurrence.next(now)
    took = (time.perf_counter() - begun) / 40

    # dateutil takes 224 ms for the first one when it began a year ago, and ten seconds since 1970.
    assert took < 0.005


def test_a_year_of_minutes_is_counted_by_its_days() -> None:
    recurrence = read_recurrence("FREQ=MINUTELY", dtstart=datetime(2020, 1, 1), zone=BERLIN)
    after, until = utc("2025-01-01T12:34"), utc("2026-01-01T12:34")

    # The hour that the clock skips coincides with the next, the one that it repeats is not due again.
    assert recurrence.count(after, until) == 365 * 1440 - 60
