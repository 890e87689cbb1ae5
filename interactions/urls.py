"""Routes of outcome types and the metrics catalogue."""

from django.urls import path

from interactions import api

urlpatterns = [
    path("api/v1/outcome-types", api.OutcomeTypeListView.as_view(), name="outcome-types"),
    path("api/v1/metrics-catalogue", api.MetricsCatalogueView.as_view(), name="metrics-catalogue"),
]
