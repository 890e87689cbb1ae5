"""The API of what the editor asks before anything is saved: whether an IR could be, and what one looks like."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from flows.api.pipelines import PipelineView
from flows.ir.json_schema import ir_json_schema
from flows.selectors.pipelines import find_pipeline, find_version
from flows.serializers.versions import ValidateInput, ValidationShape, validation_json
from flows.services.checking import check_ir
from kaireon.platform.api import parse_id


class IrSchemaView(PipelineView):
    """The JSON Schema of the IR."""

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request) -> Response:
        """Return the JSON Schema of the IR, with a title and a description for every field."""
        return Response(ir_json_schema())


class PipelineValidateView(PipelineView):
    """Whether an IR could be saved."""

    only_reads = True

    @extend_schema(request=ValidateInput, responses={200: ValidationShape})
    def post(self, request: Request, pipeline_id: str) -> Response:
        """Return every problem of an IR, sent or the latest version, with its path; nothing is saved or called."""
        pipeline = find_pipeline(self.tenant, parse_id(pipeline_id))
        values = self.validated(ValidateInput)
        ir = values["ir"] if "ir" in values else find_version(pipeline).ir
        return Response(validation_json(check_ir(tenant=self.tenant, pipeline=pipeline, ir=ir)))
