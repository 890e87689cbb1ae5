"""Wire shapes of previews; the only place where their names are camelCase."""
# ruff: noqa: N815 - the wire's names

from typing import Any

from rest_framework import serializers

from kaireon.platform.fields import (
    StrictBooleanField,
    StrictCharField,
    StrictDateTimeField,
    StrictIntegerField,
    StrictJSONField,
    StrictSerializer,
    format_time,
)
from triggers.decisions.forecast import Forecast

MAX_COUNT = 100
DEFAULT_COUNT = 10


class SchedulePreviewInput(StrictSerializer):
    """A schedule that nobody has saved, from when on to look, and when its pipeline last ran."""

    schedule = StrictJSONField(help_text="As in an IR: kind cron, interval or rrule; see /api/v1/pipelines/ir-schema")
    after = StrictDateTimeField(required=False, help_text="The moment to look from; now without it")
    lastRunAt = StrictDateTimeField(
        source="last_run_at",
        required=False,
        allow_null=True,
        help_text="Without it: never, so 24 hours are looked back",
    )
    count = StrictIntegerField(required=False, default=DEFAULT_COUNT, min_value=1, max_value=MAX_COUNT)


class ForecastShape(StrictSerializer):
    """An occurrence with what the zone's clock shows then."""

    at = StrictDateTimeField()
    local = StrictCharField(help_text="The same on the zone's clock, with its offset")
    note = StrictCharField(allow_blank=True, help_text="What daylight saving does to it")


class SchedulePreviewShape(StrictSerializer):
    """What a schedule does."""

    occurrences = serializers.ListField(child=StrictDateTimeField())
    dueNow = StrictBooleanField(help_text="The next tick after it is saved fires")
    warnings = serializers.ListField(child=serializers.CharField())
    dueOccurrence = StrictDateTimeField(allow_null=True, help_text="For which occurrence it fires, the most recent")
    firesNow = StrictIntegerField(help_text="How many runs that tick begins")
    words = StrictCharField(allow_blank=True)
    forecast = serializers.ListField(child=ForecastShape())


def schedule_preview_json(forecast: Forecast) -> dict[str, Any]:
    """Return the documented keys, then ours."""
    return {
        "occurrences": [format_time(each.at) for each in forecast.occurrences],
        "dueNow": forecast.due_now is not None,
        "warnings": list(forecast.warnings),
        "dueOccurrence": None if forecast.due_now is None else format_time(forecast.due_now),
        "firesNow": forecast.fires_now,
        "words": forecast.words,
        "forecast": [
            {"at": format_time(each.at), "local": each.local.isoformat(), "note": each.note}
            for each in forecast.occurrences
        ],
    }
