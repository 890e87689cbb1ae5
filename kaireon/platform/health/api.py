"""System health over the API: list, read, pin, resolve, delete."""

from collections.abc import Iterable
from typing import Any, Final

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kaireon.platform.api import ApiView, page_by_cursor, query_boolean, query_time
from kaireon.platform.errors import BadRequest
from kaireon.platform.health.decisions import Severity, Source
from kaireon.platform.health.selectors import filter_alerts, visible_alerts
from kaireon.platform.health.serializers import (
    HealthAlertShape,
    HealthPageShape,
    NothingInput,
    PinInput,
    ReadAllShape,
    health_alert_json,
)
from kaireon.platform.health.services import delete_alert, mark_all_read, mark_read, pin_alert, resolve_alert
from kaireon.platform.tenancy.roles import Role

SCOPE: Final = "system-health"
DEFAULT_LIMIT, MAX_LIMIT = 50, 200
STATES: Final = ("open", "resolved")
PARAMETERS: Final = [
    OpenApiParameter("cursor", str),
    OpenApiParameter("limit", int, description=f"1 to {MAX_LIMIT}, {DEFAULT_LIMIT} by default"),
    OpenApiParameter("unreadOnly", bool),
    OpenApiParameter("since", str, description="ISO 8601 with an offset"),
    OpenApiParameter("severity", str, description="Comma-separated"),
    OpenApiParameter("source", str, description="Comma-separated"),
    OpenApiParameter("state", str, enum=STATES, description="Both when absent"),
]


class HealthView(ApiView):
    """What every route here shares: viewers may read, and note that they have read."""

    scope = SCOPE

    def alert(self, alert_id: str) -> Any:
        """Return an alert that the caller may see; raise NotFound."""
        return self.find(visible_alerts(self.tenant, self.actor.user_id), alert_id)


class HealthListView(HealthView):
    """GET /api/v1/system-health."""

    @extend_schema(responses={200: HealthPageShape}, parameters=PARAMETERS)
    def get(self, request: Request) -> Response:
        """List what you may see, newest first."""
        states = query_words(request, "state", STATES)
        rows = filter_alerts(
            visible_alerts(self.tenant, self.actor.user_id),
            unread_only=query_boolean(request, "unreadOnly"),
            since=query_time(request, "since"),
            severities=query_words(request, "severity", Severity),
            sources=query_words(request, "source", Source),
            state=states[0] if len(states) == 1 else "",
        )
        response = page_by_cursor(
            request, rows, serialize=health_alert_json, default_limit=DEFAULT_LIMIT, max_limit=MAX_LIMIT
        )
        response.data |= {"sources": list(Source), "severities": list(Severity)}
        return response


class HealthReadAllView(HealthView):
    """POST /api/v1/system-health/read-all."""

    write_role = Role.VIEWER

    @extend_schema(request=None, responses={200: ReadAllShape})
    def post(self, request: Request) -> Response:
        """Mark everything you can see as read by you."""
        self.validated(NothingInput)
        return Response({"updated": mark_all_read(tenant=self.tenant, actor=self.actor, now=self.now())})


class HealthDetailView(HealthView):
    """/api/v1/system-health/:id."""

    def write_role_for(self, method: str | None) -> Role:
        """Let viewers delete, as documented; pinning is for editors."""
        return Role.VIEWER if method == "DELETE" else Role.EDITOR

    @extend_schema(responses={200: HealthAlertShape})
    def get(self, request: Request, alert_id: str) -> Response:
        """Return one alert."""
        return Response(health_alert_json(self.alert(alert_id)))

    @extend_schema(request=PinInput, responses={200: HealthAlertShape})
    def patch(self, request: Request, alert_id: str) -> Response:
        """Pin or unpin an alert."""
        alert = self.alert(alert_id)
        pin_alert(
            alert=alert, is_pinned=self.validated(PinInput)["pinned"], actor=self.actor, now=self.now()
        )  # fmt: skip
        return Response(health_alert_json(self.alert(alert_id)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, alert_id: str) -> Response:
        """Delete an alert for everybody; the audit log keeps who did it and what it said."""
        delete_alert(alert=self.alert(alert_id), actor=self.actor, now=self.now())
        return Response(status=204)


class HealthReadView(HealthView):
    """PATCH /api/v1/system-health/:id/read."""

    write_role = Role.VIEWER

    @extend_schema(request=None, responses={200: HealthAlertShape})
    def patch(self, request: Request, alert_id: str) -> Response:
        """Mark an alert as read by you."""
        self.validated(NothingInput)
        mark_read(alert=self.alert(alert_id), actor=self.actor, now=self.now())
        return Response(health_alert_json(self.alert(alert_id)))


class HealthResolveView(HealthView):
    """POST /api/v1/system-health/:id/resolve."""

    @extend_schema(request=None, responses={200: HealthAlertShape})
    def post(self, request: Request, alert_id: str) -> Response:
        """Mark an alert as dealt with; the same problem raised again opens a new one."""
        self.validated(NothingInput)
        resolve_alert(alert=self.alert(alert_id), actor=self.actor, now=self.now())
        return Response(health_alert_json(self.alert(alert_id)))


def query_words(request: Request, name: str, known: Iterable[str]) -> list[str]:
    """Return a comma-separated query parameter; raise BadRequest that names the parameter for an unknown word."""
    words = [word.strip() for word in request.query_params.get(name, "").split(",") if word.strip()]
    choices = [str(word) for word in known]
    if any(word not in choices for word in words):
        text = f"Must be of {', '.join(choices)}."
        raise BadRequest(f"{name}: {text}", fields={name: [text]})
    return words
