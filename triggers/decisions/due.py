"""What is due, and what becomes of every occurrence that was expected since the last decision (contract §9).

The seed's table: what a schedule names in `(lastRunAt, now]` is due, the most recent wins; a pipeline that never ran
looks 24 hours back. Nothing of the window is dropped: each occurrence gets a verdict with a reason.
"""

import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import Final

from triggers.decisions.jitter import jitter_of
from triggers.decisions.timetable import Timetable
from triggers.decisions.vocabulary import Outcome

LOOK_BACK: Final = timedelta(hours=24)
# What `catchUp: all` makes up for after one outage; more than that nobody waits for.
MOST_CAUGHT_UP: Final = 1_000
# A stretch of more instants that share a verdict is one row.
MOST_ROWS: Final = 50
# What a schedule leaves when it makes way is looked at one by one up to here.
MOST_LEFT: Final = 1_000
CHANGED: Final = "The schedule was changed before its turn came."
LATEST, ALL, NONE = "latest", "all", "none"
_INSTANT: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a schedule stands when it is looked at. Times are UTC.

    Occurrences up to `decided_until` have their verdicts. `last_run_at` is of any run of the pipeline.
    """

    pipeline_id: uuid.UUID
    timetable: Timetable
    catch_up: str
    overlap: str
    jitter_seconds: int
    decided_until: datetime
    last_run_at: datetime | None
    active_since: datetime


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of an occurrence, or of `count` of them from `at` to `until`.

    FIRED means that a run is to be dispatched for it now, HELD that one is at `due_at`.
    """

    at: datetime
    outcome: Outcome
    reason: str
    until: datetime | None = None
    count: int = 1
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdicts, oldest first, and how the schedule stands after them.

    `remaining` occurrences are due and wait for the next look, because there were too many for this one.
    """

    verdicts: tuple[Verdict, ...]
    decided_until: datetime
    next_due_at: datetime | None
    remaining: int


@dataclass(frozen=True, slots=True)
class _Look:
    """A standing, looked at at a time."""

    standing: Standing
    moment: datetime
    last_tick_at: datetime | None
    grace: timedelta

    def fire(self, at: datetime) -> Verdict:
        """Return the verdict of an occurrence whose turn has come, jitter included."""
        due_at = at + jitter_of(self.standing.pipeline_id, at, self.standing.jitter_seconds)
        if due_at > self.moment:
            return Verdict(at, Outcome.HELD, f"Jitter: its run begins at {_iso(due_at)}.", due_at=due_at)
        is_late = self.moment - at > self.grace
        return Verdict(at, Outcome.FIRED, self.why_late(at) if is_late else "")

    def why_late(self, at: datetime) -> str:
        """Say why an occurrence was not decided in its time."""
        if at <= self.standing.active_since:
            return f"It lies before the schedule began, {_iso(self.standing.active_since)}."
        if self.last_tick_at is None:
            return f"No tick came before {_iso(self.moment)}."
        if at > self.last_tick_at and self.moment - self.last_tick_at > self.grace:
            return f"No tick came between {_iso(self.last_tick_at)} and {_iso(self.moment)}."
        return ""

    def stretch(
        self, after: datetime, until: datetime, outcome: Outcome, say: Callable[[datetime], str]
    ) -> list[Verdict]:  # fmt: skip
        """Return the same verdict for all of `(after, until]`; one for them together when there are many."""
        timetable = self.standing.timetable
        instants = _first(timetable, after, until, MOST_ROWS + 1)
        if len(instants) <= MOST_ROWS:
            return [Verdict(at, outcome, say(at)) for at in instants]
        last = timetable.latest(until, after=after) or until
        return [Verdict(instants[0], outcome, say(last), last, timetable.count(after, until))]


def decide(
    standing: Standing, *, now: datetime, last_tick_at: datetime | None, grace: timedelta, most: int = 100
) -> Decision:  # fmt: skip
    """Decide about every occurrence in `(decided_until, now]`.

    `last_tick_at` is the last one before this, `grace` how late a tick may be without being an outage, `most` how many
    runs one look may dispatch. A clock that went back decides nothing, and moves nothing back.
    """
    look = _Look(standing, now, last_tick_at, grace)
    if standing.timetable.is_relative:
        return _decide_interval(look)
    if now <= standing.decided_until:
        return Decision((), standing.decided_until, standing.timetable.next(standing.decided_until), 0)
    if (plain := _decide_one(look)) is not None:
        return plain
    if standing.catch_up == ALL:
        return _decide_all(look, most)
    since, verdicts = _stood_for(look, now)
    verdicts += _decide_none(look, since) if standing.catch_up == NONE else _decide_latest(look, since, now)
    return Decision(tuple(verdicts), now, standing.timetable.next(now), 0)


def leave(standing: Standing, *, now: datetime, is_taken_over: Callable[[datetime], bool]) -> list[Verdict]:
    """Return what becomes of what is due and not decided when a schedule makes way for another, or for none.

    It is missed, unless a run has begun since, or `is_taken_over` says that the other schedule decides about it.
    """
    if standing.timetable.is_relative:
        at = _turn(standing)
        return [] if at is None or at > now or is_taken_over(at) else [Verdict(at, Outcome.MISSED, CHANGED)]
    if now <= standing.decided_until:
        return []
    look = _Look(standing, now, None, timedelta())
    since, verdicts = (standing.decided_until, []) if standing.catch_up == ALL else _stood_for(look, now)
    found = _first(standing.timetable, since, now, MOST_LEFT + 1)
    left = [at for at in found if not is_taken_over(at)]
    if len(found) > MOST_LEFT and left:
        # So long an outage is told as a whole.
        last, count = standing.timetable.latest(now, after=left[0]), standing.timetable.count(left[0] - _INSTANT, now)
        return [*verdicts, Verdict(left[0], Outcome.MISSED, CHANGED, last, count)]
    if len(left) > MOST_ROWS:
        return [*verdicts, Verdict(left[0], Outcome.MISSED, CHANGED, left[-1], len(left))]
    return verdicts + [Verdict(at, Outcome.MISSED, CHANGED) for at in left]


def due(timetable: Timetable, *, last_run_at: datetime | None, now: datetime) -> datetime | None:
    """Return the most recent occurrence in `(last_run_at, now]`, or None: the seed's table and nothing else.

    Of an interval without an anchor it is the last run plus its minutes. Without a last run, 24 hours are looked back.
    """
    return timetable.latest(now, after=now - LOOK_BACK if last_run_at is None else last_run_at)


def _decide_one(look: _Look) -> Decision | None:
    """Decide what nearly every look is about, one occurrence or none, by finding two; None for anything else."""
    standing, now = look.standing, look.moment
    found = [*islice(standing.timetable.upcoming(standing.decided_until), 2), None, None][:2]
    if found[0] is None or found[0] > now:
        return Decision((), now, found[0], 0)
    is_only = found[1] is None or found[1] > now
    is_fresh = standing.catch_up != NONE or now - found[0] <= look.grace
    is_own = standing.catch_up == ALL and found[0] > standing.active_since
    is_unrun = is_own or standing.last_run_at is None or standing.last_run_at < found[0]
    return Decision((look.fire(found[0]),), now, found[1], 0) if is_only and is_fresh and is_unrun else None


def _decide_interval(look: _Look) -> Decision:
    """Count from the last run; from the last decision where that is the later and made none, as a skipped one does.

    One that never ran counts from 24 hours before it began, so that what is due every three days is due in two.
    """
    standing, now = look.standing, look.moment
    due_at = _turn(standing)
    if due_at is None or due_at > now:
        return Decision((), standing.decided_until, due_at, 0)
    # One that never ran is due because it began, not a day before that.
    at = max(due_at, min(standing.active_since, now)) if standing.last_run_at is None else due_at
    return Decision((look.fire(at),), now, standing.timetable.next(now), 0)


def _turn(standing: Standing) -> datetime | None:
    due_at = standing.timetable.next(standing.last_run_at or standing.active_since - LOOK_BACK)
    if due_at is not None and due_at <= standing.decided_until:
        due_at = standing.timetable.next(standing.decided_until)
    return due_at


def _stood_for(look: _Look, until: datetime) -> tuple[datetime, list[Verdict]]:
    """Return what the last run stands for of the time until then, and where that ends."""
    standing = look.standing
    since = max(standing.decided_until, min(standing.last_run_at or standing.decided_until, until))
    reason = f"The run that began at {_iso(standing.last_run_at or since)} stands for it."
    return since, look.stretch(standing.decided_until, since, Outcome.COALESCED, lambda _: reason)


def _decide_latest(look: _Look, since: datetime, until: datetime) -> list[Verdict]:
    """Fire the most recent; it stands for those before it."""
    fired = look.standing.timetable.latest(until, after=since)
    if fired is None:
        return []

    def say(at: datetime) -> str:
        return f"The occurrence of {_iso(fired)} stands for it. {look.why_late(at)}".rstrip()

    return [*look.stretch(since, fired - _INSTANT, Outcome.COALESCED, say), look.fire(fired)]


def _decide_none(look: _Look, since: datetime) -> list[Verdict]:
    """Miss what is older than the grace; of the rest the most recent fires."""
    # What is exactly as old as the grace still fires.
    fresh = max(since, look.moment - look.grace - _INSTANT)

    def say(at: datetime) -> str:
        return f"The schedule does not catch up. {look.why_late(at)}".rstrip()

    return [*look.stretch(since, fresh, Outcome.MISSED, say), *_decide_latest(look, fresh, look.moment)]


def _decide_all(look: _Look, most: int) -> Decision:
    """Give each its own run, oldest first; a person's run in between stands for none of them.

    What lies before the schedule began was no outage: of that the most recent fires, as elsewhere.
    """
    standing, now, timetable = look.standing, look.moment, look.standing.timetable
    verdicts = _decide_before(look)
    since = max(standing.decided_until, min(standing.active_since, now))
    total = timetable.count(since, now)
    if total > MOST_CAUGHT_UP:
        first = _first_of_last(timetable, since, now, MOST_CAUGHT_UP)
        reason = f"Only the latest {MOST_CAUGHT_UP:,} are caught up with."
        verdicts += look.stretch(
            since, first - _INSTANT, Outcome.MISSED, lambda at: f"{reason} {look.why_late(at)}".rstrip()
        )
        since, total = first - _INSTANT, MOST_CAUGHT_UP
    fired = _first(timetable, since, now, most)
    remaining = total - len(fired)
    decided_until = fired[-1] if remaining else now
    verdicts += [look.fire(at) for at in fired]
    return Decision(tuple(verdicts), decided_until, timetable.next(decided_until), remaining)


def _decide_before(look: _Look) -> list[Verdict]:
    """Decide about what lies before the schedule began."""
    began = min(look.standing.active_since, look.moment)
    if began <= look.standing.decided_until:
        return []
    since, verdicts = _stood_for(look, began)
    return [*verdicts, *_decide_latest(look, since, began)]


def _first(timetable: Timetable, after: datetime, until: datetime, most: int) -> list[datetime]:
    return list(islice(takewhile(lambda at: at <= until, timetable.upcoming(after)), most))


def _first_of_last(timetable: Timetable, after: datetime, until: datetime, many: int) -> datetime:
    """Return the first of the last so many instants in `(after, until]`, which holds more than those."""
    span = (timetable.shortest_gap() or _DAY) * many
    while until - span > after and timetable.count(until - span, until) < many:
        span *= 4
    begin = max(after, until - span)
    return deque(takewhile(lambda at: at <= until, timetable.upcoming(begin)), maxlen=many)[0]


def _iso(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
