"""Routes of API keys and the caller's tenant."""

from django.urls import path

from kaireon.platform.tenancy import api, views

urlpatterns = [
    path("api/v1/api-keys", api.ApiKeyListView.as_view(), name="api-keys"),
    path("api/v1/api-keys/<str:key_id>", api.ApiKeyDetailView.as_view(), name="api-key"),
    path("api/v1/tenant/status", api.TenantStatusView.as_view(), name="tenant-status"),
    path("settings/api-keys", views.api_keys, name="api-keys-page"),
    path("settings/api-keys/<str:key_id>/revoke", views.revoke, name="api-key-revoke"),
]
