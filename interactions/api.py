"""Outcome types and the metrics catalogue."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from interactions.selectors import catalogue, outcome_types
from interactions.serializers import MetricShape, OutcomeTypeShape, metric_json, outcome_type_json
from interactions.services import ensure_outcome_types
from kaireon.platform.api import ApiView, query_boolean
from kaireon.platform.schema import page_of


class OutcomeTypeListView(ApiView):
    """The words for what happened."""

    scope = "outcome-types"

    @extend_schema(responses={200: OutcomeTypeShape(many=True)}, parameters=[OpenApiParameter("includeDeleted", bool)])
    def get(self, request: Request) -> Response:
        """List the tenant's outcome types by ordinal: a bare array, seeded at first access."""
        include_deleted = query_boolean(request, "includeDeleted")
        ensure_outcome_types(tenant=self.tenant, now=self.now())
        rows = outcome_types(self.tenant.pk, include_deleted=include_deleted)
        return Response([outcome_type_json(row) for row in rows])


class MetricsCatalogueView(ApiView):
    """What rules can watch."""

    scope = "metrics"

    @extend_schema(responses={200: page_of(MetricShape)})
    def get(self, request: Request) -> Response:
        """List every metric: all on one page."""
        metrics = [metric_json(metric) for metric in catalogue()]
        pagination = {"total": len(metrics), "limit": len(metrics), "hasMore": False, "cursor": None}
        return Response({"data": metrics, "pagination": pagination})
