"""Wire shapes of the scheduler's status and of occurrences; the only place where their names are camelCase."""
# ruff: noqa: N815 - the wire's names

from datetime import datetime
from typing import Any

from rest_framework import serializers

from kaireon.platform.fields import (
    StrictBooleanField,
    StrictCharField,
    StrictDateTimeField,
    StrictFloatField,
    StrictIntegerField,
    StrictSerializer,
    StrictUUIDField,
    format_time,
)
from triggers.decisions.pulse import PulseState
from triggers.decisions.vocabulary import HeldFor, OccurrenceKind, Outcome, TickSource, Via
from triggers.models import Occurrence, SchedulerTick
from triggers.selectors.attention import Parked
from triggers.selectors.status import COUNTED_UP_TO, Counts, Status
from triggers.selectors.ticks import HeldLock
from triggers.selectors.timeline import Fire

_BOUNDED = f"Counted up to {COUNTED_UP_TO + 1}"


class LastTickShape(StrictSerializer):
    """A tick of the scheduler."""

    id = StrictUUIDField()
    at = StrictDateTimeField()
    source = serializers.ChoiceField(choices=[item.value for item in TickSource])  # type: ignore[assignment]
    ticker = StrictCharField(allow_blank=True)
    durationMs = StrictIntegerField(allow_null=True)
    due = StrictIntegerField()
    dispatched = StrictIntegerField()
    failed = StrictIntegerField()
    remaining = StrictIntegerField()
    error = StrictCharField(allow_null=True, max_length=None)


class LagShape(StrictSerializer):
    """How late what was due in the last hour was decided, in seconds; null when nothing was due."""

    p50 = StrictFloatField(allow_null=True)
    max = StrictFloatField(allow_null=True)
    samples = StrictIntegerField()


class FireShape(StrictSerializer):
    """A schedule that is due."""

    pipelineId = StrictUUIDField()
    pipelineName = StrictCharField()
    dueAt = StrictDateTimeField()


class ParkedShape(StrictSerializer):
    """A schedule or a file trigger that cannot be read any more."""

    pipelineId = StrictUUIDField()
    pipelineName = StrictCharField()
    what = serializers.ChoiceField(choices=["schedule", "file trigger"])
    reason = StrictCharField(allow_blank=True, max_length=None)
    since = StrictDateTimeField()


class LockShape(StrictSerializer):
    """Who decides just now."""

    process = StrictIntegerField()
    since = StrictDateTimeField(allow_null=True)


class CountsShape(StrictSerializer):
    """The tenant's pipelines, and what became of occurrences in the last 24 hours."""

    pipelines = StrictIntegerField()
    scheduled = StrictIntegerField()
    fileTriggers = StrictIntegerField()
    overdue = StrictIntegerField(help_text=_BOUNDED)
    held = StrictIntegerField(help_text=_BOUNDED)
    parked = StrictIntegerField(help_text=_BOUNDED)
    paused = StrictIntegerField(help_text=_BOUNDED)
    fired = StrictIntegerField(help_text=_BOUNDED)
    coalesced = StrictIntegerField(help_text=_BOUNDED)
    skippedOverlap = StrictIntegerField(help_text=_BOUNDED)
    missed = StrictIntegerField(help_text=_BOUNDED)
    failedDispatches = StrictIntegerField(help_text=_BOUNDED)
    deadlinesMissed = StrictIntegerField(help_text=_BOUNDED)


class OccurrenceRunShape(StrictSerializer):
    """The run that an occurrence began, or that stands for it."""

    id = StrictUUIDField()
    status = StrictCharField()


class OccurrenceShape(StrictSerializer):
    """An occurrence that was expected, with what became of it and why."""

    id = StrictUUIDField()
    pipelineId = StrictUUIDField()
    pipelineName = StrictCharField()
    kind = serializers.ChoiceField(choices=[item.value for item in OccurrenceKind])
    occurrenceAt = StrictDateTimeField()
    until = StrictDateTimeField(allow_null=True, help_text="Of a stretch of instants in one row: the last of them")
    count = StrictIntegerField()
    outcome = serializers.ChoiceField(choices=[item.value for item in Outcome])
    reason = StrictCharField(allow_null=True, max_length=None)
    run = OccurrenceRunShape(allow_null=True)
    decidedAt = StrictDateTimeField()
    dueAt = StrictDateTimeField(allow_null=True)
    heldFor = serializers.ChoiceField(choices=[item.value for item in HeldFor], allow_null=True)
    repeats = StrictIntegerField(help_text="How often the same came again and was refused as a duplicate")
    repeatedAt = StrictDateTimeField(allow_null=True)
    via = serializers.ChoiceField(choices=[item.value for item in Via])
    tickId = StrictUUIDField(allow_null=True)
    version = StrictIntegerField(allow_null=True)
    detail = serializers.DictField()


