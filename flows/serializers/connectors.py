"""Wire shapes of connectors; the only place where their names are camelCase."""
# ruff: noqa: N815 - the wire's names

from typing import Any, Final

from rest_framework import serializers

from flows.decisions.connector_types import DEFAULT_AUTH_METHOD
from flows.decisions.vocabulary import ConnectorStatus, ConnectorType
from flows.models import Connector
from flows.services.connection_tests import Tested
from kaireon.platform.fields import (
    StrictBooleanField,
    StrictCharField,
    StrictChoiceField,
    StrictDateTimeField,
    StrictIntegerField,
    StrictJSONField,
    StrictSerializer,
    StrictUUIDField,
    format_time,
)

MAX_NAME: Final = 120
MAX_DESCRIPTION: Final = 2_000
TYPES: Final = [item.value for item in ConnectorType]
STATUSES: Final = [item.value for item in ConnectorStatus]
CONFIG_HELP: Final = (
    "By type: aws_s3 `bucket, region`; gcs `bucket, project`; azure_blob `container, storageAccount`; "
    "sftp `host, port`; postgresql, mysql, redshift `host, port, database`; http_pull, rest_api, webhook `url`; "
    "kafka `bootstrapServers`; local_fs none"
)


class ConfigInput(StrictSerializer):
    """What a connector is reached by; `connectionConfig` is another name of `config`."""

    config = StrictJSONField(required=False, help_text=CONFIG_HELP)
    connectionConfig = StrictJSONField(required=False, help_text="The same as config")
    authMethod = StrictCharField(source="auth_method", max_length=40, required=False, default=DEFAULT_AUTH_METHOD)
    authConfig = StrictJSONField(
        source="auth_config", required=False, allow_null=True, write_only=True,
        help_text="Kept encrypted and never returned",
    )  # fmt: skip

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the values with one spelling of the config."""
        values = dict(attrs)
        if "connectionConfig" in values:
            if "config" in values:
                raise serializers.ValidationError({"connectionConfig": ["Is another name of config: send one."]})
            values["config"] = values.pop("connectionConfig")
        return values


class ConnectorInput(ConfigInput):
    """The body that creates a connector."""

    name = StrictCharField(max_length=MAX_NAME)
    type = StrictChoiceField(choices=TYPES)
    description = StrictCharField(max_length=MAX_DESCRIPTION, multiline=True, required=False, allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the values; what is not said of the config is nothing."""
        return {"config": {}, **super().validate(attrs)}


class ConnectorPatch(ConfigInput):
    """The body that changes a connector: `config` is merged, null removes a key; `authConfig` is replaced."""

    name = StrictCharField(max_length=MAX_NAME, required=False)
    description = StrictCharField(max_length=MAX_DESCRIPTION, multiline=True, required=False, allow_blank=True)
    authMethod = StrictCharField(source="auth_method", max_length=40, required=False)


class ConnectorTestInput(ConfigInput):
    """A kept connector by `connectorId`, or one that nobody has saved by `type`, `config` and `authConfig`."""

    connectorId = StrictUUIDField(source="connector_id", required=False)
    type = StrictChoiceField(choices=TYPES, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the values; raise ValidationError unless exactly one of the two is meant."""
        values = super().validate(attrs)
        if "connector_id" not in values and "type" not in values:
            raise serializers.ValidationError({"connectorId": ["Send this, or type with config."]})
        if "connector_id" in values and set(self.initial_data) != {"connectorId"}:
            raise serializers.ValidationError({"connectorId": ["A kept connector is tested as it is kept."]})
        return {"config": {}, **values}


class ConnectorShape(StrictSerializer):
    """A connector; its authConfig is never returned."""

    id = StrictUUIDField()
    tenantId = StrictUUIDField()
    name = StrictCharField()
    type = serializers.ChoiceField(choices=TYPES)
    description = StrictCharField(allow_blank=True, max_length=None)
    config = serializers.DictField(child=StrictJSONField(allow_any=True, allow_null=True))
    authMethod = StrictCharField()
    hasAuthConfig = StrictBooleanField(help_text="Whether the vault keeps an authConfig")
    status = serializers.ChoiceField(choices=STATUSES)
    lastTestedAt = StrictDateTimeField(allow_null=True)
    lastError = StrictCharField(allow_null=True, max_length=None)
    lastSyncRowCount = StrictIntegerField(allow_null=True, max_value=2**63 - 1)
    lastSyncAt = StrictDateTimeField(allow_null=True)
    createdAt = StrictDateTimeField()
    updatedAt = StrictDateTimeField()


class ConnectorTestShape(StrictSerializer):
    """What a test found."""

    connectorId = StrictUUIDField(allow_null=True)
    success = StrictBooleanField()
    status = serializers.ChoiceField(choices=[ConnectorStatus.OK.value, ConnectorStatus.FAILED.value])
    message = StrictCharField(max_length=None)
    durationMs = StrictIntegerField()


def connector_json(connector: Connector) -> dict[str, Any]:
    """Return a connector as it is read."""
    return {
        "id": str(connector.pk),
        "tenantId": str(connector.tenant_id),
        "name": connector.name,
        "type": connector.type,
        "description": connector.description,
        "config": connector.config,
        "authMethod": connector.auth_method,
        "hasAuthConfig": connector.has_secret,
        "status": connector.status,
        "lastTestedAt": connector.last_tested_at and format_time(connector.last_tested_at),
        "lastError": connector.last_error or None,
        "lastSyncRowCount": connector.last_sync_row_count,
        "lastSyncAt": connector.last_sync_at and format_time(connector.last_sync_at),
        "createdAt": format_time(connector.created_at),
        "updatedAt": format_time(connector.updated_at),
    }


def tested_json(result: Tested, connector_id: Any) -> dict[str, Any]:
    """Return what a test found."""
    return {
        "connectorId": connector_id and str(connector_id),
        "success": result.status == ConnectorStatus.OK,
        "status": result.status.value,
        "message": result.message,
        "durationMs": result.milliseconds,
    }
