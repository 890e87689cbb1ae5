"""`POST /api/v1/triggers/file-arrival`: a producer, or S3 through EventBridge, says that a file is there."""

from typing import Any, Final

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, PolymorphicProxySerializer, extend_schema
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from kaireon.platform.budget import Budget
from kaireon.platform.cron_permissions import HEADER, has_cron_secret, sent_secrets
from kaireon.platform.errors import Unauthenticated
from kaireon.platform.schema import ErrorSerializer
from triggers.models import TriggerSecret
from triggers.serializers.arrivals import (
    EventBridgeInput,
    NativePushInput,
    NotificationInput,
    PushedShape,
    pushed_json,
    read_push,
)
from triggers.services.resolving import take_push
from triggers.services.secrets import owner_of

# An API destination of EventBridge gives up after five seconds.
LONGEST_SECONDS: Final = 4.0
REFUSAL: Final = (
    "Send a configured CRON_SECRET, or a trigger secret of the pipeline, as `Authorization: Bearer …` or as "
    "`x-cron-secret`."
)
BODY: Final = PolymorphicProxySerializer(
    component_name="FileArrivalInput", resource_type_field_name=None,
    serializers=[NativePushInput, EventBridgeInput, NotificationInput],
)  # fmt: skip
NOTHING: Final = OpenApiResponse(PushedShape, description="No run began, and nothing waits")
UNKNOWN: Final = OpenApiResponse(ErrorSerializer, description="No such pipeline for this tenant, or this secret")


class PushPermission(BasePermission):
    """Let in whoever sends a CRON_SECRET, or a trigger secret that works; without a CRON_SECRET, nobody (401)."""

    def has_permission(self, request: Request, view: "FileArrivalView") -> bool:  # type: ignore[override]
        """Check the shared secret first; the view then knows whose trigger secret it was otherwise."""
        if has_cron_secret(request):
            return True
        # Fail closed (contract §2): an installation that set no secret takes no pushes at all.
        if settings.CRON_SECRET.strip(" ,"):
            now = timezone.now()
            found = (owner_of(secret, now) for secret in sent_secrets(request) if secret)
            view.owner = next((owner for owner in found if owner is not None), None)
        if view.owner is None:
            raise Unauthenticated(REFUSAL)
        return True


class FileArrivalView(APIView):
    """The push door of file-arrival triggers."""

    authentication_classes = ()
    permission_classes = (PushPermission,)
    throttle_classes = ()
    # The secret that sent it, None for a CRON_SECRET.
    owner: TriggerSecret | None = None

    @extend_schema(
        request=BODY,
        responses={202: PushedShape, 200: NOTHING, 404: UNKNOWN},
        parameters=[OpenApiParameter(HEADER, str, OpenApiParameter.HEADER, required=True)],
        auth=[],
    )
    def post(self, request: Request) -> Response:
        """Fire the pipelines that wait for the file. Sent again, nothing fires twice."""
        push = read_push(request.data)
        budget = Budget(LONGEST_SECONDS)
        pushed = take_push(push=push, owner=self.owner, now=timezone.now(), budget=budget)
        is_taken = bool(pushed.dispatched) or pushed.is_kept
        return Response(pushed_json(pushed), status=202 if is_taken else 200, headers={"Cache-Control": "no-store"})

    def handle_exception(self, exc: Exception) -> Any:
        """Answer in the envelope, out of every cache."""
        answer = super().handle_exception(exc)
        answer.setdefault("Cache-Control", "no-store")
        return answer
