"""The API of runs: their history, run-now, preview, resend."""

from typing import Final

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kaireon.platform.api import parse_id, query_boolean, query_id, query_integer
from kaireon.platform.cadence import CadenceError, load_zone
from kaireon.platform.errors import Unprocessable
from kaireon.platform.schema import page_of
from reports.api.templates import ReportView
from reports.decisions.vocabulary import TriggeredBy
from reports.selectors import (
    definition_of,
    deliveries_of,
    deliveries_of_runs,
    find_run,
    find_template,
    list_runs,
    runs_of,
)
from reports.selectors.runs import zone_of_template
from reports.serializers.runs import (
    PreviewInput,
    PreviewShape,
    RunNowInput,
    RunNowShape,
    RunShape,
    RunSummaryShape,
    preview_json,
    run_json,
    run_now_json,
    run_summary_json,
)
from reports.services import preview_definition, resend_run, run_template
from reports.services.requesting import LONGEST_WAIT

DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET = 50, 200, 1_000_000
WAIT: Final = OpenApiParameter("wait", bool, description="0 answers at once with `running`; a worker makes the run")


class ReportRunListView(ReportView):
    """The history of runs."""

    @extend_schema(
        responses={200: page_of(RunSummaryShape)},
        parameters=[
            OpenApiParameter("templateId", str),
            OpenApiParameter("limit", int),
            OpenApiParameter("offset", int),
        ],
    )
    def get(self, request: Request) -> Response:
        """List the tenant's runs, newest first, without what they say; pages by offset, so `cursor` is null."""
        template_id = query_id(request, "templateId")
        limit = query_integer(request, "limit", DEFAULT_LIMIT, minimum=1, maximum=MAX_LIMIT)
        offset = query_integer(request, "offset", 0, maximum=MAX_OFFSET)
        total = runs_of(self.tenant, template_id).count()
        runs = list_runs(self.tenant, template_id=template_id, limit=limit, offset=offset)
        deliveries = deliveries_of_runs(runs)
        pagination = {"total": total, "limit": limit, "hasMore": offset + len(runs) < total, "cursor": None}
        return Response({"data": [run_summary_json(run, deliveries[run.pk]) for run in runs], "pagination": pagination})


class ReportRunDetailView(ReportView):
    """One run."""

    @extend_schema(responses={200: RunShape})
    def get(self, request: Request, run_id: str) -> Response:
        """Return one run with its sections, its words and how its destinations stand."""
        run = find_run(self.tenant, parse_id(run_id))
        return Response(run_json(run, deliveries_of(run)))


class ReportRunResendView(ReportView):
    """Sending a run again."""

    @extend_schema(request=RunNowInput, responses={200: RunNowShape})
    def post(self, request: Request, run_id: str) -> Response:
        """Send a run again to those that did not get it, or may not have got it, and wait for their answers."""
        run_uuid = find_run(self.tenant, parse_id(run_id)).pk
        self.validated(RunNowInput)
        run = resend_run(tenant=self.tenant, run_id=run_uuid, actor=self.actor, now=self.now())
        return Response(run_now_json(run, deliveries_of(run)))


class ReportRunNowView(ReportView):
    """Running a template now."""

    @extend_schema(request=RunNowInput, responses={202: RunNowShape}, parameters=[WAIT])
    def post(self, request: Request, template_id: str) -> Response:
        """Make the report as a schedule would and send it to the template's own destinations.

        Waits for the end, two minutes at most; a run that takes longer goes on and is answered as `running`.
        """
        template_uuid = find_template(self.tenant, parse_id(template_id)).pk
        is_waiting = query_boolean(request, "wait") if "wait" in request.query_params else True
        self.validated(RunNowInput)
        triggered_by = TriggeredBy.API if self.actor.kind == "api_key" else TriggeredBy.MANUAL
        run = run_template(
            tenant=self.tenant, template_id=template_uuid, actor=self.actor, triggered_by=triggered_by,
            now=self.now(), wait_seconds=LONGEST_WAIT if is_waiting else 0,
        )  # fmt: skip
        return Response(run_now_json(run, deliveries_of(run)), status=202)


class ReportPreviewView(ReportView):
    """The preview of a template: nothing is kept and nobody is told."""

    only_reads = True

    @extend_schema(request=PreviewInput, responses={200: PreviewShape})
    def post(self, request: Request, template_id: str) -> Response:
        """Return what a run would show now, its files in base64; nothing is kept, nobody is told, no model asked."""
        template = find_template(self.tenant, parse_id(template_id))
        zone = _zone(self.validated(PreviewInput).get("timezone")) or zone_of_template(template)
        preview = preview_definition(tenant=self.tenant, definition=definition_of(template), now=self.now(), zone=zone)
        return Response(preview_json(preview))


def _zone(name: str | None) -> str:
    """Return the zone's name, empty for none; raise Unprocessable for one that there is not."""
    try:
        return load_zone(name).key if name else ""
    except CadenceError as error:
        raise Unprocessable(error.message, fields={error.field: [error.message]}) from None
