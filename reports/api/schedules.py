"""The API of report schedules."""

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kaireon.platform.api import page_by_cursor, parse_id, query_id
from kaireon.platform.errors import Unprocessable
from kaireon.platform.fields import StrictSerializer
from kaireon.platform.schema import ErrorSerializer, page_of
from reports.api.templates import DEFAULT_LIMIT, MAX_LIMIT, PAGE_PARAMETERS, ReportView
from reports.decisions.cadences import cadence_errors, describe_cadence
from reports.decisions.checking import in_one_sentence
from reports.selectors import find_schedule, list_schedules
from reports.serializers import (
    CadencePreviewInput,
    CadencePreviewShape,
    ReportScheduleInput,
    ReportScheduleShape,
    cadence_json,
    schedule_json,
)
from reports.services import create_schedule, delete_schedule, pause_schedule, resume_schedule, update_schedule

NO_TEMPLATE = OpenApiResponse(ErrorSerializer, description="No such template for this tenant")


class EmptyInput(StrictSerializer):
    """A body that says nothing."""


class ReportScheduleListView(ReportView):
    """List and create schedules."""

    @extend_schema(
        responses={200: page_of(ReportScheduleShape)},
        parameters=[*PAGE_PARAMETERS, OpenApiParameter("templateId", str)],
    )
    def get(self, request: Request) -> Response:
        """List the tenant's schedules, or those of one template, newest first."""
        rows = list_schedules(self.tenant, template_id=query_id(request, "templateId"))
        return page_by_cursor(
            request, rows, serialize=schedule_json, default_limit=DEFAULT_LIMIT, max_limit=MAX_LIMIT
        )  # fmt: skip

    @extend_schema(request=ReportScheduleInput, responses={201: ReportScheduleShape, 404: NO_TEMPLATE})
    def post(self, request: Request) -> Response:
        """Create a schedule; it goes out from its next time on."""
        values = self.validated(ReportScheduleInput)
        schedule = create_schedule(tenant=self.tenant, values=values, actor=self.actor, now=self.now())
        return Response(schedule_json(schedule), status=201)


class ReportScheduleDetailView(ReportView):
    """One schedule."""

    @extend_schema(responses={200: ReportScheduleShape})
    def get(self, request: Request, schedule_id: str) -> Response:
        """Return one schedule."""
        return Response(schedule_json(find_schedule(self.tenant, parse_id(schedule_id))))

    @extend_schema(request=ReportScheduleInput(partial=True), responses={200: ReportScheduleShape})
    def patch(self, request: Request, schedule_id: str) -> Response:
        """Change the given fields; another cadence gets its next time, and sets a parked schedule going."""
        schedule_uuid = find_schedule(self.tenant, parse_id(schedule_id)).pk
        changes = self.validated(ReportScheduleInput, partial=True)
        schedule = update_schedule(
            tenant=self.tenant, schedule_id=schedule_uuid, changes=changes, actor=self.actor, now=self.now()
        )
        return Response(schedule_json(schedule))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, schedule_id: str) -> Response:
        """Delete a schedule; runs that were made stay."""
        delete_schedule(tenant=self.tenant, schedule_id=parse_id(schedule_id), actor=self.actor, now=self.now())
        return Response(status=204)


class ReportSchedulePauseView(ReportView):
    """The pause of a schedule."""

    @extend_schema(request=EmptyInput, responses={200: ReportScheduleShape})
    def post(self, request: Request, schedule_id: str) -> Response:
        """Stop a schedule until it is resumed."""
        schedule_uuid = find_schedule(self.tenant, parse_id(schedule_id)).pk
        self.validated(EmptyInput)
        schedule = pause_schedule(tenant=self.tenant, schedule_id=schedule_uuid, actor=self.actor, now=self.now())
        return Response(schedule_json(schedule))


class ReportScheduleResumeView(ReportView):
    """The end of a pause."""

    @extend_schema(request=EmptyInput, responses={200: ReportScheduleShape})
    def post(self, request: Request, schedule_id: str) -> Response:
        """Set a paused schedule going from its next time on; its failures are counted anew."""
        schedule_uuid = find_schedule(self.tenant, parse_id(schedule_id)).pk
        self.validated(EmptyInput)
        schedule = resume_schedule(tenant=self.tenant, schedule_id=schedule_uuid, actor=self.actor, now=self.now())
        return Response(schedule_json(schedule))


class CadencePreviewView(ReportView):
    """What a cadence means, before a schedule has it: nothing is kept."""

    only_reads = True

    @extend_schema(request=CadencePreviewInput, responses={200: CadencePreviewShape})
    def post(self, request: Request) -> Response:
        """Return a cadence in words and its next times in the zone, with the days on which its clock changes."""
        values = self.validated(CadencePreviewInput)
        errors = cadence_errors(values["expression"], values["timezone"])
        if errors:
            raise Unprocessable(in_one_sentence(errors), fields=errors)
        return Response(cadence_json(describe_cadence(**values, now=self.now())))
