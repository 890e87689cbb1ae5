"""`/api/v1/cron/outbox-reaper`: a scheduler sends events back that dead publishers left behind."""

import time
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from kaireon.platform.cron_permissions import CronSecretPermission
from kaireon.platform.envelope import error_body
from kaireon.platform.fields import StrictDateTimeField
from kaireon.platform.schema import ErrorSerializer
from outbox.serializers import reaper_json
from outbox.services import ReaperFailed, run_reaper
from outbox.tier.server_clock import ServerClock


class ReaperShape(serializers.Serializer[Any]):
    """What the reaper did."""

    status = serializers.ChoiceField(choices=["ok"])
    stalenessSeconds = serializers.IntegerField()  # noqa: N815
    resetCount = serializers.IntegerField()  # noqa: N815
    durationMs = serializers.IntegerField()  # noqa: N815
    timestamp = StrictDateTimeField()


SCHEMA = extend_schema(
    request=None,
    responses={200: ReaperShape, 500: ErrorSerializer},
    parameters=[OpenApiParameter("x-cron-secret", str, OpenApiParameter.HEADER, description="or as a Bearer")],
    auth=[],
)


class OutboxReaperView(APIView):
    """The reaper over HTTP, for cron(8), Kubernetes and EventBridge: GET and POST do the same, safe to repeat."""

    authentication_classes = ()
    permission_classes = (CronSecretPermission,)
    throttle_classes = ()

    @SCHEMA
    def get(self, request: Request) -> Response:
        """Reset every event that has been `processing` for longer than the staleness threshold."""
        return _reap(request)

    @SCHEMA
    def post(self, request: Request) -> Response:
        """Reset every event that has been `processing` for longer than the staleness threshold."""
        return _reap(request)


def _reap(request: Request) -> Response:
    started, now = time.monotonic(), ServerClock()()
    try:
        report = run_reaper(now=now)
    except ReaperFailed as error:
        # Answered here and not by the envelope's handler: it would log the failure a second time.
        body = error_body(request._request, error.status, error.message, code=error.code, error_id=error.error_id)
        return Response(body, status=error.status, headers={"Cache-Control": "no-store"})
    body = reaper_json(report, seconds=time.monotonic() - started, now=now)
    return Response(body, headers={"Cache-Control": "no-store"})
