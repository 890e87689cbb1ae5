"""Routes of the tenant's settings."""

from django.urls import path

from kaireon.platform.tenancy import settings_api, settings_views

urlpatterns = [
    path("api/v1/tenant-settings", settings_api.TenantSettingsView.as_view(), name="tenant-settings"),
    path("settings/guardrails", settings_views.guardrails, name="guardrails-page"),
]
