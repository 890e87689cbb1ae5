"""Wire shapes of schemas and the rows of their tables; the only place where their names are camelCase."""
# ruff: noqa: N815 - the wire's names

from typing import Any, Final

from rest_framework import serializers

from flows.decisions.vocabulary import EntityType
from flows.models import DataSchema, SchemaField
from flows.services.schema_rows import MAX_ROWS
from kaireon.platform.fields import (
    StrictBooleanField,
    StrictCharField,
    StrictChoiceField,
    StrictDateTimeField,
    StrictIntegerField,
    StrictJSONField,
    StrictListField,
    StrictSerializer,
    StrictUUIDField,
    format_time,
)

MAX_FIELDS: Final = 500
MAX_TEXT: Final = 2_000
ENTITY_TYPES: Final = [item.value for item in EntityType]
BIG: Final = 2**63 - 1


class SchemaFieldInput(StrictSerializer):
    """A column."""

    name = StrictCharField(max_length=63)
    displayName = StrictCharField(source="display_name", max_length=120, required=False, allow_blank=True)
    dataType = StrictCharField(source="data_type", max_length=20, required=False, help_text="varchar unless given")
    length = StrictIntegerField(required=False, allow_null=True, min_value=1, max_value=10_485_760)
    precision = StrictIntegerField(required=False, allow_null=True, min_value=1, max_value=1_000)
    scale = StrictIntegerField(required=False, allow_null=True, min_value=0, max_value=1_000)
    isNullable = StrictBooleanField(source="is_nullable", required=False)
    isPrimaryKey = StrictBooleanField(source="is_primary_key", required=False)
    isUnique = StrictBooleanField(source="is_unique", required=False)
    isPredictor = StrictBooleanField(source="is_predictor", required=False)
    defaultValue = StrictCharField(
        source="default_value", max_length=MAX_TEXT, required=False, allow_null=True, allow_blank=True
    )
    description = StrictCharField(max_length=MAX_TEXT, multiline=True, required=False, allow_blank=True)
    ordinal = StrictIntegerField(required=False, min_value=0, help_text="Where it stands; its place in the list else")


class SchemaPatch(StrictSerializer):
    """The body that changes a schema; `fields` is the whole list as it shall be, columns can be added."""

    displayName = StrictCharField(source="display_name", max_length=120, required=False, allow_blank=True)
    description = StrictCharField(max_length=MAX_TEXT, multiline=True, required=False, allow_blank=True)
    entityType = StrictChoiceField(source="entity_type", choices=ENTITY_TYPES, required=False)
    schemaType = StrictCharField(source="schema_type", max_length=40, required=False)

    def get_fields(self) -> dict[str, Any]:
        """Add `fields`, a name that a serializer class keeps for itself."""
        child = SchemaFieldInput()
        return {**super().get_fields(), "fields": StrictListField(child=child, max_length=MAX_FIELDS, required=False)}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the values with the fields in their order."""
        values = dict(attrs)
        if "fields" in values:
            given = list(enumerate(dict(each) for each in values["fields"]))
            ordered = sorted(given, key=lambda pair: (pair[1].get("ordinal", pair[0]), pair[0]))
            values["fields"] = [{key: value for key, value in each.items() if key != "ordinal"} for _, each in ordered]
        return values


class SchemaInput(SchemaPatch):
    """The body that creates a schema and its table `ds_<name>`."""

    name = StrictCharField(max_length=60)


class RowsInput(StrictSerializer):
    """Rows for a table, each an object with its columns."""

    rows = StrictListField(child=StrictJSONField(), max_length=MAX_ROWS)


class SchemaFieldShape(StrictSerializer):
    """A column as it is read."""

    id = StrictUUIDField()
    name = StrictCharField()
    displayName = StrictCharField(allow_blank=True)
    dataType = StrictCharField()
    length = StrictIntegerField(allow_null=True)
    precision = StrictIntegerField(allow_null=True)
    scale = StrictIntegerField(allow_null=True)
    isNullable = StrictBooleanField()
    isPrimaryKey = StrictBooleanField()
    isUnique = StrictBooleanField()
    isPredictor = StrictBooleanField()
    defaultValue = StrictCharField(allow_null=True, allow_blank=True, max_length=None)
    description = StrictCharField(allow_blank=True, max_length=None)
    ordinal = StrictIntegerField()


class SchemaShape(StrictSerializer):
    """A schema with its columns."""

    id = StrictUUIDField()
    tenantId = StrictUUIDField()
    name = StrictCharField()
    displayName = StrictCharField()
    description = StrictCharField(allow_blank=True, max_length=None)
    tableName = StrictCharField()
    entityType = serializers.ChoiceField(choices=ENTITY_TYPES)
    schemaType = StrictCharField()
    createdAt = StrictDateTimeField()
    updatedAt = StrictDateTimeField()

    def get_fields(self) -> dict[str, Any]:
        """Add `fields`, a name that a serializer class keeps for itself."""
        return {**super().get_fields(), "fields": SchemaFieldShape(many=True)}


class InsertedShape(StrictSerializer):
    """How many rows went in; the others were there already."""

    inserted = StrictIntegerField()
    tableName = StrictCharField()


class RowsShape(StrictSerializer):
    """Rows of a table, in the order of its key."""

    total = StrictIntegerField(max_value=BIG)
    limit = StrictIntegerField()
    offset = StrictIntegerField()
    rows = serializers.ListField(child=serializers.DictField(child=StrictJSONField(allow_any=True, allow_null=True)))


def schema_json(schema: DataSchema) -> dict[str, Any]:
    """Return a schema as it is read; it comes from the selectors, with its fields."""
    return {
        "id": str(schema.pk),
        "tenantId": str(schema.tenant_id),
        "name": schema.name,
        "displayName": schema.display_name,
        "description": schema.description,
        "tableName": schema.table_name,
        "entityType": schema.entity_type,
        "schemaType": schema.schema_type,
        "fields": [_field_json(row) for row in schema.fields.all()],
        "createdAt": format_time(schema.created_at),
        "updatedAt": format_time(schema.updated_at),
    }


def _field_json(row: SchemaField) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "name": row.name,
        "displayName": row.display_name,
        "dataType": row.data_type,
        "length": row.length,
        "precision": row.precision,
        "scale": row.scale,
        "isNullable": row.is_nullable,
        "isPrimaryKey": row.is_primary_key,
        "isUnique": row.is_unique,
        "isPredictor": row.is_predictor,
        "defaultValue": row.default_value,
        "description": row.description,
        "ordinal": row.ordinal,
    }
