"""The API of pipelines."""

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from flows.selectors.pipelines import find_pipeline, list_pipelines
from flows.serializers.pipelines import (
    EmptyInput,
    FlowPipelineShape,
    PauseInput,
    PipelineInput,
    PipelinePatch,
    RemovedShape,
    pipeline_json,
)
from flows.services.pipelines import (
    create_pipeline,
    delete_pipeline,
    pause_pipeline,
    resume_pipeline,
    update_pipeline,
)
from kaireon.platform.api import ApiView, page_by_cursor, parse_id
from kaireon.platform.schema import ErrorSerializer, page_of

PAGE_PARAMETERS = [OpenApiParameter("limit", int), OpenApiParameter("cursor", str)]
NOT_THERE = OpenApiResponse(ErrorSerializer, description="No such connector or schema for this tenant")
RUNNING = OpenApiResponse(ErrorSerializer, description="A run is waiting or under way")


class PipelineView(ApiView):
    """A view of pipelines: everybody reads, editors write."""

    scope = "pipelines"


class PipelineListView(PipelineView):
    """List and create pipelines."""

    @extend_schema(responses={200: page_of(FlowPipelineShape)}, parameters=PAGE_PARAMETERS)
    def get(self, request: Request) -> Response:
        """List the tenant's pipelines, newest first; schedule, nodes and edges are those of the live version."""
        return page_by_cursor(request, list_pipelines(self.tenant), serialize=pipeline_json)

    @extend_schema(request=PipelineInput, responses={201: FlowPipelineShape, 404: NOT_THERE})
    def post(self, request: Request) -> Response:
        """Create a pipeline; its IR becomes version 1, which is live."""
        values = self.validated(PipelineInput)
        pipeline = create_pipeline(tenant=self.tenant, values=values, actor=self.actor, now=self.now())
        return Response(pipeline_json(find_pipeline(self.tenant, pipeline.pk)), status=201)


class PipelineDetailView(PipelineView):
    """One pipeline."""

    @extend_schema(responses={200: FlowPipelineShape})
    def get(self, request: Request, pipeline_id: str) -> Response:
        """Return one pipeline."""
        return Response(pipeline_json(find_pipeline(self.tenant, parse_id(pipeline_id))))

    @extend_schema(request=PipelinePatch, responses={200: FlowPipelineShape})
    def patch(self, request: Request, pipeline_id: str) -> Response:
        """Change name, description, connector, schema or execution config; what it does changes by saving a version."""
        pipeline_uuid = find_pipeline(self.tenant, parse_id(pipeline_id)).pk
        changes = self.validated(PipelinePatch, partial=True)
        update_pipeline(
            tenant=self.tenant, pipeline_id=pipeline_uuid, changes=changes, actor=self.actor, now=self.now()
        )  # fmt: skip
        return Response(pipeline_json(find_pipeline(self.tenant, pipeline_uuid)))

    @extend_schema(responses={200: RemovedShape, 409: RUNNING})
    def delete(self, request: Request, pipeline_id: str) -> Response:
        """Delete a pipeline with its versions and runs, and say how many; the rows that it loaded stay."""
        pipeline_uuid = parse_id(pipeline_id)
        removed = delete_pipeline(
            tenant=self.tenant, pipeline_id=pipeline_uuid, actor=self.actor, now=self.now()
        )  # fmt: skip
        return Response({"id": str(pipeline_uuid), "versions": removed.versions, "runs": removed.runs})


class PipelinePauseView(PipelineView):
    """The pause of a pipeline."""

    @extend_schema(request=PauseInput, responses={200: FlowPipelineShape})
    def post(self, request: Request, pipeline_id: str) -> Response:
        """Stop a pipeline's schedule and trigger until it is resumed; it can still be run by hand."""
        pipeline_uuid = find_pipeline(self.tenant, parse_id(pipeline_id)).pk
        reason = self.validated(PauseInput)["reason"]
        pause_pipeline(
            tenant=self.tenant, pipeline_id=pipeline_uuid, reason=reason, actor=self.actor, now=self.now()
        )  # fmt: skip
        return Response(pipeline_json(find_pipeline(self.tenant, pipeline_uuid)))


class PipelineResumeView(PipelineView):
    """The end of a pause."""

    @extend_schema(request=EmptyInput, responses={200: FlowPipelineShape})
    def post(self, request: Request, pipeline_id: str) -> Response:
        """Set a paused pipeline going again."""
        pipeline_uuid = find_pipeline(self.tenant, parse_id(pipeline_id)).pk
        self.validated(EmptyInput)
        resume_pipeline(tenant=self.tenant, pipeline_id=pipeline_uuid, actor=self.actor, now=self.now())
        return Response(pipeline_json(find_pipeline(self.tenant, pipeline_uuid)))
