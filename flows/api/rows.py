"""The API of rows that runs set aside, and of where rows came from."""

from typing import Final

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from flows.api.pipelines import PipelineView
from flows.selectors.lineage import lineage_rows
from flows.selectors.quarantine import quarantine_rows
from flows.serializers.rows import DlqShape, LineagePageShape, dlq_json, lineage_json
from kaireon.platform.api import parse_id, query_integer
from kaireon.platform.characters import text_refusal
from kaireon.platform.errors import BadRequest
from kaireon.platform.schema import ErrorSerializer

MAX_NAME: Final = 63
MOST_ASIDE: Final = 500
MOST_LINEAGE: Final = 1_000
HUGE: Final = 999_999_999
NO_TABLE = OpenApiResponse(ErrorSerializer, description="No such table for this tenant")


class PipelineRunDlqView(PipelineView):
    """The rows that a run set aside."""

    @extend_schema(
        responses={200: DlqShape},
        parameters=[
            OpenApiParameter("node", str, description="The validate node; all nodes unless given"),
            OpenApiParameter("limit", int, default=50),
        ],
    )
    def get(self, request: Request, pipeline_run_id: str) -> Response:
        """Return the rows that a run set aside, oldest first; where there is no table, a message says so."""
        limit = query_integer(request, "limit", 50, minimum=1, maximum=MOST_ASIDE)
        return Response(
            dlq_json(quarantine_rows(self.tenant, parse_id(pipeline_run_id), _word(request, "node", ""), limit))
        )


class LineageView(PipelineView):
    """Where rows came from."""

    @extend_schema(
        responses={200: LineagePageShape, 404: NO_TABLE},
        parameters=[
            OpenApiParameter("schema", str, default="public"),
            OpenApiParameter("table", str, required=True, description="Such as ds_orders"),
            OpenApiParameter("limit", int, default=100, description="1 to 1000; others are taken as the nearest"),
        ],
    )
    def get(self, request: Request) -> Response:
        """Return the newest rows of a table with the run, pipeline and source node that wrote each."""
        limit = min(max(query_integer(request, "limit", 100, maximum=HUGE), 1), MOST_LINEAGE)
        schema, table = _word(request, "schema", "public"), _word(request, "table", "")
        if not table:
            raise BadRequest("table: This parameter is required.", fields={"table": ["This parameter is required."]})
        return Response(lineage_json(lineage_rows(self.tenant, schema, table, limit)))


def _word(request: Request, name: str, default: str) -> str:
    """Return a query parameter that is a name; raise BadRequest that names it for what no name can be."""
    text = request.query_params.get(name, "") or default
    refusal = text_refusal(text) if len(text) <= MAX_NAME else f"Must not be longer than {MAX_NAME} characters."
    if refusal:
        raise BadRequest(f"{name}: {refusal}", fields={name: [refusal]})
    return text
