"""The API of backfills."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kaireon.platform.api import ApiView, parse_id
from triggers.serializers.backfills import BackfillInput, BackfillShape, backfill_json
from triggers.services.backfilling import backfill


class PipelineBackfillView(ApiView):
    """Runs for times that have passed."""

    scope = "pipelines"

    @extend_schema(request=BackfillInput, responses={200: BackfillShape})
    def post(self, request: Request, pipeline_id: str) -> Response:
        """Ask for a run for each occurrence of a range that has none of its own; with `dryRun` only say which."""
        given = self.validated(BackfillInput)
        found = backfill(
            tenant=self.tenant, pipeline_id=parse_id(pipeline_id), start=given["from"], end=given["to"],
            is_dry_run=given["dryRun"], actor=self.actor, now=self.now(),
        )  # fmt: skip
        return Response(backfill_json(found, is_dry_run=given["dryRun"]))
