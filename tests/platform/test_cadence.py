"""Cadence: cron text, zones, and when an expression is due, daylight saving included."""

import contextlib
import re
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from kaireon.platform.cadence import CadenceError, load_zone, parse_cron, read_cadence

BERLIN = "Europe/Berlin"
ZONES = (
    "UTC", BERLIN, "Europe/London", "America/New_York", "America/Los_Angeles", "America/Sao_Paulo", "America/Havana",
    "America/Santiago", "America/St_Johns", "America/Asuncion", "Africa/Casablanca", "Africa/Cairo", "Asia/Tehran",
    "Asia/Beirut", "Asia/Gaza", "Asia/Kathmandu", "Asia/Jerusalem", "Australia/Lord_Howe", "Australia/Adelaide",
    "Pacific/Chatham",
)  # fmt: skip
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
START, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)


def at(text: str) -> datetime:
    """Read an ISO time as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def changes_of(name: str) -> Iterator[datetime]:
    """Yield the first instants with another offset, from 2020 to 2035."""
    zone, instant = ZoneInfo(name), START
    while instant < END:
        later = instant + timedelta(hours=6)
        if later.astimezone(zone).utcoffset() != instant.astimezone(zone).utcoffset():
            while instant.astimezone(zone).utcoffset() != later.astimezone(zone).utcoffset():
                instant += timedelta(minutes=15)
            yield instant
        instant = max(later, instant)


CHANGES = [(name, change) for name in ZONES for change in changes_of(name)]


# --- Cron text


@pytest.mark.parametrize(
    ("text", "minutes", "hours"),
    [
        ("0 9 * * *", (0,), (9,)),
        ("*/20 8-10 * * *", (0, 20, 40), (8, 9, 10)),
        ("5/20 8-14/3 * * *", (5, 25, 45), (8, 11, 14)),
        ("1,2,1 0 * * *", (1, 2), (0,)),
        ("  7\t3  * * *  ", (7,), (3,)),
        ("59 23 * * *", (59,), (23,)),
    ],
)
def test_fields_are_sets_of_numbers(text: str, minutes: tuple[int, ...], hours: tuple[int, ...]) -> None:
    cron = parse_cron(text)

    assert (cron.minutes, cron.hours) == (minutes, hours)


@pytest.mark.parametrize(
    ("text", "weekdays"),
    [
        ("* * * * 1-5", {1, 2, 3, 4, 5}),
        ("* * * * MON-fri", {1, 2, 3, 4, 5}),
        ("* * * * 0", {0}),
        ("* * * * 7", {0}),
        ("* * * * 5-7", {5, 6, 0}),
        ("* * * * sun,3", {0, 3}),
        ("* * * * *", set(range(7))),
    ],
)
def test_weekdays_count_from_sunday_and_have_names(text: str, weekdays: set[int]) -> None:
    assert parse_cron(text).weekdays == weekdays


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has 0 fields"),
        ("* * * *", "has 4 fields"),
        ("*", "has 1 field."),
        ("0 0 9 * * *", "has 6 fields"),
        ("@daily", "Nicknames"),
        ("0 9 ? * 1", "day-of-month: '?'"),
        ("0 9 L * *", "day-of-month: L is not"),
        ("0 9 15W * *", "day-of-month: 15W is not"),
        ("0 9 * * 1#2", "day-of-week: '1#2'"),
        ("60 9 * * *", "minute: 60 is not from 0 to 59"),
        ("0 24 * * *", "hour: 24 is not from 0 to 23"),
        ("0 9 0 * *", "day-of-month: 0 is not from 1 to 31"),
        ("0 9 * 13 *", "month: 13 is not from 1 to 12"),
        ("0 9 * foo *", "month: foo is not"),
        ("0 9 * * 8", "day-of-week: 8 is not from 0 to 7"),
        ("0 9 * * MOO", "day-of-week: MOO is not"),
        ("0 9 * MON *", "month: MON is not"),
        ("0 17-9 * * *", "hour: 17-9 runs backwards; give 17-23,0-9"),
        ("*/0 * * * *", "minute: the step"),
        ("*/x * * * *", "minute: the step"),
        ("*/60 * * * *", "minute: the step"),
        ("1, * * * *", "minute: ''"),
        ("1-2-3 * * * *", "minute: '1-2-3'"),
        ("-1 * * * *", "minute: '-1'"),
        ("000 * * * *", "minute: 000 is not"),
        ("٣ * * * *", "minute: '٣'"),
        ("0 9 30 2 *", "day-of-month: no such day in month 2"),
        ("0 9 31 4,6 *", "day-of-month: no such day"),
        ("0\n9 * * *", "has 4 fields"),
        ("0 9 * * *\x00", "day-of-week"),
        ("1," * 5000 + "1 * * * *", "longer than"),
    ],
)  # fmt: skip
def test_what_is_no_cron_is_refused_with_the_form(text: str, says: str) -> None:
    with pytest.raises(CadenceError, match=re.escape(says)) as caught:
        parse_cron(text)

    assert caught.value.field == "cronExpression"
    assert "five fields" in caught.value.message


@given(st.text(max_size=60))
@example("0 9 29 2 1")
@example("⁵ * * * *")
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(CadenceError):
        cron = parse_cron(text)

        assert {*cron.minutes} <= {*range(60)}
        assert {*cron.hours} <= {*range(24)}


@pytest.mark.parametrize(
    ("text", "named", "not_named"),
    [
        ("0 0 13 * 5", ["2026-11-13", "2026-11-06", "2026-10-13"], ["2026-11-12"]),
        ("0 0 13 * *", ["2026-11-13", "2026-10-13"], ["2026-11-06"]),
        ("0 0 * * 5", ["2026-11-13", "2026-11-06"], ["2026-10-13"]),
        ("0 0 13 11 5", ["2026-11-13", "2026-11-06"], ["2026-10-13", "2026-10-16"]),
        ("0 0 */1 * 5", ["2026-11-13", "2026-11-06"], ["2026-10-13"]),
        ("0 0 */10 * 5", ["2026-11-11", "2026-11-06"], ["2026-11-12"]),
    ],
)
def test_day_of_month_or_day_of_week_as_in_cron(text: str, named: list[str], not_named: list[str]) -> None:
    cron = parse_cron(text)

    assert [day for day in named if not cron.names_day(date.fromisoformat(day))] == []
    assert [day for day in not_named if cron.names_day(date.fromisoformat(day))] == []


# --- Zones


@pytest.mark.parametrize("name", ["UTC", BERLIN, "America/Argentina/Buenos_Aires", "Etc/GMT+5"])
def test_a_zone_has_its_iana_name(name: str) -> None:
    assert load_zone(name).key == name


@pytest.mark.parametrize(
    "name",
    ["", "Mars/Olympus", "europe/berlin", "+02:00", "localtime", "../etc/passwd", "UTC\x00", "posix/UTC", "x" * 999],
)
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(CadenceError, match="There is no time zone") as caught:
        load_zone(name)

    assert caught.value.field == "timezone"
    assert len(caught.value.message) < 160


def test_every_zone_of_the_database_is_read() -> None:
    names = {name for name in zoneinfo.available_timezones() if "/" in name and not name.startswith(("posix", "right"))}

    assert {load_zone(name).key for name in names} == names


# --- Next


@pytest.mark.parametrize(
    ("expression", "zone", "after", "due"),
    [
        ("*/5 * * * *", "UTC", "2026-11-21T10:02:31", "2026-11-21T10:05"),
        ("*/5 * * * *", "UTC", "2026-11-21T10:05:00", "2026-11-21T10:10"),
        ("0 8 * * *", "UTC", "2026-11-21T08:00:00", "2026-11-22T08:00"),
        ("0 9 * * 1-5", BERLIN, "2026-11-20T08:00:00", "2026-11-23T08:00"),
        ("0 9 1 * *", "America/New_York", "2026-10-15T00:00", "2026-11-01T14:00"),
        ("0 0 29 2 *", "UTC", "2096-03-01T00:00", "2104-02-29T00:00"),
        ("59 23 31 12 *", "UTC", "2026-12-31T23:59", "2027-12-31T23:59"),
        ("30 * 29 2 *", "UTC", "2096-03-01T00:00", "2104-02-29T00:30"),
        # The clock goes from 02:00 to 03:00 on 29 March: 02:30 is at 03:30, and 02:00 and 03:00 are one.
        ("30 2 * * *", BERLIN, "2026-03-28T12:00", "2026-03-29T01:30"),
        ("0 2,3 * * *", BERLIN, "2026-03-28T12:00", "2026-03-29T01:00"),
        ("0 2,3 * * *", BERLIN, "2026-03-29T01:00", "2026-03-30T00:00"),
        # It goes from 03:00 back to 02:00 on 25 October: at the first pass, not again at the second.
        ("30 2 * * *", BERLIN, "2026-10-24T12:00", "2026-10-25T00:30"),
        ("30 2 * * *", BERLIN, "2026-10-25T00:30", "2026-10-26T01:30"),
        ("30 * * * *", BERLIN, "2026-10-25T00:30", "2026-10-25T01:30"),
        ("*/30 */2 * * *", BERLIN, "2026-10-25T00:30", "2026-10-25T01:00"),
        # Lord Howe goes from 02:00 back to 01:30 by half an hour, and from 02:00 to 02:30.
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T14:45", "2026-04-05T15:15"),
        ("45 * * * *", "Australia/Lord_Howe", "2026-04-04T14:45", "2026-04-04T15:15"),
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00", "2026-10-03T15:45"),
        # A day begins at one o'clock: midnight is skipped.
        ("0 0 * * *", "Asia/Beirut", "2026-03-28T12:00", "2026-03-28T22:00"),
        # Samoa had no 30 December 2011: what was due then is due a day later, together with the next day's.
        ("0 12 * * *", "Pacific/Apia", "2011-12-29T22:00", "2011-12-30T22:00"),
        ("0 12 * * *", "Pacific/Apia", "2011-12-30T22:00", "2011-12-31T22:00"),
    ],
)
def test_the_next_occurrence(expression: str, zone: str, after: str, due: str) -> None:
    assert read_cadence(expression, zone).next(at(after)) == at(due)


def test_the_argument_may_be_in_any_zone() -> None:
    after = datetime(2026, 11, 21, 23, 30, tzinfo=ZoneInfo("Asia/Tokyo"))

    assert read_cadence("0 15 * * *", "UTC").next(after) == at("2026-11-21T15:00")


@pytest.mark.parametrize("zone", ZONES)
def test_a_fixed_daily_time_is_due_once_on_each_local_date_of_sixteen_years(zone: str) -> None:
    for minute, hour in ((0, 0), (45, 1), (15, 2), (59, 2), (30, 23)):
        cadence = read_cadence(f"{minute} {hour} * * *", zone)

        due = list(takewhile(lambda instant: instant < END, cadence.upcoming(START)))

        local = [instant.astimezone(cadence.zone) for instant in due]
        assert all(later.date() - earlier.date() == DAY for earlier, later in pairwise(local))
        assert len(local) >= 365 * 16
        assert all(moment.fold == 0 for moment in local)
        # At another time than the one named only where the clock skipped it.
        moved = [moment for moment in local if (moment.hour, moment.minute) != (hour, minute)]
        assert all(moment.utcoffset() != (moment - DAY).utcoffset() for moment in moved)


def some_of(low: int, high: int) -> st.SearchStrategy[str]:
    """Make a field of cron: a star, a step, a number, a range or a list."""
    number = st.integers(low, high)
    # The library that is asked for comparison reads 0-0 as a whole week.
    span = st.tuples(st.integers(low, high - 1), number).map(lambda pair: f"{pair[0]}-{max(pair[0] + 1, pair[1])}")
    step = st.integers(2, high).map(lambda step: f"*/{step}")
    listed = st.lists(number.map(str), min_size=1, max_size=4).map(",".join)
    return st.one_of(st.just("*"), step, number.map(str), span, listed)


ELAPSED = st.tuples(some_of(0, 59), st.one_of(st.just("*"), st.integers(1, 23).map(lambda step: f"*/{step}"))).map(
    lambda pair: f"{pair[0]} {pair[1]} * * *"
)
ANY_DAY = st.tuples(some_of(0, 59), some_of(0, 23), some_of(1, 28), some_of(1, 12), some_of(0, 6)).map(" ".join)


def matches(expression: str, local: datetime) -> bool:
    """Tell whether the local clock shows what an expression of minutes and hours names."""
    cron = parse_cron(expression)
    return local.minute in cron.minutes and local.hour in cron.hours


@pytest.mark.parametrize("expression", ["*/7 * * * *", "30 * * * *", "15,45 */2 * * *"])
def test_a_wildcard_hour_is_every_real_minute_whose_clock_matches_around_every_change(expression: str) -> None:
    for name, change in CHANGES:
        zone, first = ZoneInfo(name), change - timedelta(hours=2)
        minutes = [first + step * MINUTE for step in range(1, 4 * 60)]
        wanted = [minute for minute in minutes if matches(expression, minute.astimezone(zone))]

        due = islice(read_cadence(expression, name).upcoming(first), len(wanted) + 1)

        *found, beyond = due
        assert found == wanted, (name, change)
        assert beyond > minutes[-1]


@settings(max_examples=150, deadline=None)
@given(ELAPSED, st.sampled_from(CHANGES), st.integers(-2 * 24 * 60, 24 * 60))
def test_a_wildcard_hour_equals_brute_force(expression: str, change: tuple[str, datetime], offset: int) -> None:
    name, instant = change
    zone, after = ZoneInfo(name), instant + offset * MINUTE

    due = read_cadence(expression, name).next(after)

    assert matches(expression, due.astimezone(zone))
    between = range(1, int((due - after) / MINUTE))
    assert not [step for step in between if matches(expression, (after + step * MINUTE).astimezone(zone))]


@settings(max_examples=300, deadline=None)
@given(ANY_DAY, st.sampled_from(ZONES), st.datetimes(START.replace(tzinfo=None), END.replace(tzinfo=None)))
def test_next_is_strictly_after_its_argument_and_a_whole_minute(expression: str, zone: str, after: datetime) -> None:
    cadence, after = read_cadence(expression, zone), after.replace(tzinfo=UTC)

    first, second = islice(cadence.upcoming(after), 2)

    assert after < first < second
    assert (first.second, first.microsecond, first.tzinfo) == (0, 0, UTC)
    assert cadence.next(first - MINUTE) == first
    assert cadence.next(first) == second


@settings(max_examples=300, deadline=None)
@given(ANY_DAY, st.datetimes(START.replace(tzinfo=None), END.replace(tzinfo=None)))
def test_without_daylight_saving_the_library_says_the_same(expression: str, after: datetime) -> None:
    cadence, after = read_cadence(expression, "UTC"), after.replace(tzinfo=UTC)
    cron = cadence.cron
    # The library takes a full range such as 0-6 for a star; to Vixie's cron, and ours, it is a restriction.
    assume(cron.is_every_day or len(cron.days) < 31)
    assume(cron.is_every_weekday or len(cron.weekdays) < 7)

    assert cadence.next(after) == croniter(expression, after).get_next(datetime)


# --- Latest, the shortest gap, forecasts


@pytest.mark.parametrize(
    ("expression", "after", "until", "due"),
    [
        ("*/5 * * * *", "2026-11-21T10:00", "2026-11-21T10:14", "2026-11-21T10:10"),
        ("*/5 * * * *", "2026-11-21T10:00", "2026-11-21T10:15", "2026-11-21T10:15"),
        ("*/5 * * * *", "2026-11-21T10:10", "2026-11-21T10:14", None),
        ("0 9 * * *", "2026-10-01T00:00", "2026-11-21T08:59", "2026-11-20T09:00"),
        ("0 9 29 2 *", "2010-01-01T00:00", "2026-11-21T08:59", "2024-02-29T09:00"),
        ("* * * * *", "2010-01-01T00:00", "2026-11-21T08:59", "2026-11-21T08:59"),
        ("0 9 * * *", "2026-11-21T09:00", "2026-11-21T09:00", None),
        ("0 9 * * *", "2026-11-22T09:00", "2026-11-21T09:00", None),
    ],
)
def test_the_latest_occurrence(expression: str, after: str, until: str, due: str | None) -> None:
    found = read_cadence(expression, "UTC").latest(at(until), after=at(after))

    assert found == (at(due) if due else None)


@pytest.mark.parametrize(
    ("expression", "zone", "after", "until"),
    [
        ("*/5 * * * *", "UTC", "2026-11-21T10:00", "2026-11-21T10:14"),
        ("*/7 * * * *", BERLIN, "2026-10-23T10:00", "2026-10-27T10:14"),
        ("30 2,3 * * *", BERLIN, "2026-03-27T10:00", "2026-11-01T10:14"),
        ("0 12 * * 1-5", "Pacific/Apia", "2011-12-25T10:00", "2012-01-05T10:14"),
        ("0 12 * * *", "Pacific/Apia", "2011-12-28T10:00", "2012-01-02T10:14"),
        ("0,30 * * * *", "Australia/Lord_Howe", "2026-04-02T10:00", "2026-04-08T00:00"),
        ("0 0 * * *", "Asia/Beirut", "2026-03-20T10:00", "2026-04-08T00:00"),
    ],
)
def test_days_are_counted_as_one_by_one(expression: str, zone: str, after: str, until: str) -> None:
    cadence = read_cadence(expression, zone)

    one_by_one = list(takewhile(lambda instant: instant <= at(until), cadence.upcoming(at(after))))

    assert cadence.count(at(after), at(until)) == len(one_by_one)


@pytest.mark.parametrize(
    ("expression", "minutes"),
    [
        ("* * * * *", 1),
        ("*/5 * * * *", 5),
        ("*/7 * * * *", 4),
        ("0 9 * * *", 1440),
        ("0 0,23 * * *", 60),
        ("0 9,17 1 * *", 480),
        ("58,2 0,23 * * *", 4),
    ],
)
def test_the_shortest_gap(expression: str, minutes: int) -> None:
    assert read_cadence(expression, "UTC").shortest_gap() == minutes * MINUTE


def test_a_forecast_says_what_daylight_saving_does() -> None:
    spring = read_cadence("30 2 * * *", BERLIN).forecast(at("2026-03-27T12:00"), 3)
    autumn = read_cadence("30 2 * * *", BERLIN).forecast(at("2026-10-23T12:00"), 2)
    hourly = read_cadence("30 * * * *", BERLIN).forecast(at("2026-10-25T00:00"), 3)

    assert [(each.local.isoformat(), each.note) for each in spring] == [
        ("2026-03-28T02:30:00+01:00", ""),
        ("2026-03-29T03:30:00+02:00", "moved out of the hour that the clock skips"),
        ("2026-03-30T02:30:00+02:00", ""),
    ]
    assert [each.note for each in autumn] == ["", "the clock shows 02:30 twice: first pass"]
    assert [each.note for each in hourly] == [
        "the clock shows 02:30 twice: first pass",
        "the clock shows 02:30 twice: second pass",
        "",
    ]
    assert spring[1].at == at("2026-03-29T01:30")
