"""The API of previews: the SQL of each node, and the first rows that leave one."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from flows.api.pipelines import PipelineView
from flows.engines.base import EngineError
from flows.formats.base import UnreadableFile
from flows.ir.graph import plan_of
from flows.ir.pipeline import PipelineIR
from flows.models import Pipeline
from flows.selectors.pipelines import find_pipeline, find_version
from flows.serializers.previews import (
    NodePreviewInput,
    NodePreviewShape,
    NodeSampleInput,
    NodeSampleShape,
    preview_json,
    sample_json,
)
from flows.services.previewing import preview_sql, sample_node
from flows.services.versions import read_ir
from flows.storage.base import StorageError
from kaireon.platform.api import parse_id
from kaireon.platform.errors import NotFound, Unprocessable


class EditorView(PipelineView):
    """A view about an IR, sent or the latest version."""

    def ir_of(self, pipeline: Pipeline, values: Mapping[str, Any]) -> PipelineIR:
        """Return the IR that is meant; raise BadRequest or Unprocessable with all its problems."""
        ir = values["ir"] if "ir" in values else find_version(pipeline).ir
        return read_ir(self.tenant, ir, connector_id=pipeline.connector_id)


class PipelinePreviewView(EditorView):
    """The SQL of each node."""

    only_reads = True

    @extend_schema(request=NodePreviewInput, responses={200: NodePreviewShape})
    def post(self, request: Request, pipeline_id: str) -> Response:
        """Return the SQL that each node compiles to, in the order in which they run; no file is read."""
        pipeline = find_pipeline(self.tenant, parse_id(pipeline_id))
        values = self.validated(NodePreviewInput)
        ir, dialect = self.ir_of(pipeline, values), values["dialect"]
        try:
            sql = preview_sql(ir, dialect=dialect)
        except EngineError as error:
            raise _refused(error, values) from None
        return Response(preview_json(sql, {node.id: node.kind for node in plan_of(ir).order}, dialect))


class PipelineSampleView(EditorView):
    """The first rows that leave a node: who may write may try an IR on real files."""

    @extend_schema(request=NodeSampleInput, responses={200: NodeSampleShape})
    def post(self, request: Request, pipeline_id: str) -> Response:
        """Return the first rows that leave a node, read from real files, which stay where they are."""
        pipeline = find_pipeline(self.tenant, parse_id(pipeline_id))
        values = self.validated(NodeSampleInput)
        ir, node_id = self.ir_of(pipeline, values), values["node_id"]
        if node_id not in {node.id for node in ir.nodes}:
            rule = "The pipeline has no such node."
            raise NotFound(rule, fields={"nodeId": [rule]})
        try:
            sample = sample_node(pipeline=pipeline, ir=ir, node_id=node_id, limit=values["limit"], now=self.now())
        except (EngineError, StorageError, UnreadableFile) as error:
            raise _refused(error, values) from None
        return Response(sample_json(node_id, sample))


def _refused(error: EngineError | StorageError | UnreadableFile, values: Mapping[str, Any]) -> Unprocessable:
    """Return the refusal, under the field that asked for it: the IR that was sent, or the node of the kept one."""
    node_id = getattr(error, "node_id", "")
    text = f"{node_id}: {error.message}" if node_id else error.message
    return Unprocessable(text, code="PREVIEW_REFUSED", fields={"ir" if "ir" in values else "nodeId": [text]})
