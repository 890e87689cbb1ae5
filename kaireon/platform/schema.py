"""OpenAPI: every operation documents the errors that the envelope can carry."""

from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers

AREA_TAG_DEPTH = 2


class ErrorDetailSerializer(serializers.Serializer[Any]):
    """What stands under `error`."""

    code = serializers.CharField()
    message = serializers.CharField()
    status = serializers.IntegerField()
    requestId = serializers.CharField()  # noqa: N815 - the wire's name

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
