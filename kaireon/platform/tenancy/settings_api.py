"""The tenant's settings over the API."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kaireon.platform.api import ApiView
from kaireon.platform.tenancy.roles import Role
from kaireon.platform.tenancy.settings_serializers import TenantSettingsShape, check_patch
from kaireon.platform.tenancy.settings_services import update_tenant_settings


class TenantSettingsView(ApiView):
    """GET and PUT /api/v1/tenant-settings."""

    scope = "tenant-settings"
    write_role = Role.ADMIN

    @extend_schema(responses={200: TenantSettingsShape})
    def get(self, request: Request) -> Response:
        """Return the settings: `{}` when nothing was ever set."""
        return Response(self.tenant.settings)

    @extend_schema(request=TenantSettingsShape, responses={200: TenantSettingsShape})
    def put(self, request: Request) -> Response:
        """Merge what is sent into the settings and return them all; null removes a key."""
        patch = check_patch(request.data)
        return Response(
            update_tenant_settings(tenant=self.tenant, patch=patch, actor=self.actor, now=self.now())
        )  # fmt: skip
