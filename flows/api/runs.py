"""The API of runs: asking for them, how far they are, what was wrong with their rows."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any, Final

from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from flows.api.pipelines import PAGE_PARAMETERS, PipelineView
from flows.decisions.vocabulary import RunStatus, TriggerSource
from flows.models import PipelineRun
from flows.selectors.pipelines import find_pipeline
from flows.selectors.runs import RowError, errors_of, find_run, list_runs, progress_of
from flows.serializers.pipelines import EmptyInput
from flows.serializers.runs import (
    PipelineRunDetailShape,
    PipelineRunInput,
    PipelineRunShape,
    ProgressShape,
    RunErrorsShape,
    StartedShape,
    error_json,
    run_detail_json,
    run_json,
    started_json,
)
from flows.services.cancelling import cancel_run
from flows.services.requesting import retry_run, run_pipeline_now
from kaireon.platform.api import page_by_cursor, parse_id, query_id
from kaireon.platform.audit.csv_export import safe_cell
from kaireon.platform.errors import BadRequest
from kaireon.platform.schema import page_of

CSV_HEADER: Final = ("Row", "Column", "Value", "Error", "File", "Node", "Rule")
CSV: Final = "text/csv"
RUN_PAGE: Final = page_of(PipelineRunShape)


class RunView(PipelineView):
    """A view of one run of a pipeline."""

    def run_of(self, pipeline_id: str, pipeline_run_id: str) -> PipelineRun:
        """Return a run of this pipeline; raise NotFound for another one's."""
        return find_run(self.tenant, parse_id(pipeline_run_id), pipeline_id=parse_id(pipeline_id))


class PipelineRunNowView(PipelineView):
    """Run now."""

    @extend_schema(request=PipelineRunInput, responses={201: StartedShape})
    def post(self, request: Request, pipeline_id: str) -> Response:
        """Ask for a run of the live version, or of another; a worker begins with it at once."""
        pipeline_uuid = find_pipeline(self.tenant, parse_id(pipeline_id)).pk
        version = self.validated(PipelineRunInput).get("version")
        source = TriggerSource.API if self.actor.kind == "api_key" else TriggerSource.MANUAL
        run = run_pipeline_now(
            tenant=self.tenant, pipeline_id=pipeline_uuid, actor=self.actor, now=self.now(), version=version,
            trigger_source=source,
        )  # fmt: skip
        return Response(started_json(run), status=201)


class PipelineRunsOfListView(PipelineView):
    """The runs of a pipeline."""

    @extend_schema(responses={200: RUN_PAGE}, parameters=PAGE_PARAMETERS)
    def get(self, request: Request, pipeline_id: str) -> Response:
        """List a pipeline's runs, newest first."""
        pipeline_uuid = find_pipeline(self.tenant, parse_id(pipeline_id)).pk
        now = self.now()
        rows = list_runs(self.tenant, pipeline_id=pipeline_uuid)
        return page_by_cursor(request, rows, serialize=lambda run: run_json(run, now=now))


class PipelineRunListView(PipelineView):
    """The runs of all pipelines."""

    @extend_schema(
        responses={200: RUN_PAGE},
        parameters=[
            OpenApiParameter("pipelineId", OpenApiTypes.UUID),
            OpenApiParameter("status", str, enum=[item.value for item in RunStatus]),
            *PAGE_PARAMETERS,
        ],
    )
    def get(self, request: Request) -> Response:
        """List the tenant's runs, newest first."""
        now, rows = self.now(), list_runs(self.tenant, pipeline_id=query_id(request, "pipelineId"))
        if status := request.query_params.get("status", ""):
            if status not in set(RunStatus):
                rule = f"Must be one of: {', '.join(RunStatus)}."
                raise BadRequest(f"status: {rule}", fields={"status": [rule]})
            rows = rows.filter(status=status)
        return page_by_cursor(request, rows, serialize=lambda run: run_json(run, now=now))


class PipelineRunDetailView(RunView):
    """One run of a pipeline."""

    @extend_schema(responses={200: PipelineRunDetailShape})
    def get(self, request: Request, pipeline_id: str, pipeline_run_id: str) -> Response:
        """Return one run with what it knows of itself: the SQL of its nodes, its stages, its warnings."""
        return Response(run_detail_json(self.run_of(pipeline_id, pipeline_run_id), now=self.now()))


class PipelineRunProgressView(RunView):
    """How far a run is."""

    @extend_schema(responses={200: ProgressShape})
    def get(self, request: Request, pipeline_id: str, pipeline_run_id: str) -> Response:
        """Return how far a run is: rows, files, stages, the log, and how long it will take."""
        return Response(progress_of(self.run_of(pipeline_id, pipeline_run_id), now=self.now()))


class JsonOrCsv(DefaultContentNegotiation):
    """Errors are JSON whatever was accepted; the view looks for CSV itself."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        """Return the first renderer."""
        return renderers[0], renderers[0].media_type


class PipelineRunErrorsView(RunView):
    """What was wrong with the rows of a run."""

    content_negotiation_class = JsonOrCsv

    @extend_schema(responses={(200, "application/json"): RunErrorsShape, (200, CSV): OpenApiTypes.STR})
    def get(self, request: Request, pipeline_id: str, pipeline_run_id: str) -> HttpResponseBase:
        """Return what was wrong with a run's rows, at most a thousand; as CSV with `Accept: text/csv`."""
        run = self.run_of(pipeline_id, pipeline_run_id)
        errors = errors_of(run)
        if CSV in request.headers.get("Accept", ""):
            headers = {"Content-Disposition": f'attachment; filename="run-{run.pk}-errors.csv"'}
            return StreamingHttpResponse(_lines(errors), content_type=f"{CSV}; charset=utf-8", headers=headers)
        shown = [error_json(each) for each in errors]
        return Response(
            {"runId": str(run.pk), "count": len(shown), "failedRows": run.failed_rows, "errors": shown}
        )  # fmt: skip


class PipelineRunRetryView(RunView):
    """Trying a run again."""

    @extend_schema(request=EmptyInput, responses={201: StartedShape})
    def post(self, request: Request, pipeline_id: str, pipeline_run_id: str) -> Response:
        """Ask for a new run of what a failed or cancelled one was to do, with the files that it left."""
        run_uuid = self.run_of(pipeline_id, pipeline_run_id).pk
        self.validated(EmptyInput)
        run = retry_run(tenant=self.tenant, run_id=run_uuid, actor=self.actor, now=self.now())
        return Response(started_json(run), status=201)


class PipelineRunCancelView(RunView):
    """Cancelling a run."""

    @extend_schema(request=EmptyInput, responses={200: StartedShape})
    def post(self, request: Request, pipeline_id: str, pipeline_run_id: str) -> Response:
        """Cancel a run: at once while it waits, else it is `running` until its worker has stopped."""
        run_uuid = self.run_of(pipeline_id, pipeline_run_id).pk
        self.validated(EmptyInput)
        return Response(started_json(cancel_run(tenant=self.tenant, run_id=run_uuid, actor=self.actor, now=self.now())))


def _lines(errors: Iterable[RowError]) -> Iterator[str]:
    """Yield the CSV; no cell of it becomes a formula in a spreadsheet."""
    yield _line(CSV_HEADER)
    for each in errors:
        cells = (each.row, each.column, each.value, each.error, each.file, each.node_id, each.rule_id)
        yield _line([safe_cell(cell) for cell in cells])


def _line(cells: Iterable[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()
