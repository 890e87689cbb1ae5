"""The copy of a live version's schedule."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from flows.selectors.live import LivePipeline
from flows.services.following import Change
from triggers.decisions.due import CHANGED, LOOK_BACK, Standing, leave
from triggers.decisions.timetable import Timetable, TimetableError, read_timetable
from triggers.decisions.vocabulary import OccurrenceKind, Outcome, TriggerState, Via
from triggers.models import Occurrence, PipelineSchedule
from triggers.services.holding import end_held_instants
from triggers.services.ledger import decided_instant, insert_rows, instant_key
from triggers.services.parking import Parked, tell_parked, tell_unparked

# What says when, as against how: a change of the rest moves no window.
TIMING: Final = ("kind", "expression", "timezone", "minutes", "anchor", "rule", "dtstart")
WRITTEN: Final = (
    "version", "spec", "state", "reason", "active_since", "decided_until", "next_due_at", "updated_at",
)  # fmt: skip
INSTANT: Final = timedelta(microseconds=1)
IN_A_PAUSE: Final = "The pipeline was paused."


@dataclass(frozen=True, slots=True)
class Stance:
    """Where a schedule stands by what is live: `timetable` only where it is active."""

    state: TriggerState
    reason: str = ""
    timetable: Timetable | None = None


def mirror_schedule(*, live: LivePipeline, change: Change, now: datetime) -> int:
    """Bring the schedule's row into line with what is live; return by how many the scheduled pipelines are more.

    Joins the caller's transaction, which holds the pipeline's row, and changes the counts in the end.

    A schedule that is new, or says something else about when, counts from the last run, or a day back (the seed).
    One that says the same counts on. What is resumed, or switched on again, counts from now.
    """
    row = _row_of(live.tenant_id, live.pipeline_id)
    was_active, was_parked = _is(row, TriggerState.ACTIVE), _is(row, TriggerState.PARKED)
    row = _mirror(row, live, change, now)
    if was_parked and not _is(row, TriggerState.PARKED):
        tell_unparked(live.tenant_id, [live.pipeline_id], now=now)
    return _is(row, TriggerState.ACTIVE) - was_active


def forget_schedule(*, tenant_id: uuid.UUID, pipeline_id: uuid.UUID, now: datetime) -> int:
    """Let go of the schedule of a pipeline that is about to go, and its row with it; return what changes."""
    row = _row_of(tenant_id, pipeline_id)
    if _is(row, TriggerState.PARKED):
        tell_unparked(tenant_id, [pipeline_id], now=now)
    return -int(_is(row, TriggerState.ACTIVE))


def timing_of(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a schedule says about when."""
    return {name: spec[name] for name in TIMING if spec.get(name) is not None}


def window_start(
    row: PipelineSchedule | None, spec: Mapping[str, Any], *, live: LivePipeline, now: datetime
) -> datetime:  # fmt: skip
    """Return from when on occurrences count once `spec` is saved and live, of a pipeline that is not paused.

    `row` is what is live until then. The Schedule tab says by it what saving will fire. What the ledger has is not
    looked at again: the window begins after it.
    """
    if row is not None and timing_of(row.spec) == timing_of(spec):
        return now if row.state == TriggerState.OFF else row.decided_until
    since = live.last_run_at or now - LOOK_BACK
    if spec.get("kind") == "interval" and spec.get("anchor") is None:
        # It has no instants of its own, and counts from the last run.
        return since
    decided = decided_instant(live.tenant_id, live.pipeline_id)
    return since if decided is None else max(since, min(decided, now))


def first_due(timetable: Timetable, *, decided_until: datetime, last_run_at: datetime | None) -> datetime | None:
    """Return when the next occurrence is to be looked at; None when the rule has ended."""
    is_later = timetable.is_relative and last_run_at is not None and last_run_at > decided_until
    return timetable.next(last_run_at if is_later and last_run_at is not None else decided_until)


def _row_of(tenant_id: uuid.UUID, pipeline_id: uuid.UUID) -> PipelineSchedule | None:
    rows = PipelineSchedule.objects.for_tenant(tenant_id).select_for_update()
    return rows.filter(pipeline_id=pipeline_id).first()


def _is(row: PipelineSchedule | None, state: TriggerState) -> bool:
    return row is not None and row.state == state


def _mirror(
    row: PipelineSchedule | None, live: LivePipeline, change: Change, now: datetime
) -> PipelineSchedule | None:  # fmt: skip
    if live.schedule is None:
        return _without_schedule(row, live, now)
    spec = live.schedule.model_dump(mode="json", by_alias=True, exclude_none=True)
    stance = _stance(live, spec)
    decided_until, active_since = _window(row, live, spec, stance, change, now)
    if row is None:
        row = PipelineSchedule(tenant_id=live.tenant_id, pipeline_id=live.pipeline_id, created_at=now)
    elif change is Change.RESUMED and row.state == TriggerState.PAUSED:
        _write_pause(row, live, now, IN_A_PAUSE)
    elif _makes_way(row, spec, stance):
        _write_left(row, live, now, _taken_over(stance, decided_until, live))
    row.version, row.spec = live.version or 0, spec
    row.decided_until, row.active_since = decided_until, active_since
    return _stand(row, live, stance, now)


