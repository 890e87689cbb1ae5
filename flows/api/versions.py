"""The API of a pipeline's IR and its versions."""

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from flows.api.pipelines import PipelineView
from flows.selectors.pipelines import VERSION_NOT_FOUND, find_pipeline, find_version, list_versions
from flows.serializers.pipelines import FlowPipelineShape, pipeline_json
from flows.serializers.versions import (
    PublishInput,
    SaveVersionInput,
    VersionIrShape,
    VersionListShape,
    version_ir_json,
    version_json,
)
from flows.services.versions import publish_version, save_version
from kaireon.platform.api import parse_id
from kaireon.platform.errors import NotFound
from kaireon.platform.schema import ErrorSerializer

MAX_DIGITS = 9
CONFLICT = OpenApiResponse(ErrorSerializer, description="Another version than expectedVersion is the latest")


class PipelineIrView(PipelineView):
    """The IR of a pipeline."""

    @extend_schema(responses={200: VersionIrShape})
    def get(self, request: Request, pipeline_id: str) -> Response:
        """Return the latest version with its IR, whether it is live or not."""
        pipeline = find_pipeline(self.tenant, parse_id(pipeline_id))
        return Response(version_ir_json(find_version(pipeline), pipeline.live_version))

    @extend_schema(request=SaveVersionInput, responses={201: VersionIrShape, 409: CONFLICT})
    def post(self, request: Request, pipeline_id: str) -> Response:
        """Save an IR as the next version; with `publish` it is also the one that runs from now on."""
        pipeline_uuid = find_pipeline(self.tenant, parse_id(pipeline_id)).pk
        values = self.validated(SaveVersionInput)
        version = save_version(
            tenant=self.tenant, pipeline_id=pipeline_uuid, actor=self.actor, now=self.now(), **values
        )  # fmt: skip
        return Response(version_ir_json(version, find_pipeline(self.tenant, pipeline_uuid).live_version), status=201)


class PipelineVersionListView(PipelineView):
    """The versions of a pipeline."""

    @extend_schema(responses={200: VersionListShape})
    def get(self, request: Request, pipeline_id: str) -> Response:
        """List a pipeline's versions, newest first, without what they do."""
        pipeline = find_pipeline(self.tenant, parse_id(pipeline_id))
        return Response({"data": [version_json(row, pipeline.live_version) for row in list_versions(pipeline)]})


class PipelineVersionView(PipelineView):
    """One version of a pipeline."""

    @extend_schema(responses={200: VersionIrShape})
    def get(self, request: Request, pipeline_id: str, version: str) -> Response:
        """Return one version with its IR."""
        pipeline = find_pipeline(self.tenant, parse_id(pipeline_id))
        if not (version.isascii() and version.isdigit() and len(version) <= MAX_DIGITS):
            raise NotFound(VERSION_NOT_FOUND)
        return Response(version_ir_json(find_version(pipeline, int(version)), pipeline.live_version))


class PipelinePublishView(PipelineView):
    """Publishing a version."""

    @extend_schema(request=PublishInput, responses={200: FlowPipelineShape})
    def post(self, request: Request, pipeline_id: str) -> Response:
        """Make a saved version the one that runs."""
        pipeline_uuid = find_pipeline(self.tenant, parse_id(pipeline_id)).pk
        version = self.validated(PublishInput)["version"]
        publish_version(
            tenant=self.tenant, pipeline_id=pipeline_uuid, version=version, actor=self.actor, now=self.now()
        )  # fmt: skip
        return Response(pipeline_json(find_pipeline(self.tenant, pipeline_uuid)))
