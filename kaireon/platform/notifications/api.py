"""Destinations, sending and the delivery ledger over HTTP."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kaireon.platform.api import ApiView, page_by_cursor, parse_id, query_id
from kaireon.platform.errors import BadRequest, Unprocessable
from kaireon.platform.notifications import selectors, services
from kaireon.platform.notifications.artifacts import ArtifactError, artifacts_of
from kaireon.platform.notifications.decisions import Message, State
from kaireon.platform.notifications.models import Destination
from kaireon.platform.notifications.serializers import (
    CreatedProviderShape,
    DeliveryDetailShape,
    DeliveryShape,
    EmptyInput,
    ProviderInput,
    ProviderListShape,
    ProviderPatch,
    ProviderShape,
    SendInput,
    SendResultShape,
    SendResultsShape,
    created_provider_json,
    delivery_json,
    provider_json,
    send_result_json,
    story_json,
)
from kaireon.platform.notifications.transports.base import web_link
from kaireon.platform.schema import ErrorSerializer, page_of
from kaireon.platform.tenancy.roles import Role

SCOPE = "notifications"


class ProviderListView(ApiView):
    """The tenant's destinations."""

    scope = SCOPE
    write_role = Role.ADMIN

    @extend_schema(responses={200: ProviderListShape})
    def get(self, request: Request) -> Response:
        """List the destinations, newest first, and the kinds there can be."""
        rows = Destination.objects.for_tenant(self.tenant).order_by("-created_at", "-pk")
        return Response({"data": [provider_json(row) for row in rows], "kinds": selectors.list_kinds()})

    @extend_schema(request=ProviderInput, responses={201: CreatedProviderShape})
    def post(self, request: Request) -> Response:
        """Create a destination; the answer leaves out the config."""
        values = self.validated(ProviderInput)
        row = services.create_destination(tenant_id=self.tenant.pk, actor=self.actor, now=self.now(), **values)
        return Response(created_provider_json(row), status=201)


class ProviderDetailView(ApiView):
    """One destination."""

    scope = SCOPE
    write_role = Role.ADMIN

    @extend_schema(responses={200: ProviderShape})
    def get(self, request: Request, provider_id: str) -> Response:
        """Return one destination; secrets read as the placeholder."""
        return Response(provider_json(selectors.find_destination(self.tenant.pk, parse_id(provider_id))))

    @extend_schema(request=ProviderPatch, responses={200: ProviderShape})
    def patch(self, request: Request, provider_id: str) -> Response:
        """Change a destination; its config is merged and validated again."""
        values = self.validated(ProviderPatch)
        row = services.update_destination(
            tenant_id=self.tenant.pk, destination_id=parse_id(provider_id), changes=values,
            actor=self.actor, now=self.now(),
        )  # fmt: skip
        return Response(provider_json(row))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, provider_id: str) -> Response:
        """Delete a destination; rules that name it go on and log `delivery_failed`."""
        services.delete_destination(
            tenant_id=self.tenant.pk, destination_id=parse_id(provider_id), actor=self.actor, now=self.now()
        )
        return Response(status=204)


class ProviderTestView(ApiView):
    """Test a destination."""

    scope = SCOPE
    write_role = Role.ADMIN

    @extend_schema(request=EmptyInput, responses={200: SendResultShape})
    def post(self, request: Request, provider_id: str) -> Response:
        """Send a test the way every message goes, and say how it went; success clears `broken`."""
        self.validated(EmptyInput)
        row = services.send_test(
            tenant_id=self.tenant.pk, destination_id=parse_id(provider_id), actor=self.actor, now=self.now()
        )
        return Response(send_result_json(row))


class SendView(ApiView):
    """Send a message."""

    scope = SCOPE

    @extend_schema(
        request=SendInput,
        responses={200: SendResultsShape, 404: OpenApiResponse(ErrorSerializer, "A destination is not there for you")},
    )
    def post(self, request: Request) -> Response:
        """Send a message to some destinations and say how each of them went."""
        values = self.validated(SendInput)
        now = self.now()
        if values["link"] and not web_link(values["link"]):
            rule = "Must be a web address such as https://kaireon.example.com/settings/alerts."
            raise Unprocessable(f"link: {rule}", fields={"link": [rule]})
        _check_artifacts(values["extra_payload"])
        message = Message(
            event_type="notification", subject=values["subject"], message=values["message"], timestamp=now,
            severity=values["severity"], link=values["link"], extra_payload=values["extra_payload"],
        )  # fmt: skip
        rows = services.send_now(
            tenant_id=self.tenant.pk, provider_ids=list(dict.fromkeys(values["provider_ids"])), message=message,
            actor=self.actor, now=now,
        )  # fmt: skip
        return Response({"results": [send_result_json(row) for row in rows]})


def _check_artifacts(extra_payload: dict[str, Any]) -> None:
    try:
        artifacts_of(extra_payload)
    except ArtifactError as error:
        path = f"extraPayload.{error.path}"
        raise Unprocessable(f"{path}: {error.rule}", fields={path: [error.rule]}) from None


class DeliveryListView(ApiView):
    """The delivery ledger."""

    scope = SCOPE

    @extend_schema(
        responses={200: page_of(DeliveryShape)},
        parameters=[
            OpenApiParameter("providerId", OpenApiTypes.UUID),
            OpenApiParameter("status", str, enum=[state.value for state in State]),
            OpenApiParameter("eventType", str),
            OpenApiParameter("limit", int),
            OpenApiParameter("cursor", str),
        ],
    )
    def get(self, request: Request) -> Response:
        """List deliveries, newest first."""
        state = request.query_params.get("status", "")
        if state and state not in set(State):
            known = ", ".join(State)
            raise BadRequest(f"status: One of {known}.", fields={"status": [f"One of {known}."]})
        rows = selectors.list_deliveries(
            self.tenant.pk,
            provider_id=query_id(request, "providerId"),
            state=state,
            event_type=request.query_params.get("eventType", ""),
        )
        return page_by_cursor(request, rows, serialize=delivery_json)


class DeliveryDetailView(ApiView):
    """One delivery."""

    scope = SCOPE

    @extend_schema(responses={200: DeliveryDetailShape})
    def get(self, request: Request, delivery_id: str) -> Response:
        """Return a delivery with what it said and every attempt."""
        return Response(story_json(selectors.delivery_story(self.tenant.pk, parse_id(delivery_id))))


class DeliveryResendView(ApiView):
    """Send a delivery again."""

    scope = SCOPE

    @extend_schema(request=EmptyInput, responses={201: SendResultShape})
    def post(self, request: Request, delivery_id: str) -> Response:
        """Send a failed, unknown or capped delivery again, as a new one that names the old one."""
        self.validated(EmptyInput)
        row = services.resend_delivery(
            tenant_id=self.tenant.pk, delivery_id=parse_id(delivery_id), actor=self.actor, now=self.now()
        )
        return Response(send_result_json(row), status=201)
