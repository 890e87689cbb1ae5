"""What saving a schedule fires, now and next, before anybody saves it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from flows.decisions.schedule_words import say_schedule
from kaireon.platform.cadence import Occurrence
from triggers.decisions.due import LATEST, MOST_CAUGHT_UP, Decision, Standing, decide
from triggers.decisions.timetable import Timetable, read_timetable
from triggers.decisions.vocabulary import Outcome
from triggers.decisions.warnings import warnings_of

TICK: Final = timedelta(seconds=60)
OFF: Final = "It is switched off: nothing is due."
_NOBODY: Final = uuid.UUID(int=0)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a schedule does.

    `due_now` is the occurrence for which the next tick fires, the most recent of `fires_now`; `occurrences` come after
    now. `words` say when it runs.
    """

    due_now: datetime | None
    fires_now: int
    occurrences: list[Occurrence]
    words: str
    warnings: list[str]


def simulate(
    spec: Mapping[str, Any], *, last_run_at: datetime | None, decided_until: datetime, now: datetime, count: int,
    created_at: datetime | None = None, active_since: datetime | None = None, tick: timedelta = TICK,
) -> Forecast:  # fmt: skip
    """Return what a schedule, as the IR has it, fires at the next tick and so many times after it.

    `decided_until` is from when on occurrences count. `created_at` is the pipeline's, and `active_since` the
    schedule's; without them both begin now. Raises TimetableError for a schedule that cannot be read.
    """
    timetable = read_timetable(spec, created_at=created_at or now)
    if spec.get("enabled") is False:
        return Forecast(None, 0, [], "", [OFF])
    standing = Standing(
        pipeline_id=_NOBODY, timetable=timetable, catch_up=spec.get("catchUp", LATEST), overlap="", jitter_seconds=0,
        decided_until=decided_until, last_run_at=last_run_at, active_since=active_since or now,
    )  # fmt: skip
    decision = decide(standing, now=now, last_tick_at=now, grace=2 * tick, most=MOST_CAUGHT_UP)
    fired = [verdict.at for verdict in decision.verdicts if verdict.outcome is Outcome.FIRED]
    return Forecast(
        due_now=fired[-1] if fired else None,
        fires_now=len(fired),
        occurrences=_upcoming(timetable, decision, now, count),
        words=say_schedule(spec),
        warnings=warnings_of(spec, timetable, now=now, tick=tick),
    )


def _upcoming(timetable: Timetable, decision: Decision, now: datetime, count: int) -> list[Occurrence]:
    gap = timetable.shortest_gap()
    if timetable.is_relative and gap is not None and decision.next_due_at is not None:
        return timetable.forecast(decision.next_due_at - gap, count)
    return timetable.forecast(now, count)
