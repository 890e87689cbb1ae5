"""Show the metrics of this machine to admins as JSON."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kaireon.platform.api import ApiView
from kaireon.platform.telemetry.metrics import summary
from kaireon.platform.telemetry.serializers import MetricSerializer
from kaireon.platform.tenancy.roles import Role


class MetricsSummaryView(ApiView):
    """GET /api/v1/metrics/summary."""

    scope = "metrics"
    read_role = Role.ADMIN

    @extend_schema(operation_id="metrics_summary", responses={200: MetricSerializer(many=True)})
    def get(self, request: Request) -> Response:
        """Return every metric of ours by name; figures of other tenants are left out."""
        return Response(summary(tenant_labels=frozenset({str(self.tenant.pk), self.tenant.slug})))
