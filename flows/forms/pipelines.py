"""The forms of a pipeline: what a new one is made from, and what stands beside its versions."""

import re
from collections.abc import Sequence
from typing import Any, Final

from django import forms
from django.utils.text import slugify

from flows.decisions.connector_types import TYPES
from flows.decisions.vocabulary import ConnectorType
from flows.models import Connector, DataSchema, Pipeline
from kaireon.platform.fields import read_uuid
from kaireon.platform.forms import plain_lines, plain_text

NO_CONNECTOR: Final = "A folder of this server, without a connector"
FIELDS_OF_PATHS: Final = {
    "name": "name", "description": "description", "connectorId": "connector", "schemaId": "schema",
    "ir": "connector",
}  # fmt: skip
_EDGES: Final = re.compile(r"^[^a-z0-9]+|[^a-z0-9]+$")


def readable(connectors: Sequence[Connector]) -> list[Connector]:
    """Return the connectors that a pipeline can read files through."""
    return [each for each in connectors if TYPES[ConnectorType(each.type)].stores]


def store_of(connector: Connector | None) -> str:
    """Return the kind of store that a source node names for a connector."""
    return TYPES[ConnectorType(connector.type)].stores[0] if connector else "local_fs"


def folder_of(connector: Connector | None) -> str:
    """Return a path to begin with: an inbox within what the connector reaches."""
    config = connector.config if connector else {}
    match store_of(connector):
        case "s3":
            return f"s3://{config.get('bucket', 'bucket')}/inbox/"
        case "gcs":
            return f"gs://{config.get('bucket', 'bucket')}/inbox/"
        case "azure_blob" | "sftp":
            return "/inbox/"
        case "http_pull":
            return str(config.get("url", "https://example.com/"))
    return str(config.get("basePath") or "/data/inbox/")


def slug_of(name: str) -> str:
    """Return the id of an IR for a name."""
    return _EDGES.sub("", slugify(name)[:100]) or "pipeline"


class _Choices(forms.Form):
    """The connectors and schemas to choose from."""

    def _offer(self, connectors: Sequence[Connector], schemas: Sequence[DataSchema]) -> None:
        self.connectors = {str(each.pk): each for each in readable(connectors)}
        self.schemas = {str(each.pk): each for each in schemas}
        connector, schema = self.fields["connector"], self.fields["schema"]
        assert isinstance(connector, forms.ChoiceField)
        assert isinstance(schema, forms.ChoiceField)
        connector.choices = [("", NO_CONNECTOR), *((key, each.name) for key, each in self.connectors.items())]
        named = [(key, f"{each.display_name} (public.{each.table_name})") for key, each in self.schemas.items()]
        schema.choices = [("", "choose…" if schema.required else "–"), *named]

    def chosen_connector(self) -> Connector | None:
        """Return the connector that was chosen, None for none."""
        return self.connectors.get(str(self.cleaned_data.get("connector", "")))

    def chosen_schema(self) -> DataSchema | None:
        """Return the schema that was chosen, None for none."""
        return self.schemas.get(str(self.cleaned_data.get("schema", "")))


class NewPipelineForm(_Choices):
    """What a starter is made from: a name, where its files lie, and the table for their rows."""

    name = forms.CharField(max_length=120, label="Name", validators=[plain_text])
    connector = forms.ChoiceField(label="Connector", required=False, help_text="Where the files come from")
    schema = forms.ChoiceField(label="Schema", help_text="The table that takes their rows")

    def __init__(self, data: Any, *, connectors: Sequence[Connector], schemas: Sequence[DataSchema]) -> None:
        super().__init__(data, auto_id="new_pipeline_%s")
        self._offer(connectors, schemas)


class PipelineSettingsForm(_Choices):
    """What stands beside the versions of a pipeline."""

    name = forms.CharField(max_length=120, label="Name", validators=[plain_text])
    description = forms.CharField(
        label="Description", required=False, max_length=2_000, validators=[plain_lines],
        widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip
    connector = forms.ChoiceField(label="Connector", required=False, help_text="Sources read through it")
    schema = forms.ChoiceField(label="Schema", required=False, help_text="The table that it is about")

    def __init__(
        self, data: Any, *, pipeline: Pipeline, connectors: Sequence[Connector], schemas: Sequence[DataSchema]
    ) -> None:
        kept = {
            "name": pipeline.name, "description": pipeline.description, "connector": str(pipeline.connector_id or ""),
            "schema": str(pipeline.data_schema_id or ""),
        }  # fmt: skip
        super().__init__(data, initial=kept, auto_id="pipeline_%s")
        self._offer(connectors, schemas)

    def changes(self) -> dict[str, Any]:
        """Return what was typed, with the model's names."""
        data = self.cleaned_data
        return {
            "name": data["name"], "description": data["description"],
            "connector_id": read_uuid(data["connector"]), "data_schema_id": read_uuid(data["schema"]),
        }  # fmt: skip