def _without_schedule(row: PipelineSchedule | None, live: LivePipeline, now: datetime) -> PipelineSchedule | None:
    """Take the row away, or park it where what is live cannot be read."""
    if row is None:
        return None
    if live.problem:
        return _stand(row, live, Stance(TriggerState.PARKED, f"The live version cannot be read: {live.problem}"), now)
    _write_left(row, live, now, lambda _: False)
    row.delete()
    return None


def _stance(live: LivePipeline, spec: Mapping[str, Any]) -> Stance:
    if live.paused_at is not None:
        return Stance(TriggerState.PAUSED, "The pipeline is paused.")
    if not spec.get("enabled", True):
        return Stance(TriggerState.OFF, "The schedule is switched off.")
    try:
        return Stance(TriggerState.ACTIVE, timetable=read_timetable(spec, created_at=live.created_at))
    except TimetableError as error:
        return Stance(TriggerState.PARKED, f"schedule.{error.field}: {error.message}")


def _window(
    row: PipelineSchedule | None, live: LivePipeline, spec: Mapping[str, Any], stance: Stance, change: Change,
    now: datetime,
) -> tuple[datetime, datetime]:  # fmt: skip
    """Return from when on occurrences count, and since when the schedule is as it is."""
    if row is not None and timing_of(row.spec) == timing_of(spec):
        is_off = row.state == TriggerState.OFF and stance.state is TriggerState.ACTIVE
        return (now, now) if change is Change.RESUMED or is_off else (row.decided_until, row.active_since)
    if stance.state is TriggerState.PAUSED or change is Change.RESUMED:
        return now, now
    return window_start(row, spec, live=live, now=now), now


def _stand(row: PipelineSchedule, live: LivePipeline, stance: Stance, now: datetime) -> PipelineSchedule:
    is_news = stance.state is TriggerState.PARKED and (row.state, row.reason) != (stance.state, stance.reason)
    row.state, row.reason, row.next_due_at, row.updated_at = stance.state, stance.reason, None, now
    if stance.timetable is not None:
        row.next_due_at = first_due(
            stance.timetable, decided_until=row.decided_until, last_run_at=live.last_run_at
        )  # fmt: skip
    if row._state.adding:
        row.save(force_insert=True)
    else:
        row.save(update_fields=WRITTEN)
    if is_news:
        insert_rows([_ledger_row(row, now, now, Outcome.PARKED, stance.reason)])
        tell_parked([Parked(live.tenant_id, live.pipeline_id, live.name, stance.reason)], now=now)
    return row


def _makes_way(row: PipelineSchedule, spec: Mapping[str, Any], stance: Stance) -> bool:
    return timing_of(row.spec) != timing_of(spec) or stance.state is TriggerState.OFF


def _taken_over(stance: Stance, since: datetime, live: LivePipeline) -> Callable[[datetime], bool]:
    """Return what tells, of an instant, whether the schedule that begins to count decides about it too."""
    timetable = stance.timetable

    def is_taken_over(at: datetime) -> bool:
        if timetable is None or at <= since:
            return False
        if timetable.is_relative:
            return first_due(timetable, decided_until=since, last_run_at=live.last_run_at) == at
        return timetable.latest(at, after=at - INSTANT) == at

    return is_taken_over


def _write_left(
    row: PipelineSchedule, live: LivePipeline, now: datetime, is_taken_over: Callable[[datetime], bool]
) -> None:  # fmt: skip
    """Write what was due by a schedule that makes way, and had not had its turn: nothing of it goes by silently."""
    end_held_instants(row.tenant_id, row.pipeline_id, CHANGED, now)
    if row.state == TriggerState.PAUSED:
        _write_pause(row, live, now, CHANGED)
    if row.state not in {TriggerState.ACTIVE, TriggerState.PARKED}:
        return
    try:
        timetable = read_timetable(row.spec, created_at=live.created_at)
    except TimetableError:
        return
    standing = Standing(
        pipeline_id=row.pipeline_id, timetable=timetable, catch_up=row.spec.get("catchUp", "latest"), overlap="",
        jitter_seconds=0, decided_until=row.decided_until, last_run_at=live.last_run_at, active_since=row.active_since,
    )  # fmt: skip
    rows = []
    for verdict in leave(standing, now=now, is_taken_over=is_taken_over):
        rows.append(_ledger_row(row, verdict.at, now, verdict.outcome, verdict.reason))
        rows[-1].until, rows[-1].count = verdict.until, verdict.count
    if rows:
        insert_rows(rows)


def _write_pause(row: PipelineSchedule, live: LivePipeline, now: datetime, reason: str) -> None:
    """Write one row for all that fell into the pause: nothing of it fires."""
    try:
        timetable = read_timetable(row.spec, created_at=live.created_at)
    except TimetableError:
        return
    first = first_due(timetable, decided_until=row.decided_until, last_run_at=live.last_run_at)
    if first is None or first > now:
        return
    written = _ledger_row(row, first, now, Outcome.PAUSED, reason)
    if not timetable.is_relative:
        written.count = timetable.count(row.decided_until, now)
        written.until = timetable.latest(now, after=first) if written.count > 1 else None
    insert_rows([written])


def _ledger_row(row: PipelineSchedule, at: datetime, now: datetime, outcome: Outcome, reason: str) -> Occurrence:
    return Occurrence(
        tenant_id=row.tenant_id, pipeline_id=row.pipeline_id, kind=OccurrenceKind.SCHEDULE, key=instant_key(at),
        occurrence_at=at, outcome=outcome, reason=reason, decided_at=now, via=Via.PERSON, version=row.version,
    )  # fmt: skip
