"""Decisions beside brute force over real minutes: random schedules, zones and windows, clock changes included."""

import random
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.triggers.decisions.minutes import MINUTE, PLACES, minutes_around, random_schedule
from triggers.decisions.due import Decision, Standing, decide, due
from triggers.decisions.timetable import Timetable, read_timetable
from triggers.decisions.vocabulary import Outcome

PIPELINE = uuid.UUID(int=7)
GRACE = timedelta(minutes=2)
CASES = 250
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def window(dice: random.Random, change: datetime) -> tuple[datetime, datetime]:
    """Return a window of minutes around a change; often a short one, as between two ticks."""
    length = dice.choice((1, 5, 90, 700, 2_000))
    begin = change + dice.randrange(-35 * 60, 34 * 60) * MINUTE
    end = min(begin + dice.randint(1, length) * MINUTE, change + 35 * 60 * MINUTE)
    return begin, end


def standing(timetable: Timetable, catch_up: str, since: datetime, last_run_at: datetime | None = None) -> Standing:
    """Return how an old schedule stands, decided until a time."""
    return Standing(
        pipeline_id=PIPELINE, timetable=timetable, catch_up=catch_up, overlap="queue", jitter_seconds=0,
        decided_until=since, last_run_at=last_run_at, active_since=LONG_AGO,
    )  # fmt: skip


def told(decision: Decision, timetable: Timetable) -> list[datetime]:
    """Return the instants that the verdicts speak of, stretches spelled out."""
    instants: list[datetime] = []
    for verdict in decision.verdicts:
        found = [verdict.at]
        while verdict.until is not None and found[-1] < verdict.until:
            found.append(timetable.next(found[-1]) or verdict.until)
        assert len(found) == verdict.count
        instants += found
    return instants


@pytest.mark.parametrize("place", PLACES, ids=[f"{zone}-{change:%Y-%m-%d}" for zone, change in PLACES])
def test_decisions_equal_brute_force_over_real_minutes(place: tuple[str, datetime]) -> None:
    dice = random.Random(f"{place[0]}{place[1]}")
    minutes = minutes_around(*place)
    for _ in range(CASES):
        spec, is_due = random_schedule(dice, *place)
        timetable = read_timetable(spec, created_at=LONG_AGO)
        since, now = window(dice, place[1])
        wanted = [minute.at for minute in minutes if since < minute.at <= now and is_due(minute)]
        case = (spec, since, now)

        assert due(timetable, last_run_at=since, now=now) == (wanted[-1] if wanted else None), case
        _check_latest(timetable, since, now, wanted, case)
        _check_none(timetable, since, now, wanted, case)
        _check_all(timetable, since, now, wanted, case)


def _check_latest(timetable: Timetable, since: datetime, now: datetime, wanted: list[datetime], case: Any) -> None:
    decision = decide(standing(timetable, "latest", since), now=now, last_tick_at=since, grace=GRACE)

    assert told(decision, timetable) == wanted, case
    assert [each.at for each in decision.verdicts if each.outcome is Outcome.FIRED] == wanted[-1:], case
    assert {each.outcome for each in decision.verdicts[:-1]} <= {Outcome.COALESCED}, case
    assert (decision.decided_until, decision.remaining) == (now, 0), case


def _check_none(timetable: Timetable, since: datetime, now: datetime, wanted: list[datetime], case: Any) -> None:
    decision = decide(standing(timetable, "none", since), now=now, last_tick_at=since, grace=GRACE)

    fresh = [at for at in wanted if now - at <= GRACE]
    assert told(decision, timetable) == wanted, case
    assert [each.at for each in decision.verdicts if each.outcome is Outcome.FIRED] == fresh[-1:], case
    assert sum(each.count for each in decision.verdicts if each.outcome is Outcome.MISSED) == len(wanted) - len(fresh)


def _check_all(timetable: Timetable, since: datetime, now: datetime, wanted: list[datetime], case: Any) -> None:
    """Look again and again until nothing remains, as ticks do."""
    outcomes: Counter[Outcome] = Counter()
    found: list[datetime] = []
    at, remaining = since, -1
    while remaining:
        # Each run that was dispatched moved the last run to now.
        last_run_at = now if found else None
        decision = decide(
            standing(timetable, "all", at, last_run_at), now=now, last_tick_at=since, grace=GRACE, most=100
        )
        found += told(decision, timetable)
        for verdict in decision.verdicts:
            outcomes[verdict.outcome] += verdict.count
        at, remaining = decision.decided_until, decision.remaining

    assert found == wanted, case
    assert at == now, case
    assert outcomes[Outcome.FIRED] == min(len(wanted), 1_000), case
    assert outcomes[Outcome.MISSED] == max(0, len(wanted) - 1_000), case


@pytest.mark.parametrize("seed", range(4))
def test_an_interval_without_an_anchor_equals_the_seeds_rule(seed: int) -> None:
    dice = random.Random(seed)
    start = datetime(2026, 3, 28, tzinfo=UTC)
    for _ in range(200):
        minutes = dice.choice((1, 7, 60, 1440, 4320))
        timetable = read_timetable({"kind": "interval", "minutes": minutes}, created_at=start)
        last_run_at, now = start, start + dice.randrange(6_000) * MINUTE
        is_due = now - last_run_at >= timedelta(minutes=minutes)

        decision = decide(
            standing(timetable, "latest", last_run_at, last_run_at), now=now, last_tick_at=now, grace=GRACE
        )

        occurrence = last_run_at + timedelta(minutes=minutes)
        assert due(timetable, last_run_at=last_run_at, now=now) == (occurrence if is_due else None)
        assert [each.at for each in decision.verdicts] == ([occurrence] if is_due else [])
        assert decision.next_due_at == (now if is_due else last_run_at) + timedelta(minutes=minutes)
