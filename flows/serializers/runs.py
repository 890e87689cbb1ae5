"""Wire shapes of runs; the only place where their names are camelCase."""
# ruff: noqa: N815 - the wire's names

from datetime import datetime
from typing import Any

from rest_framework import serializers

from flows.decisions.vocabulary import LogLevel, RunStatus, Stage, TriggerSource
from flows.models import PipelineRun
from flows.selectors.runs import RowError, duration_ms
from kaireon.platform.fields import (
    StrictBooleanField,
    StrictCharField,
    StrictDateTimeField,
    StrictIntegerField,
    StrictJSONField,
    StrictSerializer,
    StrictUUIDField,
    format_time,
)

STATUSES = [item.value for item in RunStatus]
STAGES = [item.value for item in Stage]
BIG = 2**63 - 1


class PipelineRunInput(StrictSerializer):
    """Which version to run; the live one unless a number is given."""

    version = StrictIntegerField(required=False, min_value=1)


class StartedShape(StrictSerializer):
    """A run that was asked for."""

    runId = StrictUUIDField()
    status = serializers.ChoiceField(choices=STATUSES)


class PipelineRunShape(StrictSerializer):
    """A run in a list."""

    id = StrictUUIDField()
    tenantId = StrictUUIDField()
    pipelineId = StrictUUIDField()
    pipelineName = StrictCharField()
    status = serializers.ChoiceField(choices=STATUSES)
    stage = serializers.ChoiceField(choices=STAGES)
    triggerSource = serializers.ChoiceField(choices=[item.value for item in TriggerSource])
    requestedBy = StrictCharField(allow_blank=True)
    irVersion = StrictIntegerField()
    retryOf = StrictUUIDField(allow_null=True)
    attempt = StrictIntegerField()
    maxAttempts = StrictIntegerField()
    rowsIn = StrictIntegerField(max_value=BIG)
    rowsOut = StrictIntegerField(max_value=BIG)
    failedRows = StrictIntegerField(max_value=BIG)
    skippedRows = StrictIntegerField(max_value=BIG)
    createdAt = StrictDateTimeField()
    startedAt = StrictDateTimeField(allow_null=True)
    finishedAt = StrictDateTimeField(allow_null=True)
    durationMs = StrictIntegerField(allow_null=True, max_value=BIG)
    error = StrictCharField(allow_null=True, max_length=None)
    errorNode = StrictCharField(allow_null=True)


class PipelineRunDetailShape(PipelineRunShape):
    """A run with what it knows of itself: `metadata` has the SQL of its nodes and their quarantine tables."""

    loadStrategy = StrictCharField(allow_null=True)
    parameters = serializers.DictField()
    metadata = serializers.DictField()
    stages = serializers.ListField(child=serializers.DictField())
    warnings = serializers.ListField(child=StrictJSONField(allow_any=True))


class PartitionShape(StrictSerializer):
    """One file of a run."""

    index = StrictIntegerField()
    status = StrictCharField()
    rows = StrictIntegerField(allow_null=True, max_value=BIG)
    name = StrictCharField(allow_blank=True, max_length=None)
    bytes = StrictIntegerField(allow_null=True, max_value=BIG)


class ValidationErrorShape(StrictSerializer):
    """What was wrong with a row, in short."""

    row = StrictIntegerField(allow_null=True, max_value=BIG)
    column = StrictCharField(allow_blank=True)
    value = StrictCharField(allow_blank=True, max_length=None)
    error = StrictCharField(max_length=None)


class LogLineShape(StrictSerializer):
    """A line of a run's log."""

    stage = serializers.ChoiceField(choices=STAGES)
    message = StrictCharField(max_length=None)
    level = serializers.ChoiceField(choices=[item.value for item in LogLevel])
    timestamp = StrictDateTimeField()


