"""The API of dashboards: their data, their export, and two summaries of decisions."""

from typing import Any, Final

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kaireon.platform.api import ApiView, query_integer
from kaireon.platform.characters import text_refusal
from kaireon.platform.errors import BadRequest
from reports.dashboards.asking import read_wish
from reports.dashboards.data import DATA_TYPES, DataScope, read_data
from reports.dashboards.exporting import export_dashboard
from reports.dashboards.filters import MAX_FILTER
from reports.dashboards.health import read_health, read_pipeline
from reports.dashboards.reading import zone_of
from reports.dashboards.serializers import DataShape, ExportInput, HealthShape, PipelineShape
from reports.renderers import RENDERERS

MAX_DAYS: Final = 365
GROUPS: Final = ("channel", "category", "segment")
TEXTS: Final = ("segmentId", "channelId", "categoryId", "decisionFlowId", "offerId", "filterId", "modelId")
FILES: Final = {(200, each.content_type.partition(";")[0]): OpenApiTypes.BINARY for each in RENDERERS.values()}


class DashboardView(ApiView):
    """A view of dashboards: everybody reads, and an export only reads."""

    scope = "reports"

    @property
    def zone(self) -> str:
        """Return the zone in which days begin."""
        return zone_of(self.tenant, getattr(self.request.user, "timezone", ""))


class ExportView(DashboardView):
    """A dashboard as a file: nothing is kept."""

    only_reads = True

    @extend_schema(request=ExportInput, responses=FILES)
    def post(self, request: Request) -> HttpResponseBase:
        """Render a dashboard as PDF, CSV, Markdown or HTML and answer with the file; nothing is kept."""
        wish = read_wish(self.validated(ExportInput))
        return export_dashboard(tenant=self.tenant, wish=wish, now=self.now(), zone=self.zone)


class DashboardDataView(DashboardView):
    """The data behind dashboards."""

    @extend_schema(
        responses={200: DataShape},
        parameters=[
            OpenApiParameter("type", str, enum=list(DATA_TYPES), default="summary"),
            OpenApiParameter("days", int, default=7),
            OpenApiParameter("groupBy", str, enum=list(GROUPS)),
            OpenApiParameter("baselineDays", int, description="As many as `days` unless given"),
            *(OpenApiParameter(name, str) for name in TEXTS),
        ],
    )
    def get(self, request: Request) -> Response:
        """Return rows of one type; what is not recorded is an empty list with a warning, never an invented number."""
        name = _word(request, "type", DATA_TYPES) or "summary"
        days = query_integer(request, "days", 7, minimum=1, maximum=MAX_DAYS)
        given: dict[str, Any] = {key: text for key in TEXTS if (text := _text(request, key))}
        if group := _word(request, "groupBy", GROUPS):
            given["groupBy"] = group
        if request.query_params.get("baselineDays"):
            given["baselineDays"] = query_integer(request, "baselineDays", days, minimum=1, maximum=MAX_DAYS)
        if name == "why_not_ranked" and "offerId" not in given:
            raise BadRequest("offerId: This type needs it.", fields={"offerId": ["This type needs it."]})
        scope = DataScope(self.tenant.pk, self.now(), self.zone, days)
        return Response(read_data(name, given, scope))


class DecisionPipelineView(DashboardView):
    """Where candidates are lost."""

    @extend_schema(responses={200: PipelineShape}, parameters=[OpenApiParameter("windowHours", int, default=24)])
    def get(self, request: Request) -> Response:
        """Return the stages of the last hours."""
        hours = query_integer(request, "windowHours", 24, minimum=1, maximum=168)
        return Response(read_pipeline(tenant=self.tenant, hours=hours, now=self.now(), zone=self.zone))


class DecisionHealthView(DashboardView):
    """Whether decisions are sound."""

    @extend_schema(responses={200: HealthShape}, parameters=[OpenApiParameter("days", int, default=7)])
    def get(self, request: Request) -> Response:
        """Return each share of the last days beside its limit."""
        days = query_integer(request, "days", 7, minimum=1, maximum=90)
        return Response(read_health(tenant=self.tenant, days=days, now=self.now(), zone=self.zone))


def _text(request: Request, name: str) -> str:
    """Return a query parameter; raise BadRequest that names it for a text that no id can be."""
    text = request.query_params.get(name, "")
    refusal = text_refusal(text) if len(text) <= MAX_FILTER else f"Must not be longer than {MAX_FILTER} characters."
    if refusal:
        raise BadRequest(f"{name}: {refusal}", fields={name: [refusal]})
    return text


def _word(request: Request, name: str, known: Any) -> str:
    """Return a query parameter that is one of some words, or nothing; raise BadRequest that names it otherwise."""
    text = request.query_params.get(name, "")
    if text and text not in known:
        rule = f"Must be one of: {', '.join(known)}."
        raise BadRequest(f"{name}: {rule}", fields={name: [rule]})
    return text
