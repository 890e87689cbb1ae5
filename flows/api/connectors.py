"""The API of connectors."""

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from flows.decisions.vocabulary import ConnectorType
from flows.selectors.connectors import find_connector, list_connectors
from flows.serializers.connectors import (
    ConnectorInput,
    ConnectorPatch,
    ConnectorShape,
    ConnectorTestInput,
    ConnectorTestShape,
    connector_json,
    tested_json,
)
from flows.services.connection_tests import test_connector, try_connector
from flows.services.connectors import create_connector, delete_connector, update_connector
from kaireon.platform.api import ApiView, page_by_cursor, parse_id
from kaireon.platform.errors import Unprocessable
from kaireon.platform.schema import ErrorSerializer, page_of

PAGE_PARAMETERS = [OpenApiParameter("limit", int), OpenApiParameter("cursor", str)]
IN_USE = OpenApiResponse(ErrorSerializer, description="Pipelines use it")


class ConnectorView(ApiView):
    """A view of connectors: everybody reads, editors write."""

    scope = "connectors"

    def handle_exception(self, exc: Exception) -> Response:
        """Name a config's fields as they were sent."""
        if isinstance(exc, Unprocessable) and "connectionConfig" in self.request.data:
            exc.fields = {
                f"connectionConfig{path.removeprefix('config')}" if path.startswith("config") else path: texts
                for path, texts in exc.fields.items()
            }
        answer: Response = super().handle_exception(exc)
        return answer


class ConnectorListView(ConnectorView):
    """List and create connectors."""

    @extend_schema(responses={200: page_of(ConnectorShape)}, parameters=PAGE_PARAMETERS)
    def get(self, request: Request) -> Response:
        """List the tenant's connectors, newest first; what is secret is never returned."""
        return page_by_cursor(request, list_connectors(self.tenant), serialize=connector_json)

    @extend_schema(request=ConnectorInput, responses={201: ConnectorShape})
    def post(self, request: Request) -> Response:
        """Create a connector; nothing is called until it is tested or used."""
        values = self.validated(ConnectorInput)
        connector = create_connector(tenant=self.tenant, values=values, actor=self.actor, now=self.now())
        return Response(connector_json(connector), status=201)


class ConnectorDetailView(ConnectorView):
    """One connector."""

    @extend_schema(responses={200: ConnectorShape})
    def get(self, request: Request, connector_id: str) -> Response:
        """Return one connector."""
        return Response(connector_json(find_connector(self.tenant, parse_id(connector_id))))

    @extend_schema(request=ConnectorPatch, responses={200: ConnectorShape})
    def patch(self, request: Request, connector_id: str) -> Response:
        """Change the given fields: config is merged, authConfig replaced; the type stays."""
        connector_uuid = find_connector(self.tenant, parse_id(connector_id)).pk
        changes = self.validated(ConnectorPatch, partial=True)
        connector = update_connector(
            tenant=self.tenant, connector_id=connector_uuid, changes=changes, actor=self.actor, now=self.now()
        )
        return Response(connector_json(connector))

    @extend_schema(responses={204: None, 409: IN_USE})
    def delete(self, request: Request, connector_id: str) -> Response:
        """Delete a connector with its secret, unless pipelines use it."""
        delete_connector(tenant=self.tenant, connector_id=parse_id(connector_id), actor=self.actor, now=self.now())
        return Response(status=204)


class ConnectorTestView(ConnectorView):
    """The Test of connectors."""

    @extend_schema(
        request=ConnectorTestInput,
        responses={200: ConnectorTestShape, 404: OpenApiResponse(ErrorSerializer, description="No such connector")},
    )
    def post(self, request: Request) -> Response:
        """Reach a connector for real, kept or as typed, and say what answered; what failed is no error of this call."""
        values = self.validated(ConnectorTestInput)
        if connector_id := values.get("connector_id"):
            result = test_connector(
                tenant=self.tenant, connector_id=connector_id, actor=self.actor, now=self.now()
            )  # fmt: skip
            return Response(tested_json(result, connector_id))
        result = try_connector(
            tenant=self.tenant, kind=ConnectorType(values["type"]), config=values["config"],
            auth_method=values["auth_method"], secret=values.get("auth_config") or {},
        )  # fmt: skip
        return Response(tested_json(result, None))
