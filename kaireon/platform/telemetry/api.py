"""Show the metrics of this machine to admins as JSON."""

from typing import Any, Final

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kaireon.platform.api import ApiView
from kaireon.platform.telemetry.metrics import summary
from kaireon.platform.tenancy.roles import Role

_SAMPLE: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "value": {"type": "number", "nullable": True, "description": "null for what is no finite number"},
        "metricName": {"type": "string", "description": "Where it is not the metric's: buckets, sum, count"},
    },
    "required": ["labels", "value"],
}
_METRIC: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "help": {"type": "string"},
        "type": {"type": "string"},
        "values": {"type": "array", "items": _SAMPLE},
    },
    "required": ["name", "help", "type", "values"],
}
SUMMARY: Final[dict[str, Any]] = {"type": "object", "additionalProperties": _METRIC}


class MetricsSummaryView(ApiView):
    """GET /api/v1/metrics/summary."""

    scope = "metrics"
    read_role = Role.ADMIN

    @extend_schema(operation_id="metrics_summary", responses={200: SUMMARY})
    def get(self, request: Request) -> Response:
        """Return every metric of ours by name; figures of other tenants are left out."""
        return Response(summary(tenant_labels=frozenset({str(self.tenant.pk), self.tenant.slug})))
