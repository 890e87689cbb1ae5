"""What the audit log keeps of what people did to connectors and pipelines."""

from collections.abc import Mapping
from typing import Any

from flows.models import Connector, Pipeline
from kaireon.platform.audit.services import Entry
from kaireon.platform.tenancy.actors import Actor

CONNECTOR, PIPELINE = "connector", "pipeline"
State = Mapping[str, Any]


def connector_entry(
    connector: Connector, action: str, actor: Actor, *, before: State | None = None, after: State | None = None
) -> Entry:
    """Return the audit entry of what a person did to a connector."""
    return Entry(connector.tenant_id, actor, action, CONNECTOR, str(connector.pk), connector.name, before, after)


def pipeline_entry(
    pipeline: Pipeline, action: str, actor: Actor, *, before: State | None = None, after: State | None = None,
    version: int | None = None,
) -> Entry:  # fmt: skip
    """Return the audit entry of what a person did to a pipeline."""
    return Entry(
        pipeline.tenant_id, actor, action, PIPELINE, str(pipeline.pk), pipeline.name, before, after, version
    )  # fmt: skip


def connector_state(connector: Connector) -> dict[str, Any]:
    """Return a connector's settings as the audit log keeps them: of the secret, whether there is one."""
    return {
        "name": connector.name,
        "type": connector.type,
        "description": connector.description,
        "config": connector.config,
        "authMethod": connector.auth_method,
        "hasSecret": connector.has_secret,
    }


def pipeline_state(pipeline: Pipeline) -> dict[str, Any]:
    """Return a pipeline's settings as the audit log keeps them; what it does stands in its versions."""
    return {
        "name": pipeline.name,
        "description": pipeline.description,
        "connectorId": pipeline.connector_id and str(pipeline.connector_id),
        "schemaId": pipeline.data_schema_id and str(pipeline.data_schema_id),
        "executionConfig": pipeline.execution_config,
        "liveVersion": pipeline.live_version,
        "latestVersion": pipeline.latest_version,
        "isPaused": pipeline.paused_at is not None,
    }