class SchedulerStatusShape(StrictSerializer):
    """How the scheduler is doing for the tenant."""

    alive = StrictBooleanField()
    state = serializers.ChoiceField(choices=[item.value for item in PulseState])
    now = StrictDateTimeField()
    intervalMs = StrictIntegerField()
    lastTick = LastTickShape(allow_null=True)
    lagSeconds = LagShape()
    counts = CountsShape()
    nextFive = FireShape(many=True)
    overdue = FireShape(many=True)
    missed = OccurrenceShape(many=True)
    failedDispatches = OccurrenceShape(many=True)
    parked = ParkedShape(many=True)
    held = OccurrenceShape(many=True)
    locks = LockShape(many=True)


def occurrence_json(row: Occurrence) -> dict[str, Any]:
    """Return an occurrence; `pipeline` and `run` are there already."""
    return {
        "id": str(row.pk), "pipelineId": str(row.pipeline_id), "pipelineName": row.pipeline.name, "kind": row.kind,
        "occurrenceAt": format_time(row.occurrence_at), "until": _time(row.until), "count": row.count,
        "outcome": row.outcome, "reason": row.reason or None,
        "run": {"id": str(row.run_id), "status": row.run.status} if row.run else None,
        "decidedAt": format_time(row.decided_at), "dueAt": _time(row.due_at), "heldFor": row.held_for or None,
        "repeats": row.repeats, "repeatedAt": _time(row.repeated_at), "via": row.via,
        "tickId": str(row.tick_id) if row.tick_id else None, "version": row.version, "detail": row.detail,
    }  # fmt: skip


def status_json(status: Status) -> dict[str, Any]:
    """Return the head of the status; the lists are added by the view."""
    return {
        "alive": status.is_alive, "state": status.state.value, "now": format_time(status.now),
        "intervalMs": int(status.interval.total_seconds() * 1000),
        "lastTick": None if status.last is None else _tick_json(status.last),
        "lagSeconds": {"p50": status.lag.p50, "max": status.lag.most, "samples": status.lag.samples},
        "counts": _counts_json(status.counts),
    }  # fmt: skip


def _counts_json(counts: Counts) -> dict[str, int]:
    return {
        "pipelines": counts.pipelines, "scheduled": counts.scheduled, "fileTriggers": counts.file_triggers,
        "overdue": counts.overdue, "held": counts.held, "parked": counts.all_parked,
        "paused": counts.paused_schedules, "fired": counts.fired, "coalesced": counts.coalesced,
        "skippedOverlap": counts.skipped_overlap, "missed": counts.missed, "failedDispatches": counts.failed,
        "deadlinesMissed": counts.deadline_missed,
    }  # fmt: skip


def _tick_json(tick: SchedulerTick) -> dict[str, Any]:
    return {
        "id": str(tick.pk), "at": format_time(tick.at), "source": tick.source, "ticker": tick.ticker,
        "durationMs": tick.duration_ms, "due": tick.due, "dispatched": tick.dispatched, "failed": tick.failed,
        "remaining": tick.remaining, "error": tick.error or None,
    }  # fmt: skip


def fire_json(fire: Fire) -> dict[str, Any]:
    """Return a schedule that is due."""
    return {"pipelineId": str(fire.pipeline_id), "pipelineName": fire.name, "dueAt": format_time(fire.at)}


def parked_json(parked: Parked) -> dict[str, Any]:
    """Return what is parked."""
    return {
        "pipelineId": str(parked.pipeline_id), "pipelineName": parked.name, "what": parked.what,
        "reason": parked.reason, "since": format_time(parked.since),
    }  # fmt: skip


def lock_json(lock: HeldLock) -> dict[str, Any]:
    """Return who holds the scheduler's lock."""
    return {"process": lock.process, "since": _time(lock.since)}


def _time(value: datetime | None) -> str | None:
    return None if value is None else format_time(value)
