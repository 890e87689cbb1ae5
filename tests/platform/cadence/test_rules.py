"""Recurrence text: what is read, and what is refused by name."""

import contextlib
import re
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kaireon.platform.cadence import CadenceError, parse_rule
from kaireon.platform.cadence.rules import Frequency


def test_a_rule_is_read_into_numbers() -> None:
    rule = parse_rule("RRULE:FREQ=MONTHLY;INTERVAL=2;BYDAY=-1FR,MO;BYMONTHDAY=1,-1;BYHOUR=9,17;WKST=SU;COUNT=5")

    assert (rule.frequency, rule.interval, rule.count, rule.week_start) == (Frequency.MONTHLY, 2, 5, 6)
    assert (set(rule.weekdays), set(rule.month_days), rule.hours) == ({(4, -1), (0, 0)}, {1, -1}, (9, 17))


def test_until_is_a_time_in_utc() -> None:
    assert parse_rule("FREQ=DAILY;UNTIL=20270131T080000Z").until == datetime(2027, 1, 31, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "'' is not understood"),
        ("FREQ=SECONDLY", "needs FREQ, one of YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY, MINUTELY; a schedule is"),
        ("FREQ=FORTNIGHTLY", "needs FREQ, one of YEARLY"),
        ("INTERVAL=2", "needs FREQ"),
        ("FREQ=DAILY;FREQ=DAILY", "'FREQ=DAILY' is not understood"),
        ("FREQ=DAILY;BYSECOND=30", "'BYSECOND=30' is not understood"),
        ("FREQ=YEARLY;BYEASTER=0", "'BYEASTER=0' is not understood"),
        ("FREQ=DAILY\nDTSTART:20260101T000000", "is not understood"),
        ("freq=daily", "is not understood"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL must be a number from 1 to 999,999"),
        ("FREQ=DAILY;INTERVAL=-1", "INTERVAL must be a number"),
        ("FREQ=DAILY;INTERVAL=1000000", "INTERVAL must be a number"),
        ("FREQ=DAILY;INTERVAL=X", "INTERVAL must be a number"),
        ("FREQ=DAILY;COUNT=0", "COUNT must be a number from 1 to 10,000"),
        ("FREQ=DAILY;COUNT=10001", "from 1 to 10,000; for more, give an UNTIL"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20270101T000000Z", "COUNT or UNTIL, not both"),
        ("FREQ=DAILY;UNTIL=20270101", "UNTIL must be a time in UTC such as 20270131T080000Z"),
        ("FREQ=DAILY;UNTIL=20270101T000000", "UNTIL must be a time in UTC"),
        ("FREQ=DAILY;UNTIL=20271301T000000Z", "UNTIL must be a time in UTC"),
        ("FREQ=DAILY;BYMONTH=13", "BYMONTH has '13', which is not from 1 to 12"),
        ("FREQ=DAILY;BYMONTHDAY=0", "BYMONTHDAY has '0', which is not from 1 to 31, or from -31 to -1"),
        ("FREQ=DAILY;BYMONTHDAY=1,", "BYMONTHDAY has ''"),
        ("FREQ=DAILY;BYHOUR=24", "BYHOUR has '24', which is not from 0 to 23"),
        ("FREQ=DAILY;BYHOUR=-1", "BYHOUR has '-1'"),
        ("FREQ=DAILY;BYMINUTE=60", "BYMINUTE has '60'"),
        ("FREQ=DAILY;BYYEARDAY=367", "BYYEARDAY has '367'"),
        ("FREQ=DAILY;BYSETPOS=0", "BYSETPOS has '0'"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=300", "is never due: no period has as many times as BYSETPOS asks for, 5"),
        ("FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=9,17;BYSETPOS=-1", "chooses among more than 400 times"),
        ("FREQ=HOURLY;BYMINUTE=0,30;BYSETPOS=3", "at most"),
        ("FREQ=DAILY;INTERVAL=3661", "an INTERVAL of more than 10 years"),
        ("FREQ=MINUTELY;INTERVAL=999999;COUNT=10000", "a COUNT that reaches further than 10 years"),
        ("FREQ=YEARLY;BYWEEKNO=54", "BYWEEKNO has '54'"),
        ("FREQ=MONTHLY;BYWEEKNO=5", "BYWEEKNO goes with FREQ=YEARLY alone"),
        ("FREQ=WEEKLY;BYDAY=1MO", "BYDAY counts weekdays, as 1MO does, with FREQ=MONTHLY or FREQ=YEARLY alone"),
        ("FREQ=MONTHLY;BYDAY=0MO", "BYDAY has '0MO'"),
        ("FREQ=MONTHLY;BYDAY=54MO", "BYDAY has '54MO'"),
        ("FREQ=MONTHLY;BYDAY=XX", "BYDAY has 'XX'; days are MO"),
        ("FREQ=WEEKLY;WKST=1", "WKST must be one of MO"),
        (f"FREQ=DAILY;BYHOUR={','.join(['9'] * 300)}", "is longer than 500 characters"),
    ],
)
def test_what_cannot_be_followed_is_refused(text: str, says: str) -> None:
    with pytest.raises(CadenceError, match=re.escape(says)) as caught:
        parse_rule(text)

    assert caught.value.field == "rule"
    assert len(caught.value.message) < 300


@given(st.text(alphabet="FREQ=DAILYMONTHUBS;,+-0123456789\n٣", max_size=80))
@example("FREQ=DAILY;INTERVAL=٣")
@example("FREQ=DAILY;BYHOUR=+9")
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(CadenceError):
        assert parse_rule(text).interval >= 1
