"""The audit log over the API: read, verify, export. Nothing here writes: other methods answer 405."""

from typing import Any, Final

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from kaireon.platform.api import ApiView, query_id, query_integer, query_time
from kaireon.platform.audit.csv_export import csv_lines
from kaireon.platform.audit.selectors import Filters, iterate_entries, list_entries, verify_chain
from kaireon.platform.audit.serializers import AuditPageShape, VerificationShape, entry_json, verification_json
from kaireon.platform.tenancy.roles import Role
from kaireon.platform.throttling import PerCredentialThrottle

SCOPE: Final = "audit"
DEFAULT_LIMIT, MAX_LIMIT = 20, 100
# Pages by number get slower with their number; whoever wants everything takes the export.
MAX_PAGE: Final = 10_000
MAX_SEQUENCE: Final = 999_999_999
FILTERS: Final = [
    OpenApiParameter("entityType", str),
    OpenApiParameter("entityId", str),
    OpenApiParameter("action", str),
    OpenApiParameter("userId", OpenApiTypes.UUID),
    OpenApiParameter("since", str, description="ISO 8601 with an offset"),
    OpenApiParameter("until", str, description="ISO 8601 with an offset, exclusive"),
]


class ExportThrottle(PerCredentialThrottle):
    """Ten exports a minute, as documented: each may read the whole log."""

    scope = "audit-export"
    rate = "10/min"


class AnyAccepted(DefaultContentNegotiation):
    """Answer whatever the Accept header says: the export is CSV, its errors are JSON, and both are named so."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        """Return the first renderer, for errors."""
        return renderers[0], renderers[0].media_type


class AuditView(ApiView):
    """What every route here shares: admins only."""

    scope = SCOPE
    read_role = write_role = Role.ADMIN


class AuditListView(AuditView):
    """GET /api/v1/audit-logs."""

    @extend_schema(
        responses={200: AuditPageShape},
        parameters=[OpenApiParameter("page", int), OpenApiParameter("limit", int), *FILTERS],
    )
    def get(self, request: Request) -> Response:
        """List the log, newest first."""
        limit = query_integer(request, "limit", DEFAULT_LIMIT, minimum=1, maximum=MAX_LIMIT)
        page = query_integer(request, "page", 1, minimum=1, maximum=MAX_PAGE)
        rows = list_entries(self.tenant, read_filters(request))
        start = (page - 1) * limit
        logs = [entry_json(row) for row in rows[start : start + limit]]
        return Response({"logs": logs, "total": rows.count(), "page": page, "limit": limit})


class AuditVerifyView(AuditView):
    """GET /api/v1/audit-logs/verify."""

    @extend_schema(responses={200: VerificationShape}, parameters=[OpenApiParameter("after", int)])
    def get(self, request: Request) -> Response:
        """Follow the chain and name the first entry that was changed, removed or slipped in."""
        after = query_integer(request, "after", 0, maximum=MAX_SEQUENCE)
        return Response(verification_json(verify_chain(self.tenant, after=after)))


class AuditExportView(AuditView):
    """GET /api/v1/audit-export."""

    content_negotiation_class = AnyAccepted

    def get_throttles(self) -> list[BaseThrottle]:
        """Add the export's own limit."""
        return [*super().get_throttles(), ExportThrottle()]

    @extend_schema(
        responses={(200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, description="CSV")}, parameters=FILTERS
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """Stream the log as CSV."""
        filters = read_filters(request)
        lines = csv_lines(iterate_entries(self.tenant, filters))
        response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
        response.headers["Content-Disposition"] = f'attachment; filename="audit-{self.tenant.slug}.csv"'
        return response


def read_filters(request: Request) -> Filters:
    """Return the filters of the query; raise BadRequest that names a parameter that cannot be read."""
    return Filters(
        entity_type=request.query_params.get("entityType", ""),
        entity_id=request.query_params.get("entityId", ""),
        action=request.query_params.get("action", ""),
        user_id=query_id(request, "userId"),
        since=query_time(request, "since"),
        until=query_time(request, "until"),
    )
