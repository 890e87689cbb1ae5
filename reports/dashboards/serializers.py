"""Wire shapes of dashboards."""
# ruff: noqa: N815 - the wire's names

from typing import Any

from rest_framework import serializers

from kaireon.platform.fields import StrictCharField, StrictSerializer
from reports.dashboards.filters import DEFAULT_PERIOD, MAX_FILTER


class FiltersInput(StrictSerializer):
    """What a dashboard is narrowed to."""

    channelId = StrictCharField(required=False, allow_null=True, max_length=MAX_FILTER)
    segmentId = StrictCharField(required=False, allow_null=True, max_length=MAX_FILTER)


class ExportInput(StrictSerializer):
    """The body of an export."""

    dashboard = StrictCharField(max_length=40)
    period = StrictCharField(required=False, default=DEFAULT_PERIOD, max_length=10)
    format = StrictCharField(max_length=10)
    filters = FiltersInput(required=False, default=dict)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return what `read_wish` takes."""
        filters = attrs.pop("filters")
        return {**attrs, "channel_id": filters.get("channelId"), "segment_id": filters.get("segmentId")}


class DataShape(serializers.Serializer[Any]):
    """Dashboard data: objects of the type's columns."""

    type = serializers.CharField()
    days = serializers.IntegerField()
    warning = serializers.CharField(required=False)

    def get_fields(self) -> dict[str, Any]:
        """Add `data`, a name that a serializer keeps for itself."""
        return {**super().get_fields(), "data": serializers.ListField(child=serializers.DictField())}


class FigureShape(serializers.Serializer[Any]):
    """A figure with that of the period before."""

    key = serializers.CharField()
    value = serializers.FloatField(allow_null=True)
    unit = serializers.CharField()
    before = serializers.FloatField(allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        """Add `label`, a name that a serializer keeps for itself."""
        return {**super().get_fields(), "label": serializers.CharField()}


class PipelineShape(serializers.Serializer[Any]):
    """Where candidates are lost."""

    windowHours = serializers.IntegerField()
    until = serializers.DateTimeField()
    stages = serializers.ListField(child=serializers.DictField())
    figures = FigureShape(many=True)


class CheckShape(FigureShape):
    """A share beside its limit."""

    limit = serializers.FloatField()
    status = serializers.ChoiceField(choices=["ok", "breached", "no_data"])


class HealthShape(serializers.Serializer[Any]):
    """Whether decisions are sound."""

    days = serializers.IntegerField()
    until = serializers.DateTimeField()
    status = serializers.ChoiceField(choices=["healthy", "degraded", "no_data"])
    checks = CheckShape(many=True)
    figures = FigureShape(many=True)
