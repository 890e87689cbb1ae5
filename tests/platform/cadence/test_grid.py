"""A grid of instants that never drifts."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import islice

import pytest

from kaireon.platform.cadence import Grid

ANCHOR = datetime(2026, 1, 1, 0, 7, tzinfo=timezone(timedelta(hours=1)))
GRID = Grid(ANCHOR, timedelta(minutes=15))


def at(text: str) -> datetime:
    """Read an ISO time as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("after", "due"),
    [
        ("2026-01-01T10:00", "2026-01-01T10:07"),
        ("2026-01-01T10:07", "2026-01-01T10:22"),
        ("2026-01-01T10:07:01", "2026-01-01T10:22"),
        ("2020-01-01T10:07", "2020-01-01T10:22"),
        ("2999-01-01T10:07", "2999-01-01T10:22"),
    ],
)
def test_the_next_instant_lies_on_the_grid_before_and_after_the_anchor(after: str, due: str) -> None:
    assert GRID.next(at(after)) == at(due)


def test_all_agree_about_what_comes() -> None:
    after = at("2026-01-01T10:00")

    upcoming = list(islice(GRID.upcoming(after), 3))

    assert upcoming == [at("2026-01-01T10:07"), at("2026-01-01T10:22"), at("2026-01-01T10:37")]
    assert [each.at for each in GRID.forecast(after, 3)] == upcoming
    assert GRID.count(after, upcoming[2]) == 3
    assert GRID.count(upcoming[2], after) == 0
    assert GRID.latest(upcoming[2], after=after) == upcoming[2]
    assert GRID.latest(at("2026-01-01T10:06"), after=after) is None
    assert GRID.shortest_gap() == timedelta(minutes=15)
