"""When a deadline passes, whether it was missed, and by when files usually come: as tables."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from triggers.decisions.deadlines import Ruling, Usual, Watched, deadline_of, rule, usual_arrival

CREATED = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
RAN = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
DEADLINE = RAN + HOUR
# One that ran, whose hour is over, and whose folder was listed just then: each row below changes one thing.
WATCHED = Watched(
    created_at=CREATED, last_run_at=RAN, active_since=CREATED, window=HOUR, looked_at=DEADLINE, is_failing=False
)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("watched", "now", "is_missed"),
    [
        (WATCHED, DEADLINE, True),
        (WATCHED, DEADLINE + 30 * MINUTE, True),
        (WATCHED, DEADLINE - SECOND, False),
        # A run began since it was looked at.
        (replace(WATCHED, last_run_at=RAN + MINUTE), DEADLINE, False),
        # Never ran: the seed counts from the creation.
        (replace(WATCHED, last_run_at=None, looked_at=CREATED + HOUR), CREATED + HOUR, True),
        (replace(WATCHED, last_run_at=None, looked_at=CREATED + HOUR), CREATED + HOUR - SECOND, False),
        # Resumed since: a whole window from then on.
        (replace(WATCHED, active_since=RAN + 30 * MINUTE), DEADLINE, False),
        (
            replace(WATCHED, active_since=RAN + 30 * MINUTE, looked_at=DEADLINE + 30 * MINUTE),
            DEADLINE + 30 * MINUTE, True,
        ),
        # Once for each anchor, and again for the next one.
        (replace(WATCHED, missed_anchor=RAN), DEADLINE + HOUR, False),
        (replace(WATCHED, missed_anchor=RAN - HOUR), DEADLINE, True),
        # A file is there, and waits for its debounce.
        (replace(WATCHED, is_waiting=True), DEADLINE, False),
        # Nobody has looked since, or the store is dead: not before ten minutes are over.
        (replace(WATCHED, looked_at=DEADLINE - SECOND), DEADLINE, False),
        (replace(WATCHED, looked_at=None), DEADLINE, False),
        (replace(WATCHED, is_failing=True), DEADLINE, False),
        (replace(WATCHED, is_failing=True), DEADLINE + 10 * MINUTE - SECOND, False),
        (replace(WATCHED, is_failing=True), DEADLINE + 10 * MINUTE, True),
    ],
)  # fmt: skip
def test_a_deadline_is_missed_once_it_has_passed_without_a_file(
    watched: Watched, now: datetime, is_missed: bool
) -> None:
    assert rule(watched, now=now).is_missed is is_missed


@pytest.mark.parametrize(
    ("watched", "now", "again"),
    [
        (WATCHED, DEADLINE, DEADLINE + HOUR),
        (replace(WATCHED, last_run_at=RAN + MINUTE), DEADLINE, DEADLINE + MINUTE),
        (replace(WATCHED, missed_anchor=RAN), DEADLINE + HOUR, DEADLINE + 2 * HOUR),
        (replace(WATCHED, is_waiting=True), DEADLINE + MINUTE, DEADLINE + MINUTE + SECOND),
        (replace(WATCHED, is_failing=True), DEADLINE + MINUTE, DEADLINE + MINUTE + SECOND),
    ],
    ids=["missed", "ran-since", "missed-before", "held", "store-away"],
)
def test_it_is_looked_at_again_no_later_than_the_next_deadline_can_pass(
    watched: Watched, now: datetime, again: datetime
) -> None:
    assert rule(watched, now=now).look_again_at == again


def test_a_miss_that_nobody_could_see_says_so() -> None:
    late = DEADLINE + HOUR

    assert rule(replace(WATCHED, is_failing=True), now=late) == Ruling(RAN, DEADLINE, True, late + HOUR, True)
    assert not rule(WATCHED, now=late).is_doubtful


@pytest.mark.parametrize(
    ("last_run_at", "active_since", "expected"),
    [(None, CREATED, CREATED + HOUR), (RAN, CREATED, RAN + HOUR), (RAN, RAN + HOUR, RAN + 2 * HOUR)],
)
def test_a_deadline_counts_from_the_last_run_but_not_from_before_it_watched(
    last_run_at: datetime | None, active_since: datetime, expected: datetime
) -> None:
    found = deadline_of(last_run_at=last_run_at, created_at=CREATED, active_since=active_since, window=HOUR)

    assert found == expected


def local(*times: str, zone: ZoneInfo = BERLIN) -> list[datetime]:
    """Return one arrival on each day, at these local times."""
    return [
        datetime(2026, 10, 20, int(text[:2]), int(text[3:5]), int(text[6:] or 0), tzinfo=zone) + timedelta(days=day)
        for day, text in enumerate(times)
    ]


@pytest.mark.parametrize(
    ("arrivals", "usual"),
    [
        (local("02:00", "02:05", "02:10", "02:02", "02:08"), Usual(time(2, 5), time(2, 10), 5)),
        # Over the change of the clocks on 25 October, by the clock on the wall.
        (local(*["02:10"] * 10), Usual(time(2, 10), time(2, 10), 10)),
        # Around midnight: one crowd.
        (local("23:50", "00:10", "23:55", "00:00", "00:05"), Usual(time(0, 0), time(0, 10), 5)),
        # Up to the full minute.
        (local("02:09:30", "02:09:30", "02:09:30", "02:09:30", "02:09:30"), Usual(time(2, 10), time(2, 10), 5)),
        # One stray among thirty is not what is usual.
        (local(*["02:00"] * 29, "09:00"), Usual(time(2, 0), time(2, 0), 30)),
        # Of a long history the last thirty.
        (local(*["09:00"] * 30, *["02:00"] * 30), Usual(time(2, 0), time(2, 0), 30)),
        # Weekdays only.
        ([at for at in local(*["06:30"] * 14) if at.weekday() < 5], Usual(time(6, 30), time(6, 30), 10)),
        (local(*["02:00"] * 4), None),
        ([], None),
        # Several a day: no time of day is usual.
        ([datetime(2026, 10, 20, tzinfo=BERLIN) + HOUR * hour for hour in range(0, 60, 6)], None),
    ],
    ids=[
        "crowd", "clocks-change", "midnight", "seconds", "stray", "long-history", "weekdays", "too-few", "none", "often"
    ],
)  # fmt: skip
def test_files_usually_come_by_the_time_at_which_nearly_all_were_there(
    arrivals: list[datetime], usual: Usual | None
) -> None:
    assert usual_arrival([at.astimezone(UTC) for at in arrivals], BERLIN) == usual
