"""The wire shape of the metrics summary."""

from typing import Any

from rest_framework import serializers


class MetricValueSerializer(serializers.Serializer[Any]):
    """One sample; `metricName` appears where it differs from the metric's name (buckets, sum, count)."""

    labels = serializers.DictField(child=serializers.CharField())
    value = serializers.FloatField()
    metricName = serializers.CharField(required=False)  # noqa: N815 - the wire's name


class MetricSerializer(serializers.Serializer[Any]):
    """One metric with its samples."""

    name = serializers.CharField()
    help = serializers.CharField()
    type = serializers.CharField()
    values = MetricValueSerializer(many=True)
