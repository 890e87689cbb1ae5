"""The documented answer of a tick."""

from typing import Any

from rest_framework import serializers

from flows.decisions.vocabulary import TriggerSource
from kaireon.platform.fields import StrictDateTimeField


class FlowTickLineShape(serializers.Serializer[Any]):
    """A pipeline that was due; `status` is 201 for a run, 202 held or coalesced, 409 refused, 500 failed."""

    pipelineId = serializers.UUIDField()  # noqa: N815
    tenantId = serializers.UUIDField()  # noqa: N815
    fired = serializers.BooleanField()
    status = serializers.IntegerField()
    runId = serializers.UUIDField(allow_null=True)  # noqa: N815
    occurrence = StrictDateTimeField(allow_null=True)
    triggerSource = serializers.ChoiceField(choices=[item.value for item in TriggerSource])  # noqa: N815
    reason = serializers.CharField(allow_null=True)


class FlowTickShape(serializers.Serializer[Any]):
    """What a tick did. While another one decides it is `skipped`, with nothing but `tickAt`."""

    tickAt = StrictDateTimeField()  # noqa: N815
    totalPipelines = serializers.IntegerField(required=False)  # noqa: N815
    scheduled = serializers.IntegerField(required=False)
    due = serializers.IntegerField(required=False)
    dispatched = serializers.IntegerField(required=False)
    failed = serializers.IntegerField(required=False)
    results = FlowTickLineShape(many=True, required=False)
    durationMs = serializers.IntegerField(required=False)  # noqa: N815
    remaining = serializers.IntegerField(required=False)
    skipped = serializers.BooleanField(required=False)
