"""The API of the scheduler's status and of occurrences: is it alive, and what became of each time."""

from typing import Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from flows.selectors.pipelines import find_pipeline
from kaireon.platform.api import ApiView, page_by_cursor, parse_id, query_id, query_time
from kaireon.platform.errors import BadRequest
from kaireon.platform.schema import ErrorSerializer, page_of
from triggers.decisions.pulse import late_after
from triggers.decisions.vocabulary import OccurrenceKind, Outcome
from triggers.selectors.attention import parked
from triggers.selectors.occurrences import find_occurrence, held, list_occurrences, newest_of
from triggers.selectors.status import DAY, scheduler_status
from triggers.selectors.ticks import held_locks
from triggers.selectors.timeline import next_fires, overdue
from triggers.serializers.status import (
    OccurrenceShape,
    SchedulerStatusShape,
    fire_json,
    lock_json,
    occurrence_json,
    parked_json,
    status_json,
)

LISTED: Final = 10
NEXT: Final = 5
COUNTED_UP_TO: Final = 10_000
OCCURRENCE_PAGE: Final = page_of(OccurrenceShape)
UNKNOWN: Final = OpenApiResponse(ErrorSerializer, description="No such pipeline for this tenant")


class TriggerView(ApiView):
    """A view of what triggers know; its keys have the scope of pipelines."""

    scope = "pipelines"


class SchedulerStatusView(TriggerView):
    """The scheduler's status."""

    @extend_schema(responses={200: SchedulerStatusShape})
    def get(self, request: Request) -> Response:
        """Tell whether the scheduler is alive and how late it is; what is due, was missed, failed or is parked."""
        now = self.now()
        status = scheduler_status(self.tenant, now=now)
        since, late = now - DAY, now - late_after(status.interval)
        missed = newest_of(self.tenant, Outcome.MISSED, since=since, limit=LISTED)
        failed = newest_of(self.tenant, Outcome.FAILED, since=since, limit=LISTED)
        return Response(
            {
                **status_json(status),
                "nextFive": [fire_json(each) for each in next_fires(self.tenant, limit=NEXT)],
                "overdue": [fire_json(each) for each in overdue(self.tenant, before=late, limit=LISTED)],
                "missed": [occurrence_json(row) for row in missed],
                "failedDispatches": [occurrence_json(row) for row in failed],
                "parked": [parked_json(each) for each in parked(self.tenant, limit=LISTED)],
                "held": [occurrence_json(row) for row in held(self.tenant, limit=LISTED)],
                "locks": [lock_json(each) for each in held_locks()],
            }
        )


class OccurrenceListView(TriggerView):
    """The ledger of occurrences."""

    @extend_schema(
        responses={200: OCCURRENCE_PAGE, 404: UNKNOWN},
        parameters=[
            OpenApiParameter("pipelineId", OpenApiTypes.UUID),
            OpenApiParameter("from", OpenApiTypes.DATETIME, description="Occurrences of this instant and later"),
            OpenApiParameter("to", OpenApiTypes.DATETIME, description="Occurrences of this instant and earlier"),
            OpenApiParameter("outcome", str, enum=[item.value for item in Outcome]),
            OpenApiParameter("kind", str, enum=[item.value for item in OccurrenceKind]),
            OpenApiParameter("limit", int),
            OpenApiParameter("cursor", str),
        ],
    )
    def get(self, request: Request) -> Response:
        """List what was expected, newest first, each with what became of it and why; `total` goes to 10,000."""
        pipeline_id = query_id(request, "pipelineId")
        if pipeline_id is not None:
            find_pipeline(self.tenant, pipeline_id)
        start, end = query_time(request, "from"), query_time(request, "to")
        if start and end and end < start:
            rule = "Must not be before `from`."
            raise BadRequest(f"to: {rule}", fields={"to": [rule]})
        rows = list_occurrences(
            self.tenant, pipeline_id=pipeline_id, start=start, end=end,
            outcome=_one_of(request, "outcome", Outcome), kind=_one_of(request, "kind", OccurrenceKind),
        )  # fmt: skip
        return page_by_cursor(
            request, rows, serialize=occurrence_json, time_field="occurrence_at", count_up_to=COUNTED_UP_TO
        )  # fmt: skip


class OccurrenceDetailView(TriggerView):
    """One occurrence."""

    @extend_schema(responses={200: OccurrenceShape})
    def get(self, request: Request, occurrence_id: str) -> Response:
        """Return one occurrence."""
        return Response(occurrence_json(find_occurrence(self.tenant, parse_id(occurrence_id))))


def _one_of(request: Request, name: str, words: type[Outcome] | type[OccurrenceKind]) -> str:
    text = request.query_params.get(name, "")
    if text and text not in set(words):
        rule = f"Must be one of: {', '.join(words)}."
        raise BadRequest(f"{name}: {rule}", fields={name: [rule]})
    return text
