"""The API of previews: what a schedule does, before anybody saves it."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kaireon.platform.api import ApiView
from triggers.serializers.previews import SchedulePreviewInput, SchedulePreviewShape, schedule_preview_json
from triggers.services.previewing import preview_schedule


class SchedulePreviewView(ApiView):
    """What a schedule means: nothing is kept, so whoever reads may ask."""

    scope = "pipelines"
    only_reads = True

    @extend_schema(request=SchedulePreviewInput, responses={200: SchedulePreviewShape})
    def post(self, request: Request) -> Response:
        """Return the next occurrences, whether one is due now, and what is worth knowing of the schedule."""
        values = self.validated(SchedulePreviewInput)
        now = values.pop("after", None) or self.now()
        return Response(schedule_preview_json(preview_schedule(**values, now=now, tenant=self.tenant)))
