"""API keys and the tenant of the caller."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kaireon.platform.api import ApiView, page_by_cursor
from kaireon.platform.schema import page_of
from kaireon.platform.tenancy.models import ApiKey
from kaireon.platform.tenancy.roles import Role
from kaireon.platform.tenancy.serializers import (
    ApiKeyInput,
    ApiKeyShape,
    CreatedApiKeyShape,
    TenantStatusShape,
    api_key_json,
)
from kaireon.platform.tenancy.services import create_api_key, revoke_api_key

PAGE_PARAMETERS = [OpenApiParameter("limit", int), OpenApiParameter("cursor", str)]


class ApiKeyListView(ApiView):
    """List and create keys."""

    scope = "api-keys"
    read_role = write_role = Role.ADMIN

    @extend_schema(responses={200: page_of(ApiKeyShape)}, parameters=PAGE_PARAMETERS)
    def get(self, request: Request) -> Response:
        """List the tenant's keys, newest first."""
        return page_by_cursor(request, ApiKey.objects.for_tenant(self.tenant), serialize=api_key_json)

    @extend_schema(request=ApiKeyInput, responses={201: CreatedApiKeyShape})
    def post(self, request: Request) -> Response:
        """Create a key; the answer is the only place where it stands."""
        values = self.validated(ApiKeyInput)
        row, key = create_api_key(
            tenant=self.tenant, name=values["name"], role=Role(values["role"]), scopes=values["scopes"],
            expires_at=values.get("expires_at"), actor=self.actor, now=self.now(),
        )  # fmt: skip
        return Response({**api_key_json(row), "key": key}, status=201)


class ApiKeyDetailView(ApiView):
    """One key."""

    scope = "api-keys"
    read_role = write_role = Role.ADMIN

    @extend_schema(responses={200: ApiKeyShape})
    def get(self, request: Request, key_id: str) -> Response:
        """Return one key."""
        return Response(api_key_json(self.find(ApiKey.objects.for_tenant(self.tenant), key_id)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, key_id: str) -> Response:
        """Revoke a key at once."""
        key = self.find(ApiKey.objects.for_tenant(self.tenant), key_id)
        revoke_api_key(key=key, actor=self.actor, now=self.now())
        return Response(status=204)


class TenantStatusView(ApiView):
    """Tell the caller who they are, and for which tenant."""

    scope = "tenant"

    @extend_schema(responses={200: TenantStatusShape})
    def get(self, request: Request) -> Response:
        """Return the tenant and role of the caller."""
        tenant = self.tenant
        return Response(
            {"tenantId": str(tenant.pk), "name": tenant.name, "slug": tenant.slug, "timezone": tenant.timezone,
             "role": self.actor.role.value}
        )  # fmt: skip
