"""Wire shapes of report templates; the only place where their names are camelCase."""
# ruff: noqa: N815 - the wire's names

import json
import re
from typing import Any, Final

from rest_framework import serializers

from kaireon.platform.fields import (
    StrictBooleanField,
    StrictCharField,
    StrictDateTimeField,
    StrictIntegerField,
    StrictJSONField,
    StrictListField,
    StrictSerializer,
    StrictUUIDField,
    format_time,
)
from reports.decisions.vocabulary import Format
from reports.models import MAX_NAME, ReportTemplate

MAX_DESCRIPTION: Final = 2000
MAX_SOURCES, MAX_SECTIONS, MAX_FORMATS, MAX_DESTINATIONS = 50, 100, 20, 50
MAX_PARAMS: Final = 4000
MAX_PROMPT: Final = 4000
SECTION_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


class WholeSerializer(StrictSerializer):
    """A part that is given as a whole: a PATCH of what holds it lends it no missing fields."""

    def to_internal_value(self, data: Any) -> Any:
        """Validate as if it stood alone, where `partial` does not reach."""
        if self.parent is None:
            return super().to_internal_value(data)
        alone = type(self)(data=data)
        alone.is_valid(raise_exception=True)
        return alone.validated_data


class DataSourceShape(WholeSerializer):
    """A source with its params, which the source itself reads when it runs."""

    sourceKey = StrictCharField(max_length=64, allow_blank=True)
    params = StrictJSONField(default=dict)

    def validate_params(self, params: dict[str, Any]) -> dict[str, Any]:
        """Require that they fit."""
        if len(json.dumps(params)) > MAX_PARAMS:
            raise serializers.ValidationError(f"Must not be longer than {MAX_PARAMS} characters of JSON.")
        return params


class SectionShape(WholeSerializer):
    """A section: which of the sources it shows, under which title."""

    id = StrictCharField(max_length=64)
    title = StrictCharField(max_length=200)
    dataSourceIndex = StrictIntegerField()

    def validate_id(self, section_id: str) -> str:
        """Require an id that an address can carry: `?section=ID` asks for one table."""
        if not SECTION_ID.fullmatch(section_id):
            raise serializers.ValidationError("Must be letters, digits, - and _.")
        return section_id


class NarrativeShape(WholeSerializer):
    """Whether there are words, what is added to the prompt, and which model instead of the set one."""

    enabled = StrictBooleanField(default=True)
    prompt = StrictCharField(max_length=MAX_PROMPT, multiline=True, default=None, allow_null=True, allow_blank=True)
    modelOverride = StrictCharField(max_length=100, default=None, allow_null=True, allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Keep one spelling of nothing."""
        return {
            "enabled": attrs["enabled"],
            "prompt": attrs["prompt"] or None,
            "modelOverride": attrs["modelOverride"] or None,
        }


class FiltersShape(WholeSerializer):
    """Where a run without a schedule goes."""

    destinations = StrictListField(child=StrictUUIDField(), max_length=MAX_DESTINATIONS, default=list)


class ReportTemplateInput(StrictSerializer):
    """The body of POST and PATCH; PATCH takes any of the fields, each as a whole."""

    name = StrictCharField(max_length=MAX_NAME)
    description = StrictCharField(max_length=MAX_DESCRIPTION, multiline=True, required=False, allow_blank=True)
    ownerUserId = StrictUUIDField(source="owner_id", required=False, allow_null=True, help_text="A member")
    dataSources = StrictListField(
        source="data_sources", child=DataSourceShape(), required=False, max_length=MAX_SOURCES
    )  # fmt: skip
    sections = StrictListField(child=SectionShape(), required=False, max_length=MAX_SECTIONS)
    formats = StrictListField(
        child=StrictCharField(max_length=20, allow_blank=True), required=False, max_length=MAX_FORMATS
    )
    narrative = NarrativeShape(required=False)
    filters = FiltersShape(required=False)
    enabled = StrictBooleanField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the values in the services' names."""
        values = {name: _plain(value) for name, value in attrs.items()}
        if "filters" in values:
            values["destination_ids"] = values.pop("filters")["destinations"]
        return values


class ReportTemplateShape(StrictSerializer):
    """A template: the documented keys in the documented order."""

    id = StrictUUIDField()
    tenantId = StrictUUIDField()
    name = StrictCharField()
    description = StrictCharField(allow_blank=True)
    ownerUserId = StrictUUIDField(allow_null=True)
    dataSources = serializers.ListField(child=DataSourceShape())
    sections = serializers.ListField(child=SectionShape())
    formats = serializers.ListField(child=serializers.ChoiceField(choices=[item.value for item in Format]))
    narrative = NarrativeShape()
    filters = FiltersShape()
    enabled = StrictBooleanField()
    createdAt = StrictDateTimeField()
    updatedAt = StrictDateTimeField()


def template_json(template: ReportTemplate) -> dict[str, Any]:
    """Return a template as it is read."""
    return {
        "id": str(template.pk),
        "tenantId": str(template.tenant_id),
        "name": template.name,
        "description": template.description,
        "ownerUserId": template.owner_id and str(template.owner_id),
        "dataSources": template.data_sources,
        "sections": template.sections,
        "formats": list(template.formats),
        "narrative": template.narrative,
        "filters": {"destinations": [str(row_id) for row_id in template.destination_ids]},
        "enabled": template.enabled,
        "createdAt": format_time(template.created_at),
        "updatedAt": format_time(template.updated_at),
    }


def _plain(value: Any) -> Any:
    """Return DRF's ordered mappings as the objects that JSON columns keep."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value
