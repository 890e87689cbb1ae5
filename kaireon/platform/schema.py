"""OpenAPI: every operation documents the errors that the envelope can carry."""

from typing import Any, Literal

from drf_spectacular.authentication import SessionScheme
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers

VERBS = {"GET": "retrieve", "POST": "create", "PUT": "update", "PATCH": "change", "DELETE": "delete"}


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Tell OpenAPI about API keys, in either header."""

    target_class = "kaireon.platform.tenancy.authentication.ApiKeyAuthentication"
    name = ["apiKey", "bearer"]

    def get_security_definition(self, auto_schema: AutoSchema) -> Any:
        """Return both ways to send a key."""
        return [
            {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            {"type": "http", "scheme": "bearer", "bearerFormat": "krn_…"},
        ]


class BrowserSessionScheme(SessionScheme):  # type: ignore[no-untyped-call]
    """Tell OpenAPI about the browser's session."""

    target_class = "kaireon.platform.tenancy.authentication.BrowserSessionAuthentication"
    name = "session"


class ErrorDetailSerializer(serializers.Serializer[Any]):
    """What stands under `error`."""

    code = serializers.CharField()
    message = serializers.CharField()
    status = serializers.IntegerField()
    requestId = serializers.CharField()  # noqa: N815 - the wire's name
    errorId = serializers.CharField(required=False, help_text="Of a failure on our side")  # noqa: N815

    def get_fields(self) -> dict[str, Any]:
        """Add `fields`, a name that a serializer class keeps for itself."""
        texts = serializers.ListField(child=serializers.CharField())
        return {**super().get_fields(), "fields": serializers.DictField(child=texts, required=False)}


class ErrorSerializer(serializers.Serializer[Any]):
    """The error envelope."""

    error = ErrorDetailSerializer()


class EnvelopeAutoSchema(AutoSchema):
    """Add the shared error responses to what a view declares."""

    def get_tags(self) -> list[str]:
        """Group operations by area: `/api/v1/alerts/…` is `alerts`."""
        parts = [part for part in self.path.split("/") if part and part not in {"api", "v1"}]
        return [parts[0] if parts else "api"]

    def get_operation_id(self) -> str:
        """Name an operation by its path and verb: `alerts_list`, `alerts_mute_create`."""
        parts = self.path.removeprefix("/api/").removeprefix("v1/").split("/")
        words = [part.replace("-", "_") for part in parts if part and not part.startswith("{")]
        is_list = self.method == "GET" and not self.path.endswith("}") and type(self.view).__name__.endswith("ListView")
        return "_".join([*words, "list" if is_list else VERBS[self.method]])

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> Any:
        responses = super()._get_response_bodies(direction)
        for status, description in self._errors().items():
            if status not in responses:
                responses[status] = self._get_response_for_code(  # type: ignore[no-untyped-call]
                    OpenApiResponse(ErrorSerializer, description=description), status, direction=direction
                )
        return responses

    def _errors(self) -> dict[str, str]:
        errors = {
            "400": "Cannot be read: the body, a field or a parameter",
            "401": "No credentials, or bad ones",
            "403": "Not allowed for this role, scope or tenant",
            "429": "Too many requests; see Retry-After",
        }
        if "{" in self.path:
            errors["404"] = "No such object for this tenant"
        if self.method in {"POST", "PUT", "PATCH"}:
            errors |= {
                "413": "The body is too large",
                "415": "The content type is not application/json",
                "409": "Conflicts with what is there",
                "422": "Reads well and cannot be",
            }
        return errors


class PaginationSerializer(serializers.Serializer[Any]):
    """Where a list stands; pass `cursor` back for the next page."""

    total = serializers.IntegerField()
    limit = serializers.IntegerField()
    hasMore = serializers.BooleanField()  # noqa: N815
    cursor = serializers.CharField(allow_null=True)


def page_of(shape: type[serializers.Serializer[Any]]) -> type[serializers.Serializer[Any]]:
    """Return the schema of a list envelope around `shape`."""
    name = shape.__name__.removesuffix("Shape") + "Page"
    fields = {"__doc__": f"A page of {name}.", "data": shape(many=True), "pagination": PaginationSerializer()}
    return type(name, (serializers.Serializer,), fields)
