"""Periods: calendar days of a zone across every kind of clock change, the same shape before, and their words."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.decisions.periods import (
    Stretch,
    between_dates,
    days_of,
    describe_dates,
    describe_period,
    last_date,
    last_days,
    last_hours,
    midnight,
)

ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "America/St_Johns", "America/Havana", "Australia/Lord_Howe",
    "Africa/Casablanca", "Asia/Kathmandu", "Pacific/Auckland", "Pacific/Chatham", "Asia/Beirut", "America/Asuncion",
    "Asia/Tehran", "Pacific/Kiritimati",
)  # fmt: skip
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def utc(month: int, day: int, hour: int = 0, minute: int = 0, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def test_the_last_day_ends_where_the_report_does() -> None:
    period = last_days(utc(3, 5, 10), 3, "UTC")

    assert period.current == (utc(3, 3), utc(3, 5, 10))
    assert period.before == (utc(2, 28), utc(3, 2, 10))
    assert [(day.date.day, day.start, day.end) for day in period.days] == [
        (3, utc(3, 3), utc(3, 4)), (4, utc(3, 4), utc(3, 5)), (5, utc(3, 5), utc(3, 5, 10)),
    ]  # fmt: skip
    assert [day.date.day for day in period.days_before] == [28, 1, 2]


def test_a_report_at_midnight_shows_whole_days() -> None:
    period = last_days(utc(3, 4, 23), 2, "Europe/Berlin")

    assert period.current == (utc(3, 2, 23), utc(3, 4, 23))
    assert period.before == (utc(2, 28, 23), utc(3, 2, 23))
    assert [day.date.day for day in period.days] == [3, 4]


def test_today_is_one_day_up_to_now_beside_yesterday_up_to_the_same_hour() -> None:
    period = last_days(utc(3, 5, 10), 1, "Europe/Berlin")

    assert period.current == (utc(3, 4, 23), utc(3, 5, 10))
    assert period.before == (utc(3, 3, 23), utc(3, 4, 10))


def test_a_baseline_is_whole_days_right_before() -> None:
    period = last_days(utc(3, 5, 10), 1, "UTC", baseline_days=14)

    assert period.current == (utc(3, 5), utc(3, 5, 10))
    assert period.before == (utc(2, 19), utc(3, 5))


def test_hours_are_real_ones() -> None:
    period = last_hours(utc(10, 25, 3), 24, "Europe/Berlin")

    assert period.current == (utc(10, 24, 3), utc(10, 25, 3))
    assert period.before == (utc(10, 23, 3), utc(10, 24, 3))


@pytest.mark.parametrize(
    ("until", "before_end"),
    [
        (utc(3, 30, 10), utc(3, 28, 11)),
        (utc(10, 26, 10), utc(10, 24, 9)),
        (datetime(2026, 3, 31, 2, 30, tzinfo=ZoneInfo("Europe/Berlin")), utc(3, 29, 1, 30)),
        (datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")), utc(10, 23, 0, 30)),
        (datetime(2026, 10, 27, 2, 30, tzinfo=ZoneInfo("Europe/Berlin")), utc(10, 25, 0, 30)),
    ],
    ids=["after the gap", "after the repeated hour", "into the gap", "from the repeated hour", "into the repeated one"],
)
def test_the_period_before_ends_at_the_same_time_of_the_clock(until: datetime, before_end: datetime) -> None:
    assert last_days(until, 2, "Europe/Berlin").before.end == before_end


@pytest.mark.parametrize(
    ("zone", "day", "first", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), utc(3, 28, 23), 23),
        ("Europe/Berlin", date(2026, 10, 25), utc(10, 24, 22), 25),
        ("Australia/Lord_Howe", date(2026, 4, 5), utc(4, 4, 13), 24.5),
        ("Australia/Lord_Howe", date(2026, 10, 4), utc(10, 3, 13, 30), 23.5),
        ("America/Havana", date(2026, 3, 8), utc(3, 8, 5), 23),
        ("America/Havana", date(2026, 11, 1), utc(11, 1, 4), 25),
        ("Asia/Beirut", date(2026, 3, 29), utc(3, 28, 22), 23),
        ("Asia/Kathmandu", date(2026, 3, 29), utc(3, 28, 18, 15), 24),
    ],
    ids=["berlin forward", "berlin back", "half an hour back", "half an hour forward", "midnight skipped",
         "midnight twice", "midnight skipped in beirut", "no change"],
)  # fmt: skip
def test_a_day_begins_at_its_first_instant_and_has_all_its_hours(
    zone: str, day: date, first: datetime, hours: float
) -> None:
    stretch = between_dates(day, day, zone)

    assert stretch.start == first == midnight(day, zone)
    assert stretch.end - stretch.start == hours * HOUR
    assert stretch.days == hours / 24


@given(
    minutes=st.integers(0, 16 * 365 * 24 * 60),
    days=st.integers(1, 365),
    zone=st.sampled_from(ZONES),
)  # fmt: skip
def test_days_cover_the_period_without_gap_or_overlap(minutes: int, days: int, zone: str) -> None:
    end = utc(1, 1, 0, 1, year=2020) + timedelta(minutes=minutes)

    period = last_days(end, days, zone)

    assert len(period.days) == len(period.days_before) == days
    for stretch, covered in ((period.current, period.days), (period.before, period.days_before)):
        assert (covered[0].start, covered[-1].end) == stretch
        assert all(one.end == other.start and one.date + DAY == other.date for one, other in pairwise(covered))
        for day in covered:
            assert day.start < day.end
            assert day.start.astimezone(ZoneInfo(zone)).date() == last_date(day.end, zone) == day.date
    assert period.before.end <= period.current.start
    assert period.current.end == end


def test_a_stretch_without_time_has_no_days() -> None:
    assert days_of(Stretch(utc(3, 5), utc(3, 5)), "UTC") == []


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        (date(2026, 11, 14), date(2026, 11, 20), "14 to 20 Nov 2026"),
        (date(2026, 10, 31), date(2026, 11, 6), "31 Oct to 6 Nov 2026"),
        (date(2025, 12, 29), date(2026, 1, 4), "29 Dec 2025 to 4 Jan 2026"),
        (date(2026, 11, 20), date(2026, 11, 20), "20 Nov 2026"),
        (date(2026, 11, 21), date(2026, 11, 20), "20 Nov 2026"),
    ],
    ids=["a month", "two months", "two years", "one day", "the wrong way round"],
)
def test_days_in_words(first: date, last: date, words: str) -> None:
    assert describe_dates(first, last) == words


def test_a_report_covers_from_the_first_to_the_last_of_its_sections() -> None:
    week, month = last_days(utc(3, 4, 23), 7, "Europe/Berlin"), last_days(utc(3, 4, 23), 30, "Europe/Berlin")

    assert describe_period([week.current, month.current], "Europe/Berlin") == "3 Feb to 4 Mar 2026"


def test_a_report_of_nothing_covers_nothing() -> None:
    assert describe_period([], "UTC") == ""
