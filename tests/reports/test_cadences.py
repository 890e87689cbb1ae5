"""What a schedule's cadence means: next times, days on which a clock changes, warnings, and how a row stands."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaireon.platform.cadence import CadenceError
from reports.decisions.cadences import (
    MAX_COUNT,
    MAX_EXPRESSION,
    Standing,
    cadence_errors,
    describe_cadence,
    is_dst_day,
    read_schedule,
    standing_of,
    why_unreadable,
)
from reports.decisions.vocabulary import ScheduleState
from tests.reports.keeping import MINUTE, NOW

BERLIN = "Europe/Berlin"
EITHER_DAY = "Both day fields are restricted: as in cron, a day that either of them names is enough."
# Expressions that are none: of other dialects, of other shapes, out of bounds.
BAD_CRONS = [
    "", " ", "every day", "8", "0 8 * *", "0 0 8 * * *", "@daily", "@every 5m", "0 8 ? * *", "0 8 L * *", "0 8 15W * *",
    "0 8 * * 1#2", "60 8 * * *", "0 24 * * *", "0 8 0 * *", "0 8 32 * *", "0 8 31 2 *", "0 8 * 13 *", "0 8 * * 8",
    "*/0 * * * *", "*/60 * * * *", "5-1 * * * *", "-1 * * * *", "1.5 * * * *", "0 8 * * monday", "0 8 * * *; ls",
    "0 8 * * *\0", "٥ 8 * * *", "0 8 * * * # daily", f"{','.join(map(str, range(60)))} * * * *", "* " * 5_000,
]  # fmt: skip
BAD_ZONES = [
    "", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "posix/UTC", "right/UTC", "europe/berlin", "UTC ",
    "UTC+2", "+02:00", "CEST", "Factory", "localtime", "US/Pacific-New", "Europe", "x" * 5_000, "Europe/Berlin\0", "..",
]  # fmt: skip


@pytest.mark.parametrize("expression", BAD_CRONS, ids=range(len(BAD_CRONS)))
def test_a_bad_expression_is_named(expression: str) -> None:
    errors = cadence_errors(expression, BERLIN)

    assert list(errors) == ["cronExpression"]
    assert len(errors["cronExpression"][0]) < 300
    assert why_unreadable(expression, BERLIN).startswith("cronExpression: ")


@pytest.mark.parametrize("timezone", BAD_ZONES, ids=range(len(BAD_ZONES)))
def test_a_bad_zone_is_named(timezone: str) -> None:
    errors = cadence_errors("0 8 * * *", timezone)

    assert list(errors) == ["timezone"]
    assert len(errors["timezone"][0]) < 300


def test_both_are_named_when_both_are_bad() -> None:
    errors = cadence_errors("@daily", "Mars/Olympus")

    assert list(errors) == ["cronExpression", "timezone"]
    assert why_unreadable("@daily", "Mars/Olympus").startswith("cronExpression: Nicknames are not understood.")


def test_a_sound_cadence_has_no_errors() -> None:
    assert cadence_errors("0 8 * * *", BERLIN) == {}
    assert why_unreadable("0 8 * * *", BERLIN) == ""


def test_an_expression_that_the_column_cannot_hold_is_refused_though_it_reads_well() -> None:
    long = ",".join(map(str, range(59))) + " * * * *"

    assert len(long) > MAX_EXPRESSION
    with pytest.raises(CadenceError) as caught:
        read_schedule(long, BERLIN)
    assert caught.value.field == "cronExpression"


def test_the_next_times_stand_in_utc_and_on_the_zones_clock() -> None:
    preview = describe_cadence("0 8 * * *", BERLIN, NOW)

    assert preview.words == "At 08:00"
    assert [each.at.isoformat() for each in preview.occurrences] == [
        "2026-10-25T07:00:00+00:00", "2026-10-26T07:00:00+00:00", "2026-10-27T07:00:00+00:00",
        "2026-10-28T07:00:00+00:00", "2026-10-29T07:00:00+00:00",
    ]  # fmt: skip
    assert preview.occurrences[0].local.isoformat() == "2026-10-25T08:00:00+01:00"
    assert [each.is_dst_day for each in preview.occurrences] == [True, False, False, False, False]


def test_in_the_repeated_hour_a_fixed_time_comes_once_at_the_first_pass() -> None:
    preview = describe_cadence("30 2 * * *", BERLIN, NOW, count=2)

    assert [each.local.isoformat() for each in preview.occurrences] == [
        "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00",
    ]  # fmt: skip
    assert [each.is_dst_day for each in preview.occurrences] == [True, False]


def test_in_the_skipped_hour_a_fixed_time_comes_later_by_the_gap() -> None:
    preview = describe_cadence("30 2 * * *", BERLIN, datetime(2027, 3, 27, 12, tzinfo=UTC), count=1)

    assert [(each.local.isoformat(), each.is_dst_day) for each in preview.occurrences] == [
        ("2027-03-28T03:30:00+02:00", True)
    ]


def test_the_clock_changes_of_the_coming_year_are_warned_of() -> None:
    preview = describe_cadence("30 2 * * *", BERLIN, NOW)

    assert preview.warnings == (
        "2026-10-25: goes out at 02:30, the clock shows 02:30 twice: first pass",
        "2027-03-28: goes out at 03:30, moved out of the hour that the clock skips",
    )


@pytest.mark.parametrize(
    ("expression", "timezone", "warnings"),
    [
        pytest.param("0 8 * * *", BERLIN, [], id="an hour that no change touches"),
        pytest.param("30 2 * * *", "UTC", [], id="a zone without changes"),
        pytest.param("30 2 * * 1", BERLIN, [], id="a weekday without changes"),
        pytest.param("0 8 1 * 1", BERLIN, [EITHER_DAY], id="both day fields"),
        pytest.param("0 8 31 * *", BERLIN, ["Months without a day 31 have no report."], id="the 31st"),
        pytest.param("0 8 29,30 * *", BERLIN, ["Months without a day 29 have no report."], id="the 29th and 30th"),
        pytest.param("0 8 28 * *", BERLIN, [], id="the 28th"),
        pytest.param("*/7 * * * *", "UTC", ["*/7 counts anew each hour: 4 and not 7 after the last."], id="uneven"),
        pytest.param("0 */5 * * *", "UTC", ["*/5 counts anew each day: 4 and not 5 after the last."], id="in hours"),
        pytest.param("*/15 */6 * * *", "UTC", [], id="even steps"),
    ],
)  # fmt: skip
def test_what_is_worth_knowing_is_said(expression: str, timezone: str, warnings: list[str]) -> None:
    assert list(describe_cadence(expression, timezone, NOW).warnings) == warnings


def test_a_wildcard_hour_is_warned_of_its_second_pass() -> None:
    warnings = describe_cadence("30 * * * *", BERLIN, NOW).warnings

    assert warnings[0].startswith("2026-10-25: goes out at 02:30, the clock shows 02:30 twice")


@pytest.mark.parametrize(
    ("day", "zone", "changes"),
    [
        (date(2026, 10, 25), BERLIN, True),
        (date(2026, 10, 24), BERLIN, False),
        (date(2027, 3, 28), BERLIN, True),
        (date(2026, 10, 25), "UTC", False),
        # Half an hour.
        (date(2026, 10, 4), "Australia/Lord_Howe", True),
        # At midnight: the day has no 00:30.
        (date(2026, 9, 6), "America/Santiago", True),
    ],
)
def test_a_day_on_which_the_clock_changes_is_known(day: date, zone: str, changes: bool) -> None:
    assert is_dst_day(day, ZoneInfo(zone)) is changes


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["0 8 * * *", "30 2 * * *", "*/5 * * * *", "0 9 1 * *", "15 0 * * 0"]),
    st.sampled_from(
        [BERLIN, "UTC", "America/St_Johns", "Australia/Lord_Howe", "Africa/Casablanca", "America/Santiago"]
    ),
    st.integers(0, 8 * 366 * 24 * 60).map(lambda minutes: NOW + minutes * MINUTE),
    st.integers(1, 20),
)
def test_what_is_shown_comes_later_in_order_and_on_the_clock(
    expression: str, timezone: str, now: datetime, count: int
) -> None:
    shown = describe_cadence(expression, timezone, now, count).occurrences

    times = [each.at for each in shown]
    assert len(times) == count
    assert times == sorted(set(times))
    assert times[0] > now
    # Compared in UTC: a time of the repeated hour equals no time of another zone (PEP 495).
    assert all(each.local.astimezone(UTC) == each.at and str(each.local.tzinfo) == timezone for each in shown)


def test_no_more_times_are_shown_than_a_page_can_hold() -> None:
    assert len(describe_cadence("* * * * *", "UTC", NOW, count=10**9).occurrences) == MAX_COUNT


def test_a_leap_day_is_shown_years_ahead() -> None:
    shown = describe_cadence("0 8 29 2 *", "UTC", NOW, count=2).occurrences

    assert [each.at.date() for each in shown] == [date(2028, 2, 29), date(2032, 2, 29)]


# --- How a row stands


def stands(**changes: object) -> Standing:
    """Return the standing of an active daily schedule with one deviation."""
    row: dict[str, object] = {
        "state": "active", "reason": "", "next_run_at": NOW, "expression": "0 8 * * *", "timezone": BERLIN, **changes,
    }  # fmt: skip
    return standing_of(**row)  # type: ignore[arg-type]


def test_a_row_that_can_be_read_stands_as_it_is_kept() -> None:
    assert stands() == Standing(ScheduleState.ACTIVE, "", NOW)
    assert stands(state="paused", reason="Paused by eve.") == Standing(ScheduleState.PAUSED, "Paused by eve.", NOW)


@pytest.mark.parametrize("column", [{"expression": "@daily"}, {"timezone": "Mars/Olympus"}], ids=["cron", "zone"])
def test_a_row_that_cannot_be_read_is_parked_with_the_reason_before_any_tick(column: dict[str, str]) -> None:
    standing = stands(**column)

    assert (standing.state, standing.next_run_at) == (ScheduleState.PARKED, None)
    assert standing.reason.startswith(("cronExpression: ", "timezone: "))


def test_a_paused_row_that_cannot_be_read_keeps_its_reason_and_has_no_next_time() -> None:
    standing = stands(state="paused", reason="Five failures.", expression="@daily")

    assert standing == Standing(ScheduleState.PAUSED, "Five failures.", None)


def test_a_preview_costs_little_even_for_a_wildcard() -> None:
    begun = datetime.now(tz=UTC)

    for zone in (BERLIN, "America/Santiago", "Asia/Kolkata"):
        describe_cadence("* * * * *", zone, NOW, count=MAX_COUNT)

    assert datetime.now(tz=UTC) - begun < timedelta(seconds=2)
