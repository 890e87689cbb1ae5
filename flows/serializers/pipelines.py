"""Wire shapes of pipelines and their versions; the only place where their names are camelCase."""
# ruff: noqa: N815 - the wire's names

import json
from collections.abc import Mapping
from typing import Any, Final

from rest_framework import serializers

from flows.decisions.vocabulary import PipelineStatus, RunStatus
from flows.models import Pipeline
from flows.selectors.pipelines import live_ir, shape_of
from flows.serializers.execution import ExecutionConfigShape
from flows.serializers.versions import IR_HELP, MAX_TEXT, IrField
from kaireon.platform.fields import (
    StrictCharField,
    StrictChoiceField,
    StrictDateTimeField,
    StrictIntegerField,
    StrictSerializer,
    StrictUUIDField,
    format_time,
)

MAX_NAME: Final = 120
LEGACY: Final = "Pipelines are described by ir; nodes and edges are derived from it."


class PipelineInput(StrictSerializer):
    """The body that creates a pipeline."""

    name = StrictCharField(max_length=MAX_NAME)
    description = StrictCharField(max_length=MAX_TEXT, multiline=True, required=False, allow_blank=True)
    connectorId = StrictUUIDField(source="connector_id", required=False, allow_null=True)
    schemaId = StrictUUIDField(source="data_schema_id", required=False, allow_null=True)
    irVersion = StrictChoiceField(choices=["1.0"], required=False)
    ir = IrField(help_text=IR_HELP)
    executionConfig = ExecutionConfigShape(source="execution_config", required=False)

    def to_internal_value(self, data: Any) -> Any:
        """Validate; the fields of pipelines of old say what there is instead."""
        if isinstance(data, Mapping):
            old = {name: [LEGACY] for name in ("nodes", "edges") if name in data and "ir" not in data}
            if old:
                raise serializers.ValidationError(old)
            # Beside an ir they are what the ir says, as a pipeline that was read shows them.
            data = {name: value for name, value in data.items() if name not in {"nodes", "edges"}}
        return super().to_internal_value(data)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the values in the services' names."""
        values = {name: value for name, value in attrs.items() if name != "irVersion"}
        return _plain_config(values)


class PipelinePatch(StrictSerializer):
    """The body that changes a pipeline; what it does changes by saving a version."""

    name = StrictCharField(max_length=MAX_NAME, required=False)
    description = StrictCharField(max_length=MAX_TEXT, multiline=True, required=False, allow_blank=True)
    connectorId = StrictUUIDField(source="connector_id", required=False, allow_null=True)
    schemaId = StrictUUIDField(source="data_schema_id", required=False, allow_null=True)
    executionConfig = ExecutionConfigShape(source="execution_config", required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the values in the services' names."""
        return _plain_config(dict(attrs))


class PauseInput(StrictSerializer):
    """Why, for those who find it paused."""

    reason = StrictCharField(max_length=500, required=False, allow_blank=True, default="")


class EmptyInput(StrictSerializer):
    """A call that says everything in its address."""


class NamedShape(StrictSerializer):
    """The connector of a pipeline."""

    id = StrictUUIDField()
    name = StrictCharField()
    type = StrictCharField()


class SchemaNameShape(StrictSerializer):
    """The schema of a pipeline."""

    id = StrictUUIDField()
    name = StrictCharField()
    displayName = StrictCharField()


class NodeShape(StrictSerializer):
    """A node of the live version."""

    id = StrictCharField()
    kind = StrictCharField()


class EdgeShape(StrictSerializer):
    """From where to where rows go."""

    id = StrictCharField()
    source = StrictCharField()  # type: ignore[assignment]
    target = StrictCharField()


class FlowPipelineShape(StrictSerializer):
    """A pipeline: the documented keys in the documented order, then ours."""

    id = StrictUUIDField()
    tenantId = StrictUUIDField()
    name = StrictCharField()
    description = StrictCharField(allow_blank=True, max_length=None)
    status = serializers.ChoiceField(choices=[item.value for item in PipelineStatus])
    schedule = serializers.DictField(allow_null=True)
    connectorId = StrictUUIDField(allow_null=True)
    schemaId = StrictUUIDField(allow_null=True)
    executionConfig = ExecutionConfigShape()
    connector = NamedShape(allow_null=True)
    schema = SchemaNameShape(allow_null=True)
    nodes = NodeShape(many=True)
    edges = EdgeShape(many=True)
    lastRunAt = StrictDateTimeField(allow_null=True)
    lastRunStatus = serializers.ChoiceField(choices=[item.value for item in RunStatus], allow_null=True)
    createdAt = StrictDateTimeField()
    updatedAt = StrictDateTimeField()
    irVersion = StrictCharField()
    trigger = serializers.DictField(allow_null=True)
    liveVersion = StrictIntegerField(allow_null=True)
    latestVersion = StrictIntegerField()
    pausedAt = StrictDateTimeField(allow_null=True)
    pausedReason = StrictCharField(allow_null=True, max_length=None)


class RemovedShape(StrictSerializer):
    """What went with a pipeline."""

    id = StrictUUIDField()
    versions = StrictIntegerField()
    runs = StrictIntegerField()


def pipeline_json(pipeline: Pipeline) -> dict[str, Any]:
    """Return a pipeline as it is read; it comes from the selectors, with its live version."""
    ir = live_ir(pipeline)
    shape = shape_of(ir)
    return {
        "id": str(pipeline.pk),
        "tenantId": str(pipeline.tenant_id),
        "name": pipeline.name,
        "description": pipeline.description,
        "status": pipeline.status,
        "schedule": (ir or {}).get("schedule"),
        "connectorId": pipeline.connector_id and str(pipeline.connector_id),
        "schemaId": pipeline.data_schema_id and str(pipeline.data_schema_id),
        "executionConfig": pipeline.execution_config,
        "connector": _connector(pipeline),
        "schema": _schema(pipeline),
        "nodes": shape.nodes,
        "edges": shape.edges,
        "lastRunAt": pipeline.last_run_at and format_time(pipeline.last_run_at),
        "lastRunStatus": pipeline.last_run_status or None,
        "createdAt": format_time(pipeline.created_at),
        "updatedAt": format_time(pipeline.updated_at),
        "irVersion": (ir or {}).get("version", "1.0"),
        "trigger": (ir or {}).get("trigger"),
        "liveVersion": pipeline.live_version,
        "latestVersion": pipeline.latest_version,
        "pausedAt": pipeline.paused_at and format_time(pipeline.paused_at),
        "pausedReason": pipeline.paused_reason or None,
    }


def _connector(pipeline: Pipeline) -> dict[str, Any] | None:
    row = pipeline.connector
    return None if row is None else {"id": str(row.pk), "name": row.name, "type": row.type}


def _schema(pipeline: Pipeline) -> dict[str, Any] | None:
    row = pipeline.data_schema
    return None if row is None else {"id": str(row.pk), "name": row.name, "displayName": row.display_name}


def _plain_config(values: dict[str, Any]) -> dict[str, Any]:
    if "execution_config" in values:
        values["execution_config"] = json.loads(json.dumps(values["execution_config"]))
    return values