class ProgressShape(StrictSerializer):
    """How far a run is: the documented keys, and ours."""

    status = serializers.ChoiceField(choices=STATUSES)
    stage = serializers.ChoiceField(choices=STAGES)
    totalRows = StrictIntegerField(allow_null=True, max_value=BIG)
    processedRows = StrictIntegerField(max_value=BIG)
    rowsIn = StrictIntegerField(max_value=BIG)
    rowsOut = StrictIntegerField(max_value=BIG)
    failedRows = StrictIntegerField(max_value=BIG)
    skippedRows = StrictIntegerField(max_value=BIG)
    bytesIn = StrictIntegerField(max_value=BIG)
    totalBytes = StrictIntegerField(allow_null=True, max_value=BIG)
    partitions = StrictIntegerField()
    completedPartitions = StrictIntegerField()
    partitionDetails = PartitionShape(many=True)
    validationErrors = ValidationErrorShape(many=True)
    eta = StrictCharField(allow_null=True)
    durationMs = StrictIntegerField(allow_null=True, max_value=BIG)
    loadStrategy = StrictCharField(allow_null=True)
    stages = serializers.ListField(child=serializers.DictField())
    warnings = serializers.ListField(child=StrictJSONField(allow_any=True))
    error = StrictCharField(allow_null=True, max_length=None)
    errorId = StrictUUIDField(allow_null=True)
    errorNode = StrictCharField(allow_null=True)
    cancelRequested = StrictBooleanField()
    log = LogLineShape(many=True)


class RunErrorShape(ValidationErrorShape):
    """What was wrong with a row, and where."""

    nodeId = StrictCharField(allow_blank=True)
    ruleId = StrictCharField(allow_blank=True)
    file = StrictCharField(allow_blank=True, max_length=None)


class RunErrorsShape(StrictSerializer):
    """What was wrong with the rows of a run; at most a thousand are kept, all rows are in the quarantine."""

    runId = StrictUUIDField()
    count = StrictIntegerField()
    failedRows = StrictIntegerField(max_value=BIG)
    errors = RunErrorShape(many=True)  # type: ignore[assignment]


def run_json(run: PipelineRun, *, now: datetime) -> dict[str, Any]:
    """Return a run as a list shows it."""
    return {
        "id": str(run.pk),
        "tenantId": str(run.tenant_id),
        "pipelineId": str(run.pipeline_id),
        "pipelineName": run.pipeline.name,
        "status": run.status,
        "stage": run.stage,
        "triggerSource": run.trigger_source,
        "requestedBy": run.requested_by,
        "irVersion": run.ir_version,
        "retryOf": run.retry_of_id and str(run.retry_of_id),
        "attempt": run.attempt,
        "maxAttempts": run.max_attempts,
        "rowsIn": run.rows_in,
        "rowsOut": run.rows_out,
        "failedRows": run.failed_rows,
        "skippedRows": run.skipped_rows,
        "createdAt": format_time(run.created_at),
        "startedAt": run.started_at and format_time(run.started_at),
        "finishedAt": run.finished_at and format_time(run.finished_at),
        "durationMs": duration_ms(run, now=now),
        "error": run.error or None,
        "errorNode": run.error_node or None,
    }


def run_detail_json(run: PipelineRun, *, now: datetime) -> dict[str, Any]:
    """Return a run with what it knows of itself."""
    return {
        **run_json(run, now=now),
        "loadStrategy": run.load_strategy or None,
        "parameters": run.parameters,
        "metadata": run.metadata,
        "stages": run.stages,
        "warnings": run.warnings,
    }


def started_json(run: PipelineRun) -> dict[str, Any]:
    """Return what asking for a run answers."""
    return {"runId": str(run.pk), "status": run.status}


def error_json(error: RowError) -> dict[str, Any]:
    """Return what was wrong with a row."""
    return {
        "row": error.row,
        "column": error.column,
        "value": error.value,
        "error": error.error,
        "nodeId": error.node_id,
        "ruleId": error.rule_id,
        "file": error.file,
    }
