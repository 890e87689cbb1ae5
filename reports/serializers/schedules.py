"""Wire shapes of report schedules; the only place where their names are camelCase."""
# ruff: noqa: N815 - the wire's names

from datetime import datetime
from typing import Any, Final

from rest_framework import serializers

from kaireon.platform.errors import NotFound
from kaireon.platform.fields import (
    StrictBooleanField,
    StrictCharField,
    StrictChoiceField,
    StrictDateTimeField,
    StrictIntegerField,
    StrictListField,
    StrictSerializer,
    StrictUUIDField,
    format_time,
    read_uuid,
)
from reports.decisions.cadence_words import say_kept
from reports.decisions.cadences import MAX_COUNT, CadencePreview
from reports.decisions.vocabulary import MissedPolicy
from reports.models import LAST_STATUSES, MAX_NAME, MISSED_POLICIES, SCHEDULE_STATES, ReportSchedule
from reports.selectors.schedules import schedule_standing
from reports.selectors.templates import TEMPLATE_NOT_FOUND
from reports.serializers.templates import MAX_DESTINATIONS

DEFAULT_COUNT: Final = 5


class ReportScheduleInput(StrictSerializer):
    """The body of POST and PATCH; PATCH takes any of the fields."""

    templateId = StrictCharField(source="template_id", max_length=100, allow_blank=True, help_text="A UUID")
    name = StrictCharField(max_length=MAX_NAME)
    # Texts that are no cadence are told apart from what is no text: 422, not 400.
    cronExpression = StrictCharField(source="cron_expression", max_length=1000, allow_blank=True)
    timezone = StrictCharField(max_length=1000, required=False, allow_blank=True, help_text="An IANA zone")
    destinations = StrictListField(
        source="destination_ids", child=StrictUUIDField(), required=False, max_length=MAX_DESTINATIONS
    )
    enabled = StrictBooleanField(required=False)
    missedPolicy = StrictChoiceField(
        source="missed_policy", choices=[item.value for item in MissedPolicy], required=False
    )  # fmt: skip
    skipIfEmpty = StrictBooleanField(source="skip_if_empty", required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the values; raise NotFound for a template's id that nothing can have."""
        values = dict(attrs)
        if "template_id" in values:
            values["template_id"] = read_uuid(values["template_id"])
            if values["template_id"] is None:
                raise NotFound(TEMPLATE_NOT_FOUND, fields={"templateId": [TEMPLATE_NOT_FOUND]})
        return values


class CadencePreviewInput(StrictSerializer):
    """The body of the preview of a cadence."""

    cronExpression = StrictCharField(source="expression", max_length=1000, allow_blank=True)
    timezone = StrictCharField(max_length=1000, default="UTC", allow_blank=True)
    count = StrictIntegerField(default=DEFAULT_COUNT, min_value=1, max_value=MAX_COUNT)


class ReportScheduleShape(StrictSerializer):
    """A schedule: the documented keys in the documented order, then ours."""

    id = StrictUUIDField()
    tenantId = StrictUUIDField()
    templateId = StrictUUIDField()
    name = StrictCharField()
    cronExpression = StrictCharField()
    timezone = StrictCharField()
    destinations = serializers.ListField(child=StrictUUIDField())
    enabled = StrictBooleanField()
    lastRunAt = StrictDateTimeField(allow_null=True)
    nextRunAt = StrictDateTimeField(allow_null=True)
    lastStatus = serializers.ChoiceField(choices=LAST_STATUSES)
    createdAt = StrictDateTimeField()
    updatedAt = StrictDateTimeField()
    missedPolicy = serializers.ChoiceField(choices=MISSED_POLICIES)
    skipIfEmpty = StrictBooleanField()
    state = serializers.ChoiceField(choices=SCHEDULE_STATES)
    stateReason = StrictCharField(allow_blank=True)
    pausedAt = StrictDateTimeField(allow_null=True)
    failuresInARow = StrictIntegerField()
    words = StrictCharField(help_text="The cadence in words, or the expression where there are none")


class PreviewedOccurrenceShape(StrictSerializer):
    """A time at which a report would go out."""

    at = StrictDateTimeField()
    local = StrictCharField(help_text="The same on the zone's clock, with its offset")
    isDstDay = StrictBooleanField(help_text="The zone's clock changes on that day")


class CadencePreviewShape(StrictSerializer):
    """A cadence as people read it."""

    occurrences = serializers.ListField(child=PreviewedOccurrenceShape())
    words = StrictCharField()
    warnings = serializers.ListField(child=serializers.CharField())


def schedule_json(schedule: ReportSchedule) -> dict[str, Any]:
    """Return a schedule as it is read; one whose cadence cannot be read shows as parked before a tick has seen it."""
    standing = schedule_standing(schedule)
    return {
        "id": str(schedule.pk),
        "tenantId": str(schedule.tenant_id),
        "templateId": str(schedule.template_id),
        "name": schedule.name,
        "cronExpression": schedule.cron_expression,
        "timezone": schedule.timezone,
        "destinations": [str(row_id) for row_id in schedule.destination_ids],
        "enabled": schedule.enabled,
        "lastRunAt": _time(schedule.last_run_at),
        "nextRunAt": _time(standing.next_run_at),
        "lastStatus": schedule.last_status,
        "createdAt": format_time(schedule.created_at),
        "updatedAt": format_time(schedule.updated_at),
        "missedPolicy": schedule.missed_policy,
        "skipIfEmpty": schedule.skip_if_empty,
        "state": standing.state.value,
        "stateReason": standing.reason,
        "pausedAt": _time(schedule.paused_at),
        "failuresInARow": schedule.failures_in_a_row,
        "words": say_kept(schedule.cron_expression),
    }


def cadence_json(preview: CadencePreview) -> dict[str, Any]:
    """Return the preview of a cadence."""
    return {
        "occurrences": [
            {"at": format_time(each.at), "local": each.local.isoformat(), "isDstDay": each.is_dst_day}
            for each in preview.occurrences
        ],
        "words": preview.words,
        "warnings": list(preview.warnings),
    }


def _time(value: datetime | None) -> str | None:
    return format_time(value) if value else None
