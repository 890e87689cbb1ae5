"""Wire shapes of runs; the only place where their names are camelCase."""
# ruff: noqa: N815 - the wire's names

import base64
from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from kaireon.platform.fields import (
    StrictBooleanField,
    StrictCharField,
    StrictDateTimeField,
    StrictIntegerField,
    StrictSerializer,
    StrictUUIDField,
    format_time,
)
from kaireon.platform.notifications.decisions import State
from reports.decisions.narrative_json import narrative_output
from reports.decisions.vocabulary import Format, RunStatus, Stage, TriggeredBy
from reports.models import ReportArtifact, ReportRun
from reports.selectors.runs import RunDelivery
from reports.services.previewing import Preview

FORMATS = [item.value for item in Format]


class RunNowInput(StrictSerializer):
    """A body without fields."""


class PreviewInput(StrictSerializer):
    """The body of a preview: in which zone its days begin."""

    timezone = StrictCharField(max_length=64, required=False, help_text="An IANA name; the schedule's, else UTC")


class ArtifactShape(StrictSerializer):
    """A file of a run, without its bytes."""

    format = serializers.ChoiceField(choices=FORMATS)
    filename = StrictCharField()
    contentType = StrictCharField()
    sizeBytes = StrictIntegerField(max_value=2**53)
    sha256 = StrictCharField()


class RunDeliveryShape(StrictSerializer):
    """How one destination of a run stands; `deliveryId` leads to the ledger."""

    providerId = StrictUUIDField()
    deliveryId = StrictUUIDField()
    kind = StrictCharField(allow_blank=True)
    status = serializers.ChoiceField(choices=[state.value for state in State])
    attempts = StrictIntegerField()
    error = StrictCharField(allow_null=True)


class RunSummaryShape(StrictSerializer):
    """A run in a list."""

    id = StrictUUIDField()
    templateId = StrictUUIDField(allow_null=True)
    scheduleId = StrictUUIDField(allow_null=True)
    occurrenceAt = StrictDateTimeField(allow_null=True)
    triggeredBy = serializers.ChoiceField(choices=[item.value for item in TriggeredBy])
    status = serializers.ChoiceField(choices=[item.value for item in RunStatus])
    stage = serializers.ChoiceField(choices=[item.value for item in Stage])
    startedAt = StrictDateTimeField()
    finishedAt = StrictDateTimeField(allow_null=True)
    durationMs = StrictIntegerField(allow_null=True)
    isEmpty = StrictBooleanField()
    artifacts = ArtifactShape(many=True)
    deliveries = RunDeliveryShape(many=True)
    error = StrictCharField(allow_null=True)


class RunShape(RunSummaryShape):
    """A run with what it says."""

    sectionsData = serializers.ListField(child=serializers.DictField())
    narrativeOutput = serializers.DictField(allow_null=True)


class RunNowShape(StrictSerializer):
    """What a run came to, or `running` with nothing yet."""

    runId = StrictUUIDField()
    status = serializers.ChoiceField(choices=[item.value for item in RunStatus])
    artifacts = ArtifactShape(many=True)
    deliveries = RunDeliveryShape(many=True)
    error = StrictCharField(allow_null=True)


class PreviewFileShape(StrictSerializer):
    """A file with its bytes."""

    format = serializers.ChoiceField(choices=FORMATS)
    filename = StrictCharField()
    contentType = StrictCharField()
    base64 = StrictCharField(max_length=None)


class PreviewShape(StrictSerializer):
    """What a run would show now."""

    period = StrictCharField(allow_blank=True)
    sections = serializers.ListField(child=serializers.DictField())
    narrative = serializers.DictField(allow_null=True)
    artifacts = PreviewFileShape(many=True)


def run_summary_json(run: ReportRun, deliveries: Sequence[RunDelivery]) -> dict[str, Any]:
    """Return a run as a list shows it."""
    # One that is being sent again is not finished, whenever it was finished first.
    finished_at = None if run.status == RunStatus.RUNNING else run.finished_at
    duration = (finished_at - run.started_at) if finished_at else None
    return {
        "id": str(run.pk),
        "templateId": run.template_id and str(run.template_id),
        "scheduleId": run.schedule_id and str(run.schedule_id),
        "occurrenceAt": run.occurrence_at and format_time(run.occurrence_at),
        "triggeredBy": run.triggered_by,
        "status": run.status,
        "stage": run.stage,
        "startedAt": format_time(run.started_at),
        "finishedAt": finished_at and format_time(finished_at),
        "durationMs": None if duration is None else max(0, round(duration.total_seconds() * 1000)),
        "isEmpty": run.is_empty,
        "artifacts": [artifact_json(each) for each in run.artifacts.all()],
        "deliveries": [_delivery_json(each) for each in deliveries],
        "error": run.error or None,
    }


def run_json(run: ReportRun, deliveries: Sequence[RunDelivery]) -> dict[str, Any]:
    """Return a run with its sections and its words."""
    return {
        **run_summary_json(run, deliveries),
        "sectionsData": run.sections_data,
        "narrativeOutput": run.narrative_output,
    }


def run_now_json(run: ReportRun, deliveries: Sequence[RunDelivery]) -> dict[str, Any]:
    """Return what run-now and resend answer."""
    return {
        "runId": str(run.pk),
        "status": run.status,
        "artifacts": [artifact_json(each) for each in run.artifacts.all()],
        "deliveries": [_delivery_json(each) for each in deliveries],
        "error": run.error or None,
    }


def artifact_json(artifact: ReportArtifact) -> dict[str, Any]:
    """Return a file without its bytes."""
    return {
        "format": artifact.format,
        "filename": artifact.filename,
        "contentType": artifact.content_type,
        "sizeBytes": artifact.size_bytes,
        "sha256": artifact.sha256,
    }


def preview_json(preview: Preview) -> dict[str, Any]:
    """Return a preview, its files in base64."""
    return {
        "period": preview.document.period,
        "sections": preview.sections,
        "narrative": narrative_output(preview.document.narrative),
        "artifacts": [
            {
                "format": each.format,
                "filename": each.filename,
                "contentType": each.content_type,
                "base64": base64.b64encode(each.content).decode(),
            }
            for each in preview.artifacts
        ],
    }


def _delivery_json(delivery: RunDelivery) -> dict[str, Any]:
    return {
        "providerId": str(delivery.provider_id),
        "deliveryId": str(delivery.delivery_id),
        "kind": delivery.kind,
        "status": delivery.state,
        "attempts": delivery.attempts,
        "error": delivery.error or None,
    }
