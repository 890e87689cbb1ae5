"""`/api/v1/admin/dlq`: the dead letters of a tenant, for its admins."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kaireon.platform.api import ApiView, query_integer
from kaireon.platform.schema import ErrorSerializer
from kaireon.platform.tenancy.roles import Role
from outbox.decisions.dead_letters import DeadAction
from outbox.selectors.dead_letters import dead_depth, list_dead_letters
from outbox.serializers import (
    DeadActionInput,
    DeadActionShape,
    DeadLettersShape,
    dead_letter_json,
    dead_plan_json,
)
from outbox.services import purge_dead_letters, retry_dead_letters

DEFAULT_LIMIT, MAX_LIMIT = 50, 200
NO_SUCH_LETTER = OpenApiResponse(ErrorSerializer, description="One of eventIds is no dead letter of this tenant")


class DeadLetterView(ApiView):
    """The dead letter queue."""

    scope = "outbox"
    read_role = write_role = Role.ADMIN

    @extend_schema(
        responses={200: DeadLettersShape},
        parameters=[OpenApiParameter("limit", int), OpenApiParameter("topic", str)],
    )
    def get(self, request: Request) -> Response:
        """Show how deep the queue is, and its newest events."""
        limit = query_integer(request, "limit", DEFAULT_LIMIT, minimum=1, maximum=MAX_LIMIT)
        topic = request.query_params.get("topic", "")
        depth = dead_depth(self.tenant.pk)
        rows = list_dead_letters(self.tenant.pk, topic=topic, limit=limit)
        return Response(
            {
                "totalEvents": depth.total,
                "byTopic": dict(depth.by_topic),
                "events": [dead_letter_json(row) for row in rows],
                "alert": depth.alert.value,
            }
        )

    @extend_schema(request=DeadActionInput, responses={200: DeadActionShape, 404: NO_SUCH_LETTER})
    def post(self, request: Request) -> Response:
        """Retry or purge dead letters; `dryRun` says what would happen and changes nothing."""
        asked = self.validated(DeadActionInput)
        action = DeadAction(asked.pop("action"))
        service, counted = _SERVICES[action]
        outcome = service(tenant=self.tenant, actor=self.actor, now=self.now(), **asked)
        answer: dict[str, Any] = {"action": action.value, counted: outcome.count}
        if outcome.plan is not None:
            answer |= {"dryRun": True, "plan": dead_plan_json(outcome.plan)}
        return Response(answer)


_SERVICES = {
    DeadAction.RETRY: (retry_dead_letters, "requeued"),
    DeadAction.PURGE: (purge_dead_letters, "deleted"),
}
