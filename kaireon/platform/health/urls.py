"""Routes of system health."""

from django.urls import path

from kaireon.platform.health import api, views

urlpatterns = [
    path("api/v1/system-health", api.HealthListView.as_view(), name="system-health"),
    path("api/v1/system-health/read-all", api.HealthReadAllView.as_view(), name="system-health-read-all"),
    path("api/v1/system-health/<str:alert_id>", api.HealthDetailView.as_view(), name="system-health-alert"),
    path("api/v1/system-health/<str:alert_id>/read", api.HealthReadView.as_view(), name="system-health-read"),
    path("api/v1/system-health/<str:alert_id>/resolve", api.HealthResolveView.as_view(), name="system-health-resolve"),
    path("system-health", views.system_health, name="system-health-page"),
    path("system-health/drawer", views.drawer, name="system-health-drawer"),
    path("system-health/read-all", views.read_all, name="system-health-page-read-all"),
    path("system-health/<str:alert_id>/read", views.read, name="system-health-page-read"),
    path("system-health/<str:alert_id>/resolve", views.resolve, name="system-health-page-resolve"),
    path("system-health/<str:alert_id>/pin", views.pin, name="system-health-page-pin"),
    path("system-health/<str:alert_id>/delete", views.delete, name="system-health-page-delete"),
]
