"""Routes of the probes and the metrics."""

from django.urls import path

from kaireon.platform.telemetry import api, views

urlpatterns = [
    path("api/health", views.health, name="health"),
    path("api/ready", views.ready, name="ready"),
    path("api/metrics", views.metrics, name="metrics"),
    path("api/v1/metrics", views.metrics, name="metrics-v1"),
    path("api/v1/metrics/summary", api.MetricsSummaryView.as_view(), name="metrics-summary"),
]
