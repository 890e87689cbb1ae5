"""The API of report templates."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kaireon.platform.api import ApiView, page_by_cursor, parse_id
from kaireon.platform.schema import page_of
from reports.selectors import find_template, list_templates
from reports.serializers import ReportTemplateInput, ReportTemplateShape, template_json
from reports.services import create_template, delete_template, update_template

# The documented list is the whole one; a tenant seldom has more.
DEFAULT_LIMIT, MAX_LIMIT = 100, 200
PAGE_PARAMETERS = [OpenApiParameter("limit", int), OpenApiParameter("cursor", str)]


class ReportView(ApiView):
    """A view of reporting: everybody reads, editors write."""

    scope = "reports"


class ReportTemplateListView(ReportView):
    """List and create templates."""

    @extend_schema(responses={200: page_of(ReportTemplateShape)}, parameters=PAGE_PARAMETERS)
    def get(self, request: Request) -> Response:
        """List the tenant's templates, newest first."""
        return page_by_cursor(
            request, list_templates(self.tenant), serialize=template_json,
            default_limit=DEFAULT_LIMIT, max_limit=MAX_LIMIT,
        )  # fmt: skip

    @extend_schema(request=ReportTemplateInput, responses={201: ReportTemplateShape})
    def post(self, request: Request) -> Response:
        """Create a template; the params of its sources are read when it runs."""
        values = self.validated(ReportTemplateInput)
        template = create_template(tenant=self.tenant, values=values, actor=self.actor, now=self.now())
        return Response(template_json(template), status=201)


class ReportTemplateDetailView(ReportView):
    """One template."""

    @extend_schema(responses={200: ReportTemplateShape})
    def get(self, request: Request, template_id: str) -> Response:
        """Return one template."""
        return Response(template_json(find_template(self.tenant, parse_id(template_id))))

    @extend_schema(request=ReportTemplateInput(partial=True), responses={200: ReportTemplateShape})
    def patch(self, request: Request, template_id: str) -> Response:
        """Change the given fields of a template, each as a whole."""
        template_uuid = find_template(self.tenant, parse_id(template_id)).pk
        changes = self.validated(ReportTemplateInput, partial=True)
        template = update_template(
            tenant=self.tenant, template_id=template_uuid, changes=changes, actor=self.actor, now=self.now()
        )
        return Response(template_json(template))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, template_id: str) -> Response:
        """Delete a template with its schedules; runs that were made stay."""
        delete_template(tenant=self.tenant, template_id=parse_id(template_id), actor=self.actor, now=self.now())
        return Response(status=204)
