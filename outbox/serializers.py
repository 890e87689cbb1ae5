"""Wire shapes of the outbox: dead letters, what is done with them, and the reaper."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from kaireon.platform.fields import (
    StrictBooleanField,
    StrictCharField,
    StrictChoiceField,
    StrictDateTimeField,
    StrictListField,
    StrictSerializer,
    StrictUUIDField,
    format_time,
)
from outbox.decisions.dead_letters import DeadAction, DeadPlan, DepthAlert
from outbox.decisions.events import MAX_TOPIC
from outbox.models import DeadLetter
from outbox.services import MOST_IDS, ReaperReport


class DeadLetterShape(serializers.Serializer[Any]):
    """An event that could not be published."""

    id = serializers.UUIDField()
    topic = serializers.CharField()
    payload = serializers.JSONField()
    error = serializers.CharField(allow_blank=True)
    retryCount = serializers.IntegerField()  # noqa: N815
    failedAt = StrictDateTimeField()  # noqa: N815


class DeadLettersShape(serializers.Serializer[Any]):
    """The dead letter queue: `totalEvents`, `byTopic` and `alert` are of all topics, whatever `topic` asks for."""

    totalEvents = serializers.IntegerField()  # noqa: N815
    byTopic = serializers.DictField(child=serializers.IntegerField())  # noqa: N815
    events = DeadLetterShape(many=True)
    alert = serializers.ChoiceField(choices=[(each.value, each.value) for each in DepthAlert])


class DeadActionInput(StrictSerializer):
    """What to do, and with which: `eventIds`, `topic` (with both: those of the ids that are of the topic), or `all`."""

    action = StrictChoiceField(choices=[(each.value, each.value) for each in DeadAction])
    eventIds = StrictListField(  # noqa: N815
        child=StrictUUIDField(), max_length=MOST_IDS, required=False, default=list, source="event_ids"
    )
    topic = StrictCharField(max_length=MAX_TOPIC, allow_blank=True, required=False, default="")
    all = StrictBooleanField(required=False, default=False, source="everything")
    dryRun = StrictBooleanField(required=False, default=False, source="dry_run")  # noqa: N815


class SupersededShape(serializers.Serializer[Any]):
    """A key of which later events have left since."""

    key = serializers.CharField()
    events = serializers.IntegerField()
    publishedSince = serializers.IntegerField()  # noqa: N815
    lastPublishedAt = StrictDateTimeField()  # noqa: N815


class HeldShape(serializers.Serializer[Any]):
    """A key that is held now."""

    key = serializers.CharField()
    events = serializers.IntegerField()


class DeadPlanShape(serializers.Serializer[Any]):
    """What would happen."""

    byTopic = serializers.DictField(child=serializers.IntegerField())  # noqa: N815
    byReason = serializers.DictField(child=serializers.IntegerField())  # noqa: N815
    oldestFailedAt = StrictDateTimeField(allow_null=True)  # noqa: N815
    newestFailedAt = StrictDateTimeField(allow_null=True)  # noqa: N815
    superseded = SupersededShape(many=True)
    heldKeys = HeldShape(many=True)  # noqa: N815
    keysChecked = serializers.IntegerField()  # noqa: N815
    historySince = StrictDateTimeField(allow_null=True)  # noqa: N815


class DeadActionShape(serializers.Serializer[Any]):
    """What was done: `requeued` of a retry, `deleted` of a purge; after a dry run, what would be."""

    action = serializers.ChoiceField(choices=[(each.value, each.value) for each in DeadAction])
    requeued = serializers.IntegerField(required=False)
    deleted = serializers.IntegerField(required=False)
    dryRun = serializers.BooleanField(required=False)  # noqa: N815
    plan = DeadPlanShape(required=False)


def dead_letter_json(row: DeadLetter) -> dict[str, Any]:
    """Return a dead letter as the wire has it."""
    return {
        "id": str(row.pk),
        "topic": row.topic,
        "payload": row.payload,
        "error": row.error,
        "retryCount": row.retry_count,
        "failedAt": format_time(row.failed_at),
    }


def dead_plan_json(plan: DeadPlan) -> dict[str, Any]:
    """Return a rehearsal as the wire has it."""
    return {
        "byTopic": dict(plan.by_topic),
        "byReason": dict(plan.by_reason),
        "oldestFailedAt": _time(plan.oldest_failed_at),
        "newestFailedAt": _time(plan.newest_failed_at),
        "superseded": [
            {
                "key": each.key,
                "events": each.dead,
                "publishedSince": each.published_since,
                "lastPublishedAt": format_time(each.last_published_at),
            }
            for each in plan.superseded
        ],
        "heldKeys": [{"key": each.key, "events": each.dead} for each in plan.held],
        "keysChecked": plan.keys_checked,
        "historySince": _time(plan.history_since),
    }


def reaper_json(report: ReaperReport, *, seconds: float, now: datetime) -> dict[str, Any]:
    """Return what the reaper did, exactly as documented."""
    return {
        "status": "ok",
        "stalenessSeconds": report.staleness_seconds,
        "resetCount": report.reset_count,
        "durationMs": round(seconds * 1000),
        "timestamp": format_time(now),
    }


def _time(value: datetime | None) -> str | None:
    return None if value is None else format_time(value)
