"""Recurrence rules as sentences."""

import pytest

from kaireon.platform.cadence import say_rule


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("FREQ=DAILY", "Every day"),
        ("RRULE:FREQ=MINUTELY;INTERVAL=5", "Every 5 minutes"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;BYHOUR=9;BYMINUTE=0", "Every 2 weeks on Monday and Friday at 09:00"),
        ("FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=17", "Every month on the last Friday in the hours 17"),
        ("FREQ=MONTHLY;BYDAY=2MO,-2TU", "Every month on the 2nd Monday and the 2nd Tuesday from the end"),
        ("FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR", "Every month on the 13th day where it is Friday"),
        ("FREQ=YEARLY;BYMONTH=1,7;BYMONTHDAY=1,22", "Every year on the 1st day and the 22nd day in January and July"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1,11", "Every month on the last day and the 11th day"),
        ("FREQ=HOURLY;BYMINUTE=0,30", "Every hour at the minutes 0 and 30"),
        ("FREQ=DAILY;COUNT=1", "Every day once"),
        ("FREQ=DAILY;COUNT=1000", "Every day 1,000 times"),
        ("FREQ=DAILY;UNTIL=20270131T080000Z", "Every day until 2027-01-31 08:00 UTC"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1", "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1"),
        ("FREQ=DAILY;BYHOUR=1,2,3,4,5,6,7,8", "FREQ=DAILY;BYHOUR=1,2,3,4,5,6,7,8"),
        ("FREQ=DAILY;BYMINUTE=1,2,3,4,5,6,7,8", "FREQ=DAILY;BYMINUTE=1,2,3,4,5,6,7,8"),
        ("nonsense", "nonsense"),
    ],
)  # fmt: skip
def test_a_rule_is_said_in_words_or_shown(rule: str, words: str) -> None:
    assert say_rule(rule) == words
